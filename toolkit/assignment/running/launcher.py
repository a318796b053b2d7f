"""The first program inside the sandbox: python -I launcher.py SETTINGS PYTHON-ARGUMENTS

The launcher drops privileges, sets limits and forbids dangerous system calls. Then, in the same
process, it runs the program that its arguments name ("-m module ..." or "script.py ..."). It sets
PR_SET_DUMPABLE to 0, so that child processes cannot read the launcher's memory or descriptors. It
does not call exec, because exec would reset this flag. The launcher needs only Python's standard
library until it has added the toolkit to the import path.
"""

import sys

assert sys.platform == "linux"

import ctypes
import json
import os
import resource
import runpy
import shutil
import signal
import struct
from collections.abc import Iterable
from pathlib import Path

# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
JOIN_SESSION_KEYRING = 1  # linux/keyctl.h
# linux/landlock.h
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
READ, LIST = 0b101, 0b1000  # read or execute a file; list a folder
OF_A_FILE = 0b1100_0000_0000_0111  # the rights that apply to files, too
RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}  # every right, by version


def main() -> None:
    """Read the settings, apply them and run the program.

    The settings are JSON. `uid` is a number or null, and `rlimits` maps the names of resource
    limits to their values. `source` is the path of the original submission, and `submission` is the
    path of the copy that the program uses, or the same path if there is no copy. `reach` lists the
    paths that the program may `read`, `enter` or `change`. If Landlock is not used, `reach` is
    null. Landlock is not used if bubblewrap hides all other paths or if the kernel has no Landlock.
    `filter` is the system-call filter in hexadecimal. `keyctl` is the number of the keyctl system
    call; the launcher uses this call to join an empty keyring before the filter forbids it.
    """
    settings = json.loads(sys.argv[1])
    arguments = sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)

    def prctl(option: int, value: int) -> None:
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl {option}")

    # The kernel kills this process first when memory is short.
    Path("/proc/self/oom_score_adj").write_bytes(b"1000")
    uid = settings["uid"]
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    # In a namespace, process 1 gets only signals with a handler. Python has a handler for SIGINT.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    for name, value in settings["rlimits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    Path(os.environ["HOME"]).mkdir(exist_ok=True)
    if settings["source"] != settings["submission"]:  # a copy to which the program may write
        shutil.copytree(settings["source"], settings["submission"])
    prctl(PR_SET_DUMPABLE, 0)
    if settings["reach"] is not None:
        confine(libc, **settings["reach"])
    if settings["filter"]:
        libc.syscall(settings["keyctl"], JOIN_SESSION_KEYRING, None)  # a new, empty keyring
        refuse_calls(libc, bytes.fromhex(settings["filter"]))
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    from toolkit.assignment.running.process.renewal import kill_children

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
    """Use Landlock to restrict this process and its children to the given paths, and to forbid TCP.

    Args:
        read: paths that the processes may read, with everything below them.
        enter: folders that the processes may list, with all subfolders, but whose files they may
            not read.
        change: paths that the processes may change.

    Raises:
        OSError: the kernel does not support Landlock, or a path does not exist.
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
    size = 24  # bytes of the three numbers; older versions have fewer numbers
    if version < 4:
        size = 8
    elif version < 6:
        size = 16
    ruleset = landlock(CREATE_RULESET, struct.pack("QQQ", everything, tcp, outside), size, 0)

    def allow(paths: Iterable[str], rights: int) -> None:
        for path in paths:
            possible = everything
            if not os.path.isdir(path):
                possible &= OF_A_FILE
            descriptor = os.open(path, os.O_PATH)
            rule = struct.pack("=Qi", rights & possible, descriptor)
            landlock(ADD_RULE, ruleset, 1, rule, 0)
            os.close(descriptor)

    allow(read, READ | LIST)
    allow(enter, LIST)
    allow(change, everything)
    landlock(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def refuse_calls(libc: ctypes.CDLL, code: bytes) -> None:
    """Install a system-call filter, which all child processes inherit.

    Raises:
        OSError: the kernel does not accept the filter.
    """
    buffer = ctypes.create_string_buffer(code, len(code))
    filters = struct.pack("HP", len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filters, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    main()
