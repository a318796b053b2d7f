"""Submissions that solve nothing and try to look right: with the real child and the real judge."""

import os

import pytest

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import grade_archive
from toolkit.assignment.running.parts import FILES
from toolkit.assignment.sandbox.isolation import Isolation, Limits

from .. import ways
from ..deceits import STUBS, TRICKS
from ..submissions import pack

pytestmark = pytest.mark.needs("bwrap")


def grade(files: dict[str, str]) -> Result:
    ways.need(ways.BUBBLEWRAP)
    data = pack(dict(files))
    return grade_archive("1_assignment3.zip", data, read_rubric(), Limits(seconds=90),
                         isolation=ways.BUBBLEWRAP)  # fmt: skip


@pytest.mark.slow
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
for folder in ("/tmp", "/dev/shm", os.environ["TMPDIR"], root, os.environ["HOME"]):
    try:
        open(folder + "/left-here", "w").close()
        os.makedirs(folder + "/left-shut/inner")
        open(folder + "/left-shut/inner/file", "w").close()
        here = os.open(folder, os.O_RDONLY)
        for _ in range(1100):
            os.mkdir("left-deep", dir_fd=here)
            here, above = os.open("left-deep", os.O_RDONLY, dir_fd=here), here
            os.close(above)
        os.setxattr(folder, "user.left", b"x")
    except OSError:
        pass
    for name in ("/left-shut/inner", "/left-shut", ""):
        try:
            os.chmod(folder + name, 0)
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
left = []
for place in places:
    try:
        left += [place for name in os.listdir(place) if "left-" in name]
        left += [place for name in os.listxattr(place) if name == "user.left"]
    except PermissionError:  # of Landlock
        pass
here = os.popen("ps -eo args | grep '[4]7.11'").read().split()
text = open(root + "/dataset.py").read().count("rewritten')")
raise KeyError(f"{left} {here} {text}")
class LSTM: pass
"""


@pytest.mark.parametrize("way", ways.ALL, ids=lambda way: way.tool)
def test_one_part_leaves_nothing_to_the_next(way: Isolation) -> None:
    """Of the copy, of other files, open, closed or deep, and of what left its session."""
    ways.need_a_separate_user(way)
    ways.need(way)
    data = pack({"dataset.py": REWRITE + STUBS, "lstm.py": LOOK})
    result = grade_archive("1_assignment3.zip", data, read_rubric(), Limits(), isolation=way)
    messages = [one.message for one in result.extra_data.findings if one.part == "lstm"]
    # An ordinary user cannot count what lies in a closed folder, and that is over the limit.
    unseen = [one.message for one in result.extra_data.not_seen if one.part == "lstm"]
    is_stopped = os.geteuid() != 0 and any("wrote more than" in message for message in unseen)
    assert is_stopped or any("[] [] 1" in message for message in messages), messages + unseen


LIVES_ON = """
import inspect, os
frames = [one.frame for one in inspect.stack()]
ours = next(one for one in frames if one.f_code.co_name == "answer_questions")
whole = next(one for one in frames if one.f_code.co_name == "main" and "nonce" in one.f_locals)
write, nonce, receive = ours.f_locals["write"], whole.f_locals["nonce"], ours.f_globals["receive"]
said = {"types": ["KeyError"], "text": "I was asked", "module": None, "file": None, "line": None}
said["walls"] = []
def receive_and_live_on(descriptor):
    number, question = receive(descriptor)
    if question.get("ask") != "no more":
        return number, question
    ours.f_globals["send"](write, nonce, {"ended": {"status": 0, "cpu": 0.1, "late": False}})
    while True:
        number, question = receive(descriptor)
        if "ask" in question:
            ours.f_globals["send"](write, number, {"error": said})
ours.f_globals["receive"] = receive_and_live_on
"""


@pytest.mark.slow
def test_nobody_says_that_he_has_ended_and_answers_for_the_next() -> None:
    result = grade({"dataset.py": LIVES_ON + STUBS, "lstm.py": "class LSTM: pass"})
    findings = result.extra_data.findings + result.extra_data.not_seen
    said = [one.message for one in findings if one.part == "lstm"]
    assert said
    assert not any("I was asked" in message or "stopped" in message for message in said), said
