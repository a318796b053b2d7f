"""The page in one file in WebKit, which Safari has, and in Firefox: python benchmarks/browsers.py

The benchmark needs Debian's packages webkit2gtk-driver, xvfb and firefox-esr. In each browser, it
opens the page as a file, compares the outputs of the page's networks with the golden values in the
manifest, visits each tab, and trains the tiny LSTM. It prints a Markdown table. The exit code is 1
if an output deviates too much, or if a part of the page does not work.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.common.package_data import package_data
from toolkit.export.manifest import SIGNATURES, entry_of
from toolkit.train.playground.page import write_playground

PORT, DISPLAY = 47_113, ":77"
TOLERANCE = 3e-3  # times 1 + |y|; the page's weights have half precision
# This script collects the errors of the page's scripts in `window.trouble`.
LISTEN = "window.trouble = []; addEventListener('error', (e) => trouble.push(e.message));"


class Browser(ABC):
    """A browser that opens pages and runs JavaScript in them."""

    name: str  # including the version

    @abstractmethod
    def open(self, url: str) -> None: ...

    @abstractmethod
    def run(self, script: str, *arguments: object) -> Any:
        """Run the body of a JavaScript function on its `arguments` and return its result."""

    def wait(self, expression: str, seconds: float = 60) -> float:
        """Wait until a JavaScript expression is true, and return how many seconds this took."""
        start = time.perf_counter()
        while not self.run(f"return Boolean({expression})"):
            if time.perf_counter() - start > seconds:
                sys.exit(f"Not true within {seconds:g} s: {expression}")
            time.sleep(0.1)
        return time.perf_counter() - start


class WebKit(Browser):
    """WebKit, controlled with the W3C's WebDriver protocol."""

    def __init__(self) -> None:
        options = {"webkitgtk:browserOptions": {"args": ["--automation"]}}
        answer = self.ask("", {"capabilities": {"alwaysMatch": options}})
        self.id = answer["sessionId"]
        self.name = f"WebKitGTK {answer['capabilities']['browserVersion']}"

    def ask(self, path: str, body: object) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/session{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, url: str) -> None:
        self.ask(f"/{self.id}/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:
        return self.ask(f"/{self.id}/execute/sync", {"script": script, "args": arguments})


class Firefox(Browser):
    """Firefox, controlled with Marionette, the protocol underneath Firefox's WebDriver.

    A request has the form LENGTH:[0, number, command, parameters], and a reply has the form
    LENGTH:[1, number, error, result].
    """

    def __init__(self) -> None:
        self.connection = socket.create_connection(("127.0.0.1", PORT), timeout=120)
        self.stream = self.connection.makefile("rb")
        self.read()  # Firefox's greeting
        capabilities = self.ask("WebDriver:NewSession")["capabilities"]
        self.name = f"Firefox {capabilities['browserVersion']}"

    def read(self) -> Any:
        digits = b""
        while (byte := self.stream.read(1)) != b":":
            digits += byte
        return json.loads(self.stream.read(int(digits)))

    def ask(self, command: str, **parameters: object) -> Any:
        message = json.dumps([0, 1, command, parameters]).encode()
        self.connection.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self.read()
        if error:
            sys.exit(f"Firefox: {error['message']}")
        return result

    def open(self, url: str) -> None:
        self.ask("WebDriver:Navigate", url=url)

    def run(self, script: str, *arguments: object) -> Any:
        return self.ask("WebDriver:ExecuteScript", script=script, args=arguments)["value"]


@contextmanager
def started(kind: type[Browser], directory: Path) -> Iterator[Browser]:
    """Start a browser without a visible window, and end it when the `with` block ends."""
    (directory / "user.js").write_text(f'user_pref("marionette.port", {PORT});', encoding="utf-8")
    firefox = ["firefox-esr", "--marionette", "--headless", "--profile", str(directory)]
    commands = {
        WebKit: (
            ["Xvfb", DISPLAY, "-screen", "0", "1280x900x24"],
            ["WebKitWebDriver", f"--port={PORT}"],
        ),
        Firefox: (firefox,),
    }
    with ExitStack() as stack:
        for command in commands[kind]:
            if not shutil.which(command[0]):
                sys.exit(f"{command[0]} is missing; see above.")
            process = stack.enter_context(
                subprocess.Popen(
                    command,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | {"DISPLAY": DISPLAY},
                )
            )
            stack.callback(process.terminate)
            time.sleep(6)
        yield kind()


def as_rows(tensor: dict[str, Any]) -> np.ndarray:
    """Convert a tensor of the manifest to a matrix; all axes but the first become one."""
    return np.array(tensor["values"]).reshape(tensor["shape"][0], -1)


def golden(browser: Browser) -> tuple[int, float]:
    """Return the number of golden values and the largest deviation, in units of 1 + |y|."""
    count, worst = 0, 0.0
    for name in SIGNATURES:
        for case in entry_of(name, package_data("exports"))["golden"]["cases"]:
            inputs, expected = as_rows(case["input"]), as_rows(case["output"])
            call = (
                "return arguments[1].map((x) => "
                "[...playground[arguments[0]].forward(Float32Array.from(x))])"
            )
            answer = np.array(browser.run(call, name, inputs.tolist()))
            off = np.abs(answer - expected) / (1 + np.abs(expected))
            count, worst = count + off.size, max(worst, float(off.max()))
    return count, worst


def try_page(browser: Browser, url: str) -> tuple[str, bool]:
    """Test the page in a browser; return its row of the table, and True if everything works."""
    browser.open(url)
    browser.run(LISTEN)
    browser.wait("document.querySelector('.end.good')")
    count, worst = golden(browser)
    tabs = browser.run("return [...document.querySelectorAll('[role=tab]')].map((tab) => tab.id)")
    for tab in tabs:
        browser.run("document.getElementById(arguments[0]).click()", tab)
        browser.wait("document.querySelector('section:not([hidden])').children.length")
    browser.run("document.getElementById('tab-learn').click()")
    start = "[...document.querySelectorAll('button')].find((b) => b.textContent === 'Start')"
    browser.run(f"{start}.click()")
    learnt = "[...document.querySelectorAll('.facts')].some((f) => /99% after/.test(f.textContent))"
    seconds = browser.wait(learnt, 120)
    trouble = browser.run("return trouble")
    values = f"{count:,}, at most {worst:.1e} (1 + abs y) off"
    row = f"| {browser.name} | {values} | {len(tabs)} | {seconds:.1f} s | {len(trouble)} |"
    return row, worst <= TOLERANCE and not trouble


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    rows, fine = [], True
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory, "playground.html")
        write_playground(package_data("exports"), page)
        for kind in (WebKit, Firefox):
            with started(kind, Path(directory)) as browser:
                row, is_fine = try_page(browser, page.as_uri())
            rows.append(row)
            fine = fine and is_fine
    print("| browser | golden values | tabs opened | tiny LSTM: 99% | errors of scripts |")
    print("|---|---|---|---|---|", *rows, sep="\n")
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
