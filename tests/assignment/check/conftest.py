"""A check whose children are forked from one warm process."""

import functools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.assignment.check import parent, supervisor
from toolkit.assignment.check.findings import Report

from . import warm

Check = Callable[..., Report]


@pytest.fixture(scope="session")
def warm_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a process that has imported torch and every check."""
    address = tmp_path_factory.mktemp("warm") / "socket"
    process = subprocess.Popen(
        [sys.executable, warm.__file__, str(address)],
        env=supervisor.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield address
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def warm_check(warm_process: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """`parent.check`, in which only the start of the children differs."""
    monkeypatch.setattr(parent, "probe", functools.partial(warm.probe, warm_process))
    return parent.check
