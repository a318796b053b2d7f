"""The check where it cannot fork: the same verdicts, and an end for what takes too much."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from toolkit.assignment.asking import host as module
from toolkit.assignment.asking.host import Gone, Host

from ..assignment.judging.corpus import cases
from ..conftest import HANGS
from . import other
from .conftest import ROOT, Run

pytestmark = pytest.mark.xdist_group("systems")
RIGHT = (ROOT / "tests/assignment/judging/corpus/right/dataset_digits.py").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("platform", "parts"), [("win32", ["dataset", "lstm", "train"]), ("darwin", ["dataset"])]
)
def test_the_same_verdicts(platform: str, parts: list[str], there: Run, tmp_path: Path) -> None:
    """As with a fork, to the letter, and a sentence on what is missing."""
    folder = tmp_path / "mine"
    folder.mkdir()
    cases.write_planted("the label is the middle", folder)
    for part in cases.FILES.keys() - parts:
        (folder / cases.FILES[part]).unlink()
    here = there("linux", "-m", "toolkit", "check", folder, "--json")
    done = there(platform, "-m", "toolkit", "check", folder, "--json")
    note, _, progress = done.stderr.partition("\n")
    assert note.startswith("Note: This system does not limit the memory and the time of your code")
    assert progress == here.stderr
    assert json.loads(done.stdout) == json.loads(here.stdout)
    assert done.returncode == here.returncode == 1


@pytest.mark.nightly
def test_the_same_verdicts_on_all_that_is_planted(there: Run) -> None:
    """Those tests of the corpus that run by day, with judge and child as on Windows."""
    corpus = ROOT / "tests" / "assignment" / "judging" / "test_corpus.py"
    done = there("win32", "-m", "pytest", "-q", "-n", "0", corpus, "--rootdir", ROOT)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def host(description: Path) -> Iterator[Host]:
    """A child that cannot fork, with little CPU time for a data set."""
    with pytest.MonkeyPatch.context() as there:
        for name in ("PYTHONPATH", "STAND_IN"):
            there.setenv(name, other.environment("win32", description)[name])
        there.setitem(module.LIMITS, "dataset", 1)
        with Host() as host:
            yield host


def ask(host: Host, folder: Path, code: str) -> object:
    """Import this as a data set."""
    (folder / "dataset.py").write_text(code)
    with host.child("dataset", str(folder)) as child:
        return child.ask.load(file="dataset.py", name="PalindromeDataset")


@pytest.mark.slow
def test_how_it_ends(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, in an endless loop, asleep, with too much memory: each after the other."""
    ended = {}
    for what, code in {
        "exit": "import os\nos._exit(3)",
        "loop": "while True:\n    pass",
        "sleep": "import time\ntime.sleep(600)",
    }.items():
        with pytest.raises(Gone) as caught:
            ask(host, tmp_path, code)
        ended[what] = caught.value
    assert (ended["exit"].status, ended["exit"].late) == (3, False)
    assert ended["loop"].cpu >= 0.9
    assert ended["sleep"].late
    assert ended["sleep"].cpu < 0.9
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 29)
    with pytest.raises(Gone) as caught:
        ask(host, tmp_path, "import time\nblock = bytearray(b'x' * (1 << 29))\ntime.sleep(60)")
    assert not caught.value.late


@pytest.mark.slow
def test_what_it_starts_ends_with_it(host: Host, tmp_path: Path) -> None:
    start = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    code = f"import pathlib, subprocess, sys, time\np = {start}\ntime.sleep(1)\n"
    assert ask(host, tmp_path, f"{code}pathlib.Path('pid').write_text(str(p.pid))\n{RIGHT}")
    assert not is_running(int((tmp_path / "pid").read_text()))


def is_running(pid: int) -> bool:
    for _ in range(10 * HANGS):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.slow
def test_an_interrupted_check_leaves_nothing(there: Run, tmp_path: Path) -> None:
    """Where the child is not asked any more, it ends with all that it started."""
    (tmp_path / "dataset.py").write_text(
        "import os, pathlib, signal, time\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "os.kill(int(pathlib.Path('judge').read_text()), signal.SIGINT)\n"
        "time.sleep(600)\n"
    )
    judge = (
        "import os, pathlib, signal\n"
        "from toolkit.assignment.asking.host import Host\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background\n"
        "pathlib.Path('judge').write_text(str(os.getpid()))\n"
        "with Host() as host, host.child('dataset', os.getcwd()) as child:\n"
        "    child.ask.load(file='dataset.py', name='PalindromeDataset')\n"
    )
    done = there("win32", "-c", judge)
    assert "KeyboardInterrupt" in done.stderr
    assert not is_running(int((tmp_path / "pid").read_text()))
