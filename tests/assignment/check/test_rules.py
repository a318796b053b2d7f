"""The rules: every sentence is one, is used, and says nothing that nobody could prove."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from toolkit.assignment.check import rules as module
from toolkit.assignment.check.findings import IDS
from toolkit.assignment.check.rules import Rule, rules
from toolkit.assignment.check.rules.claims import CLAIMS
from toolkit.assignment.parts import PARTS
from toolkit.assignment.records import doubts

CHECK = Path(module.__file__).parents[1]
SOURCES = "\n".join(path.read_text("utf-8") for path in CHECK.rglob("*.py")).replace("'", '"')
TREES = {path: ast.parse(path.read_text("utf-8")) for path in CHECK.rglob("*.py")}
RECORDS = Path(doubts.__file__).read_text("utf-8")
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
        claims = [claim for claim in CLAIMS.values() if table in claim.ids]
        known = {"id"}.union(*(claim.parameters for claim in claims))
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


@pytest.mark.parametrize("name", CLAIMS)
def test_each_claim_is_made(name: str) -> None:
    assert f"claims.{name}(" in SOURCES + RECORDS


def claim_of(node: ast.expr | None, function: ast.AST) -> str:
    """The name of the claim that an expression makes, or the last one for a variable; else ""."""
    if isinstance(node, ast.Call):
        text = ast.unparse(node.func)
        return text.removeprefix("claims.") if text.startswith("claims.") else ""
    if not isinstance(node, ast.Name):
        return ""
    values: dict[int, ast.expr] = {}  # by the line
    for inner in ast.walk(function):
        if isinstance(inner, ast.Assign) and ast.unparse(inner.targets[0]) == node.id:
            values[inner.lineno] = inner.value
    before = [line for line in values if line < node.lineno]
    return claim_of(values[max(before)], function) if before else ""


def raised() -> Iterator[Any]:
    """Each call of `fault` or `right` whose rule and claim stand there: its place, and both."""
    for path, tree in TREES.items():
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for function in functions:
            for call in ast.walk(function):
                if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                    continue
                proofs = [keyword.value for keyword in call.keywords if keyword.arg == "proof"]
                if call.func.attr not in ("fault", "right") or not proofs or not call.args:
                    continue
                rule, claim = call.args[0], claim_of(proofs[0], function)
                if isinstance(rule, ast.Constant) and claim:
                    name = rule.value if call.func.attr == "fault" else f"right.{rule.value}"
                    yield pytest.param(path, name, claim, id=f"{path.stem}-{name}")


RAISED = list(raised())


@pytest.mark.parametrize(("path", "rule", "claim"), RAISED)
def test_each_fault_names_a_claim_that_may_prove_it(path: Path, rule: str, claim: str) -> None:
    """And so does what is right: the claim rules out all that the sentence answers."""
    table, _, _ = rule.partition(".")
    own_part = path.relative_to(CHECK).parts[0].removesuffix(".py")
    parts = [part for part in PARTS if part == own_part] or PARTS
    ids = {table} if table != "right" else set(rules(parts[0])[rule].answers)
    assert CLAIMS[claim].verdict == ("right" if table == "right" else "wrong")
    assert CLAIMS[claim].ids >= ids


def test_most_faults_name_their_claim_in_sight() -> None:
    """The others get it from a function, and fail when they are raised with a wrong one."""
    calls = re.findall(r"\.(?:fault|right)\(\s", SOURCES) + re.findall(
        r"verdicts\.(?:fault|right)\(\"", SOURCES
    )
    assert len(RAISED) > 0.7 * len(calls)
