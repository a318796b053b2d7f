"""The page in one file, measured: python benchmarks/playground.py [--exports DIR]

The benchmark makes the page, opens it as a file in Chromium with the network off, and prints a
Markdown table. The table shows the size of each part of the page, the times of opening the page and
of using its networks (medians), and the time that the tiny LSTM needs. The exit code is 1 if the
page requested anything but itself, or if a script failed.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request, sync_playwright

from toolkit.common.package_data import package_data
from toolkit.train.playground.page import write_playground

Row = tuple[str, str, str]  # title, goal, measured

# This script returns the median time of `count` calls in ms.
TIMES = """([code, count]) => {
  const call = new Function(code);
  call();
  const times = Array.from({length: count}, () => {
    const start = performance.now();
    call();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[count >> 1];
}"""
SAMPLE = "playground.generator.forward(Float32Array.from({length: 64}, () => Math.random() - .5))"
READ = "playground.lstm.forward(Array.from({length: 1000}, () => Math.floor(10 * Math.random())))"
IMAGE = "playground.classifier.forward(Float32Array.from({length: 784}, Math.random))"
# This script moves the point in the plane `count` times, and returns the median time until its
# picture is drawn, in ms.
DRAG = """async count => {
  const plane = document.querySelector('.plane');
  const times = [];
  for (let k = 0; k < count; k++) {
    const drawn = new Promise(done =>
      new MutationObserver((_, observer) => { observer.disconnect(); done(); })
        .observe(plane, {attributeFilter: ['aria-valuetext']}));
    const start = performance.now();
    const key = Math.floor(k / 8) % 2 ? 'ArrowRight' : 'ArrowLeft';
    plane.dispatchEvent(new KeyboardEvent('keydown', {key}));
    await drawn;
    document.querySelector('.seen').getContext('2d').getImageData(0, 0, 1, 1);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[count >> 1];
}"""

# This script moves the slider for the step from which a wire is cut. It returns three times in ms:
# until the shown digits are answered, until the estimate from the first 50 palindromes is shown,
# and until all 500 palindromes are done.
CUT = """async from => {
  const until = seen => new Promise(done => {
    const look = () => { if (seen()) { observer.disconnect(); done(performance.now() - start); } };
    const observer = new MutationObserver(look);
    observer.observe(document.querySelector('.bench'), {subtree: true, childList: true});
    look();
  });
  const slider = document.querySelector('.from input');
  const text = selector => document.querySelector(selector)?.textContent ?? '';
  slider.value = from;
  const start = performance.now();
  slider.dispatchEvent(new Event('input'));
  const named = `step ${from} on`;
  return [
    await until(() => text('.scene').includes(named)),
    await until(() => text('.count').includes(named)),
    await until(() => text('.count').includes(named) && text('.count').includes('of 500 other')),
  ];
}"""


def time_cuts(page: Page, count: int = 20) -> list[Row]:
    """Time cuts at T = 36; return the medians of the wall-clock times, and the median of the page's
    whole processor time.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        (duration,) = (metric for metric in metrics if metric["name"] == "TaskDuration")
        return 1000 * duration["value"]

    page.locator(".of-lstm .place", has_text="f = 0").press("Enter")
    page.locator(".count", has_text="of 500 other").first.wait_for(timeout=120_000)
    clock: list[list[float]] = []
    processor = []
    for step in range(1, count + 1):
        before = worked()
        clock.append(page.evaluate(CUT, step))
        processor.append(worked() - before)
    rows = []
    parts = (("shown digits", "100 ms"), ("estimate from 50", "300 ms"), ("all 500", "1 s"))
    for (part, goal), times in zip(parts, zip(*clock, strict=True), strict=True):
        median = statistics.median(times)
        rows.append((f"a cut at T = 36: {part}", goal, f"{median:.0f} ms"))
    milliseconds = statistics.median(processor)
    rows.append(("processor time of one such cut", "", f"{milliseconds:.0f} ms"))
    return rows


def sizes(page: Path) -> dict[str, int]:
    """Return the size of each part of the page in bytes."""
    text = page.read_text(encoding="utf-8")
    embedded = re.search(r'id="exports">(.*?)</script>', text, flags=re.DOTALL)
    assert embedded
    exports = json.loads(embedded[1])
    parts = {"script, styles, frame": len((package_data("pages") / "playground.html").read_bytes())}
    for name, model in exports["models"].items():
        parts[name] = len(json.dumps(model))
    if exports["film"]:
        parts["film of the training"] = len(json.dumps(exports["film"]))
    if exports["clinic"]:
        parts["trainings that fail"] = len(json.dumps(exports["clinic"]))
    parts["nearest training images"] = len(json.dumps(exports["copies"]))
    parts["texts in Chinese"] = len(json.dumps(exports["zh"], ensure_ascii=False).encode())
    return parts | {"the whole page": page.stat().st_size}


def opening(browser: Any, url: str, trouble: list[str]) -> tuple[Page, float]:
    """Open the page in a new context; return the page, and the ms until it shows the networks'
    answers.
    """

    def add_error(error: object) -> None:
        trouble.append(str(error))

    def add_request(request: Request) -> None:
        if request.url != url:
            trouble.append(request.url)

    page = browser.new_context(offline=True, locale="en-GB").new_page()
    page.on("pageerror", add_error)
    page.on("request", add_request)
    start = time.perf_counter()
    page.goto(url)
    page.locator(".of-lstm .answer-digit.good").wait_for()
    return page, 1000 * (time.perf_counter() - start)


def time_opening(browser: Any, url: str, trouble: list[str]) -> tuple[Page, Row]:
    """Open the page five times, each time as a new visitor; return the last page, and a row with
    the median.
    """
    times = []
    for _ in range(5):
        page, milliseconds = opening(browser, url, trouble)
        times.append(milliseconds)
    return page, ("from opening to usable", "1 s", f"{statistics.median(times):.0f} ms")


def time_networks(page: Page) -> list[Row]:
    """Measure the median time of a call to each network."""
    calls = (
        ("one sample", "10 ms", SAMPLE, 51),
        ("the classifier on one image", "", IMAGE, 51),
        ("LSTM on 1,000 digits", "150 ms", READ, 11),
    )
    rows = []
    for title, goal, code, count in calls:
        rows.append((title, goal, f"{page.evaluate(TIMES, [code, count]):.1f} ms"))
    return rows


def time_dragging(page: Page) -> Row:
    page.get_by_role("tab", name="Latent studio").click()
    page.wait_for_timeout(5000)  # meanwhile the page draws the classes in the plane
    milliseconds = page.evaluate(DRAG, 51)
    return "a frame of dragging in the plane", "16.7 ms", f"{milliseconds:.1f} ms"


def time_training(page: Page) -> Row:
    page.get_by_role("tab", name="Train a tiny LSTM").click()
    page.get_by_label("T", exact=True).select_option("5")
    learner = page.locator(".learner").first
    start = time.perf_counter()
    page.get_by_role("button", name="Start", exact=True).click()
    learner.locator(".facts", has_text="99% after").wait_for(timeout=120_000)
    seconds = time.perf_counter() - start
    return "tiny LSTM, T = 5, hidden 32: 99% of unseen", "15 s", f"{seconds:.1f} s"


def rows_of_sizes(file: Path) -> list[Row]:
    rows = []
    for part, size in sizes(file).items():
        goal = "4,500 kB" if part == "the whole page" else ""
        rows.append((part, goal, f"{size / 1000:,.0f} kB"))
    return rows


def measure(folder: Path, trouble: list[str]) -> list[Row]:
    """Make the page from a folder of exports, and measure it; add its requests and errors to
    `trouble`.
    """
    chromium = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        file = Path(temporary) / "playground.html"
        write_playground(folder, file)
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page, row = time_opening(browser, file.as_uri(), trouble)
        rows = [*rows_of_sizes(file), row, *time_networks(page), *time_cuts(page)]
        rows += [time_dragging(page), time_training(page)]
        browser.close()
    return [*rows, ("requests and errors", "0", str(len(trouble)))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exports", type=Path, default=Path("exports"))
    trouble: list[str] = []
    rows = measure(parser.parse_args().exports, trouble)
    print("| what | at most | measured |\n|---|---|---|")
    for row in rows:
        print("|", " | ".join(row), "|")
    print(f"\nLoad of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    for line in trouble:
        print(line, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
