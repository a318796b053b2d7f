"""Demos that run in their own processes on free ports, and Debian's Chromium to visit them."""

import asyncio
import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from toolkit.train.playground.page import write_playground

from ..conftest import HANGS

ROOT = Path(__file__).parents[2]
Result = TypeVar("Result")


def run_coroutine(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a thread of its own: a browser of another test may have a loop in this one."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


# Runs `before` and then argv[1], as if that had been given to Python itself.
RUN = """
import os, runpy, sys
sys.argv.pop(0)
sys.path.insert(0, os.path.dirname(sys.argv[0]))
{before}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


# Prints every address that its process looks up or connects to.
LOOK_UPS = """
import socket
ask, connect = socket.getaddrinfo, socket.socket.connect
def listen(host, *arguments, **options):
    print("LOOK-UP", host, flush=True)
    return ask(host, *arguments, **options)
def note(self, address):
    print("LOOK-UP", address[0], flush=True)
    return connect(self, address)
socket.getaddrinfo, socket.socket.connect = listen, note
for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    setattr(socket, name, lambda *a, name=name: print("LOOK-UP", name, flush=True))
"""


# A call of `samples` with this seed is worked on until somebody makes the file $GATE. Meanwhile no
# more than four others may wait.
STANDS_STILL = 4711
HOLD = f"""
import os, time
import serving.server
serving.server.QUEUE_SIZE = 4
from latent_studio.studio import Studio
samples = Studio.samples
def held(self, seed, *more):
    while seed == {STANDS_STILL} and not os.path.exists(os.environ["GATE"]):
        time.sleep(0.01)
    return samples(self, seed, *more)
Studio.samples = held
"""


def data_uri(picture: np.ndarray | Image.Image) -> str:
    """A picture as a browser sends it: PNG in base64."""
    data = iio.imwrite("<bytes>", np.asarray(picture), extension=".png")
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


LOOPBACK = {"127.0.0.1", "localhost", "::1", "None"}


@dataclass
class Served:
    """A demo that is running."""

    url: str  # ends in a slash
    process: subprocess.Popen[str]
    temporary: Path  # its TMPDIR, which holds nothing else
    output: Path  # what it prints
    gate: Path  # a file that opens it for the call that stands still

    def files(self) -> set[Path]:
        """Every file that it has written and not deleted."""
        return {path for path in self.temporary.rglob("*") if path.is_file()}

    def hosts(self) -> set[str]:
        """What it has looked up or connected to, if it was started with LOOK_UPS."""
        lines = self.output.read_text().splitlines()
        return {line.split()[1] for line in lines if line.startswith("LOOK-UP")}

    def close(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal. It must leave neither a file nor a traceback behind."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        assert self.process.wait(timeout=HANGS) == 0
        assert self.files() == set()
        assert not list(self.temporary.glob("demo-*"))
        printed = self.output.read_text()
        assert printed.endswith("The page is closed.\n")
        assert "Traceback" not in printed


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start `python demos/NAME.py ARGUMENTS` and wait until its page is served.

    `before` is Python that its process runs first, `until` the last line that is waited for.
    At the end every demo that was not killed must close as it should.
    """
    served: list[Served] = []

    def start(
        name: str,
        *arguments: object,
        before: str = "",
        until: str = r"http://\S+/",
        **environment: str,
    ) -> Served:
        temporary = tmp_path_factory.mktemp("tmpdir")
        output = tmp_path_factory.mktemp("output") / "output.txt"
        gate = output.with_name("gate")
        port = free_port()
        with open(output, "w") as file:
            process = subprocess.Popen(
                [
                    *("env", "--default-signal"),  # a shell in the background ignores Ctrl+C
                    sys.executable,
                    *(["-c", RUN.format(before=before)] if before else []),
                    ROOT / "demos" / f"{name}.py",
                    *("--port", str(port)),
                    *map(str, arguments),
                ],
                env=os.environ | {"TMPDIR": str(temporary), "GATE": str(gate)} | environment,
                cwd=temporary.parent,  # a demo works from anywhere
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
            )
        served.append(Served(f"http://127.0.0.1:{port}/", process, temporary, output, gate))
        while not re.search(until, output.read_text()):
            if process.poll() is not None:
                served.pop()
                raise AssertionError(f"It ended with {process.wait()}: {output.read_text()}")
            time.sleep(0.05)
        assert served[-1].url in output.read_text()
        return served[-1]

    yield start
    try:
        for demo in served:
            if demo.process.poll() != -signal.SIGKILL:
                demo.close()
    finally:
        for demo in served:
            demo.process.kill()
            demo.process.wait()


@pytest.fixture(scope="session")
def gan_demo(serve: Serve) -> Served:
    return serve("gan_demo", before=LOOK_UPS + HOLD)


@pytest.fixture(scope="session")
def gan_page(gan_demo: Served) -> str:
    return gan_demo.url


@pytest.fixture(scope="session")
def digit_demo(serve: Serve) -> Served:
    return serve("digit_demo", before=LOOK_UPS)


@pytest.fixture(scope="session")
def digit_page(digit_demo: Served) -> str:
    return digit_demo.url


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the committed exports."""
    path = tmp_path_factory.mktemp("playground") / "playground.html"
    write_playground(ROOT / "exports", path)
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def node() -> Callable[..., str]:
    """Runs a script of this folder in Node."""
    if (program := shutil.which("node")) is None:
        pytest.skip("needs node: apt install nodejs")

    def run(script: Path, *arguments: object, text: str = "") -> str:
        done = subprocess.run(
            [program, script, *map(str, arguments)],
            input=text,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
