"""Chooses the best kind of isolation by testing each kind on this machine."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from toolkit.assignment.sandbox.isolation import (
    INSTALL,
    Isolation,
    Limits,
    Sandbox,
    Tool,
    find_bwrap,
)
from toolkit.common.errors import ToolkitError


def candidates() -> list[Isolation]:
    """Return the kinds of isolation to try, the best kind first."""
    tools: tuple[Tool, ...] = ("bubblewrap", "unshare", "limits")
    return [Isolation(tool, drop_user=os.geteuid() == 0) for tool in tools]


def find_isolation(own_code: bool = False, unsafe: bool = False) -> Isolation:
    """Return the best kind of isolation that works on this machine.

    Args:
        own_code: True if the code is the user's own; limits on its resources are then enough
            isolation, even if the user is root.
        unsafe: True if the user accepts isolation that does not protect files or the network.

    Raises:
        ToolkitError: no kind of isolation works, for example because root cannot drop its
            privileges on this machine. The error is also raised if the best kind that works is
            unsafe, and both `own_code` and `unsafe` are False.
    """
    to_try = candidates()
    if own_code:
        to_try.append(Isolation("limits"))
    reasons = []
    for isolation in to_try:
        reason = why_not(isolation)
        if reason is not None:
            reasons.append(f"{isolation.tool}: {reason}")
        elif isolation.safe or own_code or unsafe:
            return isolation
        else:
            raise ToolkitError(
                "What students handed in would run here with too little between it and you: "
                f"{isolation.describe()} To grade all the same, give --unsafe."
            )
    raise ToolkitError(
        "A submission that runs as root here could do harm, and nothing here prevents that. "
        f"{INSTALL} Or grade as an ordinary user. ({'; '.join(reasons)})"
    )


def why_not(isolation: Isolation) -> str | None:
    """Return the reason why this way of isolating a program does not work on this machine, or None
    if it works.
    """
    if isolation.tool == "bubblewrap" and find_bwrap() is None:
        return "bwrap is not installed"
    if isolation.tool == "unshare" and shutil.which("unshare") is None:
        return "unshare is not installed"
    with tempfile.TemporaryDirectory() as directory:
        try:
            process = _run_in(isolation, Path(directory))
        except subprocess.TimeoutExpired:
            return "it hung"
    if process.returncode == 0 and "The Zen of Python" in process.stdout:
        return None
    errors = process.stderr.strip().splitlines()
    return errors[-1] if errors else f"exit code {process.returncode}"


def _run_in(isolation: Isolation, directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run `python -m this` in a sandbox with the given isolation, to test the isolation.

    Raises:
        TimeoutExpired: the program did not end in time.
    """
    submission = directory / "submission"
    scratch = directory / "scratch"
    for path in (submission, scratch):
        path.mkdir()
        path.chmod(0o755)
    sandbox = Sandbox(isolation, submission, scratch, Limits())
    sandbox.prepare()
    return subprocess.run(
        sandbox.command(["-m", "this"]),
        env=sandbox.environment(),
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=300,
    )
