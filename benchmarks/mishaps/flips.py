"""Flipped bits and lost ends of files: each must be refused or named, or have no effect."""

import contextlib
import io
import random
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mishaps import Outcome
from toolkit.common.errors import ToolkitError
from toolkit.common.package_data import package_data
from toolkit.common.record import read_record
from toolkit.common.runs import Run
from toolkit.export import loading
from toolkit.export.film import load_film
from toolkit.export.manifest import read_export, read_manifest

SMALL = 50_000  # bytes; files that reading may change, such as a log, are smaller


@dataclass(frozen=True)
class Config:
    seed: int = 0


class Target(NamedTuple):
    """A file to damage, and the function that reads it."""

    kind: str
    path: Path
    read: Callable[[], Any]  # returns equal values for equal content


def flips(count: int, seed: int) -> Iterator[Outcome]:
    """Yield the outcomes of `count` flips and truncations; the kinds of files take turns."""
    rng = random.Random(f"{seed} flips")
    with tempfile.TemporaryDirectory() as directory:
        groups = list(_targets(Path(directory)).values())
        for k in range(count):
            yield _flip(rng.choice(groups[k % len(groups)]), rng, f"flip {k} of seed {seed}")


def _flip(target: Target, rng: random.Random, number: str) -> Outcome:
    whole = target.path.read_bytes()
    expected = target.read()
    harmed, harm = _harmed(whole, rng)
    with _restored_folder(target.path.parent), _restored_file(target.path, whole):
        target.path.write_bytes(harmed)
        outcome, detail = _read(target, expected)
    mishap = f"flipped bits and lost ends of {target.kind}"
    return Outcome(mishap, outcome, f"{number}, {harm} of {target.path.name}{detail}")


def _harmed(whole: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Cut off the end of a file's content, or flip a bit in it; return the new content and what was
    done.
    """
    if rng.random() < 0.2:
        length = rng.randrange(len(whole))
        return whole[:length], f"the end after {length} bytes"
    index, bit = divmod(rng.randrange(8 * len(whole)), 8)
    flipped = bytearray(whole)
    flipped[index] ^= 1 << bit
    return bytes(flipped), f"bit {bit} of byte {index}"


def _read(target: Target, expected: Any) -> tuple[str, str]:
    """Read a damaged file, and return the outcome and its detail."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            content = target.read()
    except ToolkitError as error:
        is_named = str(target.path.parent) in str(error)
        return "refused" if is_named else "refused without a name", f": {error}"
    except Exception:  # the benchmark looks for such exceptions
        return "traceback", f": {traceback.format_exc()}"
    if str(target.path) in output.getvalue():
        return "named", ""
    return "nothing changed" if content == expected else "silent", ""


@contextlib.contextmanager
def _restored_file(path: Path, content: bytes) -> Iterator[None]:
    """Restore the content of a file when the `with` block ends."""
    yield
    path.write_bytes(content)


@contextlib.contextmanager
def _restored_folder(folder: Path) -> Iterator[None]:
    """When the `with` block ends, delete new files, and restore small ones, which reading may have
    changed.
    """
    files = [path for path in folder.iterdir() if path.is_file()]
    copies = {}
    for path in files:
        if path.stat().st_size < SMALL:
            copies[path] = path.read_bytes()
    yield
    for path in folder.iterdir():
        if path.is_file() and path not in files:
            path.unlink()
    for path, data in copies.items():
        path.write_bytes(data)


def _targets(directory: Path) -> dict[str, list[Target]]:
    """Return the files to damage, grouped by kind."""
    exports = directory / "exports"
    shutil.copytree(package_data("exports"), exports, ignore=shutil.ignore_patterns("previous"))
    groups: dict[str, list[Target]] = {}

    def add(kind: str, path: Path, read: Callable[[], Any]) -> None:
        groups.setdefault(kind, []).append(Target(kind, path, read))

    for file in read_manifest(exports):
        name, _, ending = file.rpartition(".")
        if ending in ("safetensors", "pt", "onnx", "pt2"):
            add(f".{ending} files", exports / file, partial(_data, name, exports, ending))
    add(".pt files", exports / "lstm.pt", partial(_graph, exports))
    add("film.npz", exports / "film.npz", partial(_film, exports))
    add("the manifest", exports / "manifest.json", partial(read_manifest, exports))

    run = _run(directory / "run")
    add("checkpoints", run.checkpoint, partial(_numbers, run))
    add("run.json", run.directory / "run.json", partial(_record, run))
    add("metrics.jsonl", run.log_file, partial(_log, run))
    return groups


def _data(name: str, exports: Path, ending: str) -> bytes:
    return read_export(name, exports, ending).data


def _graph(exports: Path) -> str:
    return str(loading.load("lstm", exports, format="pt").graph)


def _film(exports: Path) -> list[Any]:
    return list(load_film(exports))


def _run(directory: Path) -> Run:
    """Make a finished run with a log."""
    with Run(directory, Config(), "lstm", "python -m toolkit.train lstm") as run:
        run.load()
        for step in range(1, 21):
            run.log(step, loss=1 / step)
        run.save(20, 1.5, numbers=[k / 7 for k in range(1000)])
        metrics = {"loss": 1.0, "accuracy_by_length": {"5": 0.75, "100": 0.5}}
        run.finish(run.record("all steps done", metrics))
    return run


def _state(run: Run) -> dict[str, Any]:
    with Run(run.directory, Config()) as reopened:
        state = reopened.load()
    assert state is not None
    return state


def _numbers(run: Run) -> list[float]:
    return _state(run)["numbers"]


def _record(run: Run) -> Any:
    return read_record(run.directory)


def _log(run: Run) -> tuple[Any, list[dict[str, Any]]]:
    """Return the last logged value of each metric, and the entries of the log."""
    latest = _state(run)["latest"]
    with Run(run.directory, Config()) as reopened:
        reopened.load()
        return latest, reopened.entries
