"""The numbers of the system calls in toolkit/assignment/sandbox/seccomp.py, from the headers.

    python benchmarks/system_calls.py      # needs linux-libc-dev, as compilers have it

Prints a line for each machine. `asm-generic` is what aarch64 has.
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
    """Return the numbers of all calls that the filter names, in its order."""
    known = {name: int(number) for name, number in DEFINED.findall(header.read_text())}
    return tuple(known[name] for name in (*REFUSED, *ASKED))


if __name__ == "__main__":
    for machine, header in HEADERS.items():
        print(machine, *numbers(header), sep=", ")
