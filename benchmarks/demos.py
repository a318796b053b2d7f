"""Measures a demo from outside: python benchmarks/demos.py [--demo gan] [--seconds 60]

The benchmark starts `demos/NAME_demo.py` as its users do and prints a Markdown table. The table
shows the time until the page is served, the times of one visitor's calls and clicks in Debian's
Chromium, and the results of many visitors at once. This crowd of visitors calls every endpoint
whose inputs have defaults or are filled in below. The exit code is 1 if a visitor in the crowd got
anything other than an answer or "queue is full", or if a file was left behind.
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
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
Inputs = Callable[[int], list[Any]]  # number of the call -> the inputs
Row = tuple[str, str, str]  # title, goal, measured
Timed = tuple[str, str, list[float]]  # title, goal, the measured seconds


def samples(number: int) -> list[Any]:
    return [number, "any"]


def samples_of_a_class(number: int) -> list[Any]:
    return [number, number % 10]


def walk(number: int) -> list[Any]:
    """Return the inputs for a GIF of 60 frames."""
    return [number, number % 10, (number + 3) % 10, 60, True, True]


def thousand_digits(number: int) -> list[Any]:
    return [f"{number:01000}"]


# The calls to each demo: a title, a goal, the endpoint, and its inputs.
CALLS: dict[str, list[tuple[str, str, str, Inputs]]] = {
    "gan": [
        ("25 samples, p95", "300 ms", "/samples", samples),
        ("25 samples of one class, p95", "300 ms", "/samples", samples_of_a_class),
        ("60-frame GIF, p95", "1,500 ms", "/between_classes", walk),
    ],
    "digit": [("answers to 1,000 digits, p95", "300 ms", "/read", thousand_digits)],
}
# The crowd's inputs for endpoints whose inputs have no defaults.
FILLED_IN: dict[str, list[Any]] = {
    "/read": ["314151413"],
    "/step": ["314151413", 5],
    "/edit": ["314151413", 1, 7],
    "/predict": ["314151413"],
    "/gates": ["314151413", 5, "lstm"],
}

# This script does what a visitor does, and returns the ms until the frame in which the page shows
# the result. At that moment, the value of the expression `state` changes.
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
# In the studio: a title, a goal, the tab, what is done, and an expression that then changes.
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

# This program serves an empty Gradio page in the same way as the demos.
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

# This script enters digits, and returns the ms until everything on the page shows these digits.
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

# This script moves the pointer over a map step by step, and returns for each step the ms until a
# frame shows it.
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
    """A demo in a process and a temporary directory of its own."""

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
        """Return how many bytes the demo has in memory."""
        return self._bytes("VmRSS")

    def peak(self) -> int:
        """Return the largest number of bytes that the demo has had in memory so far."""
        return self._bytes("VmHWM")

    def _bytes(self, field: str) -> int:
        status = Path("/proc", str(self.process.pid), "status").read_text()
        (kilobytes,) = re.findall(rf"{field}:\s+(\d+)", status)
        return int(kilobytes) * 1024

    def close(self) -> int:
        """End the demo, and return how many files it leaves behind."""
        self.process.terminate()
        self.process.wait()
        num_files = 0
        for path in Path(self.directory.name).rglob("*"):
            num_files += path.is_file()
        self.directory.cleanup()
        return num_files


async def ask(client: httpx.AsyncClient, endpoint: str, inputs: list[Any]) -> str:
    """Make one call, and return "answer", "queue is full", or a description of what went wrong."""
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
    """Make `count` calls, one after the other, and return the seconds of each; an additional first
    call is not counted.
    """
    seconds = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for n in range(count + 1):
            start = time.perf_counter()
            outcome = await ask(client, endpoint, inputs(n))
            assert outcome == "answer", outcome
            seconds.append(time.perf_counter() - start)
    return seconds[1:]


def time_acts(url: str, chromium: str, count: int) -> list[Timed]:
    """Perform each action in `ACTS` `count` times, and return the seconds of each time; an
    additional first time is not counted.
    """
    timed = []
    with sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]).new_page()
        page.goto(url)
        for title, goal, tab, act, state in ACTS:
            page.get_by_role("tab", name=tab).click()
            page.wait_for_load_state("networkidle")
            page.locator(".tile:enabled, .sheet").locator("visible=true").first.wait_for()
            times = []
            for _ in range(count + 1):
                times.append(page.evaluate(TIMED, [act, state]) / 1000)
            timed.append((title, goal, times[1:]))
    return timed


def weight(url: str, chromium: str) -> int:
    """Return how many bytes are transferred until an opened page requests nothing more."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(locale="en-GB")
        sizes: list[float] = []
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")

        def add_size(event: dict[str, Any]) -> None:
            sizes.append(event["encodedDataLength"])

        session.on("Network.loadingFinished", add_size)
        page.goto(url)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(3000)
        return round(sum(sizes))


def empty_weight(chromium: str) -> int:
    """Return how many bytes are transferred for an empty Gradio page."""
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


def time_digits(url: str, chromium: str, count: int) -> list[Timed]:
    """Time the gate microscope's page with 1,000 and 5,000 digits, and with a moving pointer."""
    with sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=chromium).new_page()
        page.goto(url)
        page.locator(".equations dd").first.wait_for()
        short = read_digits(page, 1000, count)
        hover = [milliseconds / 1000 for milliseconds in page.evaluate(HOVER, 200)]
        long = read_digits(page, 5000, count)
    return [
        ("1,000 digits read and drawn, p95", "600 ms", short),
        ("pointer over a map of 1,000 digits, p95", "150 ms", hover),
        ("5,000 digits read and drawn, p95", "1,500 ms", long),
    ]


def read_digits(page: Page, length: int, count: int) -> list[float]:
    """Enter digits `count` times, and return the seconds of each time; an additional first time is
    not counted.
    """
    rng = random.Random(length)
    times = []
    for n in range(count + 1):
        digits = rng.choices("0123456789", k=length - n % 2)  # never those already shown
        times.append(page.evaluate(READ, "".join(digits)) / 1000)
    return times[1:]


async def call_component(client: httpx.AsyncClient, component: int, name: str, **data: Any) -> Any:
    """Call a server function of a component as the component's script does, and return the answer.

    Raises:
        httpx.HTTPStatusError: the server refused the call.
    """
    body = {"data": data, "component_id": component, "fn_name": name, "session_hash": "x"}
    reply = await client.post("gradio_api/component_server", json=body)
    return reply.raise_for_status().json()


async def component_with(url: str, function: str) -> int:
    """Return the number of the page's only component whose server has the given function."""
    async with httpx.AsyncClient(base_url=url, timeout=600) as client:
        components = (await client.get("config")).json()["components"]
    numbers = []
    for component in components:
        if function in component["props"].get("server_fns", []):
            numbers.append(component["id"])
    (number,) = numbers
    return number


async def play(url: str, visitors: int, seconds: float) -> list[float]:
    """Simulate visitors who play Spot the fake, and return the seconds until each answer is
    counted.

    The seconds are counted from the visitor's answer until another page, which reads the tally
    twice a second, shows the answer. Each visitor opens the page at a random moment and answers as
    soon as the digits are there. The visitor's page then reads the tally every three seconds, as
    its script does.
    """
    sent: dict[str, float] = {}
    delays: list[float] = []
    end = time.perf_counter() + seconds
    component = await component_with(url, "vote")

    async def teach() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            while len(delays) < visitors:
                tally = await call_component(client, component, "tally", game=7, round=1)
                now = time.perf_counter()
                for visitor in list(sent)[len(delays) : tally["visitors"]]:
                    delays.append(now - sent[visitor])
                await asyncio.sleep(0.5)

    async def visit(n: int) -> None:
        await asyncio.sleep(random.Random(n).uniform(0, seconds))
        vote = {"visitor": str(n), "game": 7, "round": 1, "picked": "01" * 6}
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            await client.get("")
            await call_component(client, component, "recorded")
            sent[str(n)] = time.perf_counter()
            await call_component(client, component, "vote", **vote)
            while time.perf_counter() < end:
                await asyncio.sleep(3)
                await call_component(client, component, "tally", game=7, round=1)

    await asyncio.gather(teach(), *map(visit, range(visitors)))
    return delays


async def possible_clicks(url: str) -> list[tuple[str, list[Any]]]:
    """Return each endpoint that can be called, with its inputs: the ones filled in above, or its
    defaults.
    """
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        information = (await client.get("gradio_api/info")).json()
    drawing = base64.b64encode((ROOT / "docs" / "samples.png").read_bytes()).decode()
    filled_in = FILLED_IN | {"/draw": [f"data:image/png;base64,{drawing}"]}
    clicks = []
    for name, endpoint in information["named_endpoints"].items():
        parameters = endpoint["parameters"]
        if name in filled_in:
            clicks.append((name, filled_in[name]))
        elif all(parameter["parameter_has_default"] for parameter in parameters):
            clicks.append((name, [p["parameter_default"] for p in parameters]))
    assert clicks, "no endpoint has defaults"
    return clicks


async def crowd(url: str, visitors: int, seconds: float) -> Counter[str]:
    """Simulate visitors who each click again as soon as they have an answer, and count the
    outcomes.
    """
    clicks = await possible_clicks(url)
    outcomes: Counter[str] = Counter()
    end = time.perf_counter() + seconds

    async def visit(number: int) -> None:
        random_clicks = random.Random(number)
        async with httpx.AsyncClient(base_url=url, timeout=120) as client:
            while True:
                outcome = await ask(client, *random_clicks.choice(clicks))
                outcomes[outcome] += 1
                if time.perf_counter() >= end:
                    break
                if outcome == "queue is full":
                    await asyncio.sleep(1)  # the visitor reads the message

    await asyncio.gather(*map(visit, range(visitors)))
    return outcomes


def largest_picture() -> str:
    """Return a picture with as many pixels and bytes as a page accepts, in base64."""
    buffer = io.BytesIO()
    Image.new("RGBA", (5000, 5000), "white").save(buffer, "PNG")
    data = buffer.getvalue()
    return base64.b64encode(data + bytes(5_000_000 - len(data))).decode()


async def flood(url: str, visitors: int) -> Counter[str]:
    """Simulate visitors who all send the largest picture, and count the outcomes.

    Half of the visitors call the endpoint as a program does, and half call the component as the
    page's script does.
    """
    picture = largest_picture()
    outcomes: Counter[str] = Counter()
    component = await component_with(url, "read")
    asked = {"data": {"picture": picture}, "component_id": component, "fn_name": "read"}

    async def visit(number: int) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=600) as client:
            if number % 2:
                body = asked | {"session_hash": str(number)}
                reply = await client.post("gradio_api/component_server", json=body)
            else:
                reply = await client.post("gradio_api/call/judge", json={"data": [picture]})
                event = reply.json().get("event_id")
                if event:
                    reply = await client.get(f"gradio_api/call/judge/{event}")
            outcomes["answer" if reply.status_code == 200 else f"HTTP {reply.status_code}"] += 1

    await asyncio.gather(*map(visit, range(visitors)))
    return outcomes


async def send_without_reading(url: str) -> None:
    """Send a body of 300 MB as fast as the server accepts it."""
    async with httpx.AsyncClient(base_url=url, timeout=600) as client:
        with contextlib.suppress(httpx.HTTPError):  # the server has closed the connection
            await client.post("gradio_api/call/judge", content=bytes(300_000_000))


def in_words(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())


def measure_flood(visitors: int) -> list[Row]:
    """Measure the largest resident set while visitors send too much, and the outcomes of their
    requests.
    """
    demo = Demo("gan")
    rows = [("before", "", f"{demo.memory() / 1e6:.0f} MB")]
    asyncio.run(send_without_reading(demo.url))
    rows.append(("300 MB at once: most memory", "", f"{demo.peak() / 1e6:.0f} MB"))
    outcomes = asyncio.run(flood(demo.url, visitors))
    rows.append((f"{visitors} largest pictures: what they get", "", in_words(outcomes)))
    rows.append(("the same: most memory", "1,000 MB", f"{demo.peak() / 1e6:.0f} MB"))
    demo.close()
    return rows


def start(name: str, starts: int) -> tuple[Demo, Row]:
    """Start a demo `starts` times, one after the other, and time each start; the last demo stays
    open.
    """
    demo = Demo(name)
    seconds = [demo.start_seconds]
    for _ in range(starts - 1):
        demo.close()
        demo = Demo(name)
        seconds.append(demo.start_seconds)
    return demo, ("start to page served, median", "6 s", f"{statistics.median(seconds):.1f} s")


def measure_one_visitor(demo: Demo, name: str, calls: int) -> list[Row]:
    """Measure one visitor's calls and, if Chromium is installed, clicks in Chromium."""
    rows = []
    timed: list[Timed] = []
    for title, goal, endpoint, inputs in CALLS[name]:
        timed.append((title, goal, asyncio.run(time_calls(demo.url, endpoint, inputs, calls))))
    chromium = shutil.which("chromium")
    if chromium is None:
        rows.append(("in the browser", "", "not measured: chromium is not installed"))
    else:
        if name == "gan":
            timed += time_acts(demo.url, chromium, calls)
        else:
            timed += time_digits(demo.url, chromium, min(calls, 20))
        difference = weight(demo.url, chromium) - empty_weight(chromium)
        goal = "150 kB"
        rows.append(("more bytes than an empty Gradio page", goal, f"{difference / 1000:.0f} kB"))
    for title, goal, seconds in timed:
        p95 = sorted(seconds)[max(0, round(0.95 * len(seconds)) - 1)]
        median = statistics.median(seconds)
        rows.append((title, goal, f"{1000 * p95:.0f} ms (median {1000 * median:.0f} ms)"))
    return rows


def measure_game(demo: Demo) -> Row:
    """Measure the delay of the tally with 200 visitors who answer within a minute."""
    delays = sorted(asyncio.run(play(demo.url, 200, 60)))
    p95, median = (1000 * delays[int(q * len(delays))] for q in (0.95, 0.5))
    title = "Spot the fake, 200 visitors in a minute: answer to tally, p95"
    return title, "1,000 ms", f"{p95:.0f} ms (median {median:.0f} ms)"


def measure_crowd(demo: Demo, visitors: int, seconds: float) -> tuple[list[Row], bool]:
    """Measure the outcomes and the memory growth with many visitors, close the demo, and return the
    rows and True if all went well.
    """
    # Gradio keeps the state of its latest visitors, and each call counts as one visitor. The first
    # crowd fills this memory before anything is measured.
    asyncio.run(crowd(demo.url, visitors, seconds))
    before = demo.memory()
    outcomes = asyncio.run(crowd(demo.url, visitors, seconds))
    growth = demo.memory() / before - 1
    num_files = demo.close()
    title = f"{visitors} visitors, {seconds:.0f} s"
    rows = [
        (f"{title}: what they get", "answer, queue is full", in_words(outcomes)),
        (f"{title}: memory grows by", "5%", f"{growth:.1%}"),
        (f"{title}: files left behind", "0", str(num_files)),
    ]
    return rows, num_files == 0 and set(outcomes) <= {"answer", "queue is full"}


def print_table(rows: list[Row]) -> None:
    print("| what | goal | measured |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


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
        print_table(measure_flood(options.visitors))
        return
    demo, row = start(options.demo, options.starts)
    rows = [row, *measure_one_visitor(demo, options.demo, options.calls)]
    if options.demo == "gan":
        rows.append(measure_game(demo))
    crowd_rows, went_well = measure_crowd(demo, options.visitors, options.seconds)
    print_table([*rows, *crowd_rows])
    if not went_well:
        sys.exit(1)


if __name__ == "__main__":
    main()
