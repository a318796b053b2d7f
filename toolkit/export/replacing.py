"""Functions that replace old exports with new ones without losing any file.

All exports of one training run are replaced together, along with the files made from these exports.
First, the files to be replaced are copied to `previous/`, which has a separate manifest. Then the
new files are written beside the old files under temporary names ("staged"). A manifest that lists
the new files is written in the same way, and is then renamed to `manifest.json`. Renaming the
manifest makes all new files valid at once. `read_listed` finds each new file, whether the file is
still staged or already in place. If the process is killed or the disk fills up before the rename,
the old files stay in place.

A file whose bytes would not change is not rewritten, and its manifest entry still describes the
training run that first wrote it, not the latest run.
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
    checksum,
    first_free,
    make_directory,
    sha256,
    sweep,
    take_lock,
    write_changed,
)
from toolkit.export.manifest import (
    SIGNATURES,
    SOURCES,
    WEIGHTS,
    Export,
    Format,
    read_export,
    read_file,
    read_intact,
    read_listed,
    read_manifest,
    staged,
    training_of,
)

PREVIOUS = "previous"
UNDONE = "previous/undone"

# The fields about the run that wrote a file, which stay as long as the file's bytes are equal.
OF_THE_RUN = ("torch", "seed", "config", "metrics", "golden")
MOST_SHOWN = 4  # the number of differences between two runs that are shown


class Replaced(NamedTuple):
    """The result of `replace_exports`: the files that changed, the old files that were replaced or
    removed, and notes for the user.
    """

    changed: list[str]  # the files that are new or have new contents
    old: list[Export]  # the replaced files that the manifest listed
    notes: list[str]  # sentences for the user: where other files are kept


def lock_exports(exports_dir: Path) -> "AcquireReturnProxy[Any]":
    """Lock a folder of exports for writing, and return the lock, which is a context manager."""
    return take_lock(exports_dir / ".lock", f"Another command is writing to {exports_dir}")


def replace_exports(
    exports: Sequence[Export],
    exports_dir: Path,
    keep_in: str = PREVIOUS,
    removed: Sequence[str] = (),
) -> Replaced:
    """Replace old exports with new ones: either all of them or none.

    Old exports that the manifest lists are saved in the folder `keep_in`, where they overwrite
    earlier exports with the same file names. A file that has the name of a new export, but does not
    match the manifest, is kept in `previous/` under a numbered name. If a new file has the same
    bytes as the old file, the new file is not written. The returned `notes` then mention any
    differences between the training runs that produced the two files.

    Args:
        keep_in: the subfolder for the replaced exports.
        removed: further files to delete from the folder and from its manifest; they too are saved
            in `keep_in`.

    Raises:
        ToolkitError: the manifest is damaged, the disk is full, or the directory is not writable;
            the old exports are unchanged.
    """
    make_directory(exports_dir)
    with lock_exports(exports_dir):
        _finish(exports_dir)
        changed, old = [], []
        notes: list[str] = []
        same: list[tuple[Export, Export]] = []  # the old file, and the new file
        kept = []  # the new entries of these files
        for new in exports:
            listed = read_intact(exports_dir / new.file)
            if listed is not None and listed.data == new.data:
                same.append((listed, new))
                kept.append(new._replace(entry=_keep_run(listed.entry, new.entry)))
                continue
            changed.append(new)
            if listed is not None:
                old.append(listed)
            else:
                notes += _keep_unlisted(exports_dir / new.file, new.data)
        old += [read_file(file, exports_dir) for file in removed]
        if old:
            _write(old, exports_dir / keep_in)
        _write(kept + changed, exports_dir, removed)
    notes += _describe_other_runs(same, exports_dir)
    return Replaced([new.file for new in changed], old, notes)


def _keep_run(entry: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new manifest entry for a file that was exported again with identical bytes.

    In this entry, the seed, the metrics and the other details of training remain those of the run
    that originally wrote the file.
    """
    of_the_run = {key: entry[key] for key in OF_THE_RUN if key in entry}
    return {**entry, **new, **of_the_run}


def _describe_other_runs(same: Sequence[tuple[Export, Export]], exports_dir: Path) -> list[str]:
    """Describe how a training run differs from an earlier run if both runs wrote one or more files
    with identical contents.

    Returns:
        a list with one message that names the differences, or an empty list if the two runs do not
        differ.
    """
    files: dict[str, None] = {}  # in order
    differences = {}
    for listed, new in same:
        before, now = _facts(listed.entry), _facts(new.entry)
        for name in {**before, **now}:
            if before.get(name) != now.get(name):
                files[new.file] = None
                differences[name] = _describe_difference(name, before.get(name), now.get(name))
    if not files:
        return []
    shown = list(differences.values())[:MOST_SHOWN]
    if len(differences) > MOST_SHOWN:
        shown.append(f"and {len(differences) - MOST_SHOWN} more")
    return [
        f"The manifest in {exports_dir} keeps what it says of {', '.join(files)}: the bytes are "
        f"the same as before. This run differs in {', '.join(shown)}."
    ]


def _describe_difference(name: str, before: object, now: object) -> str:
    """Return the name of a setting or metric that differs between two runs, with its two values.

    If the setting or metric is a list, a dictionary or None in at least one of the runs, only its
    name is returned.
    """
    if any(isinstance(value, dict | list | None) for value in (before, now)):
        return name
    return f"{name} ({now}, there {before})"


def _facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dictionary of the seed, the settings and the metrics in a manifest entry."""
    facts = {"seed": entry.get("seed"), **entry.get("config", {}), **entry.get("metrics", {})}
    return dict(json.loads(json.dumps(facts)))


def _keep_unlisted(path: Path, new: bytes) -> list[str]:
    """If the existing file does not match the manifest, keep a copy of it in `previous/`, unless
    the new file that will replace it has the same bytes.

    Returns:
        a list with one sentence that tells the user where the copy is, or an empty list if no copy
        is needed.
    """
    data = read_listed(path).data
    if data is None or data == new:
        return []
    folder = path.parent / PREVIOUS
    make_directory(folder)
    copies = [
        copy
        for copy in folder.glob(f"{path.stem}.unlisted-*{path.suffix}")
        if copy.read_bytes() == data
    ]
    if not copies:
        copies = [first_free(folder / path.stem, ".unlisted-", path.suffix)]
        atomic_write(copies[0], data)
    return [f"{path} was not the file that the manifest lists. It is kept as {copies[0]}."]


def _write(exports: Sequence[Export], exports_dir: Path, removed: Sequence[str] = ()) -> None:
    """Write the new files under temporary names, replace the manifest, delete the files in
    `removed`, and give the new files their final names.
    """
    make_directory(exports_dir)
    _finish(exports_dir)
    manifest = read_manifest(exports_dir)
    manifest |= {export.file: export.entry for export in exports}
    for file in removed:
        del manifest[file]
    manifest = {
        file: {**entry, "crc32": checksum(json.dumps({file: entry}))}
        for file, entry in sorted(manifest.items())
    }
    text = lists_on_one_line(json.dumps(manifest, indent=2)) + "\n"
    try:
        for export in exports:
            path = exports_dir / export.file
            if read_listed(path).sha256 != export.entry["sha256"]:
                atomic_write(staged(path, export.entry["sha256"]), export.data)
        write_changed({exports_dir / "manifest.json": text.encode()})
        for file in removed:  # the copies were written before
            (exports_dir / file).unlink()
    finally:
        _finish(exports_dir)


def _finish(exports_dir: Path) -> None:
    """Rename the temporary files that the manifest lists to their final names, and delete leftover
    files.

    Raises:
        ToolkitError: a file cannot be moved into place; `read_listed` still finds it under its
            temporary name.
    """
    try:
        for name, entry in read_manifest(exports_dir).items():
            path = exports_dir / name
            if (waiting := staged(path, entry["sha256"])).exists():
                os.replace(waiting, path)
        for path in exports_dir.glob(".*.staged"):
            name = path.name.removeprefix(".").rpartition(".")[0].rpartition(".")[0]
            if path == staged(path.with_name(name), sha256(path.read_bytes())):
                path.unlink()  # its name fits its content, so `_write` wrote the file
        sweep(exports_dir)
    except OSError as error:
        raise ToolkitError(
            f"Cannot write to {exports_dir}: {error.strerror}. Nothing is lost; run the same "
            "command again when that is mended."
        ) from error


def copy_export(name: str, source: Path, target: Path, formats: Sequence[Format] = ()) -> None:
    """Copy a network's weight file, its files in the given `formats`, and their manifest entries to
    another folder.

    Raises:
        UsageError, ToolkitError: see `read_export` and `replace_exports`.
    """
    others = [read_export(name, source, format_) for format_ in formats]
    replace_exports([read_export(name, source), *others], target)


def restore(names: Sequence[str], exports_dir: Path) -> Replaced:
    """Restore the previous version of each of the named networks, along with the files made from
    that version.

    The files that the restored versions replace are kept in `previous/undone/`.

    Raises:
        ToolkitError: a network has no intact previous version, or a manifest is damaged. In both
            cases, nothing is changed.
    """
    previous = exports_dir / PREVIOUS
    earlier = [_earlier_source(name, previous) for name in names]
    sources = [source.file for source in earlier]
    digests = {source.entry["sha256"] for source in earlier}
    for file in read_manifest(previous):
        export = read_intact(previous / file)
        if export is not None and export.entry.get("made_from") in digests:
            earlier.append(export)
    present = read_manifest(exports_dir)
    # Weights that are newer than the .pt file, which becomes the source.
    weights = [f"{name}.{WEIGHTS}" for name in names]
    removed = [file for file in weights if file in present and file not in sources]
    return replace_exports(earlier, exports_dir, UNDONE, removed)


def _earlier_source(name: str, previous: Path) -> Export:
    """Search `previous`, the folder of replaced exports, for a file from which a network can be
    built, and return this file.

    The folder has no .pt file if torch could not write TorchScript, and no weight file if the
    network was exported before version 0.3. The function therefore returns the first intact file in
    the order of `SOURCES`.

    Raises:
        ToolkitError: the folder has no intact file from which the network can be built.
    """
    for format_ in SOURCES:
        source = read_intact(previous / f"{name}.{format_}")
        if source is not None:
            return source
    raise ToolkitError(
        f"There is no earlier {name}.{WEIGHTS} to bring back: {previous} has no intact one. "
        "Restore the committed one from version control."
    )


def describe_regression(old: Export, new: Export, exports_dir: Path) -> str | None:
    """Return a sentence for the user if a new export may be worse than the export it replaced.

    Returns:
        a sentence saying that the old export was better, or that the two exports were measured
        under different conditions; None if neither is the case.
    """
    signature = SIGNATURES[new.name]
    if signature.headline is None:
        return None
    metrics = [export.entry.get("metrics", {}) for export in (old, new)]
    before, after = (_number(m, signature.headline) for m in metrics)
    if before is None or after is None:
        return None
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
        f"{exports_dir / new.file} replaces a file that {difference}: {signature.headline} "
        f"{after:.4g}, before {before:.4g}. `python -m toolkit.train restore "
        f"{training_of(new.file)} --exports-dir {exports_dir}` restores the old one."
    )


def _luck(metrics: Sequence[Mapping[str, Any]], headline: str) -> float:
    """Return how much the main metrics of two versions of a network can differ by chance alone.

    The result is twice the standard error of the difference between the metrics. A metric of
    unknown standard deviation is treated as free of error, so the result is 0 if neither standard
    deviation is known.
    """
    errors = (
        (_number(m, f"{headline}_sd") or 0.0) / math.sqrt(_number(m, "num_draws") or 1.0)
        for m in metrics
    )
    return 2 * math.hypot(*errors)


def _number(metrics: Mapping[str, Any], name: str) -> float | None:
    """Return a metric, or None if the metric is missing or is not a number >= 0."""
    value = metrics.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value < 2**63 else None


def lists_on_one_line(json_text: str) -> str:
    """Reformat indented JSON so that each list of scalars is on one line."""
    return re.sub(
        r"\[\n[^\[\]{}]*\]",
        lambda found: re.sub(r"\n\s*", "", re.sub(r",\n\s*", ", ", found[0])),
        json_text,
    )
