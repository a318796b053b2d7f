"""The main job, measured from outside: python benchmarks/main_job.py [--seeds 5] [--skip-all]

The benchmark runs the command line in new directories and prints a Markdown table. For Part I, the
table shows the median and the worst accuracy and time over several seeds. For `train all`, the
table shows the quality (± the standard deviation over draws), the time and the memory. `GOALS` is
the only place where the goals are written down.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from gan_per_minute import sampling_milliseconds

GOALS = {  # what is measured -> the goal, in the order of the table
    "T = 5, one-hot": "99.9%, 5 s",
    "T = 5, bare digit": "99.9%, 5 s",
    "T = 20, one-hot": "99.9%, 15 s",
    "T = 20, RNN": "its own",
    "T = 36, curriculum": "99.9%, 10 s",
    "T = 1,000, curriculum to 100": "99.9%, 20 s",
    "T = 10,000, the same networks": "99.9%",
    "T = 10,000, RNN, curriculum to 100": "its own",
    "smoke preset of everything": "60 s",
    "Frechet distance": "4",
    "samples that are no clear digit": "real images' share + 2 points",
    "class shares": "8% to 12%",
    "train all": "10 min",
    "peak memory of any command": "2 GB",
    "25 samples from the export": "10 ms",
}


@dataclass(frozen=True)
class Measured:
    """The cost of one command, and its results."""

    wall_seconds: float  # of the whole process, imports included
    training_seconds: dict[str, float]  # run name -> seconds in the training loop
    metrics: dict[str, dict[str, object]]  # export -> its metrics in the manifest


def measure(*arguments: str) -> Measured:
    """Run `python -m toolkit.train ARGUMENTS` in a new directory."""
    with tempfile.TemporaryDirectory() as directory:
        runs, exports = Path(directory, "runs"), Path(directory, "exports")
        command = [sys.executable, "-m", "toolkit.train", *arguments]
        command += ["--runs-dir", str(runs), "--exports-dir", str(exports)]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return Measured(
            wall_seconds=time.perf_counter() - start,
            training_seconds=training_seconds(runs),
            metrics=metrics(exports),
        )


def training_seconds(runs: Path) -> dict[str, float]:
    """Return the seconds that each run took, keyed by the run's name."""
    seconds = {}
    for path in runs.glob("*/*/metrics.jsonl"):
        logged = []
        for line in path.read_text().splitlines():
            logged.append(json.loads(line).get("seconds", 0.0))
        seconds[path.parent.name] = max(logged)
    return seconds


def metrics(exports: Path) -> dict[str, dict[str, object]]:
    """Return the metrics of each export that has metrics, keyed by the export's name."""
    manifest = json.loads((exports / "manifest.json").read_text())
    listed = {}
    for name, entry in manifest.items():
        if "metrics" in entry:
            listed[name.removesuffix(".safetensors")] = entry["metrics"]
    return listed


def train(model: str, seeds: int, *arguments: str) -> list[Measured]:
    """Run the same training with seeds 0, 1, 2, ..."""
    return [measure(model, "--seed", str(seed), *arguments) for seed in range(seeds)]


def over_seeds(results: list[Measured], model: str, length: int) -> str:
    """Describe the median and the worst of the accuracies at T = `length` and of the training
    times.
    """
    accuracies, seconds = [], []
    for result in results:
        by_length = cast(dict[str, float], result.metrics[model]["accuracy_by_length"])
        accuracies.append(by_length[str(length)])
        seconds.append(max(result.training_seconds.values()))
    return (
        f"{statistics.median(accuracies):.2%} in {statistics.median(seconds):.1f} s "
        f"(worst of {len(results)}: {min(accuracies):.2%}, {max(seconds):.1f} s)"
    )


def measure_part_one(seeds: int) -> dict[str, str]:
    """Return the table's results for Part I, trained at one length or with the curriculum."""

    def at(length: int, model: str, *arguments: str) -> str:
        name = model if "--curriculum" in arguments else f"{model}_plain"
        return over_seeds(train(model, seeds, "--length", str(length), *arguments), name, length)

    lstm = train("lstm", seeds, "--curriculum")
    rnn = train("rnn", seeds, "--curriculum")
    return {
        "T = 5, one-hot": at(5, "lstm"),
        "T = 5, bare digit": at(5, "lstm", "--encoding", "digit"),
        "T = 20, one-hot": at(20, "lstm"),
        "T = 20, RNN": at(20, "rnn"),
        "T = 36, curriculum": at(36, "lstm", "--curriculum", "--num-steps", "250"),
        "T = 1,000, curriculum to 100": over_seeds(lstm, "lstm", 1000),
        "T = 10,000, the same networks": over_seeds(lstm, "lstm", 10_000),
        "T = 10,000, RNN, curriculum to 100": over_seeds(rnn, "rnn", 10_000),
    }


def measure_all() -> dict[str, str]:
    """Run `train all`, and return its results for the table."""
    result = measure("all")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    generator = result.metrics["generator"]

    def spread(name: str, form: str) -> str:
        return f"{generator[name]:{form}} ± {generator[f'{name}_sd']:{form}}"

    shares = cast(list[float], generator["class_shares"])
    return {
        "Frechet distance": (
            f"{spread('frechet_distance', '.2f')} "
            f"(floor {spread('frechet_distance_floor', '.2f')}, "
            f"classifier {str(generator['classifier_sha256'])[:12]})"
        ),
        "samples that are no clear digit": (
            f"{spread('share_unsure', '.1%')} (real images {spread('share_unsure_real', '.1%')})"
        ),
        "class shares": f"{min(shares):.1%} to {max(shares):.1%}",
        "train all": f"{result.wall_seconds / 60:.1f} min",
        "peak memory of any command": f"{peak:.2f} GiB",
        "25 samples from the export": f"{sampling_milliseconds():.1f} ms",
    }


def main() -> None:
    """Measure everything, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="seeds of Part I")
    parser.add_argument("--skip-all", action="store_true", help="Part I and the smoke preset only")
    options = parser.parse_args()

    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}, "
        f"{torch.backends.cpu.get_cpu_capability()}\n"
    )
    results = measure_part_one(options.seeds)
    smoke = measure("all", "--preset", "smoke")
    results["smoke preset of everything"] = f"{smoke.wall_seconds:.0f} s"
    if not options.skip_all:
        results |= measure_all()
    print("| what | goal | measured |\n|---|---|---|")
    for title, result in results.items():
        print(f"| {title} | {GOALS[title]} | {result} |")


if __name__ == "__main__":
    main()
