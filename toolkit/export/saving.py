"""Functions that export networks in several formats; each file is made from the network in memory,
and not converted from another file.

Each ONNX, PT2 or TorchScript file is tested before anything is written. The file is loaded in the
runtime for its format, and its outputs for example inputs are compared with those of the original
network (see `toolkit.export.golden`). Either all files of a training run are replaced, or none. If
torch cannot write TorchScript, all files except the `.pt` files are still written.
"""

import copy
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from toolkit.common.device import needs_torch, threads
from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256
from toolkit.export.formats import onnx, program, torchscript, weights
from toolkit.export.golden import Checked, check_golden, difference_at_length, golden_values
from toolkit.export.loading import load, opened
from toolkit.export.manifest import (
    EXPORTS_DIR,
    FORMATS,
    SIGNATURES,
    WEIGHTS,
    Export,
    Format,
    command_for,
    read_file,
    read_intact,
    read_manifest,
    signature_of,
    source_of,
)
from toolkit.export.replacing import Replaced, describe_regression, lock_exports, replace_exports
from toolkit.gan.film import Arrays, from_bytes, to_bytes
from toolkit.gan.model import ConvGenerator
from toolkit.lstm.model import RNN

# The fields that the entries of other formats copy from the entry of the weights.
TAKEN = ("input", "output", "attributes", "whose", "own")


def save(
    models: Mapping[str, nn.Module],
    metrics: Mapping[str, Mapping[str, Any]],
    *,
    exports_dir: Path,
    seed: int,
    config: Mapping[str, Any],
    film: Arrays | None = None,
    formats: Sequence[Format] = FORMATS,
) -> Replaced:
    """Export the networks of one training run in all formats, and replace the old exports.

    Either all exports are replaced or none. `toolkit.export.replacing` explains what happens to the
    old exports. An existing file is left unchanged if it was made from the same weights as those
    being exported.

    Args:
        models: a dictionary that maps the networks' names (keys of `manifest.SIGNATURES`) to the
            networks. The networks may be on any device and in any mode. What is exported is a copy
            of each network on the CPU in eval mode.
        metrics: the metrics of each model, for the manifest.
        seed, config: the seed and the config of the training run, for the manifest.
        film: the arrays that record the generator's training (see `toolkit.gan.film`); they are
            exported together with the networks.
        formats: the formats to write in addition to the weights; "pt" is written only if torch can
            write TorchScript.

    Returns:
        the result of `replace_exports`, with additional notes for the user about each replaced
        network whose metrics were better, or were measured under different conditions.

    Raises:
        UsageError: a key of `models` is not the name of a model.
        ToolkitError: a file's outputs differ from the network's outputs, or a file cannot be made
            or written; the old exports are kept.
    """
    facts = {"seed": seed, "config": dict(config)}
    exports = []
    sources = {}
    for name, model in models.items():
        model = for_export(model)
        source = sources[name] = make(name, model, facts | {"metrics": dict(metrics[name])})
        missing = []
        for format_ in possible(formats):
            if _made_from(source, exports_dir / f"{name}.{format_}") is None:
                missing.append(format_)
        exports += [source, *convert(source, model, missing)]
    if film is not None and not _is_film_there(exports_dir, sources["generator"], film):
        exports.append(film_of(sources["generator"], film, facts))
    replaced = replace_exports(exports, exports_dir)
    notes = list(replaced.notes)
    for old in replaced.old:
        if old.name in sources:
            note = describe_regression(old, sources[old.name], exports_dir)
            if note is not None:
                notes.append(note)
    return replaced._replace(notes=notes)


def for_export(model: nn.Module) -> nn.Module:
    """Return a copy of a network on the CPU, in eval mode, with gradients disabled."""
    return copy.deepcopy(model).cpu().eval().requires_grad_(False)


def possible(formats: Sequence[Format]) -> list[Format]:
    """Return `formats`, but without "pt" if the installed torch cannot write TorchScript."""
    return [format_ for format_ in formats if format_ != "pt" or not torchscript.why_not()]


@functools.cache
def rehearse() -> None:
    """Check, before training starts, that a tiny RNN and a tiny generator can be exported in every
    format; nothing is written to disk.

    Raises:
        ToolkitError: the installed torch cannot write one of the formats.
    """
    needs_torch("Training")
    with torch.random.fork_rng(devices=[]):
        models = {"rnn": RNN(2), "generator": ConvGenerator(2, 4)}
    for name, model in models.items():
        model = for_export(model)
        list(convert(make(name, model, {}), model, possible(FORMATS)))


@threads(1)  # so that the golden values are the same on every machine
def make(name: str, model: nn.Module, facts: Mapping[str, Any]) -> Export:
    """Return a network's weight file with a manifest entry that includes `facts`, such as the
    settings of the training run.

    Args:
        model: the network, in eval mode, on the CPU.
    """
    attributes = {"latent_dim": model.latent_dim} if hasattr(model, "latent_dim") else {}
    architecture = weights.architecture_of(type(model).__name__, model.state_dict())
    if architecture is not None:
        facts = {"architecture": architecture, **facts}
    return source_with(name, weights.to_bytes(model), attributes, facts, golden_values(name, model))


def source_with(
    name: str,
    data: bytes,
    attributes: Mapping[str, Any],
    facts: Mapping[str, Any],
    golden: Mapping[str, Any],
) -> Export:
    """Return a network's weight file with its manifest entry, into which all items of the
    dictionary `facts` are copied.
    """
    signature = signature_of(name)
    entry = {
        "sha256": sha256(data),
        "bytes": len(data),
        "input": signature.input,
        "output": signature.output,
        "attributes": dict(attributes),
        "torch": torch.__version__,
        **facts,
        "golden": dict(golden),
    }
    return Export(f"{name}.{WEIGHTS}", data, entry)


def convert(source: Export, model: nn.Module, formats: Sequence[Format]) -> Iterator[Export]:
    """Yield a network's files in the given formats, with their manifest entries.

    Args:
        source: the network's weights.
        model: the network, in eval mode, on the CPU.

    Raises:
        ToolkitError: a file cannot be made, or its outputs differ from the golden outputs by more
            than the tolerance.
    """
    name, digest = source.name, source.entry["sha256"]
    graph = None
    for format_ in formats:
        if format_ == "pt":
            # A .pt file can be trained further, except the generator, which is an average.
            trainable = copy.deepcopy(model).requires_grad_(name != "generator")
            yield proved(source, "pt", torchscript.to_bytes(name, trainable))
            continue
        graph = graph or program.to_graph(name, model)
        if format_ == "onnx":
            yield proved(source, "onnx", onnx.to_bytes(name, graph, digest))
        else:
            yield proved(source, "pt2", program.to_bytes(graph, digest))


def proved(source: Export, format_: Format, data: bytes) -> Export:
    """Check the outputs of an exported file, and return the file with its own manifest entry. The
    file was made from the weights `source`. Its outputs must match those stored in the manifest
    entry of `source`.

    Raises:
        ToolkitError: an output of the network in the file differs from the corresponding output in
            the manifest by more than the tolerance.
    """
    taken = {key: source.entry[key] for key in TAKEN if key in source.entry}
    taken["torch"] = torch.__version__
    if format_ == "pt":
        taken["methods"] = dict(SIGNATURES[source.name].methods)
    export = belonging(source, f"{source.name}.{format_}", data, taken)
    check_golden(export.file, source.entry["golden"], opened(export), ", so it was not written")
    return export


def write(format_: Format, exports_dir: Path = EXPORTS_DIR) -> list[str]:
    """Write a file in the format `format_` for every network whose weights the manifest lists.

    Returns:
        sentences that tell the user the size of each new file, the largest difference between its
        outputs and the network's outputs, and what happened to the old files.

    Raises:
        ToolkitError: a network's weights cannot be read, a network uses code that is not part of
            the toolkit, or a file cannot be created. In all these cases, the old files are
            unchanged.
    """
    needs_torch("Exporting a model")
    names = _names_with_weights(exports_dir)  # before the lock, which makes the folder
    with lock_exports(exports_dir):
        listed = read_manifest(exports_dir)
        made = []
        sentences = []
        for name in names:
            source = read_file(source_of(name, listed), exports_dir)
            for export in convert(source, _rebuilt(source, exports_dir), [format_]):
                made.append(export)
                sentences.append(f"{exports_dir / export.file}: {_described(source, export)}")
        replaced = replace_exports(made, exports_dir)
    return sentences + [f"Note: {note}" for note in replaced.notes]


def _names_with_weights(exports_dir: Path) -> list[str]:
    """Return the names of the networks whose weights are listed in a folder's manifest.

    Raises:
        ToolkitError: the manifest lists no weights.
    """
    listed = read_manifest(exports_dir)
    names = [name for name in SIGNATURES if source_of(name, listed) in listed]
    if not names:
        problem = f"{exports_dir.absolute()} has no manifest.json that lists weights of a network."
        raise ToolkitError(problem, in_command=f"{problem} Give another folder: --exports-dir")
    return names


def _rebuilt(source: Export, exports_dir: Path) -> nn.Module:
    """Load the network whose weights are in the file `source`.

    Raises:
        ToolkitError: the manifest has no golden values for the network, or the network uses code
            that is not part of the toolkit.
    """
    if "golden" not in source.entry:
        raise ToolkitError(
            f"The manifest has no golden values for {source.file}, so nothing that is made "
            "from it could be checked. Train again: `python -m toolkit.train "
            f"{command_for(source.file, {source.file: source.entry})}`."
        )
    network: nn.Module = load(source.name, exports_dir)
    if isinstance(network, Checked | torch.jit.ScriptModule):
        raise ToolkitError(
            f"{exports_dir / source.file} is a network with code of its own; `toolkit export` "
            "writes it in all formats."
        )
    return network


def _described(source: Export, export: Export) -> str:
    """Return a description of an exported file: its size, and the largest difference between the
    outputs of the model in it and the golden outputs, which the manifest contains.
    """
    golden, network = source.entry["golden"], opened(export)
    within = f"{check_golden(export.file, golden, network):.1e}"
    sentence = f"{len(export.data):,} bytes, within {within} of the golden outputs"
    far = difference_at_length(golden, network)
    if far is not None:
        sentence += f", and within {far[1]:.1e} x (1 + |y|) after {far[0]:,} digits"
    return sentence


def belonging(source: Export, file: str, data: bytes, facts: Mapping[str, Any]) -> Export:
    """Return a new file that was made from the weight file `source`, together with a manifest entry
    that contains the hash of `source`.

    If the manifest no longer lists the weights from which the file was made, the file is no longer
    valid.
    """
    entry = {
        "sha256": sha256(data),
        "bytes": len(data),
        "made_from": source.entry["sha256"],
    }
    return Export(file, data, {**entry, **facts})


def film_of(generator: Export, arrays: Arrays, facts: Mapping[str, Any]) -> Export:
    """Return the file film.npz, which records a generator's training (see `toolkit.gan.film`), with
    its manifest entry.
    """
    listed = ("steps", "discriminator_steps", "auc", "loss_d", "loss_g")
    metrics = {name: arrays[name].tolist() for name in listed}
    return belonging(generator, "film.npz", to_bytes(arrays), {**facts, "metrics": metrics})


def _is_film_there(exports_dir: Path, generator: Export, arrays: Arrays) -> bool:
    """Return True if the folder already has a film.npz that records the training of this generator
    and contains exactly `arrays`.

    Differences in how the arrays are compressed are ignored.
    """
    data = _made_from(generator, exports_dir / "film.npz")
    if data is None:
        return False
    film = from_bytes(data)
    if film.keys() != arrays.keys():
        return False
    return all(np.array_equal(film[name], arrays[name]) for name in film)


def _made_from(source: Export, path: Path) -> bytes | None:
    """Return a file's content if the file is intact and its manifest entry says that it was made
    from the exported weights `source`; otherwise, return None.
    """
    export = read_intact(path)
    if export is None or export.entry.get("made_from") != source.entry["sha256"]:
        return None
    return export.data
