"""Checks golden values in every format, batch size and thread count: python benchmarks/golden.py

The rows of the golden inputs in `exports/manifest.json` are repeated to fill batches of 1, 7 and 64
rows. Each output is compared with the golden output of its row. The golden outputs were written
down together with the weights, so the reference does not depend on the torch that runs this script.
The table shows the largest |difference| / (1 + |y|) over all batch sizes and thread counts, for T
up to 36 and for T = 1,000. The exit code is 1 if a value exceeds the tolerance in the manifest. The
networks that were trained at one length may exceed it at T = 1,000; their values are only printed.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from toolkit.export import load
from toolkit.export.golden import long_digits
from toolkit.export.manifest import SIGNATURES, Format, entry_of, read_export, readable_exports

BATCHES = (1, 7, 64)
THREADS = (1, 2, 4)
FORMATS: tuple[Format, ...] = ("safetensors", "pt", "pt2", "onnx")
Array = NDArray[Any]
Run = Callable[[Array], Array]


def with_torch(name: str, format_: Format, threads: int) -> Run:
    """Load a network in one of torch's formats, and return a function from array to array."""
    torch.set_num_threads(threads)
    network = load(name, format=format_)

    def run(inputs: Array) -> Array:
        with torch.no_grad():
            return np.asarray(network(torch.from_numpy(inputs)))

    return run


def with_onnxruntime(name: str, threads: int) -> Run:
    """Load a network into ONNX Runtime with `threads` threads, and return a function from array to
    array.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    data = read_export(name, format_="onnx").data
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (argument,) = session.get_inputs()

    def run(inputs: Array) -> Array:
        (outputs,) = session.run(None, {argument.name: inputs})
        return np.asarray(outputs)

    return run


def to_array(stored: dict[str, Any]) -> Array:
    """Convert an array of the manifest to numpy."""
    return np.array(stored["values"], dtype=stored["dtype"]).reshape(stored["shape"])


def cases(golden: dict[str, Any]) -> Iterator[tuple[bool, Array, Array]]:
    """Yield each golden case: True if it is the long one, its inputs and its outputs."""
    for case in golden["cases"]:
        yield False, to_array(case["input"]), to_array(case["output"])
    if "long" in golden:
        case = golden["long"]
        yield True, long_digits(**case["input"]).numpy(), to_array(case["output"])


def differences(run: Run, golden: dict[str, Any]) -> tuple[float, float]:
    """Return the largest |difference| / (1 + |y|) over the batches, for short and for long inputs.

    NaN is replaced by infinity, so that it counts as the largest difference.
    """
    largest = [0.0, 0.0]
    for is_long, inputs, outputs in cases(golden):
        for batch in BATCHES:
            rows = np.arange(batch) % len(inputs)
            expected = outputs[rows]
            difference = np.abs(run(inputs[rows]) - expected) / (1 + np.abs(expected))
            difference = np.nan_to_num(difference, nan=np.inf, posinf=np.inf)
            largest[is_long] = max(largest[is_long], float(difference.max()))
    return largest[False], largest[True]


def main() -> None:
    parser = argparse.ArgumentParser(description="Golden values in every format.")
    parser.add_argument("formats", nargs="*", default=FORMATS, metavar="FORMAT")
    parser.add_argument("--short", action="store_true", help="only T up to 36, which is quick")
    options = parser.parse_args()
    wrong = []
    print(f"torch {torch.__version__}; batches {BATCHES}, threads {THREADS}\n")
    print("| network | format | T up to 36 | T = 1,000 |\n|---|---|---|---|")
    for name in SIGNATURES:
        golden = dict(entry_of(name, readable_exports())["golden"])
        if options.short:
            golden.pop("long", None)
        tolerance = golden["tolerance"]
        for format_ in options.formats:
            short, long = 0.0, 0.0
            for threads in THREADS:
                if format_ == "onnx":
                    run = with_onnxruntime(name, threads)
                else:
                    run = with_torch(name, format_, threads)
                of_short, of_long = differences(run, golden)
                short, long = max(short, of_short), max(long, of_long)
            at_length = f"{long:.1e}" if "long" in golden else ""
            print(f"| {name} | {format_} | {short:.1e} | {at_length} |", flush=True)
            if short > tolerance or (long > tolerance and not name.endswith("_plain")):
                wrong.append(f"{name}.{format_}")
    if wrong:
        sys.exit(f"More than the tolerance: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
