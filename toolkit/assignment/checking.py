"""The check of one submission: what can be read, then each part in a process of its own."""

import ast
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import toolkit
from toolkit.assignment.findings import FILES, PARTS, Finding, Part, Report
from toolkit.assignment.static_checks import first_call, forbidden_modules, unwritten
from toolkit.assignment.submission import find_files

LIMITS: dict[Part, int] = {"dataset": 15, "lstm": 40, "train": 20, "gan": 25}  # CPU seconds
PATIENCE = 1.5  # seconds on the clock for each of them
LONGEST = 8  # times the limit that a process may take on a busy machine, waiting for a core
ORDER: tuple[Part, ...] = ("lstm", "dataset", "train", "gan")  # the longest first
PROBE = "toolkit.assignment.probe"
MAX_LINES = 1000  # that one process may send

STOPPED = {
    "time-limit": "It did not come back from this, or ended the process: {}. Look for a loop "
    "without an end, a call of exit, or work at import that belongs under "
    'if __name__ == "__main__".',
    "length-overflow": "It did not come back, or ran out of memory, when asked for palindromes "
    "longer than 36 digits. Look at what is drawn: 10 to the power of half the length no longer "
    "fits into 64 bits there, nor a list of that many numbers into memory. Draw digits.",
}


def check(
    path: Path,
    progress: Callable[[str], None] = lambda sentence: None,
    parts: Collection[Part] = PARTS,
) -> Report:
    """Check a student's `dataset.py`, `lstm.py`, `train.py` and `my_gan.py`.

    Their code runs in child processes with a limit of CPU time each, two at a time. They are no
    sandbox: run what you do not trust in one.

    Args:
        path: the folder that has the files, at any depth.
        progress: called with a sentence when a new piece of work begins.
        parts: what to check.

    Raises:
        UsageError: `path` is no folder, or has none of the files.
    """
    root = path.resolve()
    files = find_files(root)
    report = Report()
    facts: set[str] = set()
    for part in parts:
        if part not in files:
            message = f"{FILES[part]} is missing. A submission that lacks a file may get 0 points."
            report.add(Finding("missing-file", part, None, None, None, message))
    trees = {part: _read(part, file, root, report) for part, file in files.items() if part in parts}
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(_run, part, root, files[part], progress)
            for part in ORDER
            if trees.get(part) is not None
        ]
        for job in jobs:
            checked, sent = job.result()
            for content in sent:
                _take(content, checked, report, facts)
    if "gives-probabilities" in facts and "saw-loss" not in facts:
        _softmax_unseen(files, trees, root, report)
    report.findings.sort(key=lambda f: (PARTS.index(f.part), f.file or "", f.line or 0))
    return report


def _read(part: Part, file: Path, root: Path, report: Report) -> ast.Module | None:
    """Parse one file, and report what shows already; None if it is no Python."""
    name = str(file.relative_to(root))
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        message = f"It cannot be imported: {type(error).__name__}: {error}."
        report.add(Finding("does-not-import", part, None, name, line, message))
        return None
    for line, text in unwritten(tree):
        message = f"This is still to be written ({text})."
        report.add(Finding("not-written", part, None, name, line, message))
    if part == "lstm":
        for line, module in forbidden_modules(tree):
            message = (
                f"{module} is not allowed: the point is to write equations (1) to (6) yourself, "
                "with nn.Parameter or nn.Linear and a for loop over time."
            )
            report.add(Finding("forbidden-module", part, None, name, line, message))
    return tree


def _softmax_unseen(
    files: dict[Part, Path], trees: dict[Part, ast.Module | None], root: Path, report: Report
) -> None:
    """The model gives probabilities and no loss was seen: judge by what train.py calls."""
    tree = trees.get("train")
    line = None if tree is None else first_call(tree, "crossentropy", "cross_entropy")
    if line is None:
        report.notes.append(
            ("lstm", "The model returns probabilities; see to it that the loss takes their log.")
        )
        return
    message = (
        "cross_entropy applies the softmax (8) itself, and the model has applied one already: "
        "the loss cannot fall below 1.46115. Which of the two is one too many?"
    )
    name = str(files["train"].relative_to(root))
    report.add(Finding("softmax-before-loss", "train", 8, name, line, message))


def _take(message: dict[str, Any], part: Part, report: Report, facts: set[str]) -> None:
    if "id" in message:
        fields = (message[key] for key in ("equation", "file", "line", "message"))
        report.add(Finding(message["id"], part, *fields))
    elif "right" in message:
        report.right.append((part, message["right"]))
    elif "note" in message:
        report.notes.append((part, message["note"]))
    elif "fact" in message:
        facts.add(message["fact"])


def _run(
    part: Part, root: Path, file: Path, progress: Callable[[str], None]
) -> tuple[Part, list[dict[str, Any]]]:
    """Check one part in a process of its own, and give back what it sent."""
    name = str(file.relative_to(root))
    messages: list[dict[str, Any]] = []
    package = str(Path(toolkit.__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory(prefix="check-") as scratch:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLBACKEND": "Agg",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", PROBE, part, str(root), name, str(LIMITS[part])],
            cwd=scratch,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        ended = threading.Event()
        guard = threading.Thread(target=_guard, args=(process, PATIENCE * LIMITS[part], ended))
        guard.start()
        doing = {"doing": "starting", "stopped": "time-limit"}
        started = time.monotonic()
        assert process.stdout is not None
        try:
            for line in process.stdout:
                with contextlib.suppress(ValueError):
                    message = json.loads(line)
                    messages.append(message)
                    if "doing" in message:
                        doing = message
                        seconds = time.monotonic() - started
                        progress(f"{part}: {message['doing']} ({seconds:.0f} s)")
                if len(messages) > MAX_LINES or "finished" in messages[-1]:
                    break
        finally:
            ended.set()
            guard.join()
            _kill(process)
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0  # it is gone: nothing else may wait for it
            process.stdout.close()
    if not messages or "finished" not in messages[-1]:
        seconds = time.monotonic() - started
        cpu = used.ru_utime + used.ru_stime
        messages.append(_unfinished(doing, name, seconds, cpu, LIMITS[part]))
    return part, messages


def _unfinished(
    doing: dict[str, Any], file: str, seconds: float, cpu: float, limit: float
) -> dict[str, Any]:
    """What it means that a process ended before its check did."""
    if seconds >= LONGEST * limit and cpu < 0.9 * limit:
        return {"note": f"This machine was too busy to finish: {doing['doing']}. Check again."}
    kind = str(doing["stopped"])
    text = STOPPED[kind].format(doing["doing"])
    return {"id": kind, "equation": None, "file": file, "line": None, "message": text}


def _guard(process: "subprocess.Popen[str]", seconds: float, ended: threading.Event) -> None:
    """End a process after so many seconds, those that it waited for a core not counted."""
    started = time.monotonic()
    while not ended.wait(0.5):
        elapsed = time.monotonic() - started
        if elapsed - _starved(process.pid) > seconds or elapsed > LONGEST * seconds / PATIENCE:
            _kill(process)
            return


def _starved(pid: int) -> float:
    """Seconds that a process was ready to run and had no core, where Linux tells; else 0."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _kill(process: "subprocess.Popen[str]") -> None:
    """End the process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
