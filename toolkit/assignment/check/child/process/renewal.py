"""What one part leaves is gone before the next begins: processes, files, changes of the copy."""

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

assert sys.platform == "linux"


def renew(source: str, copy: str, places: list[str]) -> None:
    """Kill what was left running, empty the places where it may have written, and copy anew.

    Raises:
        OSError: something of this user cannot be deleted.
    """
    kill_children()
    for place in map(Path, places):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # it is not open to anybody
            for path in place.iterdir():
                if path.lstat().st_uid != os.getuid():
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
    Path(os.environ["HOME"]).mkdir()
    shutil.copytree(source, copy)


def kill_children() -> None:
    """Kill what the program left running; the kernel makes this process the parent of orphans."""
    while True:
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_bytes().split():
            os.kill(int(pid), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return
