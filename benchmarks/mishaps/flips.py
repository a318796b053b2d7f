"""Flipped bits and lost ends of files: refused, named, or without any effect."""

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

SMALL = 50_000  # bytes; what reading may write to, such as a log, is smaller


@dataclass(frozen=True)
class Config:
    seed: int = 0


class Target(NamedTuple):
    """A file that rots, and what reads it."""

    what: str
    path: Path
    read: Callable[[], Any]  # equal values for equal content


def flips(count: int, seed: int) -> Iterator[Outcome]:
    """`count` flips and truncations, of each kind of file in turn."""
    rng = random.Random(f"{seed} flips")
    with tempfile.TemporaryDirectory() as directory:
        groups = list(_targets(Path(directory)).values())
        for k in range(count):
            yield _flip(rng.choice(groups[k % len(groups)]), rng, f"flip {k} of seed {seed}")


def _flip(target: Target, rng: random.Random, number: str) -> Outcome:
    whole = target.path.read_bytes()
    expected = target.read()
    if rng.random() < 0.2:
        at = rng.randrange(len(whole))
        harmed, how = whole[:at], f"{target.path.name} cut after {at} bytes"
    else:
        at = rng.randrange(8 * len(whole))
        flipped = bytearray(whole)
        flipped[at // 8] ^= 1 << at % 8
        harmed, how = bytes(flipped), f"bit {at % 8} of byte {at // 8} of {target.path.name}"
    beside = {path for path in target.path.parent.iterdir() if path.is_file()}
    copies = {path: path.read_bytes() for path in beside if path.stat().st_size < SMALL}
    target.path.write_bytes(harmed)
    said = io.StringIO()
    detail = f"{number}, {how}"
    try:
        with contextlib.redirect_stdout(said):
            found = target.read()
        if str(target.path) in said.getvalue():
            outcome = "named"
        else:
            outcome = "nothing changed" if found == expected else "silent"
    except ToolkitError as error:
        outcome = "refused" if str(target.path.parent) in str(error) else "refused without a name"
        detail += f": {error}"
    except Exception:  # this is what is looked for
        outcome, detail = "traceback", f"{detail}: {traceback.format_exc()}"
    for path in target.path.parent.iterdir():
        if path.is_file() and path not in beside:
            path.unlink()
    for path, data in {**copies, target.path: whole}.items():
        path.write_bytes(data)
    return Outcome(f"flipped bits and lost ends of {target.what}", outcome, detail)


def _targets(directory: Path) -> dict[str, list[Target]]:
    """Kind of file -> what can rot."""
    exports = directory / "exports"
    shutil.copytree(package_data("exports"), exports, ignore=shutil.ignore_patterns("previous"))
    groups: dict[str, list[Target]] = {}

    def add(what: str, path: Path, read: Callable[[], Any]) -> None:
        groups.setdefault(what, []).append(Target(what, path, read))

    for file in read_manifest(exports):
        name, _, ending = file.rpartition(".")
        if ending in ("safetensors", "pt", "onnx", "pt2"):
            add(
                f".{ending} files",
                exports / file,
                lambda n=name, e=ending: read_export(n, exports, e).data,
            )
    script = partial(loading.load, "lstm", exports, format="pt")
    add(".pt files", exports / "lstm.pt", lambda: str(script().graph))
    add("film.npz", exports / "film.npz", lambda: list(load_film(exports)))
    add("the manifest", exports / "manifest.json", lambda: read_manifest(exports))

    run = _run(directory / "run")
    add("checkpoints", run.checkpoint, lambda: _state(run)["numbers"])
    add("run.json", run.directory / "run.json", lambda: read_record(run.directory))
    add("metrics.jsonl", run.log_file, lambda: (_state(run)["latest"], _entries(run)))
    return groups


def _run(directory: Path) -> Run:
    """A finished run with a log."""
    with Run(directory, Config(), "lstm", "python -m toolkit.train lstm") as run:
        run.load()
        for step in range(1, 21):
            run.log(step, loss=1 / step)
        run.save(20, 1.5, numbers=[k / 7 for k in range(1000)])
        metrics = {"loss": 1.0, "accuracy_by_length": {"5": 0.75, "100": 0.5}}
        run.finish(run.record("all steps done", metrics))
    return run


def _state(run: Run) -> dict[str, Any]:
    with Run(run.directory, Config()) as again:
        state = again.load()
    assert state is not None
    return state


def _entries(run: Run) -> list[dict[str, Any]]:
    with Run(run.directory, Config()) as again:
        again.load()
        return again.entries
