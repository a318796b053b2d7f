"""Shared by all tests: the command line as users call it, MNIST, read once, a Dask cluster."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

# Two workers run side by side: more threads than cores would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reports its use otherwise

from toolkit.gan.data import MNIST, load_mnist

ROOT = Path(__file__).parents[1]

# Property-based tests take the same examples in every run; --hypothesis-profile=nightly, others.
settings.register_profile("same", derandomize=True, database=None, deadline=None, max_examples=60)
settings.register_profile("nightly", database=None, deadline=None, max_examples=3000)
settings.load_profile("same")

# Fixtures that start a program which may be missing; they skip with "needs PROGRAM: how to get it".
STARTS = {
    "browser": "chromium",
    "node": "node",
    "latex_to_text": "pdflatex",
    "word_to_text": "soffice",
    "built": "c++",
}

PATIENCE = 120_000  # ms after which what a page was to show will not come any more
HANGS = 900  # seconds after which a program is taken for one that hangs; nothing waits for it else
# Fixtures that take long to make: their tests are slow.
DEAR = {"converted", "hand_in_exports"}

NEEDS_PLAYWRIGHT = "needs playwright: pip install playwright"

RunTrain = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_train(tmp_path: Path) -> RunTrain:
    """Call `python -m toolkit.train ...` from the project's folder; runs go to tmp_path."""

    def run(*arguments: object, runs_dir: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "toolkit.train", *map(str, arguments), "--runs-dir", runs_dir],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=HANGS,
        )

    return run


@pytest.fixture(scope="session")
def smoke_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, empty before, in which `train all` and `horizon` have run with the smoke preset.

    What they printed is in all.txt and horizon.txt. A test that continues in it copies it. Tests
    that use it are of the group "smoke", so that no worker waits for another to make it.
    """

    def make(project: Path) -> None:
        commands = {name: start_smoke(name, project) for name in ("all", "horizon")}
        for name, command in commands.items():
            assert command.wait() == 0, (project / f"{name}.txt").read_text()

    return once(tmp_path_factory, "smoke-project", make)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder of this name that `make` fills, for all workers; only to be read."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with FileLock(shared / f"{name}.lock"):
        if not (shared / name / "made").exists():
            (shared / name).mkdir()
            make(shared / name)
            (shared / name / "made").touch()
    return shared / name


def start_smoke(command: str, project: Path) -> subprocess.Popen[bytes]:
    """Start a command of `toolkit.train`, which prints to a file in the project."""
    with open(project / f"{command}.txt", "wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "toolkit.train", command, "--preset", "smoke"],
            cwd=project,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright: a context, whose pages share their cache."""
    playwright = pytest.importorskip("playwright.sync_api", reason=NEEDS_PLAYWRIGHT)
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("needs chromium: apt install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(accept_downloads=True)
        context.set_default_timeout(PATIENCE)
        yield context
        browser.close()


@pytest.fixture(scope="session")
def mnist() -> MNIST:
    return load_mnist()


@pytest.fixture
def scheduler() -> Iterator[str]:
    """A real Dask scheduler and two workers, each a process of its own, on loopback."""

    def start(*arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
            stderr=subprocess.PIPE,
            text=True,
        )

    processes = [start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")]
    try:
        address = None
        while address is None:
            assert processes[0].stderr is not None
            match = re.search(r"Scheduler at:\s*(tcp://\S+)", processes[0].stderr.readline())
            address = match and match[1]
        quiet = ("--no-dashboard", "--nthreads", "1", "--no-nanny")
        workers = [start("dask_worker", address, *quiet) for _ in range(2)]
        processes += workers
        for worker in workers:
            assert worker.stderr is not None
            assert any("Registered to" in line for line in worker.stderr)
        yield address
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that the selection by `-m` is to see otherwise than they were written."""
    mark_needs(items)
    mark_rows(items)
    for item in items:
        if DEAR & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def mark_rows(items: list[pytest.Item]) -> None:
    """Keep n quick rows of a test marked `rows(n)`, evenly spread; the others become slow."""
    tables = defaultdict(list)
    for item in items:
        is_quick = not any(map(item.get_closest_marker, ("slow", "nightly")))
        if item.get_closest_marker("rows") and is_quick:
            tables[item.nodeid.partition("[")[0]].append(item)
    for table in tables.values():
        rows = table[0].get_closest_marker("rows")
        assert rows is not None
        kept = {k * len(table) // rows.args[0] for k in range(rows.args[0])}
        for k, item in enumerate(table):
            if k not in kept:
                item.add_marker(pytest.mark.slow)


def mark_needs(items: list[pytest.Item]) -> None:
    """Mark the tests whose fixtures start a program, so that `-m needs` selects them."""
    for item in items:
        for fixture in STARTS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.needs(STARTS[fixture]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line on what was skipped, and what brings it back."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    if reasons:
        named = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        terminalreporter.write_line(f"{len(skipped)} tests were skipped, not passed: {named}")
