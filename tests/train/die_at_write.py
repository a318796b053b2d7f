"""The command line in a process that kills itself at one of its writes.

Run by `runpy.run_path` in a forked process, with `task` among its globals: the words after
`python -m toolkit.train`, the directory to run in, and the number of the write that the process
does not live to see, or None.
"""

import os
import signal
from pathlib import Path
from typing import Any

from toolkit.train.app import app

task: tuple[list[str], Path, int | None] = globals()["task"]
arguments, directory, last_write = task

replace = os.replace
writes = 0


def replace_or_die(*paths: Any) -> None:
    global writes
    writes += 1
    if writes == last_write:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*paths)


os.chdir(directory)
with open("output.txt", "ab") as output:
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
os.replace = replace_or_die  # type: ignore[assignment]
app(arguments, prog_name="python -m toolkit.train")
