"""Rewritings keep what a program does, and the check keeps its verdicts on them."""

import functools
import random

import pytest
from metamorphic import Check, all_same, result, rewritten
from rewritings import KINDS
from solutions import faulty

from toolkit.assignment.asking.host import Host

check = functools.cache(Check)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_rewriting_does_the_same(kind: str) -> None:
    """In the first solution that it fits: the same losses, weights, pictures, printed numbers."""
    of = check(None, None)
    made = ((s.program, rewritten(s.program, s.right, kind, 1, random.Random(0))) for s in of.right)
    program, (new, _, parts) = next((old, new) for old, new in made if new is not None)
    before, after = of.trace(program, parts), of.trace(new, parts, KINDS[kind].mirrored)
    assert len(before[0]) > 10
    assert all_same(before, after)


@pytest.mark.slow
def test_a_misconception_is_put_into_what_it_fits() -> None:
    right = check(None, None).right[0]
    made = {one.program.name: one for one in faulty(right, "lstm")}
    wrong = made[f"{right.program.name}, c forgets by a minus"]
    assert "c = g * i - c * f" in wrong.program.files["lstm.py"]
    assert wrong.ids == {"wrong-equation"}
    runs = [check(None, None).trace(one, ["lstm"]) for one in (wrong.program, right.program)]
    assert not all_same(*runs)


@pytest.mark.nightly
@pytest.mark.parametrize(("what", "begin"), [("right", 0), ("faulty", 1)])
def test_sixty_programs(what: str, begin: int) -> None:
    with Host() as host:
        done = {n: result(check(host, None), what, n, 0) for n in range(begin, 60, 2)}
    judged = {n: one["false"] for n, one in done.items() if one["outcome"] == "judged"}
    assert {(n, finding["id"]) for n, found in judged.items() for finding in found} == set()
    assert len(judged) >= 25
