"""Replacing exports so that nothing is lost.

All exports of one training are one unit. What they replace is first copied to `previous/`, which
has a manifest of its own. Then the new files are staged beside the old ones, and the manifest that
lists them is renamed into place: from this moment on the new ones count, all at once, and
`read_listed` finds them staged or renamed. A kill or a full disk before it leaves the old ones.
"""

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from filelock import AcquireReturnProxy

from toolkit.common.errors import ToolkitError
from toolkit.common.files import (
    atomic_write,
    first_free,
    make_directory,
    sha256,
    sweep,
    take_lock,
)
from toolkit.export.manifest import (
    SIGNATURES,
    Export,
    export_path,
    read_export,
    read_listed,
    read_manifest,
    staged,
    training_command_of,
)

PREVIOUS = "previous"
UNDONE = "previous/undone"


class Replaced(NamedTuple):
    """What new exports replaced."""

    old: list[Export]  # those that the manifest listed, unless they were the same
    notes: list[str]  # sentences for the user: where other files are kept


def lock_exports(exports_dir: Path) -> "AcquireReturnProxy[Any]":
    """The lock of whoever writes to a folder of exports, as a context manager."""
    return take_lock(exports_dir / ".lock", f"Another command is writing to {exports_dir}")


def replace_exports(
    exports: Sequence[Export], exports_dir: Path, keep_in: str = PREVIOUS
) -> Replaced:
    """Replace exports by new ones, all or none.

    Exports that the manifest lists are kept in the folder `keep_in`, in place of those that were
    kept there before. Any other file of such a name goes to `previous/` under a numbered name.

    Raises:
        ToolkitError: the manifest is damaged, or the disk is full or the directory not writable;
            the old exports are as they were.
    """
    make_directory(exports_dir)
    with lock_exports(exports_dir):
        _finish(exports_dir)
        old, notes = [], []
        for new in exports:
            path = export_path(new.name, exports_dir)
            data, entry, found = read_listed(path)
            if data is None or found == sha256(new.data):
                continue
            if entry is not None and found == entry["sha256"]:
                old.append(Export(new.name, data, entry))
            else:
                copy = _keep_unlisted(path, data)
                notes.append(
                    f"{path} was not the file that the manifest lists. It is kept as {copy}."
                )
        if old:
            _write(old, exports_dir / keep_in)
        _write(exports, exports_dir)
    return Replaced(old, notes)


def _keep_unlisted(path: Path, data: bytes) -> Path:
    """Copy a file that no manifest knows to `previous/`, and return the copy."""
    folder = path.parent / PREVIOUS
    make_directory(folder)
    for copy in folder.glob(f"{path.stem}.unlisted-*{path.suffix}"):
        if copy.read_bytes() == data:
            return copy
    copy = first_free(folder / path.stem, ".unlisted-", path.suffix)
    atomic_write(copy, data)
    return copy


def _write(exports: Sequence[Export], exports_dir: Path) -> None:
    """Stage the files, replace the manifest, put the files in place."""
    make_directory(exports_dir)
    _finish(exports_dir)
    manifest = read_manifest(exports_dir)
    manifest |= {f"{export.name}.pt": export.entry for export in exports}
    text = lists_on_one_line(json.dumps(dict(sorted(manifest.items())), indent=2)) + "\n"
    try:
        for export in exports:
            path = export_path(export.name, exports_dir)
            if read_listed(path).sha256 != export.entry["sha256"]:
                atomic_write(staged(path, export.entry["sha256"]), export.data)
        atomic_write(exports_dir / "manifest.json", text.encode())
    finally:
        _finish(exports_dir)


def _finish(exports_dir: Path) -> None:
    """Put staged files in place that the manifest lists, and remove what was left behind.

    Raises:
        ToolkitError: a file cannot be renamed; it stays staged and counts.
    """
    try:
        listed = read_manifest(exports_dir)
        for name, entry in listed.items():
            path = exports_dir / name
            if (waiting := staged(path, entry["sha256"])).exists():
                os.replace(waiting, path)
        for path in exports_dir.glob(".*.staged"):
            path.unlink()
        sweep(exports_dir)
    except OSError as error:
        raise ToolkitError(
            f"Cannot write to {exports_dir}: {error.strerror}. Nothing is lost; run the same "
            "command again when that is mended."
        ) from error


def copy_export(name: str, source: Path, target: Path) -> None:
    """Copy an export and its manifest entry to another directory.

    Raises:
        UsageError, ToolkitError: see `read_export` and `replace_exports`.
    """
    replace_exports([read_export(name, source)], target)


def restore(names: Sequence[str], exports_dir: Path) -> Replaced:
    """Restore the exports that were replaced last; the present ones go to `previous/undone/`.

    Raises:
        ToolkitError: there are no earlier files, or they are damaged; nothing is changed.
    """
    previous = exports_dir / PREVIOUS
    for name in names:
        if not read_listed(export_path(name, previous)).intact:
            raise ToolkitError(
                f"There is no earlier {name}.pt to bring back: {previous} has no intact one. "
                "Restore the committed one from version control."
            )
    return replace_exports([read_export(name, previous) for name in names], exports_dir, UNDONE)


def describe_regression(old: Export, new: Export, exports_dir: Path) -> str | None:
    """A sentence for the user if a new export is worse than the one that it replaced.

    Returns:
        the sentence, also if the two metrics cannot be compared; else None.
    """
    signature = SIGNATURES[new.name]
    if signature.headline is None:
        return None
    metrics = [export.entry["metrics"] for export in (old, new)]
    before, after = (m.get(signature.headline) for m in metrics)
    condition_before, condition_after = (m.get(signature.condition) for m in metrics)
    if condition_before != condition_after:
        difference = (
            f"was measured differently ({signature.condition} {condition_before}, "
            f"now {condition_after})"
        )
    elif (after > before) != signature.higher_is_better and abs(after - before) > _luck(
        metrics, signature.headline
    ):
        difference = "was better"
    else:
        return None
    return (
        f"{exports_dir / new.name}.pt replaces a file that {difference}: {signature.headline} "
        f"{after:.4g}, before {before:.4g}. `python -m toolkit.train restore "
        f"{training_command_of(new.name)} --exports-dir {exports_dir}` restores the old one."
    )


def _luck(metrics: Sequence[Mapping[str, Any]], headline: str) -> float:
    """How far the headlines of two files may differ by the luck of their draws.

    Twice the standard error of their difference; 0 where no standard deviation is known.
    """
    errors = ((m.get(f"{headline}_sd") or 0.0) / math.sqrt(m.get("num_draws", 1)) for m in metrics)
    return 2 * math.hypot(*errors)


def lists_on_one_line(json_text: str) -> str:
    """Indented JSON, reformatted so that each list of plain values takes one line."""
    return re.sub(
        r"\[\n[^\[\]{}]*\]",
        lambda found: re.sub(r"\n\s*", "", re.sub(r",\n\s*", ", ", found[0])),
        json_text,
    )
