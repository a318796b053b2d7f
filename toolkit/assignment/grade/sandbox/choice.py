"""Which isolation a machine has: each way is tried, because an installed tool may be forbidden."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from toolkit.assignment.grade.sandbox.isolation import (
    INSTALL,
    Isolation,
    Limits,
    Sandbox,
    Tool,
    find_bwrap,
)
from toolkit.common.errors import ToolkitError


def candidates() -> list[Isolation]:
    """All ways that this user may try, the best first."""
    tools: tuple[Tool, ...] = ("bubblewrap", "unshare", "limits")
    return [Isolation(tool, drop_user=os.geteuid() == 0) for tool in tools]


def find_isolation(own_code: bool = False, unsafe: bool = False) -> Isolation:
    """The best way that works here.

    Args:
        own_code: the code is the user's own, so limits are enough, even for root.
        unsafe: somebody has agreed to a way that leaves files or the network open.

    Raises:
        ToolkitError: none works: this is root, which cannot give up its rights here; or none is
            safe, and nobody has agreed.
    """
    reasons = []
    for isolation in [*candidates(), *([Isolation("limits")] if own_code else [])]:
        reason = why_not(isolation)
        if reason is None and not (isolation.safe or own_code or unsafe):
            raise ToolkitError(
                "What students handed in would run here with too little between it and you: "
                f"{isolation.describe()} To grade all the same, give --unsafe."
            )
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
        sandbox = Sandbox(isolation, submission, scratch, Limits())
        sandbox.prepare()
        try:
            tried = subprocess.run(
                sandbox.command(["-m", "this"]),
                env=sandbox.environment(),
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=300,
            )
        except subprocess.TimeoutExpired:
            return "it hung"
    if tried.returncode == 0 and "The Zen of Python" in tried.stdout:
        return None
    return (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
