"""Ending processes together with what they started, on every system."""

import contextlib

import psutil


def kill_tree(pid: int) -> None:
    """Kill a process and all below it; nothing happens if there is none.

    What is left of a process that has ended before is below none, and lives on.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [*root.children(recursive=True), root]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
