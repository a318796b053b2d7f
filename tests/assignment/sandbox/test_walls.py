"""A sandbox's walls are nobody's fault: honest programs lose no certain point to one."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import Check, grade_archive
from toolkit.assignment.judging import parent
from toolkit.assignment.sandbox.isolation import Limits

from .. import ways
from ..honest import HONEST, WALLS
from ..judging.corpus import build, cases
from ..submissions import pack

pytestmark = [pytest.mark.needs("bwrap"), pytest.mark.slow]


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a right hand-in."""
    folder: Path = tmp_path_factory.mktemp("right")
    name = next(iter(cases.RIGHT))
    build.write(cases.RIGHT[name], build.texts(cases.RIGHT[name]), folder)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.py")}


def graded(files: dict[str, bytes]) -> Result:
    """By the real check, of which only the training is asked for."""
    ways.need(ways.BUBBLEWRAP)
    check = Check(judge=functools.partial(parent.judge, parts=["train"]))
    data = pack(dict(files))
    name = "1_assignment3.zip"
    return grade_archive(name, data, read_rubric(), Limits(), check, ways.BUBBLEWRAP)


def programs() -> Iterator[ParameterSet]:
    """Each honest program; if an earlier one meets the same wall, in `make nightly` alone."""
    met = set[str]()
    for name in HONEST:
        wall = WALLS.get(name, "")
        yield pytest.param(name, marks=pytest.mark.nightly if wall in met else ())
        if wall:
            met.add(wall)


@pytest.mark.parametrize("name", list(programs()))
def test_no_certain_point_is_lost(name: str, right: dict[str, bytes]) -> None:
    """Before the training of a right hand-in; what is not seen names the wall, if there is one."""
    train = HONEST[name].encode() + b"\n" + right["train.py"]
    result = graded(right | {"train.py": train})
    assert [
        task.name for task in result.tests if task.score + task.extra_data.open < task.max_score
    ] == []
    assert result.extra_data.problem == ""
    if name in WALLS:
        said = " ".join(finding.message for finding in result.extra_data.not_seen)
        # The sandbox may see that its disk is full before the program does, and then ends it.
        is_ended = "all files together" in WALLS[name] and "wrote more than" in said
        assert WALLS[name] in said or is_ended, said


@pytest.mark.parametrize(
    "program",
    ["{}['x']\n", "open('own.txt', 'w').close()\nint(open('own.txt').read())\n",
     "import torch\ntorch.zeros(2) @ torch.zeros(3)\n"],
    ids=["key", "empty file", "shapes"],
)  # fmt: skip
def test_a_fault_stays_one(program: str, right: dict[str, bytes]) -> None:
    """What an ordinary machine would show, too, costs what it did."""
    result = graded(right | {"train.py": program.encode() + right["train.py"]})
    assert [finding.id for finding in result.extra_data.findings] == ["does-not-run"]
