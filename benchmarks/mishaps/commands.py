"""Wrong commands: each must end soon, with a message of one sentence."""

import os
import random
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from typer.main import get_command

from mishaps import Outcome
from mishaps.child import Attempt, attempt

ROOT = Path(__file__).parents[2]
ENDLESS = 300  # seconds; even on a busy machine, a command that is right after all takes less
REAL = 20  # one in this many commands also runs in a process that is not forked

HUGE = "9" * 25
NUMBERS = ["", "x", "1.5", "1e3", "0x10", "-1", f"-{HUGE}", HUGE, "9" * 5000, "nan", "½", "1 2"]
FLOATS = ["", "x", "nan", "inf", "-inf", "-1", "1e999", "1,5", "9" * 400, "0x1p3", "½"]
CHOICES = ["", "wrong", "SMOKE", " smoke", "é", "0", "\U0001f3b2", "\udcff"]
# Names of files that are not folders and cannot become folders; see `_furnish`.
PATHS = ["file.txt", "file.txt/below", "loop", "loop/below", "/dev/null", "/proc/self/mem",
         "x" * 300, "file.txt/missing\nline", "file.txt/\udcff\udcfe"]  # fmt: skip
SMALL = ["--preset", "smoke"]


BY_HAND = """
train
train trian
train --version
train -h
train lstm --lenght 5
train lstm five
train lstm --length
train lstm --length 5 --length x
train lstm -- --length
train lstm -x
train lstm --length 1
train rnn --length 1000000000000
train lstm --seeds 0
train lstm --seeds 101
train lstm --curriculum --length 2
train lstm --curriculum=yes
train gan --architecture mlp --auxiliary-weight 1
train gan --architecture mpl
train gan --batch-size 1
train gan --length 5
train gan --num-steps 1
train gan --data-dir rotten
train gan --data-dir .
train classifier --num-steps 5
train classifier --data-dir file.txt
train all --length 5
train all --data-dir missing
train all lstm
train horizon --cluster tls://127.0.0.1:9
train horizon --cluster tcp://127.0.0.1:9
train horizon --cluster here
train horizon --cluster ''
train score missing.pt
train score file.txt
train score .
train score loop
train score --latent-dim 0
train score --latent-dim 7
train score --range 0-1
train score --range=-1,1
train score --exports-dir rotten
train score a b
train interpolate --from 3
train interpolate --from 10 --to 3
train interpolate --from 3 --to 3
train interpolate --frames 1
train interpolate --frames 100000
train interpolate --exports-dir deep
train clinic
train clinic collaps
train clinic all all
train clinic collapse --exports-dir rotten
train restore
train restore generator
train restore gan
train restore lstm --seed 1
train restore lstm --exports-dir rotten
train restore lstm --exports-dir deep
train convert
train convert --format pdf
train convert --format onnx
train convert --format pt2 --exports-dir rotten
train convert --format pt2 --exports-dir file.txt
assignment
assignment chekc
assignment check
assignment check missing
assignment check file.txt
assignment check loop
assignment check /dev/null
assignment check \udcff
assignment check a b
assignment check --json
assignment check '' --json
assignment check --explain
assignment check --explain no-such-id
assignment check . --explain missing-detach
assignment check --json --explain missing-detach
assignment report
assignment report --student-number ''
assignment report --student-number 12345678
assignment report --student-number 12345678 --exports file.txt
assignment report --student-number 12345678 --reference --exports file.txt
assignment pack
assignment pack --student-number ''
assignment pack --student-number ../../x
assignment pack --student-number 12345678
assignment pack --student-number \uff11\uff12\uff13\uff14\uff15
assignment pack missing --student-number 12345678
assignment pack file.txt --student-number 12345678
assignment grade
assignment grade missing
assignment grade file.txt
assignment grade empty
assignment grade loop
assignment grade empty --rubric missing.toml
assignment grade empty --rubric file.txt
assignment grade empty --rubric /dev/null
assignment grade empty --rubric deep.toml
assignment grade empty --jobs 0
assignment grade empty --jobs 1000000000
assignment grade empty --memory-limit inf
assignment grade empty --memory-limit nan
assignment grade empty --time-limit inf
assignment grade empty --time-limit 0
assignment grade empty --cluster tls://127.0.0.1:9
assignment grade empty --out file.txt
"""


class Wrong(NamedTuple):
    """A wrong command."""

    module: str  # train or assignment
    words: list[str]


def commands(count: int, seed: int) -> Iterator[Outcome]:
    """Try `count` wrong commands, and yield the outcomes; the first ones are written by hand, and
    the others are generated.
    """
    rng = random.Random(f"{seed} commands")
    made = list(_made())
    chosen = [*by_hand(), *rng.sample(made, len(made))][:count]
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        jobs = []
        for k, wrong in enumerate(chosen):
            jobs.append(pool.submit(_try, k, wrong, Path(directory) / str(k)))
        for job in jobs:
            yield from job.result()


def by_hand() -> list[Wrong]:
    """Return the wrong commands in `BY_HAND`."""
    wrong = []
    for line in BY_HAND.splitlines():
        if line:
            module, *words = shlex.split(line)
            wrong.append(Wrong(module, words))
    return wrong


def _made() -> Iterator[Wrong]:
    """Yield commands that combine every option of every command with every kind of wrong value."""
    from toolkit.assignment.app import app as assignment
    from toolkit.train.app import app as train

    for module, app in (("train", train), ("assignment", assignment)):
        for name, command in _every(get_command(app)):
            kinds = get_type_hints(command.callback)
            options = [option for option in command.params if option.opts[0].startswith("--")]
            names = {option.name for option in options}
            for option in options:
                if (name, option.name) == ("clinic", "exports_dir"):
                    continue  # if there is no classifier, the toolkit's own is used
                words = [*name.split(), *_needed(name)]
                if "preset" in names and option.name != "preset":
                    words += SMALL
                for value in _values(str(kinds[option.name])):
                    yield Wrong(module, [*words, f"{option.opts[0]}={value}"])


def _every(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the commands of a group and of its subgroups, each with its name, e.g. "package
    gradescope".
    """
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _every(command, f"{before}{name} ")
        else:
            yield before + name, command


def _needed(name: str) -> list[str]:
    """Return words that a command needs besides the wrong option, chosen so that the command ends
    soon.
    """
    return {
        "clinic": ["saturation"],
        "restore": ["lstm"],
        "export": ["--format", "pt2", "--exports-dir", "empty"],
        "report": ["empty", "--student-number", "12345678"],
        "pack": ["empty", "--student-number", "12345678"],
        "grade": ["empty"],
        "check": ["empty"],
        "score": ["file.txt"],
        "interpolate": ["file.txt"],
    }.get(name, [])


def _values(kind: str) -> list[str]:
    """Return wrong values for an option with this Python annotation."""
    for word, values in (
        ("int", NUMBERS),
        ("float", FLOATS),
        ("Path", PATHS),
        ("bool", ["yes", ""]),
    ):
        if word in kind:
            return values
    return CHOICES


def _furnish(directory: Path) -> None:
    """Make the files and folders that the commands name."""
    for folder in ("empty", "rotten", "deep"):
        (directory / folder).mkdir(parents=True)
    (directory / "file.txt").write_text("no more than a line\n")
    os.symlink("loop", directory / "loop")
    digest = "0" * 64
    (directory / "rotten" / "manifest.json").write_text(
        f'{{"lstm.pt": {{"sha256": "{digest}", "metrics": [], "crc32": "00000000"}}}}'
    )
    (directory / "deep" / "manifest.json").write_text("[" * 100_000)
    (directory / "deep.toml").write_text("packages = " + "[" * 100_000)
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (directory / "rotten" / name).write_bytes(b"\0\0\x08\x03")


def _try(k: int, wrong: Wrong, directory: Path) -> list[Outcome]:
    _furnish(directory)
    shown = f"python -m toolkit.{wrong.module} {' '.join(map(_short, wrong.words))}"
    done = attempt(wrong.words, directory, kill_after=ENDLESS, module=wrong.module, formats=False)
    mishap = f"wrong commands of toolkit.{wrong.module}"
    outcomes = [Outcome(mishap, judge(done), f"`{shown}` (code {done.code})\n{done.text[-1500:]}")]
    if k % REAL == 0 and outcomes[0].outcome == "one sentence":
        outcomes.append(_not_forked(wrong, shown, directory))
    return outcomes


def _not_forked(wrong: Wrong, shown: str, directory: Path) -> Outcome:
    """Run a command in a process that is not forked."""
    process = subprocess.run(
        [sys.executable, "-m", f"toolkit.{wrong.module}", *map(os.fsencode, wrong.words)],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=ENDLESS,
    )
    error = process.stderr.decode(errors="replace")
    outcome = judge(Attempt(process.returncode, error, error))
    detail = f"`{shown}`\n{error[-1500:]}"
    return Outcome("the same in a process that is not forked", outcome, detail)


def judge(done: Attempt) -> str:
    """Judge the outcome of a wrong command."""
    if done.code is None:
        return "endless"
    if "Traceback" in done.text:
        return "traceback"
    lines = _sentences(done.error)
    if done.code == 0 or (not lines and done.text):
        return "was right after all"
    if len(lines) == 1 and done.code in (1, 2):
        return "one sentence"
    return "several lines"


def _sentences(error: str) -> list[str]:
    """Return the lines of a message, without the list of missing things that may follow."""
    lines = [line for line in error.splitlines() if line.strip()]
    if lines and lines[0].startswith("Error: "):
        return [line for line in lines if not line.startswith("- ")]
    return lines


def _short(word: str) -> str:
    """Return a word in a short form for the list of losses."""
    return repr(word if len(word) < 60 else f"{word[:20]}... ({len(word)} characters)")
