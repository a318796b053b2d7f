"""The demos as processes of their own on free ports, and Debian's Chromium to visit them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

# Lines that run argv[1] as if it had been given to Python itself, and others in between.
RUN = """
import os, runpy, sys
sys.argv.pop(0)
sys.path.insert(0, os.path.dirname(sys.argv[0]))
{before}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class Served:
    """A demo that is running."""

    url: str  # ends in a slash
    process: subprocess.Popen[str]
    temporary: Path  # its TMPDIR, which holds nothing else
    first_lines: list[str]

    def close(self) -> int:
        """End it as `kill` does; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=120)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start `python demos/NAME.py ARGUMENTS` and wait until its page is served.

    `before` is Python that its process runs first.
    """
    served = []

    def start(name: str, *arguments: object, before: str = "", **environment: str) -> Served:
        temporary = tmp_path_factory.mktemp("tmpdir")
        process = subprocess.Popen(
            [
                *("env", "--default-signal"),  # a shell in the background ignores Ctrl+C
                sys.executable,
                *(["-c", RUN.format(before=before)] if before else []),
                ROOT / "demos" / f"{name}.py",
                *map(str, arguments),
            ],
            env=os.environ | {"TMPDIR": str(temporary)} | environment,
            cwd=temporary.parent,  # a demo works from anywhere
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if address := re.search(r"http://\S+/", line):
                served.append(Served(address[0], process, temporary, lines))
                return served[-1]
        raise AssertionError(f"It ended with {process.wait()}: {''.join(lines)}")

    yield start
    codes = [demo.close() for demo in served]
    assert set(codes) <= {0, -signal.SIGKILL}


@pytest.fixture(scope="session")
def gan_demo(serve: Serve) -> Served:
    return serve("gan_demo", "--port", free_port())


@pytest.fixture(scope="session")
def gan_page(gan_demo: Served) -> str:
    return gan_demo.url


@pytest.fixture(scope="session")
def digit_page(serve: Serve) -> str:
    return serve("digit_demo", "--port", free_port()).url


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api")
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
