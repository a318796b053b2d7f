"""Grades a class on a cluster that loses workers: python benchmarks/grade_cluster.py [--size 500]

The benchmark grades a class on this machine, and then with a Dask scheduler and four worker
processes. The class consists of correct and faulty submissions in turn, and of 23 hostile archives
(see `grade_class.py`). Every fifth submission is complete, and each of the others has one file. One
worker is killed twice and replaced each time, and another worker is stopped for a minute. Every
archive must get a result, and every harmless archive must get the same result as on this machine.
The processor time is that of the command, the workers, and all processes that they started. It
includes the work that a killed worker did not finish.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grade_class import count_differing, harmless_in_part, write_class, written

WORKERS = 4
STOPPED_SECONDS = 60.0
GRADE = [sys.executable, "-m", "toolkit.assignment", "grade"]


class Cluster:
    """A scheduler and its workers, each in a process of its own on this machine.

    Args:
        folder: the folder for the scheduler's address and the workers' files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._address = folder / "scheduler.json"
        self._scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")
        self._workers = [self._start_worker() for _ in range(WORKERS)]

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--scheduler-file", str(self._address)]
        log = (self._folder / "log").open("ab")
        with log:
            return subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def wait_for_address(self) -> str:
        """Wait until the scheduler has written its address to a file, and return the address."""
        while not self._address.exists():
            if self._scheduler.poll() is not None:
                sys.exit(f"The scheduler ended:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.2)
        text = self._address.read_text(encoding="utf-8")
        return text.partition('"address": "')[2].partition('"')[0]

    def kill_worker(self) -> None:
        """Kill the first worker, and start another in its place."""
        self._workers[0].kill()
        self._workers[0].wait()
        self._workers[0] = self._start_worker()

    def signal_second_worker(self, number: signal.Signals) -> None:
        self._workers[1].send_signal(number)

    def end(self) -> None:
        for process in (*self._workers, self._scheduler):
            process.terminate()
        for process in (*self._workers, self._scheduler):
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A class on a cluster that loses workers.")
    parser.add_argument("--size", type=int, default=500, help="archives")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        folder = root / "class"
        folder.mkdir()
        kinds = write_class(folder, map(harmless_in_part, range(options.size)))
        seconds_here = graded_here(folder, root / "here")
        expected = written(root / "here")
        seconds_there = graded_on_a_cluster(folder, root, options.seed, options.size)
        results = written(root / "there")
    num_harmless, num_hostile = count_differing(expected, results, kinds)
    overhead = seconds_there / seconds_here - 1
    print("| | this machine | four workers, one killed twice, one stopped for a minute |")
    print("|---|---|---|")
    print(f"| results of {options.size} archives | {len(expected)} | {len(results)} |")
    print(f"| processor time | {seconds_here:.0f} s | {seconds_there:.0f} s, {overhead:+.1%} |")
    print(f"| harmless archives with another result | | {num_harmless} |")
    print(f"| hostile archives with another result | | {num_hostile} |")
    if num_harmless or len(results) != options.size or len(expected) != options.size:
        sys.exit(1)


def graded_here(folder: Path, out: Path) -> float:
    """Grade on this machine, and return the seconds of processor time."""
    before = processor_seconds()
    subprocess.run(
        [*GRADE, str(folder), "--out", str(out), "--jobs", "2"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return processor_seconds() - before


def graded_on_a_cluster(folder: Path, root: Path, seed: int, size: int) -> float:
    """Grade on four workers, disturb them, and return the seconds of processor time.

    Args:
        seed: determines the numbers of results after which a worker is killed or stopped.
        size: the number of archives.
    """
    before = processor_seconds()
    (root / "cluster").mkdir()
    cluster = Cluster(root / "cluster")
    try:
        command = [*GRADE, str(folder), "--out", str(root / "there")]
        command += ["--cluster", cluster.wait_for_address()]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        rng = random.Random(seed)
        moments = sorted(rng.sample(range(size // 10, size * 7 // 10), 3))
        disturbances = (
            cluster.kill_worker,
            lambda: stop_for_a_minute(cluster),
            cluster.kill_worker,
        )
        for num_results, disturb in zip(moments, disturbances, strict=True):
            wait_for_results(root / "there", num_results, process)
            disturb()
        if process.wait():
            sys.exit(f"grade --cluster ended with {process.returncode}.")
    finally:
        cluster.end()
    return processor_seconds() - before


def wait_for_results(out: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the command has written `count` results."""
    while len(list(out.glob("*/results.json"))) < count:
        if process.poll() is not None:
            sys.exit("The class was graded before all was disturbed: give a larger --size.")
        time.sleep(0.5)


def stop_for_a_minute(cluster: Cluster) -> None:
    cluster.signal_second_worker(signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)
    cluster.signal_second_worker(signal.SIGCONT)


def processor_seconds() -> float:
    """Return the processor time of all child processes that have ended, including their own
    children.
    """
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
