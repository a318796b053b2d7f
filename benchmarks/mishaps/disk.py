"""A disk that is full from one write on, for every write: the old or the new state must be
loadable.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count as numbers
from pathlib import Path

from mishaps import Outcome
from mishaps.child import FORKS, attempt, contents, fill_disk_at
from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256
from toolkit.common.record import read_record
from toolkit.common.runs import Run
from toolkit.export.manifest import Export, read_file, read_manifest
from toolkit.export.replacing import replace_exports, restore

FILES = ("discriminator.safetensors", "film.npz", "generator.onnx", "generator.safetensors")
RNN = ["rnn", "--preset", "smoke", "--num-steps", "20"]
GAN = ["gan", "--preset", "smoke", "--batch-size", "4"]
FULL = 3  # the exit code of a process that reported that it could not write


@dataclass(frozen=True)
class Config:
    seed: int = 0


def disk(count: int, seed: int, commands: tuple[list[str], ...] = (RNN, GAN)) -> Iterator[Outcome]:
    """Fill the disk at each write of saving, restoring and checkpointing, and at the first `count`
    writes of each command; yield the outcomes.
    """
    with tempfile.TemporaryDirectory() as directory:
        for name in SMALL:
            yield from _at_every_write(name, Path(directory))
        for words in commands:
            yield from _commands(words, count, Path(directory) / words[0])


# -- functions of the toolkit, at every write


def save_files(version: int, exports_dir: Path) -> None:
    """Save the exports of one training run; their content says which version they are."""
    exports = []
    for file in FILES:
        data = f"{file} {version} ".encode() * 100
        facts = {"sha256": sha256(data), "bytes": len(data), "seed": version}
        if file in ("film.npz", "generator.onnx"):
            facts["made_from"] = sha256(f"generator.safetensors {version} ".encode() * 100)
        exports.append(Export(file, data, facts))
    replace_exports(exports, exports_dir)


def restore_files(directory: Path) -> None:
    restore(["generator", "discriminator"], directory)


def checkpoint(directory: Path) -> None:
    """Continue a run from its checkpoint of step 1 to step 2."""
    with Run(directory / "run", Config()) as run:
        run.load()
        if run.step == 1:
            run.log(2, loss=0.25)
            run.save(2, 2.0, weights=[2.0] * 1000)
        run.finish(run.record("all steps done"))


def prepare(name: str, directory: Path) -> None:
    if name == "checkpoint and record":
        with Run(directory / "run", Config()) as run:
            run.load()
            run.log(1, loss=0.5)
            run.save(1, 1.0, weights=[1.0] * 1000)
        return
    save_files(1, directory)
    if name == "restore":
        save_files(2, directory)


def version(name: str, directory: Path) -> object:
    """Return the version of the state that can be loaded; all files must have the same version."""
    if name == "checkpoint and record":
        with Run(directory / "run", Config()) as run:
            state = run.load()
        assert state is not None
        assert [e["step"] for e in run.entries] == [*range(1, state["step"] + 1)]
        return state["step"], state["weights"][0]
    listed = {file: read_file(file, directory).entry["seed"] for file in FILES}
    (same,) = set(listed.values())
    return same


SMALL: dict[str, tuple[Callable[[Path], None], object, object]] = {  # action, before, after
    "save": (partial(save_files, 2), 1, 2),
    "restore": (restore_files, 2, 1),
    "checkpoint and record": (checkpoint, (1, 1.0), (2, 2.0)),
}


def act(name: str, directory: Path, write: int | None) -> None:
    """Perform an action in a process of its own; the disk is full from one write on, unless `write`
    is None.
    """
    if write is not None:
        fill_disk_at(write)
    try:
        SMALL[name][0](directory)
    except ToolkitError as error:
        os._exit(FULL if str(error).isprintable() else 1)


def _at_every_write(name: str, directory: Path) -> Iterator[Outcome]:
    after = SMALL[name][2]
    for write in numbers(1):
        folder = Path(tempfile.mkdtemp(dir=directory))
        prepare(name, folder)
        code = _act(name, folder, write)
        if code == 0 and write % 2 == 0 and version(name, folder) == after:
            return  # not a single byte was left to write
        try:
            outcome = _judge(name, folder, code)
        except (ToolkitError, ValueError, AssertionError) as error:
            outcome = f"refused afterwards: {error}"
        yield Outcome(f"full disk at each write of {name}", outcome, f"write {write}")


def _judge(name: str, folder: Path, code: int | None) -> str:
    """Judge the state after a mishap, and repeat the action on a disk with room.

    Raises:
        ToolkitError, ValueError, AssertionError: the state cannot be loaded.
    """
    _, before, after = SMALL[name]
    if code not in (0, FULL):
        return "traceback"
    possible = (after,) if code == 0 else (before, after)
    if version(name, folder) not in possible:
        return "another state"
    if _act(name, folder, None) != 0 or version(name, folder) != after:
        return "not mended by a repetition"
    return "old or new state loadable"


def _act(name: str, directory: Path, write: int | None) -> int | None:
    process = FORKS.Process(target=act, args=(name, directory, write))
    process.start()
    process.join(60)
    return process.exitcode


# -- commands


def _commands(words: list[str], count: int, directory: Path) -> Iterator[Outcome]:
    """Train with another seed on a disk that is full from one write on, and yield the outcomes."""
    old, new = directory / "old", directory / "new"
    old.mkdir(parents=True)
    assert attempt(words, old, formats=False).code == 0
    shutil.copytree(old, new)
    assert attempt([*words, "--seed", "1"], new, formats=False).code == 0
    with ThreadPoolExecutor(2) as pool:
        for write in range(1, count + 1, 2):
            jobs = [
                pool.submit(_command, words, old, new, write),
                pool.submit(_command, words, old, new, write + 1),
            ]
            is_over = False
            for job in jobs:
                outcome, nothing_left = job.result()
                yield outcome
                is_over = is_over or nothing_left
            if is_over:
                return


def _command(words: list[str], old: Path, new: Path, write: int) -> tuple[Outcome, bool]:
    """Run a command on a disk that is full from one write on; return the outcome, and True if not a
    single byte was left to write.
    """
    folder = old.parent / f"write-{write}"
    shutil.copytree(old, folder)
    command = [*words, "--seed", "1"]
    code, text, _ = attempt(command, folder, formats=False, full_from=write)
    try:
        if "Traceback" in text or code not in (0, 1):
            outcome = "traceback"
        else:
            outcome = _judge_command(command, folder, old, new)
    except ToolkitError as error:
        outcome = f"refused afterwards: {error}"
    shutil.rmtree(folder)
    mishap = f"full disk at each write of `{' '.join(words)}`"
    nothing_left = code == 0 and write % 2 == 0
    detail = f"write {write}, exit code {code}: {text[-1500:]}"
    return Outcome(mishap, outcome, detail), nothing_left


def _judge_command(command: list[str], folder: Path, old: Path, new: Path) -> str:
    """Judge a folder after a mishap, and run the command again on a disk with room.

    Raises:
        ToolkitError: an export or a record cannot be read.
    """
    if seeds(folder) not in (seeds(old), seeds(new)):
        return "another state"
    for path in folder.glob("runs/*/*/run.json"):
        read_record(path.parent)
    repetition = attempt(command, folder, formats=False)
    if repetition.code != 0 or contents(folder) != contents(new):
        return f"not mended by a repetition: {repetition.text}"
    return "old or new state loadable"


def seeds(directory: Path) -> dict[str, object]:
    """Return the seed of each export.

    Raises:
        ToolkitError: an export is missing or damaged.
    """
    exports = directory / "runs" / "smoke" / "exports"
    return {
        file: json.dumps(read_file(file, exports).entry.get("seed"))
        for file in read_manifest(exports)
    }
