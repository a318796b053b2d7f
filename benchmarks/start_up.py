"""Measures the time from a process's start to its first prediction: python benchmarks/start_up.py

A C++ program and a Python program load the same LSTM, verify its SHA-256, make the two warm-up
calls, which compile the network, and predict one digit. A run lasts from the start of a process to
its end. The programs take turns, so that a slow moment of the machine affects all of them. The
table shows the median, the fastest and the slowest run. The C++ programs must be built first;
docs/exports.md has the two commands. If exports/lstm.onnx exists, onnxruntime is measured as well;
it needs no warm-up.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXPORTS = ROOT / "exports"
ONNX = """
import os, sys, numpy
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(logits,) = session.run(None, {"digits": numpy.array([sys.argv[2:]], dtype=numpy.int64)})
print(logits.argmax())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="From process start to first prediction.")
    parser.add_argument("--repeats", type=int, default=15, help="runs of each program")
    parser.add_argument(
        "--build-dir", type=Path, default=EXPORTS / "cpp" / "build", help="where the programs are"
    )
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    predict_digit = options.build_dir / "predict_digit"
    if not predict_digit.exists():
        parser.error(f"{predict_digit} is missing: build the C++ programs, see docs/exports.md")

    digits = "31415995141"
    arguments = [EXPORTS / "lstm.pt", *digits]
    python = [sys.executable, EXPORTS / "load_exports.py"]
    commands = {
        "C++, `predict_digit`": [predict_digit, *arguments],
        "Python, `load_exports.py predict`": [*python, "predict", *arguments],
        "of that, Python with `import torch` alone": [sys.executable, "-c", "import torch"],
    }
    if (EXPORTS / "lstm.onnx").exists():
        program = [sys.executable, "-c", ONNX, EXPORTS / "lstm.onnx", *digits]
        commands["Python, onnxruntime and numpy"] = program
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for repeat in range(options.repeats + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if repeat > 0:  # the first run brings the files into memory
                seconds[name].append(time.perf_counter() - start)

    print("| program | median | fastest | slowest |")
    print("|---|---|---|---|")
    for name, times in seconds.items():
        summary = (statistics.median(times), min(times), max(times))
        print("| " + " | ".join([name, *(f"{value:.2f} s" for value in summary)]) + " |")


if __name__ == "__main__":
    main()
