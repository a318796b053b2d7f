"""Make the other formats from .pt files: `.pt2` and `.onnx`, verified before they are written.

A training makes them when it exports its models, all or none; `write` makes one format of all
models anew. Each is compared with the golden values of its .pt file, in the runtime that will read
it, and has an entry of its own in the manifest, which names the SHA-256 of the .pt file.
"""

import functools
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

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
    Listed,
    command_for,
    read_export,
    read_listed,
    read_manifest,
)
from toolkit.export.replacing import lock_exports, replace_exports
from toolkit.gan.film import Arrays, to_bytes

TAKEN = ("input", "output", "attributes", "whose", "own")  # from the entry of the .pt file


def convert(
    sources: Sequence[Export],
    formats: Sequence[str] = FORMATS,
    exports_dir: Path | None = None,
    graphs: Mapping[str, ExportedProgram] = {},
) -> list[tuple[Export, float]]:
    """The files of other formats for .pt files, with their entries in the manifest.

    Args:
        sources: .pt files, with their golden values in the entry.
        formats: of `manifest.FORMATS`.
        exports_dir: what is there already, intact and made from the same .pt file, is left out.
        graphs: of a file whose class is not one of ours, the program.

    Returns:
        the files, and how far the outputs of each are from the golden ones.

    Raises:
        ToolkitError: one of them cannot be made, or differs from the golden outputs by more than
            their tolerance.
    """
    made = []
    for source in sources:
        stem, sha = source.file.removesuffix(".pt"), source.entry["sha256"]
        missing = list(formats)
        if exports_dir is not None:
            listed = {
                format_: read_listed(exports_dir / f"{stem}.{format_}") for format_ in formats
            }
            missing = [x for x in formats if not _is_made_from(listed[x], source)]
        if not missing:
            continue
        if "golden" not in source.entry:
            raise ToolkitError(
                f"The manifest has no golden values for {source.file}, so nothing that is made "
                "from it could be checked. Train again: `python -m toolkit.train "
                f"{command_for(source.file)}`."
            )
        graph = graphs.get(source.file) or program.to_program(stem, load_pt(source.data))
        taken = {key: source.entry[key] for key in TAKEN if key in source.entry}
        for format_ in missing:
            is_onnx = format_ == "onnx"
            data = onnx.to_bytes(stem, graph, sha) if is_onnx else program.to_bytes(graph, sha)
            facts = {"torch": torch.__version__, **taken}
            export = belonging(source, f"{stem}.{format_}", data, facts)
            model = onnx.opened(export) if is_onnx else program.opened(export)
            difference = check_golden(
                export.file, source.entry["golden"], model, ", so it was not written"
            )
            made.append((export, difference))
    return made


def write(format_: str, exports_dir: Path = EXPORTS_DIR) -> list[str]:
    """Write every model that the manifest lists in another format, beside its .pt file.

    Returns:
        sentences for the user: which files there are, how closely they agree with the golden
        values, and what became of the old ones.

    Raises:
        ToolkitError: a .pt file cannot be read, or one of the files could not be made; the old ones
            are as they were.
    """
    needs_torch("Exporting a model")
    with lock_exports(exports_dir):
        listed = read_manifest(exports_dir)
        sources = [read_export(n, exports_dir) for n in SIGNATURES if f"{n}.pt" in listed]
        if not sources:
            raise ToolkitError(f"{exports_dir} lists no .pt files.")
        made = convert(sources, [format_])
        replaced = replace_exports([export for export, _ in made], exports_dir)
    written = [
        f"{exports_dir / export.file}: {len(export.data):,} bytes, within {difference:.1e} of "
        "the golden outputs"
        for export, difference in made
    ]
    return written + [f"Note: {note}" for note in replaced.notes]


def belonging(source: Export, file: str, data: bytes, facts: Mapping[str, Any]) -> Export:
    """A file that counts as long as its .pt file, `source`, with its entry in the manifest."""
    entry = {"sha256": sha256(data), "bytes": len(data), "made_from": source.entry["sha256"]}
    return Export(file, data, {**entry, **facts})


def film_of(generator: Export, arrays: Arrays, facts: Mapping[str, Any]) -> Export:
    """The film of a generator's training, `toolkit.gan.film`."""
    listed = ("steps", "discriminator_steps", "auc", "loss_d", "loss_g")
    metrics = {name: arrays[name].tolist() for name in listed}
    return belonging(generator, "film.npz", to_bytes(arrays), {**facts, "metrics": metrics})


def is_film_there(exports_dir: Path, generator: Export, arrays: Arrays) -> bool:
    """True if a folder has this film of this generator, however its arrays are compressed."""
    listed = read_listed(exports_dir / "film.npz")
    if listed.data is None or not _is_made_from(listed, generator):
        return False
    with np.load(io.BytesIO(listed.data), allow_pickle=False) as film:
        if set(film) != set(arrays):
            return False
        return all(np.array_equal(film[name], arrays[name]) for name in film)


def _is_made_from(listed: Listed, source: Export) -> bool:
    """True if a file is intact and was made from this .pt file."""
    return listed.intact and (listed.entry or {}).get("made_from") == source.entry["sha256"]


def load_pt(data: bytes) -> torch.jit.ScriptModule:
    """A verified .pt file, in eval mode on the CPU, with weights that need no gradients.

    Those who train it further set `requires_grad` of its parameters. Without gradients the LSTM
    takes the quick loop, see `toolkit.lstm.fast`.
    """
    _note_of_python(sys.version_info[:2])
    with program.exporter_quiet():
        script: torch.jit.ScriptModule = torch.jit.load(io.BytesIO(data), map_location="cpu")
    for parameter in script.parameters():  # a script has no `requires_grad_`
        parameter.requires_grad_(False)
    return script.eval()


@functools.cache  # once
def _note_of_python(version: tuple[int, int]) -> None:
    """Of torch's own warnings about TorchScript, which are suppressed, the one that has a cure."""
    if version >= (3, 14):
        print(
            "Note: torch does not support TorchScript, which .pt files are, on Python 3.14; if one "
            "fails, use Python 3.13 or the .pt2 and .onnx files.",
            file=sys.stderr,
        )
