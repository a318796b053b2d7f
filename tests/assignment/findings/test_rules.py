"""The rules: every sentence is one, is used, and says nothing that nobody could prove."""

import ast
import functools
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from toolkit.assignment.findings import rules as module
from toolkit.assignment.findings.findings import IDS
from toolkit.assignment.findings.rules import Rule, rules
from toolkit.assignment.findings.rules.claims import CLAIMS, Claim
from toolkit.assignment.judging import doubts
from toolkit.assignment.running.parts import PARTS

CHECK = Path(module.__file__).parents[2]
SOURCES = "\n".join(path.read_text("utf-8") for path in CHECK.rglob("*.py")).replace("'", '"')
RECORDS = Path(doubts.__file__).read_text("utf-8")
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
    for claim in claims_of(table):
        names.update(claim.parameters)
    return names


def claims_of(table: str) -> list[Claim]:
    return [claim for claim in CLAIMS.values() if table in claim.ids]


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


@functools.cache
def raised() -> list[tuple[Path, str, str]]:
    """The file, rule and claim of each call of `fault` or `right` that writes out both names."""
    calls = []
    for path in CHECK.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
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
                    calls.append((path, name, claim))
    return calls


def test_each_fault_names_a_claim_that_may_prove_it() -> None:
    """And so does what is right: the claim rules out all that the sentence answers."""
    wrong = []
    for path, rule, claim in raised():
        table, _, _ = rule.partition(".")
        rooms = {room.removesuffix(".py") for room in path.relative_to(CHECK).parts}
        parts = [part for part in PARTS if part in rooms] or PARTS
        ids = {table} if table != "right" else set(rules(parts[0])[rule].answers)
        if CLAIMS[claim].verdict != ("right" if table == "right" else "wrong"):
            wrong.append((path.name, rule, claim, "another verdict"))
        if not CLAIMS[claim].ids >= ids:
            wrong.append((path.name, rule, claim, "does not prove it"))
    assert wrong == []


def test_most_faults_name_their_claim_in_sight() -> None:
    """The others get it from a function, and fail when they are raised with a wrong one."""
    calls = re.findall(r"\.(?:fault|right)\(\s", SOURCES) + re.findall(
        r"verdicts\.(?:fault|right)\(\"", SOURCES
    )
    assert len(raised()) > 0.7 * len(calls)
