"""Submissions that solve nothing and try to look right: with the real child and the real judge."""

import pytest

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.sandbox.isolation import Limits
from toolkit.assignment.grade.verdict import grade_archive
from toolkit.assignment.parts import FILES

from ... import ways
from ...deceits import STUBS, TRICKS
from ...submissions import pack

pytestmark = pytest.mark.needs("bwrap")


def grade(files: dict[str, str]) -> Result:
    ways.need(ways.BUBBLEWRAP)
    data = pack(dict(files))
    return grade_archive("1_assignment3.zip", data, read_rubric(), Limits(seconds=90),
                         isolation=ways.BUBBLEWRAP)  # fmt: skip


@pytest.mark.parametrize("program", TRICKS.values(), ids=list(TRICKS))
def test_it_earns_nothing(program: str) -> None:
    """All four files are the trick alone."""
    result = grade(dict.fromkeys(FILES.values(), program + STUBS))
    assert result.score == 0
    assert result.extra_data.needs_a_look
    assert "dataset" not in [one.part for one in result.extra_data.right]
    assert {one.part for one in result.extra_data.findings + result.extra_data.not_seen} == {*FILES}
