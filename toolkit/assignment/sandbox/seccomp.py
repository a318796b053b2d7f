"""The seccomp filter for a submission's system calls; `launcher.py` installs the filter.

The filter refuses certain system calls. The filter cannot read memory through a pointer, but
`clone3` takes its arguments through a pointer. So the filter reports `clone3` as missing, and C
libraries use `clone` instead.

`benchmarks/system_calls.py` reads the system call numbers from the kernel's headers, and a test
compares these numbers with the numbers in this module.
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import platform
import struct

# Memory that no limit of a process counts; keyrings; namespaces and mounts; calls that avoid this
# filter, watch other processes or choose a core. Internet sockets have uncounted buffers as well.
REFUSED = (
    *("memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open", "io_setup"),
    *("landlock_create_ruleset",),
    *("add_key", "request_key", "keyctl", "unshare", "setns", "mount", "umount2", "pivot_root"),
    *("chroot", "fsopen", "fspick", "fsmount", "open_tree", "move_mount", "mount_setattr"),
    *("io_uring_setup", "bpf", "perf_event_open", "userfaultfd", "open_by_handle_at"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd"),
    *("sched_setaffinity", "sched_setscheduler", "sched_setattr", "sched_setparam"),
)
ASKED = ("clone3", "clone", "prlimit64", "socket", "socketpair")  # refused for some arguments
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
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16  # offsets in the kernel's data
ALLOW, NOT_PERMITTED, NOT_THERE = 0x7FFF0000, 0x00050001, 0x00050026  # EPERM, ENOSYS
Step = tuple[int, int, int, int]


def filter_for_machine() -> tuple[str, int]:
    """Return this machine's seccomp filter in hexadecimal, and the system call number of `keyctl`.

    The filter is "" if this machine's architecture is unknown. The launcher calls `keyctl` to get a
    new, empty keyring before it installs the filter, because the filter refuses `keyctl`.
    """
    if platform.machine() not in NUMBERS:
        return "", 0
    architecture, numbers = NUMBERS[platform.machine()]
    call = dict(zip((*REFUSED, *ASKED), numbers, strict=True))
    refuse = (GIVE, 0, 0, NOT_PERMITTED)
    allow = (GIVE, 0, 0, ALLOW)

    # A step that compares says how many steps to skip if it holds, and how many if it does not.
    steps: list[Step] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        refuse,
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, 0x40000000),  # on x86-64, calls have second numbers from here on
        refuse,
    ]

    def add(name: str, *steps_of_call: Step) -> None:
        steps.append((EQUAL, 0, len(steps_of_call), call[name]))
        steps.extend(steps_of_call)

    for name in REFUSED:
        add(name, refuse)
    argument = (LOAD, 0, 0, ARGUMENT)  # the lower half, because the kernel reads only this half
    add("clone3", (GIVE, 0, 0, NOT_THERE))
    add("clone", argument, (ANY_BIT, 0, 1, NEW_NAMESPACE), refuse, allow)
    add("prlimit64", argument, (EQUAL, 0, 1, 0), allow, refuse)
    add("socket", argument, (EQUAL, 0, 1, UNIX), allow, refuse)
    add("socketpair", argument, (EQUAL, 0, 1, UNIX), allow, refuse)
    steps.append(allow)
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    return code.hex(), call["keyctl"]
