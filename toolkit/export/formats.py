"""What is made from the .pt files: `.pt2` and `.onnx`, verified before they are written.

`convert_missing` makes them when a training exports its models, `write` makes all anew. Each is
compared with the golden values of its .pt file, in the runtime that will read it, and has an entry
of its own in the manifest, which names the SHA-256 of the .pt file.
"""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray

from toolkit.common.device import needs_torch
from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256
from toolkit.export import onnx, program
from toolkit.export.golden import check_golden
from toolkit.export.manifest import (
    EXPORTS_DIR,
    FORMATS,
    SIGNATURES,
    Export,
    command_for,
    read_export,
    read_listed,
    read_manifest,
)
from toolkit.export.replacing import lock_exports, replace_exports


class Made(NamedTuple):
    """Files of other formats."""

    exports: list[Export]
    differences: list[float]  # how far each is from the golden outputs
    notes: list[str]  # sentences for the user: what was not made, and why


def convert(sources: Sequence[Export], formats: Sequence[str], exports_dir: Path) -> Made:
    """The files of other formats for .pt files, with their entries in the manifest.

    Args:
        sources: .pt files, with their golden values in the entry.
        formats: of `manifest.FORMATS`.
        exports_dir: for the notes.
    """
    made = Made([], [], [])
    for source in sources:
        name, _ = source.file.split(".")
        try:
            exports, differences = _convert_one(name, source, formats)
            made.exports.extend(exports)
            made.differences.extend(differences)
        except ToolkitError as error:
            files = " and ".join(f"{name}.{format_}" for format_ in formats)
            made.notes.append(f"There is no new {files} for {exports_dir / source.file}. {error}")
    return made


def convert_missing(
    sources: Sequence[Export], exports_dir: Path, formats: Sequence[str] = FORMATS
) -> Made:
    """Like `convert`, but only what `exports_dir` does not have yet for these .pt files.

    Without the extra "onnx" there are no ONNX files.
    """
    made = Made([], [], [])
    if "onnx" in formats and not onnx.is_installed():
        formats = [format_ for format_ in formats if format_ != "onnx"]
    for source in sources:
        path = exports_dir / source.file
        missing = [x for x in formats if not _is_there(path.with_suffix(f".{x}"), source)]
        if missing:
            new = convert([source], missing, exports_dir)
            made.exports.extend(new.exports)
            made.differences.extend(new.differences)
            made.notes.extend(new.notes)
    return made


def write(format_: str, exports_dir: Path = EXPORTS_DIR) -> list[str]:
    """Write every model that the manifest lists in another format, beside its .pt file.

    Returns:
        sentences for the user: which files there are, how closely they agree with the golden
        values, and what became of the old ones.

    Raises:
        ToolkitError: a .pt file cannot be read, the extra "onnx" is not installed, or none of the
            files could be made; the old ones are as they were.
    """
    needs_torch("Exporting a model")
    if format_ == "onnx" and not onnx.is_installed():
        raise ToolkitError(onnx.NEEDS)
    with lock_exports(exports_dir):
        listed = read_manifest(exports_dir)
        sources = [read_export(n, exports_dir) for n in SIGNATURES if f"{n}.pt" in listed]
        made = convert(sources, [format_], exports_dir)
        if not made.exports:
            raise ToolkitError(" ".join(made.notes) or f"{exports_dir} lists no .pt files.")
        written = [
            f"{exports_dir / export.file}: {len(export.data):,} bytes, within {difference:.1e} of "
            "the golden outputs"
            for export, difference in zip(made.exports, made.differences, strict=True)
        ]
        notes = made.notes + replace_exports(made.exports, exports_dir).notes
    return written + [f"Note: {note}" for note in notes]


def _is_there(path: Path, source: Export) -> bool:
    """Whether a folder has the intact file of another format for this .pt file."""
    listed = read_listed(path)
    return listed.intact and (listed.entry or {}).get("made_from") == source.entry["sha256"]


def _convert_one(
    name: str, source: Export, formats: Sequence[str]
) -> tuple[list[Export], list[float]]:
    """The files for one .pt file, and how far each is from the golden outputs.

    Raises:
        ToolkitError: a file cannot be made, or differs from the golden outputs by more than their
            tolerance.
    """
    digest = source.entry["sha256"]
    attributes = source.entry.get("attributes", {})
    if "golden" not in source.entry:
        raise ToolkitError(
            f"The manifest has no golden values for {source.file}, so nothing that is made from it "
            f"could be checked. Train again: `python -m toolkit.train {command_for(source.file)}`."
        )
    exports, differences = [], []
    graph = program.to_program(name, _load(source.data))
    for format_ in formats:
        facts: dict[str, Any] = {"made_from": digest, "torch": torch.__version__}
        if format_ == "pt2":
            data = program.to_bytes(graph, digest)
            call = _through_torch(program.Program(name, data, attributes))
        else:
            data = onnx.to_bytes(name, graph, digest)
            call = onnx.Session(name, data, attributes)
            facts |= onnx.describe(data)
        differences.append(check_golden(f"{name}.{format_}", source.entry["golden"], call))
        size = {"sha256": sha256(data), "bytes": len(data)}
        takes = {key: source.entry[key] for key in ("input", "output", "attributes")}
        exports.append(Export(f"{name}.{format_}", data, size | facts | takes))
    return exports, differences


def _load(data: bytes) -> torch.jit.ScriptModule:
    """A verified .pt file; `toolkit.export.torchscript`, which loads it for others, uses us."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit")
        script: torch.jit.ScriptModule = torch.jit.load(io.BytesIO(data), map_location="cpu")
    return script


def _through_torch(model: program.Program) -> Any:
    """A program that takes and returns numpy arrays."""

    def call(x: NDArray[Any]) -> NDArray[Any]:
        return model(torch.from_numpy(x)).numpy()

    return call
