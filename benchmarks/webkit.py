"""The page in one file in WebKit, the engine of Safari: python benchmarks/webkit.py

Needs Debian's webkit2gtk-driver and xvfb. Opens the page as a file, runs every golden value of the
manifest through its networks, visits each tab, trains the tiny LSTM, and prints a Markdown table.
Exit code 1: a value is off, or a part does not work.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.common.package_data import package_data
from toolkit.export.manifest import SIGNATURES, read_manifest
from toolkit.export.playground import write_playground

PORT, DISPLAY = 47_113, ":77"
TOLERANCE = 3e-3  # times 1 + |y|; the weights of the page are in half precision
# Errors of the page's scripts are kept where they can be asked for.
LISTEN = "window.trouble = []; addEventListener('error', (e) => trouble.push(e.message));"


class Session:
    """A browser, spoken to as the W3C's WebDriver has it."""

    def __init__(self) -> None:
        options = {"args": ["--automation"]}
        answer = self.ask(
            "POST",
            "/session",
            {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}},
        )
        self.id = answer["sessionId"]
        capabilities = answer["capabilities"]
        self.name = f"{capabilities['browserName']} {capabilities['browserVersion']}"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body or {}).encode() if method == "POST" else None
        address, kind = f"http://127.0.0.1:{PORT}{path}", {"Content-Type": "application/json"}
        request = urllib.request.Request(address, data, kind, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, url: str) -> None:
        self.ask("POST", f"/session/{self.id}/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:
        """What the body of a JavaScript function returns; it finds its `arguments`."""
        body = {"script": script, "args": arguments}
        return self.ask("POST", f"/session/{self.id}/execute/sync", body)

    def wait(self, expression: str, seconds: float = 60) -> float:
        """Seconds until a JavaScript expression is true."""
        start = time.perf_counter()
        while not self.run(f"return Boolean({expression})"):
            if time.perf_counter() - start > seconds:
                sys.exit(f"Not true within {seconds:g} s: {expression}")
            time.sleep(0.1)
        return time.perf_counter() - start


@contextmanager
def webkit() -> Iterator[Session]:
    """A browser of its own, on a screen that nobody sees."""
    for program in ("WebKitWebDriver", "Xvfb"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: apt install webkit2gtk-driver xvfb")
    screen = ["Xvfb", DISPLAY, "-screen", "0", "1280x900x24"]
    driver = ["WebKitWebDriver", f"--port={PORT}"]
    with ExitStack() as stack:
        for command in (screen, driver):
            process = stack.enter_context(
                subprocess.Popen(
                    command,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | {"DISPLAY": DISPLAY},
                )
            )
            stack.callback(process.terminate)
            time.sleep(2)
        session = Session()
        stack.callback(session.ask, "DELETE", f"/session/{session.id}")
        yield session


def golden(session: Session) -> tuple[int, float]:
    """The number of golden values, and the largest deviation in units of 1 + |y|."""
    count, worst = 0, 0.0
    for name in SIGNATURES:
        for case in read_manifest(package_data("exports"))[f"{name}.pt"]["golden"]["cases"]:
            given, expected = (
                np.array(case[key]["values"]).reshape(case[key]["shape"][0], -1)
                for key in ("input", "output")
            )
            call = (
                "return arguments[1].map((x) => "
                "[...playground[arguments[0]].forward(Float32Array.from(x))])"
            )
            answer = np.array(session.run(call, name, given.tolist()))
            off = np.abs(answer - expected) / (1 + np.abs(expected))
            count, worst = count + off.size, max(worst, float(off.max()))
    return count, worst


def main() -> int:
    with tempfile.TemporaryDirectory() as directory, webkit() as session:
        page = Path(directory, "playground.html")
        write_playground(package_data("exports"), page)
        session.open(page.as_uri())
        session.run(LISTEN)
        session.wait("document.querySelector('.end.good')")
        count, worst = golden(session)
        tabs = session.run("return [...document.querySelectorAll('[role=tab]')].map((t) => t.id)")
        for tab in tabs:
            session.run("document.getElementById(arguments[0]).click()", tab)
            session.wait("document.querySelector('section:not([hidden])').children.length")
        session.run("document.getElementById('tab-learn').click()")
        start = "[...document.querySelectorAll('button')].find((b) => b.textContent === 'Start')"
        session.run(f"{start}.click()")
        learnt = (
            "[...document.querySelectorAll('.facts')].some((f) => /99% after/.test(f.textContent))"
        )
        seconds = session.wait(learnt, 120)
        trouble = session.run("return trouble")
        print(f"| {session.name} | measured |\n|---|---|")
        print(f"| golden values | {count}, at most {worst:.1e} (1 + abs y) off |")
        print(f"| tabs opened | {len(tabs)} |")
        print(f"| tiny LSTM: 99% of unseen palindromes | {seconds:.1f} s |")
        print(f"| errors of scripts | {len(trouble)} |")
    return int(worst > TOLERANCE or bool(trouble))


if __name__ == "__main__":
    sys.exit(main())
