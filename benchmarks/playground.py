"""The page in one file, measured: python benchmarks/playground.py [--exports DIR]

Makes the page, opens it as a file in Chromium with the network off, and prints a Markdown table:
what each part of it costs in bytes, how long opening it and its networks take (medians), and how
long the tiny LSTM needs. Exit code 1: the page asked for anything but itself, or a script failed.
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

from playwright.sync_api import Page, sync_playwright

from toolkit.common.package_data import package_data
from toolkit.export.playground import write_playground

# The median of `count` calls, in ms.
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
# The same for moving the point in the plane, until its picture is drawn.
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

# From a press on a wire until the shown digits are answered, until the estimate from the first 50
# palindromes stands, and until all 500 are asked: each in ms.
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


def cutting(page: Page, count: int = 20) -> dict[str, tuple[float, float]]:
    """Of a cut at T = 36: medians in ms of the clock, and of the page's processor time in all."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    page.locator(".of-lstm .place", has_text="f = 0").press("Enter")
    page.locator(".count", has_text="of 500 other").first.wait_for(timeout=120_000)
    clock: list[list[float]] = []
    processor = []
    for step in range(1, count + 1):
        before = worked()
        clock.append(page.evaluate(CUT, step))
        processor.append(worked() - before)
    names = ("shown digits", "estimate from 50", "all 500")
    medians = [statistics.median(times) for times in zip(*clock, strict=True)]
    all_work = statistics.median(processor)
    return {name: (time, all_work) for name, time in zip(names, medians, strict=True)}


def sizes(page: Path) -> dict[str, int]:
    """Bytes of each part of the page."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r'id="exports">(.*?)</script>', text, flags=re.DOTALL)
    assert found
    exports = json.loads(found[1])
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
    """A page of its own, and the ms until what the networks answer is on it."""
    page = browser.new_context(offline=True, locale="en-GB").new_page()
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url) if request.url != url else None)
    start = time.perf_counter()
    page.goto(url)
    page.locator(".of-lstm .answer-digit.good").wait_for()
    return page, 1000 * (time.perf_counter() - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exports", type=Path, default=Path("exports"))
    folder = parser.parse_args().exports
    trouble: list[str] = []
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        file = Path(temporary) / "playground.html"
        write_playground(folder, file)
        for part, size in sizes(file).items():
            goal = "4,500 kB" if part == "the whole page" else ""
            rows.append((part, goal, f"{size / 1000:,.0f} kB"))
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        opened = [opening(browser, file.as_uri(), trouble) for _ in range(5)]
        rows.append(
            ("from opening to usable", "1 s", f"{statistics.median(t for _, t in opened):.0f} ms")
        )
        page = opened[0][0]
        for what, goal, code, count in (
            ("one sample", "10 ms", SAMPLE, 51),
            ("the classifier on one image", "", IMAGE, 51),
            ("LSTM on 1,000 digits", "150 ms", READ, 11),
        ):
            rows.append((what, goal, f"{page.evaluate(TIMES, [code, count]):.1f} ms"))
        cuts = cutting(page)
        for (what, (milliseconds, _)), goal in zip(
            cuts.items(), ("100 ms", "300 ms", "1 s"), strict=True
        ):
            rows.append((f"a cut at T = 36: {what}", goal, f"{milliseconds:.0f} ms"))
        rows.append(("processor time of one such cut", "", f"{cuts['all 500'][1]:.0f} ms"))
        page.get_by_role("tab", name="Latent studio").click()
        page.wait_for_timeout(5000)  # the classes of the plane are drawn meanwhile
        drag = page.evaluate(DRAG, 51)
        rows.append(("a frame of dragging in the plane", "16.7 ms", f"{drag:.1f} ms"))
        page.get_by_role("tab", name="Train a tiny LSTM").click()
        page.get_by_label("T", exact=True).select_option("5")
        start = time.perf_counter()
        page.get_by_role("button", name="Start", exact=True).click()
        page.locator(".learner").first.locator(".facts", has_text="99% after").wait_for(
            timeout=120_000
        )
        seconds = time.perf_counter() - start
        rows.append(("tiny LSTM, T = 5, hidden 32: 99% of unseen", "15 s", f"{seconds:.1f} s"))
        browser.close()
    rows.append(("requests and errors", "0", str(len(trouble))))
    print("| what | at most | measured |\n|---|---|---|")
    for row in rows:
        print("|", " | ".join(row), "|")
    print(f"\nLoad of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    for line in trouble:
        print(line, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
