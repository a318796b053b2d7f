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
from toolkit.assignment.check.rules.claims import CLAIMS, Claim
from toolkit.assignment.parts import PARTS

CHECK = Path(module.__file__).parents[1]
SOURCES = "\n".join(path.read_text("utf-8") for path in CHECK.rglob("*.py")).replace("'", '"')
# The names of what a judge gives to a sentence: keywords of calls and keys of dictionaries.
GIVEN = {*re.findall(r"\b(\w+)=", SOURCES), *re.findall(r"\"(\w+)\":", SOURCES)}


def fields(rule: Rule) -> set[str]:
    """The values that a sentence mentions."""
    names = set()
    for _, name, _, _ in Formatter().parse(rule.says):
        if name:
            names.add(re.split(r"[.\[]", name)[0])
    return names


def claimed_values(table: str) -> set[str]:
    """The values that the claims of an id prove it from."""
    names = {"id"}
    if table in verify.ONCE:
        names.add("said")
    for claim in claims_of(table):
        names.update(inspect.signature(claim.holds).parameters)
    return names


def claims_of(table: str) -> list[Claim]:
    return [claim for claim in CLAIMS.values() if table in claim.ids.split()]


def is_used(table: str, short: str) -> bool:
    """The name stands in the code, whole or put together at a dash or after the table."""
    if is_fault(table):
        whole = f'"{table}.{short}"' in SOURCES or f'}}.{short}"' in SOURCES
    else:
        whole = f'"{short}"' in SOURCES
    halves = [(f"{table}.", short)]
    for dash in re.finditer("-", short):
        halves.append((short[: dash.end()], short[dash.end() :]))
    return whole or any(f"{begin}{{" in SOURCES and f'"{end}"' in SOURCES for begin, end in halves)


def is_fault(table: str) -> bool:
    return table not in ("right", "not-seen", "also")


@pytest.mark.parametrize("part", ["any", *PARTS])
def test_each_is_a_sentence_that_can_be_said(part: Any) -> None:
    """Its fields are given by somebody, or by what proves it; and some judge says it."""
    wrong = []
    for name, rule in rules(part).items():
        table, _, short = name.partition(".")
        if not re.fullmatch(r"\S.*[.?]", rule.says) or "  " in rule.says:
            wrong.append((name, "no sentence"))
        if is_fault(table) and not (table in IDS and claims_of(table)):
            wrong.append((name, "cannot be proved"))
        if not fields(rule) <= claimed_values(table) | GIVEN:
            wrong.append((name, "unknown fields"))
        if not is_used(table, short):
            wrong.append((name, "unused"))
    assert wrong == []
