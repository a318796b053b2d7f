"""Odd machines: a command ends as anywhere else, or in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAIN = (sys.executable, "-m", "toolkit.train")


def run(directory: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*TRAIN, *arguments],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_a_poor_console(tmp_path: Path) -> None:
    """No home, a backend that Matplotlib does not know, ASCII only, a path that is not."""
    environment = {
        "HOME": "/proc/nowhere",
        "MPLCONFIGDIR": "",
        "MPLBACKEND": "nonsense",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    done = run(tmp_path, "lstm", "--preset", "smoke", "--runs-dir", "数字", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / "数字" / "smoke" / "exports" / "lstm_plain.safetensors").exists()


@pytest.mark.slow
def test_closed_output(tmp_path: Path) -> None:
    words = ["lstm", "--preset", "smoke"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', *TRAIN, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["horizon", "--cluster", "tls://127.0.0.1:1"], "There is no Dask scheduler at tls://"),
        (["lstm", "--runs-dir", "loop/a"], "Too many levels of symbolic links"),
    ],
)
def test_one_sentence(words: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    done = run(tmp_path, *words, "--preset", "smoke")
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("program", ["toolkit", "toolkit.train", "toolkit.assignment"])
def test_ctrl_c_while_importing(program: str) -> None:
    interrupted = (
        "import runpy, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"runpy.run_module({program!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", interrupted], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stderr) == (130, b"")
