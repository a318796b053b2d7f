"""Submissions that solve nothing and try to look right: with the real child and the real judge."""

import pytest

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits
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


@pytest.mark.parametrize("first", range(0, len(TRICKS), 2))
def test_it_earns_nothing(first: int) -> None:
    """Four files, each a trick alone; each trick in two of four archives, in different parts."""
    names = [*TRICKS, *TRICKS][first : first + len(FILES)]
    result = grade({f: TRICKS[name] + STUBS for f, name in zip(FILES.values(), names, strict=True)})
    assert result.score == 0
    assert result.extra_data.needs_a_look
    assert "dataset" not in [one.part for one in result.extra_data.right]
    assert {one.part for one in result.extra_data.findings + result.extra_data.not_seen} == {*FILES}


REWRITE = """
import os, sys
root = os.path.dirname(os.path.abspath(__file__))
for name in os.listdir(root):
    if name.endswith(".py"):
        open(os.path.join(root, name), "a").write("\\nraise SystemExit('rewritten')\\n")
for folder in ("/tmp", "/dev/shm", root, os.environ["HOME"]):
    try:
        open(folder + "/left-here", "w").close()
    except OSError:
        pass
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "47.11"])
    os._exit(0)
"""
LOOK = """
import os
root = os.path.dirname(os.path.abspath(__file__))
places = ("/tmp", os.environ["TMPDIR"], "/dev/shm", root, os.environ["HOME"])
left = [place for place in places if os.path.exists(place + "/left-here")]
here = os.popen("ps -eo args | grep '[4]7.11'").read().split()
text = open(root + "/dataset.py").read().count("rewritten')")
raise KeyError(f"{left} {here} {text}")
class LSTM: pass
"""


@pytest.mark.parametrize("way", ways.ALL, ids=lambda way: way.tool)
def test_one_part_leaves_nothing_to_the_next(way: Isolation) -> None:
    """Of the copy, of other files, and of what left its session."""
    ways.need(way)
    data = pack({"dataset.py": REWRITE + STUBS, "lstm.py": LOOK})
    result = grade_archive("1_assignment3.zip", data, read_rubric(), Limits(), isolation=way)
    messages = [one.message for one in result.extra_data.findings if one.part == "lstm"]
    assert any("[] [] 1" in message for message in messages), messages
