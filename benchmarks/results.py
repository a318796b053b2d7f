"""Runs a benchmark and records its output: python benchmarks/results.py NAME COMMAND...

    python benchmarks/results.py main-job python benchmarks/main_job.py
    python benchmarks/results.py demos-gan python benchmarks/demos.py --demo gan
    python benchmarks/results.py horizon python -m toolkit.train horizon
    python benchmarks/results.py --tables

The script runs the command and shows what it prints. If the command succeeds, its output is written
to docs/results/NAME.json with the date, the commit, the processor, the number of cores, the load
and the version of torch. The output's table is then written into the documents. A benchmark that
fails replaces nothing.

`--tables` measures nothing, and only writes the tables of the documents anew; see `doc_tables.py`.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import doc_tables

ROOT = Path(__file__).parents[1]


def processor() -> str:
    """Return the model name of this machine's processor, as Linux reports it, or the architecture
    if Linux reports no name.
    """
    line = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return line[1] if line else os.uname().machine


def commit() -> str | None:
    """Return the commit of the working tree, with "-dirty" at the end if files differ from it.

    The result is None if the project is not a git checkout but, for example, an unpacked archive.
    """
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def run(command: list[str]) -> list[str]:
    """Run a command in the project's folder, show what it prints, and return the printed lines.

    Raises:
        subprocess.CalledProcessError: the command fails.
    """
    words = [sys.executable if word == "python" else word for word in command]
    lines = []
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return lines


def measure(command: list[str]) -> dict[str, object]:
    """Run a command, and return the content of docs/results/NAME.json: the machine, the time and
    the command's output.
    """
    before = {
        "command": shlex.join(command),
        "version": importlib.metadata.version("assignment3-toolkit"),
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": f"load average {os.getloadavg()[0]:.1f} before the start",
        "torch": importlib.metadata.version("torch"),
    }
    return before | {"output": run(command)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a benchmark and write down what it prints.")
    parser.add_argument(
        "--directory", type=Path, default=doc_tables.RESULTS, help="instead of docs/results"
    )
    parser.add_argument("--tables", action="store_true", help="only write the documents' tables")
    parser.add_argument("name", nargs="?", help="what the file is called, such as main-job")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the benchmark, with its options")
    options = parser.parse_args()
    if options.tables:
        if options.name:
            parser.error("--tables measures nothing; leave the name and the command out")
        write_tables()
        return
    if not re.fullmatch(r"[a-z0-9-]+", options.name or ""):
        parser.error(f"a name has small letters, digits and hyphens; {options.name!r} does not")
    if not options.command:
        parser.error("which command? For example: main-job python benchmarks/main_job.py")
    try:
        record = measure(options.command)
    except subprocess.CalledProcessError as error:
        sys.exit(f"The benchmark failed with exit code {error.returncode}; nothing was written.")
    path = options.directory / f"{options.name}.json"
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{path}")
    if options.directory == doc_tables.RESULTS:
        write_tables()


def write_tables() -> None:
    """Write the tables of the documents, and print the pages that changed."""
    for page in doc_tables.write():
        print(page)


if __name__ == "__main__":
    main()
