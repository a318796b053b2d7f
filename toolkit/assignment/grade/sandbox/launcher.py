"""Runs first inside the sandbox: python -I launcher.py SETTINGS PYTHON-ARGUMENTS

Gives up rights, sets limits and shuts what they do not count, then runs the program that the
arguments name ("-m module ..." or "script.py ...") in this same process. The processes that it
starts cannot read its memory or its descriptors: PR_SET_DUMPABLE prevents that, and exec would
reset it.
Needs only Python's standard library, until it has got where the toolkit is.
"""

import ctypes
import json
import os
import resource
import runpy
import shutil
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
JOIN_SESSION_KEYRING = 1  # linux/keyctl.h
# linux/landlock.h
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
READ, LIST = 0b101, 0b1000  # read or execute a file; list a folder
OF_A_FILE = 0b1100_0000_0000_0111  # all rights that a file can have which is no folder
RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}  # all there are, by version


def main() -> None:
    """Settings, as JSON.

    `uid` or null; `rlimits` by name; `source` and `submission`, paths; `reach`, the paths that the
    program may `read`, `enter` or `change`, or null where something else sees to that; `filter`, of
    system calls, and the number of `keyctl`.
    """
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
    if settings["reach"] is not None:
        confine(libc, **settings["reach"])
    if settings["filter"]:
        libc.syscall(settings["keyctl"], JOIN_SESSION_KEYRING, None)  # a new one, without ours
        refuse_calls(libc, bytes.fromhex(settings["filter"]))
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    from toolkit.assignment.check.child.process.renewal import kill_children

    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    finally:
        kill_children()


def confine(
    libc: ctypes.CDLL, read: Iterable[str], enter: Iterable[str], change: Iterable[str]
) -> None:
    """Let this process and its children reach these paths only, and no TCP port, by Landlock.

    Args:
        enter: folders that may be listed, with all below them, but not read.

    Raises:
        OSError: the kernel has no Landlock, or a path is not there.
    """

    def landlock(call: int, *arguments: object) -> int:
        result = int(libc.syscall(call, *arguments))
        if result < 0:
            raise OSError(ctypes.get_errno(), "Landlock")
        return result

    version = landlock(CREATE_RULESET, None, 0, 1)
    everything = RIGHTS[min(version, max(RIGHTS))]
    tcp = 0b11 if version >= 4 else 0
    outside = 0b11 if version >= 6 else 0  # abstract sockets and signals
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = landlock(CREATE_RULESET, struct.pack("QQQ", everything, tcp, outside), size, 0)
    rules = [(path, READ | LIST) for path in read] + [(path, LIST) for path in enter]
    for path, rights in [*rules, *((path, everything) for path in change)]:
        descriptor = os.open(path, os.O_PATH)
        rights &= everything if os.path.isdir(path) else everything & OF_A_FILE
        landlock(ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
        os.close(descriptor)
    landlock(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def refuse_calls(libc: ctypes.CDLL, code: bytes) -> None:
    """Set a filter of system calls, which all children inherit.

    Raises:
        OSError: the kernel takes no filter.
    """
    buffer = ctypes.create_string_buffer(code, len(code))
    filters = struct.pack("HP", len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filters, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    main()
