"""The system calls that a submission may not make: a filter for the kernel, made here and set by
`launcher.py`. What a call's argument points to cannot be looked at, so `clone3` is not there, and C
libraries take `clone` instead.

`benchmarks/system_calls.py` makes the numbers anew from the kernel's headers, and a test compares.
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import platform
import struct
from collections.abc import Iterable

# Memory that no limit of a process counts; keyrings; namespaces and mounts; what goes round this
# filter or watches others; where it runs. Buffers of the internet's sockets are not counted either.
REFUSED = (
    *("memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open", "io_setup"),
    *("landlock_create_ruleset",),
    *("add_key", "request_key", "keyctl", "unshare", "setns", "mount", "umount2", "pivot_root"),
    *("chroot", "fsopen", "fspick", "fsmount", "open_tree", "move_mount", "mount_setattr"),
    *("io_uring_setup", "bpf", "perf_event_open", "userfaultfd", "open_by_handle_at"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd"),
    *("sched_setaffinity", "sched_setscheduler", "sched_setattr", "sched_setparam"),
)
ASKED = ("clone3", "clone", "prlimit64", "socket", "socketpair")  # by their arguments
# fmt: off
NUMBERS: dict[str, tuple[int, tuple[int, ...]]] = {  # linux/audit.h; of REFUSED and ASKED
    "x86_64": (0xC000003E, (
        319, 447, 29, 68, 64, 240, 206, 444, 248, 249, 250, 272, 308, 165, 166, 155, 161, 430, 433,
        432, 428, 429, 442, 425, 321, 298, 323, 304, 101, 310, 311, 312, 438, 203, 144, 314, 142,
        435, 56, 302, 41, 53)),
    "aarch64": (0xC00000B7, (
        279, 447, 194, 186, 190, 180, 0, 444, 217, 218, 219, 97, 268, 40, 39, 41, 51, 430, 433,
        432, 428, 429, 442, 425, 280, 241, 282, 265, 117, 270, 271, 272, 438, 122, 119, 274, 118,
        435, 220, 261, 198, 199)),
}
# fmt: on
NEW_NAMESPACE = 0x7E020000  # flags of clone, linux/sched.h
UNIX = 1  # linux/socket.h
LOAD, EQUAL, AT_LEAST, ANY_BIT, GIVE = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16  # where the kernel puts them
ALLOW, NOT_PERMITTED, NOT_THERE = 0x7FFF0000, 0x00050001, 0x00050026  # EPERM, ENOSYS
Step = tuple[int, int, int, int]


def filter_for_machine() -> tuple[str, int]:
    """The filter for this machine, in hexadecimal digits, and its `keyctl`; "" if there is none."""
    if platform.machine() not in NUMBERS:
        return "", 0
    architecture, numbers = NUMBERS[platform.machine()]
    call = dict(zip((*REFUSED, *ASKED), numbers, strict=True))
    refuse, allow = (GIVE, 0, 0, NOT_PERMITTED), (GIVE, 0, 0, ALLOW)

    def of(name: str, *steps: Step) -> Iterable[Step]:
        return (EQUAL, 0, len(steps), call[name]), *steps

    argument = (LOAD, 0, 0, ARGUMENT)  # its lower half: all that the kernel reads of these
    asks = [argument, (EQUAL, 0, 1, UNIX), allow, refuse]
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        *((EQUAL, 1, 0, architecture), refuse),
        (LOAD, 0, 0, NUMBER),
        *((AT_LEAST, 0, 1, 0x40000000), refuse),  # on x86-64 a call has a second number there
        *(step for name in REFUSED for step in of(name, refuse)),
        *of("clone3", (GIVE, 0, 0, NOT_THERE)),
        *of("clone", argument, (ANY_BIT, 0, 1, NEW_NAMESPACE), refuse, allow),
        *of("prlimit64", argument, (EQUAL, 0, 1, 0), allow, refuse),
        *of("socket", *asks),
        *of("socketpair", *asks),
        allow,
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps).hex(), call["keyctl"]
