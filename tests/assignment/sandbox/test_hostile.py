"""Hostile submissions harm only themselves. Where less is protected, the test shows that as well.

Each is bounded, see submissions.py; "limits" and "unshare" run without dropping rights, and only
with programs that do no harm there.
"""

import ast
import contextlib
import ctypes
import os
import platform
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
import system_calls

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import grade_archive
from toolkit.assignment.sandbox import share as share_module
from toolkit.assignment.sandbox.isolation import RUNNING, Isolation, Limits
from toolkit.assignment.sandbox.scratch import clear_left_over, scratch_directory
from toolkit.assignment.sandbox.seccomp import ASKED, NUMBERS, REFUSED
from toolkit.assignment.sandbox.share import Share, share
from toolkit.assignment.sandbox.supervise import descendants
from toolkit.assignment.scratch import proved
from toolkit.common.package_data import PACKAGE, package_data

from .. import ways
from ..submissions import (
    CHECK,
    DELETE,
    DETACH,
    FINE,
    FORK_BOMB,
    LOOP,
    MEMORY,
    MEMORY_BIT_BY_BIT,
    NETWORK,
    PRINT,
    READ,
    SLEEP,
    WRITE,
    pack,
    with_lstm,
)

LIMITS = Limits(seconds=20, memory=256 * 2**20, processes=24, disk=32 * 2**20, file_size=16 * 2**20)
EXPORTS = package_data("exports")
Grade = Callable[..., Result]

pytestmark = pytest.mark.needs("bwrap")


WAYS = [
    pytest.param(way, id=way.tool, marks=[] if way is ways.BUBBLEWRAP else pytest.mark.slow)
    for way in ways.ALL
]


@pytest.fixture(params=WAYS)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    way: Isolation = request.param
    ways.need(way)
    return way


@pytest.fixture
def grade(isolation: Isolation) -> Grade:
    """Grade an archive in each isolation."""

    def work(data: bytes, limits: Limits = LIMITS) -> Result:
        return grade_archive("1234_assignment3.zip", data, read_rubric(), limits, CHECK, isolation)

    return work


@pytest.fixture
def shut() -> Grade:
    """Grade an archive in bubblewrap."""
    ways.need(ways.BUBBLEWRAP)

    def work(data: bytes) -> Result:
        return grade_archive(
            "1234_assignment3.zip", data, read_rubric(), LIMITS, CHECK, ways.BUBBLEWRAP
        )

    return work


def stopped(result: Result) -> str:
    """Why the code of lstm.py was stopped, without a verdict on the parts from there on."""
    assert result.extra_data.problem == ""
    assert result.extra_data.needs_a_look
    assert [one.part for one in result.extra_data.right] == ["dataset"]
    assert [one.part for one in result.extra_data.not_seen] == ["lstm", "train", "gan"]
    assert result.extra_data.findings == []
    reasons = {one.message.split(" This was not")[0] for one in result.extra_data.not_seen}
    (reason,) = reasons
    assert "importing lstm.py" in result.extra_data.not_seen[0].message
    return reason


def found(result: Result) -> list[tuple[str | None, str | None]]:
    return [(one.id, one.file) for one in result.extra_data.findings]


def test_a_harmless_one(grade: Grade, isolation: Isolation) -> None:
    result = grade(pack(FINE))
    assert result.extra_data.needs_a_look == []
    assert result.score == 84  # 100, less 4 + 8 + 4 by hand
    assert result.extra_data.isolation == isolation.describe()


def test_missing_file(grade: Grade) -> None:
    result = grade(pack({name: text for name, text in FINE.items() if name != "my_gan.py"}))
    assert [(one.id, one.part) for one in result.extra_data.findings] == [("missing-file", "gan")]
    assert (result.score, result.open) == (36, 0)  # all that is checked of Part I


@pytest.mark.parametrize("program", [LOOP, SLEEP], ids=["loop", "sleep"])
def test_time(program: str, grade: Grade) -> None:
    """The parts before keep their verdicts, and the points of the others are open."""
    result = grade(with_lstm(program))
    assert stopped(result) == "The code was stopped: the archive had not finished after 20 s."
    assert (result.score, result.open) == (0, 84)  # Task 2 of Part I is about the training too


def test_exit(grade: Grade) -> None:
    result = grade(with_lstm("import os\nos._exit(7)\n"))
    assert found(result) == [("does-not-import", "lstm.py"), ("does-not-import", "train.py")]


def test_kill_everything(shut: Grade) -> None:
    """It reaches neither the check nor anything outside."""
    result = shut(with_lstm("import os\nos.kill(-1, 9)\nos._exit(7)\n"))
    assert found(result) == [("does-not-import", "lstm.py"), ("does-not-import", "train.py")]


def test_signals_to_the_process_that_starts_it(shut: Grade) -> None:
    """None ends it, stops it or interrupts it, so the next part finds it as it was."""
    every = "import os\nfor number in range(1, 65):\n    os.kill(1, number)\n"
    assert shut(with_lstm(every)).score == 84


def test_fork_bomb(grade: Grade, isolation: Isolation) -> None:
    """The kernel refuses more processes, or the supervisor kills them all."""
    result = grade(with_lstm(FORK_BOMB))
    counted = isolation.tool == "bubblewrap" or (os.geteuid() != 0 and isolation.tool == "unshare")
    if counted:
        started = int(result.extra_data.printed.split("processes started:")[1].split()[0])
        assert 0 < started < LIMITS.processes
    else:
        assert "ran more than 24 processes" in stopped(result)
    assert len(descendants(os.getpid())) < LIMITS.processes


def test_processes_that_detach(grade: Grade) -> None:
    mark = f"29.{os.getpid()}"
    grade(with_lstm(DETACH.format(seconds=mark)))
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue  # it has just ended
    assert not [line for line in lines if mark.encode() in line]


def test_50_gigabytes_at_once(grade: Grade) -> None:
    result = grade(with_lstm(MEMORY))
    assert ("does-not-import", "lstm.py") in found(result)
    assert "MemoryError" in result.extra_data.printed


def test_memory_bit_by_bit(grade: Grade) -> None:
    """Shared memory, which the kernel's limit does not count."""
    result = grade(with_lstm(MEMORY_BIT_BY_BIT.format(megabytes=768)))
    assert "more than 0.25 GiB of memory" in stopped(result)


# Memory of the kernel's, or that no process shows any more: 1.3 GB of it, 0.5 GB, and 0.4 GB.
FORGOTTEN = """
import mmap, time
blocks = [mmap.mmap(-1, 2**24) for _ in range(80)]
for block in blocks:
    block.write(b"x" * 2**24)
    block.madvise(mmap.MADV_DONTNEED)
time.sleep(20)
"""
SOCKETS = """
import os, socket, time
for _ in range(10):
    if os.fork() == 0:
        pairs = [socket.socketpair() for _ in range(400)]
        for one, _ in pairs:
            one.settimeout(0)
            try:
                while one.send(bytes(2**16)):
                    pass
            except BlockingIOError:
                pass
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
FILES = """
import os, time
for k in range(400_000):
    open(f"{os.environ['TMPDIR']}/{k}", "w").close()
time.sleep(20)
"""


@pytest.mark.parametrize("program", [FORGOTTEN, SOCKETS], ids=["forgotten", "sockets"])
def test_memory_that_only_the_kernel_counts(program: str, grade: Grade, tmp_path: Path) -> None:
    with share(2**30, tmp_path) as own:
        if own.group is None:
            pytest.skip("needs root, and control groups that it may make")
    assert "more than 0.25 GiB of memory" in stopped(grade(with_lstm(program)))
    assert not own.group.exists()


@pytest.mark.slow
def test_control_groups_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed grader has written down is ended; what is only called like that lives on."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with (
        mock.patch.object(share_module, "_remove"),  # as where it is killed
        mock.patch.object(proved, "_discard", return_value=[]),
        scratch_directory() as scratch,
        share(2**30, scratch) as own,
    ):
        pass
    if own.group is None:
        pytest.skip("needs root, and control groups that it may make")
    ours = own.group
    names = ("toolkit-exam", "toolkit-1-", f"toolkit-{'0' * 32}")
    theirs = [ours.with_name(name) for name in names]
    with contextlib.ExitStack() as until_the_end:
        sleeping = []
        for group in (ours, *theirs):
            group.mkdir(exist_ok=True)
            process = Share(os.sched_getaffinity(0), group).start(["sleep", "60"])
            sleeping.append(until_the_end.enter_context(process))
            until_the_end.callback(share_module._remove, group)
            while not (group / "cgroup.procs").read_text():
                time.sleep(0.01)
        clear_left_over()
        assert sleeping[0].wait() == -signal.SIGKILL
        assert not ours.exists()
        assert not scratch.parent.exists()
        assert [process.poll() for process in sleeping[1:]] == [None] * len(theirs)


def test_very_many_empty_files(grade: Grade) -> None:
    assert "wrote more than 0.0312" in stopped(grade(with_lstm(FILES)))


def test_a_core_of_its_own(grade: Grade, tmp_path: Path) -> None:
    """At the lowest priority; the program can change neither, and nobody else has that core."""
    program = (
        "import os\nprint(os.sched_getaffinity(0), os.nice(0))\ntry:\n"
        "    os.sched_setaffinity(0, range(os.cpu_count()))\nexcept OSError:\n"
        "    print('refused')\n"
    )
    lines = grade(with_lstm(program)).extra_data.printed.splitlines()
    assert lines[0] == f"{{{lines[0][1:-4]}}} 19"
    assert lines[-1] == "refused"
    everywhere = os.sched_getaffinity(0)
    with share(2**30, tmp_path) as one, share(2**30, tmp_path) as other:
        assert one.cores.isdisjoint(other.cores) or everywhere in (one.cores, other.cores)


def test_much_is_printed(grade: Grade) -> None:
    """32 times what is kept: the rest is read and thrown away, so that the program goes on."""
    result = grade(pack(FINE | {"my_gan.py": PRINT.format(megabytes=32)}))
    assert result.score == 84
    assert 0 < len(result.extra_data.printed) <= 4000


def test_large_files(grade: Grade) -> None:
    """One above the limit of a file; many that are below it."""
    one = with_lstm("open('x', 'wb').write(bytes(17 * 2**20))\n")
    assert ("does-not-import", "lstm.py") in found(grade(one))
    many = "import time\nfor k in range(5):\n    open(str(k), 'wb').write(bytes(8 * 2**20))\n"
    result = grade(with_lstm(many + "time.sleep(20)\n"))
    full = ("does-not-import", "lstm.py") in found(result)
    assert full or "wrote more than" in stopped(result)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def test_network(grade: Grade, listener: socket.socket) -> None:
    result = grade(with_lstm(NETWORK.format(port=listener.getsockname()[1])))
    with pytest.raises(TimeoutError):
        listener.accept()
    assert ("does-not-import", "lstm.py") in found(result)


def test_files_of_others(grade: Grade, isolation: Isolation, tmp_path: Path) -> None:
    secret = tmp_path / "87654321_assignment3.zip"
    secret.write_text("somebody else's")
    result = grade(with_lstm(READ.format(path=secret)))
    if isolation.tool == "bubblewrap" or isolation.confined:
        assert ("does-not-import", "lstm.py") in found(result)
        assert "somebody else's" not in result.extra_data.printed
    else:
        assert "somebody else's" in result.extra_data.printed
        assert "files that this user may read" in isolation.describe()


def test_files_of_others_without_landlock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is then not protected is said, and nobody grades so without --unsafe."""
    monkeypatch.setattr("toolkit.assignment.sandbox.isolation.landlock_version", lambda: 0)
    plain = Isolation("limits")
    secret = tmp_path / "87654321_assignment3.zip"
    secret.write_text("somebody else's")
    data = with_lstm(READ.format(path=secret))
    result = grade_archive("1234_assignment3.zip", data, read_rubric(), LIMITS, CHECK, plain)
    assert "somebody else's" in result.extra_data.printed
    assert "files that this user may read" in plain.describe()
    assert not plain.safe


# What Landlock leaves open to the owner of a file, and to all who may connect to a socket.
BESIDE_LANDLOCK = """
import os, socket
def connect():
    with socket.socket(socket.AF_UNIX) as ours:
        ours.connect({address!r})
def send():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.sendto(b"do this", {mailbox!r})
attempts = dict(
    mode=lambda: os.chmod({file!r}, 0o777),
    time=lambda: os.utime({file!r}, (1, 1)),
    attribute=lambda: os.setxattr({file!r}, "user.x", b"x"),
    folder=lambda: os.chmod(os.path.dirname({file!r}), 0o711),
    connect=connect,
    send=send,
)
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError as error:
        continue
    print(name)
"""


def test_what_landlock_leaves_open(grade: Grade, isolation: Isolation, tmp_path: Path) -> None:
    """Nobody may change the teacher's files or talk to the teacher's programs, unless it is said.

    A program of the teacher that obeys such a socket runs whatever it is told: D-Bus, tmux, Docker.
    """
    file, address, mailbox = tmp_path / "results.json", tmp_path / "address", tmp_path / "mailbox"
    file.write_text("{}")
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver,
    ):
        listener.bind(str(address))
        listener.listen()
        receiver.bind(str(mailbox))
        program = BESIDE_LANDLOCK.format(file=str(file), address=str(address), mailbox=str(mailbox))
        printed = grade(with_lstm(program)).extra_data.printed
    if isolation.safe:
        assert printed == ""
    else:
        assert {"connect", "send"} <= set(printed.split())
        assert "UNIX sockets" in isolation.describe()
        assert "files of this user" in isolation.describe() or not isolation.confined


# What the kernel is asked to do, and the error that it gives: no permission, or no such call.
CALLS = """
import ctypes, socket, resource, os
libc = ctypes.CDLL(None, use_errno=True)
def tried(name, *arguments):
    ctypes.set_errno(0)
    done = libc.syscall(numbers[name], *arguments)
    print(name, done, ctypes.get_errno())
for name in refused:
    tried(name, 0, 0, 0, 0)
tried("clone3", None, 0)
tried("clone", 0x10000000 | 17, None, None, None, None)
tried("prlimit64", os.getppid(), 7, None, None)
for family in (1, 2, 10, 16, 40):  # UNIX, INET, INET6, NETLINK, VSOCK
    try:
        socket.socket(family, 3 if family == 16 else 1).close()
        print("family", family, "made")
    except OSError as error:
        print("family", family, error.errno)
print("still:", os.waitpid(os.fork() or os._exit(3), 0)[1] >> 8, resource.getrlimit(7)[0])
print("keys:", "of_the_teacher" in open("/proc/keys").read())
"""


def test_calls_that_the_kernel_refuses(grade: Grade, isolation: Isolation) -> None:
    """In all ways alike."""
    call = dict(zip((*REFUSED, *ASKED), NUMBERS[platform.machine()][1], strict=True))
    libc = ctypes.CDLL(None)
    libc.syscall(call["add_key"], b"user", b"of_the_teacher", b"secret", 6, -3)  # of the session
    program = f"numbers, refused = {call!r}, {REFUSED!r}\n{CALLS}"
    lines = grade(with_lstm(program)).extra_data.printed.splitlines()
    half = lines[: len(lines) // 2]  # train.py imports it, too
    assert half[: len(REFUSED)] == [f"{name} -1 1" for name in REFUSED]
    assert half[len(REFUSED) :] == [
        *("clone3 -1 38", "clone -1 1", "prlimit64 -1 1", "family 1 made", "family 2 1"),
        *("family 10 1", "family 16 1", "family 40 1", "still: 3 1024"),
        f"keys: {not isolation.drop_user}",  # the same user sees its name, and cannot read it
    ]


def test_the_numbers_of_the_calls() -> None:
    """As in the headers of this machine, for both kinds of machine."""
    for machine, header in system_calls.HEADERS.items():
        if not header.exists():
            pytest.skip("needs the kernel's headers: apt install linux-libc-dev")
        assert NUMBERS[machine][1] == system_calls.numbers(header)


@pytest.mark.parametrize("name", ["/etc/passwd", "/etc/shadow"])
def test_no_settings_of_the_machine(name: str, shut: Grade) -> None:
    printed = shut(with_lstm(READ.format(path=name))).extra_data.printed
    assert "FileNotFoundError" in printed


def test_no_folders_of_the_machine(shut: Grade) -> None:
    """What is seen is what Python and the child need, and the folders above it."""
    needed = [sys.prefix, sys.base_prefix, str(PACKAGE), CHECK.child[0]]
    for folder in {str(Path.home()), "/home", str(PACKAGE.parent)}:
        program = f"import os\nprint(os.listdir({folder!r}) if os.path.isdir({folder!r}) else [])\n"
        printed = shut(with_lstm(program)).extra_data.printed
        for seen in ast.literal_eval(printed.splitlines()[0]):
            assert any(Path(name).is_relative_to(Path(folder, seen)) for name in needed), seen


def test_nothing_that_knows_an_answer(shut: Grade) -> None:
    """Of the toolkit only what asks; no judge, no model, no exports."""
    child = PACKAGE / RUNNING
    program = (
        "import os\nprint([os.path.join(folder, name) for folder, _, names in "
        f"os.walk({str(PACKAGE)!r}) for name in names if not folder.startswith({str(child)!r})])\n"
        f"print(os.path.exists({str(child)!r}), os.path.exists({str(EXPORTS)!r}))\n"
    )
    listed, there = shut(with_lstm(program)).extra_data.printed.splitlines()[:2]
    seen = {Path(name) for name in ast.literal_eval(listed)}
    assert seen == {PACKAGE / "__init__.py", PACKAGE / "assignment" / "__init__.py"}
    assert there == "True False"


def test_no_variables_of_the_teacher(shut: Grade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_THE_TEACHER", "a secret")
    program = "import os\nprint(dict(os.environ))\n"
    printed = shut(with_lstm(program)).extra_data.printed
    assert "'HOME'" in printed
    assert "TOKEN_OF_THE_TEACHER" not in printed


def test_writing_elsewhere(shut: Grade, tmp_path: Path) -> None:
    for place in (tmp_path / "written", PACKAGE / "written", Path("/usr/written")):
        result = shut(with_lstm(WRITE.format(path=place)))
        assert ("does-not-import", "lstm.py") in found(result)
        assert not place.exists()


def test_deleting(shut: Grade, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{}")
    result = shut(with_lstm(DELETE.format(path=str(tmp_path))))
    assert ("does-not-import", "train.py") in found(result)  # it deleted its own
    assert (tmp_path / "results.json").exists()


def test_the_check_can_be_read_by_no_child(shut: Grade) -> None:
    """Memory, descriptors and environment of the process that starts what runs the code."""
    program = """
import os
for pid in (1, os.getppid()):
    for name in ("mem", "environ", "maps", "fd/1"):
        try:
            open(f"/proc/{pid}/{name}", "rb").read(1)
            print("opened", name)
        except PermissionError:
            print("refused", name)
"""
    printed = shut(with_lstm(program)).extra_data.printed
    assert "opened" not in printed
    assert printed.count("refused") == 2 * 4 * 2  # train.py imports lstm.py too
