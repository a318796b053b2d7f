"""Submissions that solve nothing and try to look right: with the real child and the real judge.

Their code shares a process with what answers about it, so it can say whatever it likes. What it
cannot do is to know which answers are right, or to write a verdict.
"""

import pytest

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.sandbox.isolation import Limits
from toolkit.assignment.grade.verdict import grade_archive
from toolkit.assignment.parts import FILES

from ... import ways
from ...submissions import pack

pytestmark = pytest.mark.needs("bwrap")

# Each method of each class of the toolkit does nothing, as `Sink.fault` once did.
PATCH = """
import sys
for module in [m for name, m in sys.modules.items() if name.startswith("toolkit")]:
    for thing in list(vars(module).values()):
        if isinstance(thing, type) and thing.__module__.startswith("toolkit"):
            for name in [name for name in vars(thing) if not name.startswith("__")]:
                try:
                    setattr(thing, name, lambda *a, **k: None)
                except Exception:
                    pass
"""
# Every answer is what looks like a good one.
ANSWER = """
import gc
for thing in gc.get_objects():
    if type(thing).__name__ == "Answers":
        for name in [name for name in dir(type(thing)) if not name.startswith("_")]:
            setattr(thing, name, lambda **k: {"name": "PalindromeDataset", "passed": True,
                    "parameters": [], "findings": [], "inputs": [], "labels": [],
                    "items_line": 1, "init_line": 1, "right": True, "verdict": "right"})
"""
# Everything that is sent is a report without faults.
SEND = """
import sys
answering = sys.modules["toolkit.assignment.check.child.answering"]
true = answering.send
report = {"passed": True, "files": {}, "findings": [], "not_seen": [], "right": []}
answering.send = lambda descriptor, nonce, value: true(descriptor, nonce, {"value": report})
"""
# It finds the nonces in the frames, and writes the answers and the end of the process itself.
WRITE = """
import json, os, sys
nonces, frame = {"0" * 32}, sys._getframe()
while frame is not None:
    nonces |= {v for v in frame.f_locals.values() if isinstance(v, str) and len(v) == 32}
    frame = frame.f_back
good = [{"value": {"name": "PalindromeDataset", "parameters": [], "items_line": 1, "init_line": 1}},
        {"value": True}, {"verdict": "right"}, {"passed": True, "findings": []},
        {"ended": {"status": 0, "seconds": 0.1, "cpu": 0.1, "late": False}}]
for descriptor in range(1, 64):
    for nonce in nonces:
        for answer in good:
            payload = json.dumps(answer)
            try:
                os.write(descriptor, f"{nonce}{len(payload):08x}{payload}".encode())
            except OSError:
                pass
"""
# A process that outlives its part, and answers the questions to the next ones.
OUTLIVE = """
import os, sys
wire = sys.modules["toolkit.assignment.check.wire"]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in range(3, 64):
            try:
                while True:
                    nonce, question = wire.receive(descriptor)
                    wire.send(descriptor, nonce, {"value": None})
            except (OSError, wire.Closed, wire.Disturbed):
                pass
    os._exit(0)
"""
# What the questions are asked about, so that they do not end at the first.
STUBS = """
class PalindromeDataset:
    def __init__(self, seq_length=5):
        pass
"""
EXIT = "import os\nos._exit(0)\n"
KILL = "import os\nos.kill(os.getppid(), 9)\nos.kill(1, 9)\n"
LAST = "import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit(0)\n"
TRICKS = {"patch": PATCH, "answer": ANSWER, "send": SEND, "write": WRITE, "outlive": OUTLIVE,
          "exit": EXIT, "kill": KILL, "last": LAST}  # fmt: skip


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
