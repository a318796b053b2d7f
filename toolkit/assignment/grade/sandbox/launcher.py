"""Runs first inside the sandbox: python -I launcher.py SETTINGS PYTHON-ARGUMENTS

Gives up rights and sets limits, then runs the program that the arguments name ("-m module ..." or
"script.py ...") in this same process. The processes that it starts cannot read its memory or its
descriptors: PR_SET_DUMPABLE prevents that, and exec would reset it.
Needs only Python's standard library.
"""

import ctypes
import json
import os
import resource
import runpy
import shutil
import signal
import sys
from pathlib import Path

# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38


def main() -> None:
    """Settings, as JSON: `uid` or null, `rlimits` by name, `source` and `submission` (paths)."""
    settings, arguments = json.loads(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)

    def prctl(option: int, value: int) -> None:
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl {option}")

    Path("/proc/self/oom_score_adj").write_bytes(b"1000")  # the first to go when memory is short
    if settings["uid"] is not None:
        os.setgroups([])
        os.setresgid(*[settings["uid"]] * 3)
        os.setresuid(*[settings["uid"]] * 3)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    for name, value in settings["rlimits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    Path(os.environ["HOME"]).mkdir(exist_ok=True)
    if settings["source"] != settings["submission"]:  # a copy, which it may write to
        shutil.copytree(settings["source"], settings["submission"])
    prctl(PR_SET_DUMPABLE, 0)
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    finally:
        kill_children()


def kill_children() -> None:
    """Kill what the program left running; the kernel makes this process the parent of orphans."""
    while True:
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_bytes().split():
            os.kill(int(pid), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
