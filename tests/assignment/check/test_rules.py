"""The rules: every sentence is one, is used, and says nothing that nobody could prove."""

import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from toolkit.assignment.check import rules as module
from toolkit.assignment.check import verify
from toolkit.assignment.check.findings import IDS
from toolkit.assignment.check.rules import Rule, rules
from toolkit.assignment.check.verdicts import QUESTIONS
from toolkit.assignment.parts import PARTS

CHECK = Path(module.__file__).parents[1]
SOURCES = "\n".join(path.read_text("utf-8") for path in sorted(CHECK.rglob("*.py")))
TABLES: tuple[Any, ...] = ("any", *PARTS)
RULES = {
    f"{part}: {name}": (part, name, rule)
    for part in TABLES
    for name, rule in rules(part).items()
    if part == "any" or name not in rules("any")
}


def fields(rule: Rule) -> set[str]:
    """What a sentence mentions."""
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(rule.says) if name}


@pytest.mark.parametrize("name", RULES)
def test_it_is_a_sentence_that_can_be_said(name: str) -> None:
    """Its fields are given by somebody, or by what proves it; and some judge says it."""
    _, said, rule = RULES[name]
    table, _, short = said.partition(".")
    assert re.fullmatch(r"[A-Z({].*[.?]", rule.says, re.DOTALL)
    assert "  " not in rule.says
    claims = [c for c in verify.CLAIMS.values() if table in c.ids.split()]
    assert table in ("right", "not-seen") or (table in IDS and claims)
    known = {name for c in claims for name in c.holds.__code__.co_varnames} | {"id"}
    known |= {"said", "where"} if table in verify.ONCE else set()
    assert {f for f in fields(rule) - known if not re.search(rf"\b{f}=|\"{f}\":", SOURCES)} == set()
    used = f'"{short}"' if table in ("right", "not-seen") else f'{short}"'
    whole = f'"{said}"' if table in ("right", "not-seen") else None
    assert used in SOURCES or (whole and whole in SOURCES)


def test_every_question_is_answered_by_a_sentence() -> None:
    """A judge that finds nothing wrong can say so of each."""
    for part, questions in QUESTIONS.items():
        answered = {id for rule in rules(part).values() for id in rule.answers}
        assert set(questions) <= answered, part
