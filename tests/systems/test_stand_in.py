"""That the stand-in bites: what the toolkit must not use is not there."""

import pytest

from .conftest import Run


@pytest.mark.parametrize(
    ("platform", "code", "error"),
    [
        ("win32", "import resource", "No module named 'resource'"),
        ("win32", "import fcntl", "No module named 'fcntl'"),
        ("win32", "import os\nos.fork()", "no attribute 'fork'"),
        ("win32", "import os\nos.killpg(0, 9)", "no attribute 'killpg'"),
        ("win32", "from os import setsid", "cannot import name 'setsid'"),
        ("win32", "import signal\nsignal.SIGKILL", "no attribute 'SIGKILL'"),
        ("win32", "import os\nf = open('f', 'w')\nos.remove('f')", "is in use"),
        ("win32", "import os\nf = open('f', 'w')\nos.replace('f', 'g')", "is in use"),
        ("darwin", "import os\nos.sched_getaffinity(0)", "no attribute 'sched_getaffinity'"),
        ("darwin", "import os\nos.setresuid", "no attribute 'setresuid'"),
    ],
)
def test_what_is_missing(platform: str, code: str, error: str, there: Run) -> None:
    done = there(platform, "-c", code)
    assert done.returncode == 1
    assert error in done.stderr


def test_what_is_there(there: Run) -> None:
    code = (
        "import os, sys, signal, subprocess\n"
        "os.fsync, os.replace, signal.SIGTERM\n"
        "open('f', 'w').close(); os.remove('f')\n"
        "print(sys.platform, os.name, subprocess.run(['true']).returncode)"
    )
    assert there("win32", "-c", code).stdout == "win32 nt 0\n"
    assert there("darwin", "-c", code).stdout == "darwin posix 0\n"
