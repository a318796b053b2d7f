"""The main job, measured from outside: python benchmarks/main_job.py [--seeds 5] [--skip-all]

Runs the command line in fresh directories and prints a Markdown table: accuracy and time of Part I
for several seeds (median, and the worst), and quality, time and memory of everything together.
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


@dataclass(frozen=True)
class Measured:
    """One command."""

    wall_seconds: float  # the process as a whole, imports included
    training_seconds: dict[str, float]  # run name -> seconds in the training loop
    metrics: dict[str, dict[str, object]]  # export -> its metrics in the manifest


def measure(*arguments: str) -> Measured:
    """Run one command of the command line in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        runs, exports = Path(directory, "runs"), Path(directory, "exports")
        command = [sys.executable, "-m", "toolkit.train", *arguments]
        command += ["--runs-dir", str(runs), "--exports-dir", str(exports)]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        logs = {path.parent.name: path.read_text() for path in runs.glob("*/*/metrics.jsonl")}
        manifest = json.loads((exports / "manifest.json").read_text())
    return Measured(
        wall,
        {
            name: max(json.loads(line).get("seconds", 0.0) for line in log.splitlines())
            for name, log in logs.items()
        },
        {name.removesuffix(".pt"): entry["metrics"] for name, entry in manifest.items()},
    )


def part_one(model: str, length: int, seeds: int, *arguments: str) -> str:
    """Accuracy on unseen palindromes of T = `length`, and seconds of training, over seeds."""
    return over_seeds(train(model, seeds, "--length", str(length), *arguments), model, length)


def train(model: str, seeds: int, *arguments: str) -> list[Measured]:
    """The same command for seeds 0, 1, 2, ..."""
    return [measure(model, "--seed", str(seed), *arguments) for seed in range(seeds)]


def over_seeds(results: list[Measured], model: str, length: int) -> str:
    """Median and worst accuracy at T = `length`, and seconds of training."""
    by_length = [cast(dict[str, float], r.metrics[model]["accuracy_by_length"]) for r in results]
    accuracies = [shares[str(length)] for shares in by_length]
    seconds = [max(r.training_seconds.values()) for r in results]
    return (
        f"{statistics.median(accuracies):.2%} in {statistics.median(seconds):.1f} s "
        f"(worst of {len(results)}: {min(accuracies):.2%}, {max(seconds):.1f} s)"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="seeds of Part I")
    parser.add_argument("--skip-all", action="store_true", help="Part I and the smoke preset only")
    options = parser.parse_args()

    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}, "
        f"{torch.backends.cpu.get_cpu_capability()}\n"
    )
    seeds = options.seeds
    far = {model: train(model, seeds, "--curriculum") for model in ("lstm", "rnn")}
    rows = [
        ("T = 5, one-hot", "99.9%, 5 s", part_one("lstm", 5, seeds)),
        ("T = 5, bare digit", "99.9%, 5 s", part_one("lstm", 5, seeds, "--encoding", "digit")),
        ("T = 20, one-hot", "99.9%, 15 s", part_one("lstm", 20, seeds)),
        ("T = 20, RNN", "its own", part_one("rnn", 20, seeds)),
        (
            "T = 36, curriculum",
            "99.9%, 10 s",
            part_one("lstm", 36, seeds, "--curriculum", "--num-steps", "250"),
        ),
        ("T = 1,000, curriculum to 100", "99.9%, 20 s", over_seeds(far["lstm"], "lstm", 1000)),
        ("T = 10,000, the same networks", "99.9%", over_seeds(far["lstm"], "lstm", 10_000)),
        ("T = 10,000, RNN, curriculum to 100", "its own", over_seeds(far["rnn"], "rnn", 10_000)),
        (
            "smoke preset of everything",
            "60 s",
            f"{measure('all', '--preset', 'smoke').wall_seconds:.0f} s",
        ),
    ]
    if not options.skip_all:
        result = measure("all")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        generator = result.metrics["generator"]
        shares = generator["class_shares"]
        assert isinstance(shares, list)
        rows += [
            (
                "Frechet distance",
                "15",
                f"{generator['frechet_distance']:.2f} (floor "
                f"{generator['frechet_distance_floor']:.2f}, classifier "
                f"{str(generator['classifier_sha256'])[:12]})",
            ),
            ("class shares", "7% to 13%", f"{min(shares):.1%} to {max(shares):.1%}"),
            ("train all", "10 min", f"{result.wall_seconds / 60:.1f} min"),
            ("peak memory of any command", "2 GB", f"{peak:.2f} GiB"),
        ]
    print("| what | goal | measured |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
