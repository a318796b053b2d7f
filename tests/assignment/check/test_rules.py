"""The rules: every sentence is one, is used, and says nothing that nobody could prove."""

import inspect
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from toolkit.assignment.check import rules as module
from toolkit.assignment.check import verify
from toolkit.assignment.check.findings import IDS
from toolkit.assignment.check.rules import Rule, rules
from toolkit.assignment.check.rules.claims import CLAIMS
from toolkit.assignment.parts import PARTS

CHECK = Path(module.__file__).parents[1]
SOURCES = "\n".join(path.read_text("utf-8") for path in CHECK.rglob("*.py")).replace("'", '"')
GIVEN = {word for pair in re.findall(r"\b(\w+)=|\"(\w+)\":", SOURCES) for word in pair}


def fields(rule: Rule) -> set[str]:
    """What a sentence mentions."""
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(rule.says) if name}


def dashes(text: str) -> list[int]:
    """Where a name could be put together."""
    return [k for k, letter in enumerate(text) if letter == "-"]


@pytest.mark.parametrize("part", ["any", *PARTS])
def test_each_is_a_sentence_that_can_be_said(part: Any) -> None:
    """Its fields are given by somebody, or by what proves it; and some judge says it."""
    wrong = []
    for name, rule in rules(part).items():
        table, _, short = name.partition(".")
        is_fault = table not in ("right", "not-seen", "also")
        claims = [claim for claim in CLAIMS.values() if table in claim.ids.split()]
        known = {name for claim in claims for name in inspect.signature(claim.holds).parameters}
        known |= {"id"} | ({"said"} if table in verify.ONCE else set())
        halves = [f"{table}.", short], *([short[: k + 1], short[k + 1 :]] for k in dashes(short))
        joined = any(f"{a}{{" in SOURCES and f'"{b}"' in SOURCES for a, b in halves)
        said = [f'{name}"', f'}}.{short}"'] if is_fault else [f'"{short}"']
        tests = {
            "no sentence": re.fullmatch(r"\S.*[.?]", rule.says) and "  " not in rule.says,
            "cannot be proved": not is_fault or (table in IDS and claims),
            "unknown fields": fields(rule) <= known | GIVEN,
            "unused": joined or any(text in SOURCES for text in said),
        }
        wrong += [(name, what) for what, holds in tests.items() if not holds]
    assert wrong == []
