"""The demos, measured from outside: python benchmarks/demos.py [--demo gan] [--seconds 60]

Starts `demos/NAME_demo.py` as its users do and prints a Markdown table: the time until the page is
served, one visitor's calls and clicks in Debian's Chromium, and many visitors at once. The crowd
calls every endpoint whose inputs have defaults, or are filled in below. Exit code 1: a visitor in
the crowd got something else than an answer or "queue is full", or a file was left behind.
"""

import argparse
import asyncio
import base64
import contextlib
import io
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
Inputs = Callable[[int], list[Any]]  # from the number of the call

CALLS: dict[str, dict[str, tuple[str, str, Inputs]]] = {
    "gan": {
        "25 samples, p95": ("300 ms", "/samples", lambda n: [n, "any"]),
        "25 samples of one class, p95": ("300 ms", "/samples", lambda n: [n, n % 10]),
        "60-frame GIF, p95": (
            "1,500 ms",
            "/between_classes",
            lambda n: [n, n % 10, (n + 3) % 10, 60, True, True],
        ),
    },
    "digit": {
        "answers to 1,000 digits, p95": ("300 ms", "/read", lambda n: [f"{n:01000}"]),
    },
}
# What the crowd sends to endpoints that have no defaults.
FILLED_IN: dict[str, list[Any]] = {
    "/read": ["314151413"],
    "/step": ["314151413", 5],
    "/edit": ["314151413", 1, 7],
    "/predict": ["314151413"],
    "/gates": ["314151413", 5, "lstm"],
}

# What a visitor does, and the ms to the frame in which the page shows it. `state` is another text
# when it does.
TIMED = """
([act, state]) => new Promise(done => {
  const [run, read] = [new Function(act), new Function(`return ${state}`)];
  const [before, start] = [read(), performance.now()];
  const look = () => read() === before
    ? requestAnimationFrame(look) : done(performance.now() - start);
  run();
  requestAnimationFrame(look);
})
"""
DRAG = """
  const plane = document.querySelector('.plane'), box = plane.getBoundingClientRect();
  const clientX = box.left + Math.random() * box.width;
  const clientY = box.top + Math.random() * box.height;
  plane.dispatchEvent(new PointerEvent('pointermove', {clientX, clientY, buttons: 1}));
"""
SCRUB = """
  const slider = document.querySelector('#part-film input[type=range]');
  slider.value = (Number(slider.value) + 5) % 16;
  slider.dispatchEvent(new Event('input'));
"""
# In the studio: a title, a goal, the tab, what is done, and what then is another.
ACTS = [
    ("click to 25 pictures, p95", "300 ms", "Samples and walks",
     "document.querySelector('#part-latent .primary').click()",
     "document.querySelector('.tile').disabled ? globalThis.seen"
     " : (globalThis.seen = document.querySelector('.tile canvas').toDataURL())"),
    ("a frame of dragging in the plane, p95", "150 ms", "Samples and walks", DRAG,
     "document.querySelector('.plane').getAttribute('aria-valuetext')"),
    ("a step of the training's scrubber, p95", "150 ms", "A GAN's training", SCRUB,
     "document.querySelector('#part-film .sheet').getAttribute('aria-label')"),
]  # fmt: skip

# An empty page of Gradio, served as the demos are.
EMPTY = """
import sys
sys.path.insert(0, sys.argv[1])
import serving, gradio as gr
from serving.ports import free_port
from serving.server import launch
with gr.Blocks(analytics_enabled=False) as blocks:
    pass
print(launch(blocks, "127.0.0.1", free_port("127.0.0.1", None), None), flush=True)
input()
"""

# From digits in the field to the frame in which all that is shown is of them, in ms.
READ = """
async digits => {
  const field = document.querySelector('.microscope input[type=text]');
  const frame = () => new Promise(requestAnimationFrame);
  const start = performance.now();
  field.value = digits;
  field.dispatchEvent(new Event('input'));
  const said = () => document.querySelector('.panel .sentence').textContent;
  do await frame(); while (!said().startsWith(`After step ${digits.length},`));
  await frame();
  return performance.now() - start;
}
"""

# From a move of the pointer over a map to the frame that shows it, in ms, once for each step.
HOVER = """
async count => {
  const map = document.querySelector('.maps .frame');
  const frame = () => new Promise(requestAnimationFrame);
  const { left, top, width } = map.getBoundingClientRect();
  const found = [];
  for (let k = 0; k < count; k++) {
    const start = performance.now();
    const place = { clientX: left + width * (k + 0.5) / count, clientY: top + 20 };
    map.dispatchEvent(new PointerEvent('pointermove', place));
    await frame();
    await frame();
    found.push(performance.now() - start);
  }
  return found;
}
"""


class Demo:
    """A demo in its own process and temporary directory."""

    def __init__(self, name: str) -> None:
        self.directory = tempfile.TemporaryDirectory()
        start = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "demos" / f"{name}_demo.py"],
            env=os.environ | {"TMPDIR": self.directory.name},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        match = re.search(r"http://\S+/", self.process.stdout.readline())
        assert match is not None, "the demo did not start"
        self.url = match[0]
        httpx.get(self.url).raise_for_status()
        self.start_seconds = time.perf_counter() - start

    def memory(self) -> int:
        """Bytes in memory."""
        status = Path("/proc", str(self.process.pid), "status").read_text()
        (kilobytes,) = re.findall(r"VmRSS:\s+(\d+)", status)
        return int(kilobytes) * 1024

    def peak(self) -> int:
        """The most bytes that it has had in memory."""
        status = Path("/proc", str(self.process.pid), "status").read_text()
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+)", status)
        return int(kilobytes) * 1024

    def close(self) -> int:
        """End it; returns how many files it leaves behind."""
        self.process.terminate()
        self.process.wait()
        left = sum(path.is_file() for path in Path(self.directory.name).rglob("*"))
        self.directory.cleanup()
        return left


async def ask(client: httpx.AsyncClient, endpoint: str, inputs: list[Any]) -> str:
    """One call; returns "answer", "queue is full", or what went wrong."""
    reply = await client.post(f"gradio_api/call{endpoint}", json={"data": inputs})
    if reply.status_code == 503 and "Queue is full" in reply.text:
        return "queue is full"
    if reply.status_code != 200:
        return f"HTTP {reply.status_code}"
    answer = await client.get(f"gradio_api/call{endpoint}/{reply.json()['event_id']}")
    if "event: complete" in answer.text:
        return "answer"
    return f"HTTP {answer.status_code} {answer.text[:200]}"


async def time_calls(url: str, endpoint: str, inputs: Inputs, count: int) -> list[float]:
    """Seconds of each of `count` calls, one after the other; the first call is not counted."""
    seconds = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for n in range(count + 1):
            start = time.perf_counter()
            outcome = await ask(client, endpoint, inputs(n))
            assert outcome == "answer", outcome
            seconds.append(time.perf_counter() - start)
    return seconds[1:]


def time_acts(url: str, chromium: str, count: int) -> list[tuple[str, str, list[float]]]:
    """Seconds of each of ACTS, `count` times; the first time is not counted."""
    timed = []
    with sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]).new_page()
        page.goto(url)
        for what, goal, tab, act, state in ACTS:
            page.get_by_role("tab", name=tab).click()
            page.wait_for_load_state("networkidle")
            page.locator(".tile:enabled, .sheet").locator("visible=true").first.wait_for()
            times = [page.evaluate(TIMED, [act, state]) / 1000 for _ in range(count + 1)]
            timed.append((what, goal, times[1:]))
    return timed


def weight(url: str, chromium: str) -> int:
    """Bytes that opening a page transfers, until it asks for nothing more."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(locale="en-GB")
        sizes: list[float] = []
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on(
            "Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"])
        )
        page.goto(url)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(3000)
        return round(sum(sizes))


def empty_weight(chromium: str) -> int:
    """The same of an empty page of Gradio."""
    with subprocess.Popen(
        [sys.executable, "-c", EMPTY, ROOT / "demos"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            return weight(process.stdout.readline().strip(), chromium)
        finally:
            process.terminate()


def time_digits(url: str, chromium: str, count: int) -> list[tuple[str, str, list[float]]]:
    """Time the gate microscope's page with 1,000 and 5,000 digits, and with the pointer."""
    with sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=chromium).new_page()
        page.goto(url)
        page.locator(".equations dd").first.wait_for()

        def read(length: int) -> list[float]:
            rng = random.Random(length)
            lengths = [length - n % 2 for n in range(count + 1)]  # never what is shown already
            digits = ["".join(rng.choices("0123456789", k=k)) for k in lengths]
            return [page.evaluate(READ, given) / 1000 for given in digits][1:]

        return [
            ("1,000 digits read and drawn, p95", "600 ms", read(1000)),
            ("pointer over a map of 1,000 digits, p95", "150 ms",
             [ms / 1000 for ms in page.evaluate(HOVER, 200)]),
            ("5,000 digits read and drawn, p95", "1,500 ms", read(5000)),
        ]  # fmt: skip


async def play(url: str, visitors: int, seconds: float) -> list[float]:
    """Seconds from an answer in Spot the fake until a page that looks twice a second shows it.

    Each visitor opens the page at a moment of its own, answers as soon as the digits are there, and
    looks at the tally every three seconds, as its script does.
    """
    sent: dict[str, float] = {}
    seen: list[float] = []
    end = time.perf_counter() + seconds
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        components = (await client.get("config")).json()["components"]
    (component,) = (c["id"] for c in components if "vote" in c["props"].get("server_fns", []))

    async def ask(client: httpx.AsyncClient, name: str, **given: Any) -> Any:
        body = {"data": given, "component_id": component, "fn_name": name, "session_hash": "x"}
        return (
            (await client.post("gradio_api/component_server", json=body)).raise_for_status().json()
        )

    async def teach() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            while len(seen) < visitors:
                tally = await ask(client, "tally", game=7, round=1)
                now = time.perf_counter()
                for visitor in list(sent)[len(seen) : tally["visitors"]]:
                    seen.append(now - sent[visitor])
                await asyncio.sleep(0.5)

    async def visit(n: int) -> None:
        await asyncio.sleep(random.Random(n).uniform(0, seconds))
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            await client.get("")
            await ask(client, "recorded")
            sent[str(n)] = time.perf_counter()
            await ask(client, "vote", visitor=str(n), game=7, round=1, picked="01" * 6)
            while time.perf_counter() < end:
                await asyncio.sleep(3)
                await ask(client, "tally", game=7, round=1)

    await asyncio.gather(teach(), *(visit(n) for n in range(visitors)))
    return seen


async def crowd(url: str, visitors: int, seconds: float) -> Counter[str]:
    """Time the answers that visitors get if each clicks again as soon as the answer is there."""
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        information = (await client.get("gradio_api/info")).json()
    drawing = base64.b64encode((ROOT / "docs" / "samples.png").read_bytes()).decode()
    filled_in = FILLED_IN | {"/draw": [f"data:image/png;base64,{drawing}"]}
    endpoints = {name: e["parameters"] for name, e in information["named_endpoints"].items()}
    clicks = [
        (endpoint, filled_in.get(endpoint) or [p["parameter_default"] for p in parameters])
        for endpoint, parameters in endpoints.items()
        if endpoint in filled_in or all(p["parameter_has_default"] for p in parameters)
    ]
    assert clicks, "no endpoint has defaults"
    outcomes: Counter[str] = Counter()
    end = time.perf_counter() + seconds

    async def visit(random_clicks: random.Random) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=120) as client:
            while True:
                outcome = await ask(client, *random_clicks.choice(clicks))
                outcomes[outcome] += 1
                if time.perf_counter() >= end:
                    break
                if outcome == "queue is full":
                    await asyncio.sleep(1)  # reads the message

    await asyncio.gather(*(visit(random.Random(n)) for n in range(visitors)))
    return outcomes


def largest_picture() -> str:
    """A picture with as many pixels and bytes as a page takes, in base64."""
    buffer = io.BytesIO()
    Image.new("RGBA", (5000, 5000), "white").save(buffer, "PNG")
    data = buffer.getvalue()
    return base64.b64encode(data + bytes(5_000_000 - len(data))).decode()


async def flood(url: str, visitors: int) -> Counter[str]:
    """Count the answers to visitors who all send the largest picture, half of them as a program."""
    picture = largest_picture()
    outcomes: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=url, timeout=600) as client:
        components = (await client.get("config")).json()["components"]
    (component,) = (c["id"] for c in components if "read" in c["props"].get("server_fns", []))
    asked = {"data": {"picture": picture}, "component_id": component, "fn_name": "read"}

    async def visit(number: int) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=600) as client:
            if number % 2:
                body = asked | {"session_hash": str(number)}
                reply = await client.post("gradio_api/component_server", json=body)
            else:
                reply = await client.post("gradio_api/call/judge", json={"data": [picture]})
                event = reply.json().get("event_id")
                reply = await client.get(f"gradio_api/call/judge/{event}") if event else reply
            outcomes["answer" if reply.status_code == 200 else f"HTTP {reply.status_code}"] += 1

    await asyncio.gather(*map(visit, range(visitors)))
    return outcomes


async def send_without_reading(url: str) -> None:
    """A body of 300 MB, as fast as it is taken."""
    async with httpx.AsyncClient(base_url=url, timeout=600) as client:
        with contextlib.suppress(httpx.HTTPError):  # the page has closed the connection
            await client.post("gradio_api/call/judge", content=bytes(300_000_000))


def measure_flood(visitors: int) -> list[tuple[str, str, str]]:
    """The largest resident set while visitors send what is too much, and what they get."""
    demo = Demo("gan")
    rows = [("before", "", f"{demo.memory() / 1e6:.0f} MB")]
    asyncio.run(send_without_reading(demo.url))
    rows.append(("300 MB at once: most memory", "", f"{demo.peak() / 1e6:.0f} MB"))
    outcomes = asyncio.run(flood(demo.url, visitors))
    got = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    rows.append((f"{visitors} largest pictures: what they get", "", got))
    rows.append(("the same: most memory", "1,000 MB", f"{demo.peak() / 1e6:.0f} MB"))
    demo.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="The demos, measured from outside.")
    parser.add_argument("--demo", choices=CALLS, default="gan")
    parser.add_argument("--starts", type=int, default=5, help="starts of the demo, at least 1")
    parser.add_argument("--calls", type=int, default=100, help="calls of each kind")
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60, help="how long the crowd clicks")
    parser.add_argument("--flood", action="store_true", help="only: memory with large pictures")
    options = parser.parse_args()
    if options.flood:
        print("| what | goal | measured |\n|---|---|---|")
        for row in measure_flood(options.visitors):
            print(f"| {' | '.join(row)} |")
        return

    starts = []
    for n in range(options.starts):
        demo = Demo(options.demo)
        starts.append(demo.start_seconds)
        if n < options.starts - 1:
            demo.close()
    rows = [("start to page served, median", "6 s", f"{statistics.median(starts):.1f} s")]

    timed = [
        (what, goal, asyncio.run(time_calls(demo.url, endpoint, inputs, options.calls)))
        for what, (goal, endpoint, inputs) in CALLS[options.demo].items()
    ]
    if chromium := shutil.which("chromium"):
        if options.demo == "gan":
            timed += time_acts(demo.url, chromium, options.calls)
        else:
            timed += time_digits(demo.url, chromium, min(options.calls, 20))
        more = weight(demo.url, chromium) - empty_weight(chromium)
        rows.append(("more bytes than an empty Gradio page", "150 kB", f"{more / 1000:.0f} kB"))
    else:
        rows.append(("in the browser", "", "not measured: chromium is not installed"))
    for what, goal, seconds in timed:
        p95 = sorted(seconds)[max(0, round(0.95 * len(seconds)) - 1)]
        median = statistics.median(seconds)
        rows.append((what, goal, f"{1000 * p95:.0f} ms (median {1000 * median:.0f} ms)"))

    if options.demo == "gan":
        shown = sorted(asyncio.run(play(demo.url, 200, 60)))
        p95, median = (1000 * shown[int(q * len(shown))] for q in (0.95, 0.5))
        who = "Spot the fake, 200 visitors in a minute: answer to tally, p95"
        rows.append((who, "1,000 ms", f"{p95:.0f} ms (median {median:.0f} ms)"))

    # Gradio keeps the state of its last visitors, and each call is one: fill that memory first.
    asyncio.run(crowd(demo.url, options.visitors, options.seconds))
    before = demo.memory()
    outcomes = asyncio.run(crowd(demo.url, options.visitors, options.seconds))
    growth = demo.memory() / before - 1
    left = demo.close()
    got = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
    who = f"{options.visitors} visitors, {options.seconds:.0f} s"
    rows += [
        (f"{who}: what they get", "answer, queue is full", got),
        (f"{who}: memory grows by", "5%", f"{growth:.1%}"),
        (f"{who}: files left behind", "0", str(left)),
    ]
    print("| what | goal | measured |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    if left or set(outcomes) - {"answer", "queue is full"}:
        sys.exit(1)


if __name__ == "__main__":
    main()
