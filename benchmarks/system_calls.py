"""Prints the system call numbers for toolkit/assignment/sandbox/seccomp.py, from Linux's headers.

    python benchmarks/system_calls.py      # needs linux-libc-dev, as compilers have it

The script prints a line for each architecture. aarch64 uses the numbers of `asm-generic`.
"""

import re
from pathlib import Path

from toolkit.assignment.sandbox.seccomp import ASKED, REFUSED

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
DEFINED = re.compile(r"^#define\s+__NR(?:3264)?_(\w+)\s+(\d+)$", re.MULTILINE)


def numbers(header: Path) -> tuple[int, ...]:
    """Return the numbers of all system calls that the filter names, in the filter's order."""
    known = {name: int(number) for name, number in DEFINED.findall(header.read_text())}
    return tuple(known[name] for name in (*REFUSED, *ASKED))


if __name__ == "__main__":
    for machine, header in HEADERS.items():
        print(machine, *numbers(header), sep=", ")
