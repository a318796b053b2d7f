"""The process that runs their code: how it ends, what it knows, and what it cannot say."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.assignment.asking import host as module
from toolkit.assignment.asking.host import Gone, Host, StudentError
from toolkit.assignment.findings.findings import Report
from toolkit.assignment.judging.parent import check

from ..conftest import Check

# A data set that is right, so that what follows a trick can be seen.
RIGHT = """
import random


class PalindromeDataset:
    def __init__(self, seq_length):
        half = (seq_length + 1) // 2
        lefts = [[random.randrange(10) for _ in range(half)] for _ in range(400)]
        self.rows = [left + left[::-1][seq_length % 2:] for left in lefts]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        import torch
        return torch.tensor(self.rows[k][:-1]).float()[:, None], self.rows[k][-1]
"""
# All that a right answer would be, for whoever reads it.
FORGED = json.dumps({"passed": True, "findings": [], "value": {"name": "x"}})
ANSWERLESS = {"toolkit.lstm", "toolkit.gan", "toolkit.export", "toolkit.train"}


def ask(host: Host, folder: Path, code: str) -> object:
    """Import this as a data set."""
    (folder / "dataset.py").write_text(code)
    with host.child("dataset", str(folder)) as child:
        return child.ask.load(file="dataset.py", name="PalindromeDataset")


@pytest.fixture(scope="module")
def own_host() -> Iterator[Host]:
    """One that may be harmed."""
    with Host() as host:
        yield host


def test_what_the_child_has_imported(tmp_path: Path, warm_host: Host) -> None:
    """Nothing that knows an answer or gives a verdict."""
    with pytest.raises(StudentError) as caught:
        # The names of those in `running` alone are longer than the text of an error may be.
        ask(
            warm_host,
            tmp_path,
            "import sys\n"
            "ours = [name for name in sys.modules if name.startswith('toolkit')]\n"
            "raise KeyError(','.join(name for name in ours if '.running.' not in name))",
        )
    modules = set(caught.value.text.strip("'").split(","))
    own = {name for name in modules if name.startswith("toolkit.assignment.")}
    assert own == {"toolkit.assignment.running"}
    assert not [name for name in modules for known in ANSWERLESS if name.startswith(known)]


@pytest.mark.slow
def test_an_empty_submission_gets_nothing_by_a_trick(tmp_path: Path, warm_check: Check) -> None:
    """Whatever runs it gives what looks like a right answer."""
    (tmp_path / "dataset.py").write_text(
        "import sys\nfor name in list(sys.modules):\n    if 'running' in name:\n"
        "        for x in vars(sys.modules[name]).values():\n"
        "            if isinstance(x, type):\n                for m in list(vars(x)):\n"
        "                    if not m.startswith('_'):\n"
        "                        try:\n"
        "                            setattr(x, m, lambda *a, **k: {'name': 'PalindromeDataset'})\n"
        "                        except Exception:\n                            pass"
    )
    report = warm_check(tmp_path, parts=["dataset"])
    assert not report.passed
    assert report.right == []


@pytest.mark.rows(1)
@pytest.mark.parametrize(
    "head", ["", "0" * 32 + f"{len(FORGED):08x}"], ids=["no frame", "another question's"]
)
def test_what_it_writes_is_no_answer(head: str, tmp_path: Path, warm_host: Host) -> None:
    """Whatever goes to all descriptors: the judge sees that this is no answer of its own."""
    code = (
        f"import os\nframe = {head + FORGED!r}.encode()\nfor d in range(64):\n    try:\n"
        "        os.write(d, frame)\n    except OSError:\n        pass\n" + RIGHT
    )
    with pytest.raises(Gone) as caught:
        ask(warm_host, tmp_path, code)
    assert caught.value.disturbed
    assert ask(warm_host, tmp_path, RIGHT)  # another process, which knows nothing of it


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import os\nos._exit(0)", 0),
        ("import os\nos._exit(3)", 3),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import ctypes\nctypes.string_at(0)", -11),
    ],
    ids=["exit 0", "exit 3", "killed", "segmentation fault"],
)
def test_how_it_ended(code: str, status: int, tmp_path: Path, warm_host: Host) -> None:
    with pytest.raises(Gone) as caught:
        ask(warm_host, tmp_path, code)
    assert caught.value.status == status
    assert not caught.value.late
    assert ask(warm_host, tmp_path, RIGHT)


@pytest.mark.parametrize(
    ("code", "sleeps"),
    [
        ("while True: pass", False),
        ("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", False),
        ("import time\ntime.sleep(600)", True),
    ],
    ids=["computes", "ignores the kernel's first signal", "sleeps"],
)
def test_what_does_not_end(
    code: str, sleeps: bool, tmp_path: Path, warm_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of CPU time does not see what sleeps."""
    monkeypatch.setitem(module.LIMITS, "dataset", 1)  # CPU seconds
    with pytest.raises(Gone) as caught:
        ask(warm_host, tmp_path, code)
    if sleeps:
        assert caught.value.late
        assert caught.value.cpu < 0.9
    else:  # a machine that is busy enough gives it no second of its core: then the clock ends it
        assert caught.value.cpu >= 0.9 or caught.value.late


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of CPU time")
def test_the_kernel_says_that_the_limit_was_reached(tmp_path: Path, warm_host: Host) -> None:
    """Its own count decides: on a busy machine, the time that it reports afterwards is shorter."""
    with pytest.raises(Gone) as caught:
        ask(warm_host, tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGXCPU)")
    assert caught.value.cpu == module.LIMITS["dataset"]


@pytest.mark.rows(1)
@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.closerange(0, 64)",
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(60)",
        "import os\nos.killpg(0, 9)",
    ],
    ids=["closes its pipes", "kills its parent", "kills its group"],
)
def test_harm_to_the_host_ends_one_part_only(code: str, tmp_path: Path, own_host: Host) -> None:
    """The next part gets a host again."""
    with pytest.raises(Gone):
        ask(own_host, tmp_path, code)
    assert ask(own_host, tmp_path, RIGHT)


def test_nothing_stays_for_the_next_student(tmp_path: Path, warm_host: Host) -> None:
    """Neither what one changed in memory, nor its modules."""
    ask(warm_host, tmp_path, "import torch\ntorch.sigmoid = torch.tanh\nmine = 1\n" + RIGHT)
    again = "import torch, sys\nassert torch.sigmoid is not torch.tanh\n"
    again += "assert 'mine' not in dir(sys.modules['dataset'])\n"
    assert ask(warm_host, tmp_path, again + RIGHT)


def test_the_time_of_earlier_children_does_not_count(
    tmp_path: Path, own_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their replies took 1,000 s; this child ends at once."""
    monkeypatch.setattr(own_host.clock, "_times", (1000.0, None))
    with pytest.raises(Gone) as caught:
        ask(own_host, tmp_path, "import os\nos._exit(1)")
    assert 0 < caught.value.last <= caught.value.seconds < 1000


def test_what_was_raised(tmp_path: Path, warm_host: Host) -> None:
    """The types, the text, and the place in their code."""
    with pytest.raises(StudentError) as caught:
        ask(warm_host, tmp_path, "x = 1\n\ndef f():\n    return {}['here']\n\nf()\n")
    error = caught.value
    assert error.types[:2] == ["KeyError", "LookupError"]
    assert (error.text, error.file, error.line) == ("'here'", "dataset.py", 4)


def test_one_part_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that ends its process, beside a data set that is right."""
    (tmp_path / "dataset.py").write_text(RIGHT)
    (tmp_path / "lstm.py").write_text("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    report: Report = check(tmp_path, parts=["dataset", "lstm"])
    assert {finding.part for finding in report.right} == {"dataset"}
    assert not [finding for finding in report.findings if finding.part == "dataset"]
    assert [f for f in (*report.findings, *report.not_seen) if f.part == "lstm"]


def test_an_interrupted_question_ends_the_host(tmp_path: Path, own_host: Host) -> None:
    """Ctrl-C: an answer that was not read must not become that of another question."""
    ask(own_host, tmp_path, RIGHT)
    before = own_host._process
    with contextlib.suppress(KeyboardInterrupt), own_host.child("dataset", str(tmp_path)):
        raise KeyboardInterrupt
    assert own_host._process is not before
    assert ask(own_host, tmp_path, RIGHT)
