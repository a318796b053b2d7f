"""Functions that load exported networks, and check the files against the manifest.

    from toolkit.export import load

    lstm = load("lstm")
    logits = lstm(torch.tensor([[3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]]))

This example builds the LSTM from the weights in `lstm.safetensors`. `load` also reads the files in
the other formats, which can be used even without the toolkit's code. Before loading a file, `load`
compares the file's SHA-256 with the one in the manifest, because neither torch nor onnxruntime
notices that a weight has been damaged.
"""

from pathlib import Path
from typing import Any

from torch import nn

from toolkit.common.errors import ToolkitError, is_out_of_memory
from toolkit.common.files import read_bytes, sha256
from toolkit.export.formats import onnx, program, torchscript, weights
from toolkit.export.golden import check_golden
from toolkit.export.manifest import (
    EXPORTS_DIR,
    WEIGHTS,
    Export,
    Format,
    entry_of,
    find_file,
    read_file,
    read_manifest,
)


def load(name: str, exports_dir: Path | str | None = None, *, format: Format | None = None) -> Any:
    """Verify and load an exported network, on the CPU, in eval mode and without gradients.

    Args:
        name: a key of `manifest.SIGNATURES`, such as "lstm" or "generator".
        exports_dir: the folder with the file and its manifest. By default, this is `exports` in the
            current directory if that folder contains the file, else the folder of the toolkit's own
            exports.
        format: the format of the file; by default, the network is built from its weights. With
            "pt", the result is a TorchScript module. With "pt2", the result is a module that maps a
            tensor to a tensor. With "onnx", the result is a module that maps a numpy array to a
            numpy array. If a student wrote the classes of a GAN, the toolkit does not have their
            code. A network of such a GAN is loaded from its .pt2 file if possible, or else from its
            .pt file.

    Returns:
        a `torch.nn.Module`, whose attributes depend on `name`: for example, a generator has
        `latent_dim`, an LSTM has `trace`, and the classifier has `features`. The return type is
        annotated as `Any`, so type checkers accept all attributes.

    Raises:
        UsageError: the model or the format does not exist.
        ToolkitError: the file is missing, damaged or not listed in the manifest, or it was made
            from weights that the manifest no longer lists. The same error is raised if the
            installed torch is too old or too new for the file.
    """
    file, folder = find_file(name, exports_dir, format)
    export = read_file(file, folder)
    if format is None and file.endswith(".pt"):  # the source, before version 0.3
        return torchscript.original(torchscript.opened(export))
    return opened(export, folder)


def opened(export: Export, folder: Path = EXPORTS_DIR) -> nn.Module:
    """Load the network from an exported file with the runtime for the file's format.

    Args:
        folder: the folder that contains the exported file. If a student wrote the network's class,
            the weight file is not enough to build the network. The network is then loaded from the
            .pt2 or .pt file in the same folder.

    Raises:
        ToolkitError: see `load`.
    """
    match export.file.rpartition(".")[2]:
        case "onnx":
            return onnx.opened(export)
        case "pt2":
            return program.opened(export)
        case "pt":
            return torchscript.opened(export)
    return _built(export, folder)


def _built(export: Export, folder: Path) -> nn.Module:
    """Return the network whose weights an exported file contains."""
    if "own" in export.entry and "architecture" not in export.entry:
        listed = read_manifest(folder)
        has_script, has_program = f"{export.name}.pt" in listed, f"{export.name}.pt2" in listed
        needs_script = not has_program or (has_script and program.is_too_old())
        own: nn.Module = load(export.name, folder, format="pt" if needs_script else "pt2")
        return own
    try:
        state = weights.from_bytes(export.data)
        return weights.build(export.entry.get("architecture", {}), state)
    except ValueError as error:
        raise ToolkitError(f"{folder / export.file} cannot be used: {error}.") from error


def verify(
    name: str, exports_dir: Path | str | None = None, *, format: Format | None = None
) -> float:
    """Compare an exported network's outputs for example inputs with the correct outputs in the
    manifest (the golden values).

    A program in any language can make this comparison too, because the manifest contains both the
    inputs and the correct outputs.

    Args: see `load`.

    Returns:
        the largest difference between an output and its golden value.

    Raises:
        UsageError: the model or the format does not exist.
        ToolkitError: the file cannot be loaded (see `load`); the manifest has no golden values for
            the network; or a difference exceeds the tolerance.
    """
    file, folder = find_file(name, exports_dir, format)
    model = load(name, folder, format=format)
    golden = entry_of(name, folder).get("golden")
    if golden is None:
        raise ToolkitError(f"{folder / 'manifest.json'} has no golden values for {file}.")
    return check_golden(file, golden, model)


def load_file(path: Path) -> tuple[nn.Module, str, bool]:
    """Load a network from an exported weight file or any TorchScript file; loading a TorchScript
    file can run code in it.

    Returns:
        the network, in eval mode on the CPU; the SHA-256 of the file; and whether the manifest
        beside the file lists this SHA-256.

    Raises:
        ToolkitError: the file is missing, is neither TorchScript nor a weight file listed in the
            manifest beside it, or differs from its manifest entry (see `read_file`).
    """
    is_listed = path.suffix == f".{WEIGHTS}" or path.name in read_manifest(path.parent)
    if is_listed:
        export = read_file(path.name, path.parent)
    else:
        export = Export(path.name, read_bytes(path), {})
    if path.suffix == f".{WEIGHTS}":
        return _built(export, path.parent), sha256(export.data), True
    try:
        return torchscript.from_bytes(export.data), sha256(export.data), is_listed
    except torchscript.SCRIPT_ERRORS as error:
        if is_out_of_memory(error):
            raise
        raise ToolkitError(
            f"{path} is not a TorchScript module. Make one with "
            "`torch.jit.script(model).save(path)`; a file from torch.save does not work."
        ) from error
