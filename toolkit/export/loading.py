"""Verified networks, loaded from the exports.

    from toolkit.export import load

    lstm = load("lstm")
    logits = lstm(torch.tensor([[3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]]))

The network is built from its weights, `lstm.safetensors`. The other formats work without the
toolkit, and `load` reads them too. `load` first compares the SHA-256 of the file with the manifest,
because neither torch nor onnxruntime notices a damaged weight.
"""

from pathlib import Path
from typing import Any

from torch import nn

from toolkit.common.errors import ToolkitError, is_out_of_memory
from toolkit.export.formats import onnx, program, torchscript, weights
from toolkit.export.golden import check_golden, example_inputs
from toolkit.export.manifest import (
    WEIGHTS,
    Export,
    Format,
    find_file,
    read_export,
    read_file,
    read_listed,
    read_manifest,
)


def load(name: str, exports_dir: Path | str | None = None, *, format: Format | None = None) -> Any:
    """Load a network that is ready to use: verified, on the CPU, in eval mode, without gradients.

    Args:
        name: a key of `manifest.SIGNATURES`, such as "lstm" or "generator".
        exports_dir: the folder with the file and its manifest. By default, this is `exports` in the
            current directory if that folder contains the file, else the folder of the toolkit's own
            exports.
        format: by default, the network is built from its weights. With "pt", the result is a
            TorchScript module; with "pt2", a function from tensor to tensor; and with "onnx", a
            function from numpy array to numpy array. A student's own GAN, whose code is not
            available, is loaded from its .pt2 file if possible, or else from its .pt file.

    Returns:
        a `torch.nn.Module`, whose attributes depend on `name`: for example, a generator has
        `latent_dim`, an LSTM has `trace`, and the classifier has `features`. The annotation is
        `Any`, so type checkers accept all attributes.

    Raises:
        UsageError: there is no such model or format.
        ToolkitError: the file is missing, damaged, not listed in the manifest, or was made from
            weights that the manifest does not list; or torch is too old or too new for the file.
    """
    export = read_export(name, exports_dir, format)
    _, _, suffix = export.file.rpartition(".")
    if suffix == "onnx":
        return onnx.opened(export)
    if suffix == "pt2":
        return program.opened(export)
    if suffix == WEIGHTS:
        return _built(name, export, find_file(name, exports_dir, format)[1])
    module = torchscript.from_bytes(export.data)
    if format is None:
        network = torchscript.original(module)
        if network is not module:
            return network
    for _ in range(2):  # the first two calls compile
        module(*example_inputs(name, module, batch_size=1))
    return module


def _built(name: str, export: Export, folder: Path) -> nn.Module:
    """Return the network that is built from the weights in an export."""
    if "own" in export.entry and "architecture" not in export.entry:
        own: nn.Module = load(name, folder, format=_own_format(name, folder))
        return own
    try:
        state = weights.from_bytes(export.data)
        return weights.build(export.entry.get("architecture", {}), state)
    except ValueError as error:
        raise ToolkitError(f"{folder / export.file} cannot be used: {error}.") from error


def _own_format(name: str, folder: Path) -> Format:
    """Return the format in which a student's own network is loaded."""
    listed = read_manifest(folder)
    has_script, has_program = f"{name}.pt" in listed, f"{name}.pt2" in listed
    if has_program and not (has_script and program.is_too_old()):
        return "pt2"
    return "pt"


def verify(
    name: str, exports_dir: Path | str | None = None, *, format: Format | None = None
) -> float:
    """Compare an export with the golden values in its manifest, as other programs can do too.

    Args: see `load`.

    Returns:
        the largest difference between an output and its golden value.

    Raises:
        UsageError: there is no such model or format.
        ToolkitError: the file cannot be loaded, as in `load`; the manifest has no golden values for
            it; or a difference exceeds the tolerance.
    """
    file, folder = find_file(name, exports_dir, format)
    model = load(name, folder, format=format)
    manifest = read_manifest(folder)
    source = manifest[file].get("made_from", manifest[file]["sha256"])
    for entry in manifest.values():
        if entry["sha256"] == source and "golden" in entry:
            return check_golden(file, entry["golden"], model)
    raise ToolkitError(f"{folder / 'manifest.json'} has no golden values for {file}.")


def load_file(path: Path) -> tuple[nn.Module, str, bool]:
    """Load a network from the exports, or any TorchScript file, which runs the file's code.

    Returns:
        the network, in eval mode on the CPU; the SHA-256 of the file; and True if the manifest
        beside the file lists this SHA-256.

    Raises:
        ToolkitError: the file is missing; it is neither TorchScript nor weights that a manifest
            beside it lists; or a manifest in the same folder lists it with another SHA-256.
    """
    data, entry, digest = listed = read_listed(path)
    if data is None or digest is None:
        raise ToolkitError(f"Cannot read {path}: No such file or directory.")
    if entry is not None and not listed.intact:
        raise ToolkitError(
            f"{path} is damaged or was altered: the manifest beside it says SHA-256 "
            f"{entry['sha256']}, the file has {digest}. Restore it; if it is another file, move it "
            "to another folder."
        )
    if path.suffix == f".{WEIGHTS}":
        export = read_file(path.name, path.parent)
        return _built(path.stem, export, path.parent), digest, True
    try:
        module = torchscript.from_bytes(data)
    except torchscript.SCRIPT_ERRORS as error:
        if is_out_of_memory(error):
            raise
        raise ToolkitError(
            f"{path} is not a TorchScript module. Make one with "
            "`torch.jit.script(model).save(path)`; a file from torch.save does not work."
        ) from error
    return module, digest, entry is not None
