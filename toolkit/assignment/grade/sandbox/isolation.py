"""What keeps a stranger's program away from this machine, and what does not."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import toolkit
from toolkit.common.errors import ToolkitError

PACKAGE = Path(toolkit.__file__).resolve().parent
LAUNCHER = Path(__file__).with_name("launcher.py").resolve()
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr")
FROM_ETC = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/fonts")
FIRST_UID = 2_000_000_000  # user ids that nobody has, one for each sandbox that root starts
Tool = Literal["bubblewrap", "unshare", "limits"]


@dataclass(frozen=True)
class Limits:
    """What one submission may use, with all processes that it starts."""

    seconds: float = 300.0  # from start to end
    memory: int = 4 * 2**30  # bytes
    processes: int = 128  # at a time; with their threads, where the kernel counts
    disk: int = 2**30  # bytes in its scratch directory
    file_size: int = 256 * 2**20  # bytes of one file
    output: int = 2**20  # bytes of what it prints that are kept


@dataclass(frozen=True)
class Isolation:
    """A way to shut a program in.

    Attributes:
        tool: "bubblewrap", "unshare" (namespaces, but the file system as it is) or "limits".
        drop_user: root gives the program a user id that owns nothing.
    """

    tool: Tool
    drop_user: bool = False

    def describe(self) -> str:
        """What it protects, and what it does not, for the teacher."""
        user = " under a user id of its own" if self.drop_user else ""
        if self.tool == "bubblewrap":
            return (
                f"bubblewrap{user}: no network, no other files than Python and the toolkit, "
                "read-only, and a scratch directory in memory; limits on time, memory, processes "
                "and file sizes. Not protected: the kernel, which is shared."
            )
        if self.tool == "unshare":
            return (
                f"namespaces by unshare{user}: no network, no sight of other processes; limits on "
                "time, memory, processes and file sizes. NOT PROTECTED: the files that this user "
                "may read or write, other submissions and results among them. Install bubblewrap."
            )
        return (
            f"resource limits and a session of its own{user}. NOT PROTECTED: the network, the "
            "files that this user may read or write, and processes that hide. Install bubblewrap."
        )

    def command(self, arguments: list[str], scratch: Path, limits: Limits) -> list[str]:
        """The command line that runs Python with `arguments` on `scratch`/submission.

        "PATH" at the start of an argument becomes the place of the submission as the program
        sees it.
        """
        inside = "/tmp" if self.tool == "bubblewrap" else str(scratch)
        submission = f"{inside}/submission"
        settings = {
            "uid": FIRST_UID + os.getpid() if self.drop_user else None,
            "rlimits": self._rlimits(limits),
            "source": "/submission" if self.tool == "bubblewrap" else submission,
            "submission": submission,
        }
        launch = [sys.executable, "-I", str(LAUNCHER), json.dumps(settings)]
        program = [re.sub("^PATH(?=/|$)", submission, word) for word in arguments]
        if self.tool == "bubblewrap":
            return [*self._bubblewrap(arguments, scratch, limits), *launch, *program]
        if self.tool == "unshare":
            names = ["--user", "--map-current-user"] if os.geteuid() else []
            namespaces = ["--pid", "--mount", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
            return ["unshare", *names, *namespaces, "--mount-proc", *launch, *program]
        return [*launch, *program]

    def environment(self, scratch: Path) -> dict[str, str]:
        """The program's environment variables; nothing is inherited."""
        inside = "/tmp" if self.tool == "bubblewrap" else str(scratch)
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": f"{inside}/home",
            "TMPDIR": inside,
            "USER": "student",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(PACKAGE.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
        }

    def prepare(self, scratch: Path) -> None:
        """Give the scratch directory to the user id that will work in it."""
        if self.drop_user and self.tool != "bubblewrap":
            for path in (scratch, *scratch.rglob("*")):
                os.chown(path, FIRST_UID + os.getpid(), FIRST_UID + os.getpid())

    def _rlimits(self, limits: Limits) -> dict[str, int]:
        rlimits = {
            "RLIMIT_CPU": 2 * int(limits.seconds) + 10,  # should the recorder die
            "RLIMIT_DATA": limits.memory,
            "RLIMIT_FSIZE": limits.file_size,
            "RLIMIT_NOFILE": 1024,
            "RLIMIT_CORE": 0,
        }
        # The kernel counts a user's processes: those of the sandbox alone where the user id or the
        # user namespace is its own, all of the teacher's otherwise. Root is not counted.
        if self.drop_user or (self.tool != "limits" and os.geteuid()):
            rlimits["RLIMIT_NPROC"] = limits.processes
        return rlimits

    def _bubblewrap(self, arguments: list[str], scratch: Path, limits: Limits) -> list[str]:
        binds: list[str] = []
        for name in SYSTEM:
            if os.path.islink(name):
                binds += ["--symlink", os.readlink(name), name]
            elif os.path.isdir(name):
                binds += ["--ro-bind", name, name]
        binds += ["--perms", "0755", "--dir", "/etc"]
        for name in FROM_ETC:
            binds += ["--ro-bind-try", name, name]
        named = [word for word in arguments if os.path.isabs(word) and os.path.isfile(word)]
        exports = PACKAGE.parent / "exports"  # the check's own generator and classifier
        needed = [sys.prefix, sys.base_prefix, str(PACKAGE), str(exports), *named]
        for name in dict.fromkeys(needed):
            if os.path.exists(name) and not name.startswith("/usr/"):
                for parent in reversed(Path(name).parents[:-1]):
                    binds += ["--perms", "0755", "--dir", str(parent)]
                binds += ["--ro-bind", name, name]
        rights = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if self.drop_user else []
        return [
            *["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"],
            *([] if os.geteuid() == 0 else ["--unshare-user", "--disable-userns"]),
            *["--die-with-parent", "--new-session", *rights, "--proc", "/proc", "--dev", "/dev"],
            *["--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/dev/shm"],
            *["--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/tmp", *binds],
            *["--ro-bind", str(scratch / "submission"), "/submission"],
            *["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"],
        ]


def candidates() -> list[Isolation]:
    """All ways of this user, the best first."""
    tools: tuple[Tool, ...] = ("bubblewrap", "unshare", "limits")
    return [Isolation(tool, drop_user=os.geteuid() == 0) for tool in tools]


def find_isolation(own_code: bool = False) -> Isolation:
    """The best way that works here; each is tried, since what is installed may be forbidden.

    Args:
        own_code: nobody else's code is run, so that limits are enough, even for root.

    Raises:
        ToolkitError: none works: this is root, and cannot hide its rights.
    """
    reasons = []
    for isolation in [*candidates(), *([Isolation("limits")] if own_code else [])]:
        reason = why_not(isolation)
        if reason is None:
            return isolation
        reasons.append(f"{isolation.tool}: {reason}")
    raise ToolkitError(
        "Nothing here keeps a submission from doing harm as root. Install bubblewrap, or grade as "
        f"an ordinary user. ({'; '.join(reasons)})"
    )


def why_not(isolation: Isolation) -> str | None:
    """None where a way of isolation works, or else the reason why it does not."""
    program = {"bubblewrap": "bwrap", "unshare": "unshare"}.get(isolation.tool)
    if program and not shutil.which(program):
        return f"{program} is not installed"
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        (scratch / "submission").mkdir()
        (scratch / "submission").chmod(0o755)
        isolation.prepare(scratch)
        try:
            tried = subprocess.run(
                isolation.command(["-m", "this"], scratch, Limits()),
                env=isolation.environment(scratch),
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=30,
            )
        except subprocess.TimeoutExpired:
            return "it hung"
    if tried.returncode == 0 and "The Zen of Python" in tried.stdout:
        return None
    return (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
