"""Exports: saving a model as TorchScript, and loading it without its Python class.

    from toolkit.export import load

    lstm = load("lstm")
    logits = lstm(torch.tensor([[3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]]))

An export needs nothing but torch. TorchScript is executable code, and torch does not notice a
damaged weight, so `load` first compares the SHA-256 of the file with the manifest.
"""

import copy
import functools
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import torch
from torch import nn

from toolkit.common.device import needs_torch, threads
from toolkit.common.errors import ToolkitError, is_out_of_memory
from toolkit.common.files import sha256
from toolkit.export import onnx, program
from toolkit.export.canonical import canonical, script
from toolkit.export.formats import convert, film_of, is_film_there, load_pt
from toolkit.export.golden import (
    TOLERANCE,
    Checked,
    check_golden,
    example_inputs,
    golden_values,
)
from toolkit.export.manifest import (
    FORMATS,
    SIGNATURES,
    Export,
    Format,
    folder_of,
    read_export,
    read_listed,
    read_manifest,
    signature_of,
)
from toolkit.export.own import OwnDiscriminator, OwnGenerator, without_sigmoid
from toolkit.export.program import exporter_quiet, to_bytes, to_graph
from toolkit.export.replacing import Replaced, describe_regression, replace_exports
from toolkit.gan.film import Arrays
from toolkit.gan.model import ConvGenerator
from toolkit.lstm.model import RNN

SCRIPT_ERRORS = (RuntimeError, torch.jit.Error)  # what a scripted module raises


@overload
def load(
    name: str, exports_dir: Path | str | None = None, *, format: Literal["pt"] = "pt"
) -> torch.jit.ScriptModule: ...


@overload
def load(
    name: str, exports_dir: Path | str | None = None, *, format: Literal["onnx", "pt2"]
) -> Checked: ...


def load(
    name: str, exports_dir: Path | str | None = None, *, format: Format = "pt"
) -> torch.jit.ScriptModule | Checked:
    """Load an export, ready to use: verified, on the CPU, in eval mode, without gradients.

    Args:
        name: a key of `manifest.SIGNATURES`, such as "lstm" or "generator".
        exports_dir: the folder of the file and its manifest; by default `exports` in the current
            directory if it has the file, else the exports that come with the toolkit.
        format: "pt" returns a TorchScript module; "pt2" a function from tensor to tensor, and
            "onnx" one from numpy array to numpy array.

    Raises:
        UsageError: there is no such model or format.
        ToolkitError: the file is missing, damaged, not listed in the manifest, or was made from
            another .pt file than the one that is listed; or torch is too old for it.
    """
    export = read_export(name, exports_dir, format)
    if format == "onnx":
        return onnx.opened(export)
    if format == "pt2":
        return program.opened(export)
    module = load_pt(export.data)
    for _ in range(2):  # the first two calls compile
        module(*example_inputs(name, module, batch_size=1))
    return module


def verify(name: str, exports_dir: Path | str | None = None, *, format: Format = "pt") -> float:
    """Compare an export with the golden values in its manifest, as any other program can.

    Args: as those of `load`.

    Returns:
        the largest difference of an output from its golden value.

    Raises:
        UsageError: there is no such model or format.
        ToolkitError: the file cannot be loaded, as in `load`, the manifest has no golden values for
            it, or a difference is larger than they allow.
    """
    file = f"{name}.{format}"
    folder = folder_of(file) if exports_dir is None else Path(exports_dir)
    model = load(name, folder, format=format)
    manifest = read_manifest(folder)
    source = manifest[file].get("made_from", manifest[file]["sha256"])
    golden = [
        entry["golden"]
        for entry in manifest.values()
        if entry["sha256"] == source and "golden" in entry
    ]
    if not golden:
        raise ToolkitError(f"{folder / 'manifest.json'} has no golden values for {file}.")
    return check_golden(file, golden[0], model)


def load_file(path: Path) -> tuple[torch.jit.ScriptModule, str, bool]:
    """Load any TorchScript file. This runs code from the file, so trust its author.

    Returns:
        it, in eval mode on the CPU; its SHA-256; whether the manifest beside it lists this.

    Raises:
        ToolkitError: the file is missing or not a TorchScript module, or a manifest in the same
            folder lists it with another SHA-256.
    """
    data, entry, found = listed = read_listed(path)
    if data is None or found is None:
        raise ToolkitError(f"Cannot read {path}: No such file or directory.")
    if entry is not None and not listed.intact:
        raise ToolkitError(
            f"{path} is damaged or was altered: the manifest beside it says SHA-256 "
            f"{entry['sha256']}, the file has {found}. Restore it; if it is another file, move it "
            "to another folder."
        )
    try:
        module = load_pt(data)
    except SCRIPT_ERRORS as error:
        if is_out_of_memory(error):
            raise
        raise ToolkitError(
            f"{path} is not a TorchScript module. Make one with "
            "`torch.jit.script(model).save(path)`; a file from torch.save does not work."
        ) from error
    return module, found, entry is not None


def save(
    models: Mapping[str, nn.Module],
    metrics: Mapping[str, Mapping[str, Any]],
    *,
    exports_dir: Path,
    seed: int,
    config: Mapping[str, Any],
    film: Arrays | None = None,
    formats: Sequence[str] = FORMATS,
) -> Replaced:
    """Script the models of one training, compare scripts and models, replace the old exports.

    All are replaced in all formats, or none; see `toolkit.export.replacing` for what happens to the
    old ones.

    Args:
        models: a key of `manifest.SIGNATURES` -> its model, on any device and in any mode; it is
            exported on the CPU in eval mode.
        metrics: for the manifest, of each model.
        seed, config: of the training, for the manifest.
        film: of the training of the models' "generator", which is part of the unit.
        formats: the other formats to write beside the .pt files.

    Returns:
        what was replaced; its notes also say which of the new ones have worse metrics.

    Raises:
        UsageError: there is no model of this name.
        ToolkitError: a script differs from its model, or a file cannot be made or written; the old
            exports are kept.
    """
    facts = {"seed": seed, "config": dict(config)}
    exports = [
        make(name, model, {**facts, "metrics": dict(metrics[name])})
        for name, model in models.items()
    ]
    made = [export for export, _ in convert(exports, formats, exports_dir)]
    if film is not None:
        generator = exports[list(models).index("generator")]
        if not is_film_there(exports_dir, generator, film):
            made.append(film_of(generator, film, facts))
    replaced = replace_exports([*exports, *made], exports_dir)
    pairs = [(old, new) for old in replaced.old for new in exports if old.file == new.file]
    regressions = [describe_regression(old, new, exports_dir) for old, new in pairs]
    return replaced._replace(notes=replaced.notes + [note for note in regressions if note])


@functools.cache
def rehearse() -> None:
    """Export a tiny RNN and a tiny generator to memory, in all formats, before hours of training.

    Raises:
        ToolkitError: this torch cannot do it.
    """
    needs_torch("Training")
    with torch.random.fork_rng(devices=[]):
        models = {"rnn": RNN(2), "generator": ConvGenerator(2, 4)}
    convert([make(name, model, {}) for name, model in models.items()])


@threads(1)  # golden values are the same whatever the machine has
def make(name: str, model: nn.Module, facts: Mapping[str, Any]) -> Export:
    """The file of a model and its entry in the manifest, with `facts` about its training.

    What cannot be scripted of a student's network is traced.

    Raises:
        ToolkitError: the script differs from the model.
    """
    signature_of(name)
    model = copy.deepcopy(model).cpu().eval()
    with exporter_quiet():
        try:
            scripted = script(model)
        except Exception:  # whatever torch raises about a student's code
            if not isinstance(model, OwnGenerator | OwnDiscriminator):
                raise
            (example,) = example_inputs(name, model, batch_size=7)
            model.module = torch.jit.trace(model.module, model.given(example), check_trace=False)
            scripted = script(model)
        buffer = io.BytesIO()
        torch.jit.save(scripted, buffer)
    data = canonical(buffer.getvalue())
    reloaded = load_pt(data)
    _check_equal(name, model, reloaded)
    size = {"latent_dim": model.latent_dim} if hasattr(model, "latent_dim") else {}
    entry = entry_of(name, data, size, facts, golden_values(name, reloaded))
    return Export(f"{name}.pt", data, entry)


def entry_of(
    name: str,
    data: bytes,
    attributes: Mapping[str, Any],
    facts: Mapping[str, Any],
    golden: Mapping[str, Any],
) -> dict[str, Any]:
    """What the manifest says about a .pt file."""
    signature = signature_of(name)
    return {
        "sha256": sha256(data),
        "bytes": len(data),
        "input": signature.input,
        "output": signature.output,
        "methods": dict(signature.methods),
        "attributes": dict(attributes),
        "torch": torch.__version__,
        **facts,
        "golden": dict(golden),
    }


def own_files(name: str, module: nn.Module, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A student's generator or discriminator, in eval mode, as files, without a manifest.

    Args:
        name: "generator" or "discriminator".
        facts: the other arguments of `OwnGenerator` or `OwnDiscriminator`.

    Returns:
        `pt` and `pt2`, the files; `golden`, values from the student's own code; and `problem`, why
        there is no pt2, or "".

    Raises:
        ToolkitError: it can neither be scripted nor traced.
    """
    kind = {"generator": OwnGenerator, "discriminator": OwnDiscriminator}[name]
    model, pt2, problem = kind(module, **facts).requires_grad_(False), b"", ""
    if isinstance(model, OwnDiscriminator) and model.probabilities:
        model = without_sigmoid(model)
    pt = make(name, model, {}).data
    try:
        pt2 = to_bytes(to_graph(name, model), sha256(pt))
    except ToolkitError as error:
        problem = str(error)
    return {"pt": pt, "pt2": pt2, "golden": golden_values(name, model), "problem": problem}


@torch.no_grad()
def _check_equal(name: str, model: nn.Module, reloaded: torch.jit.ScriptModule) -> None:
    """Raise a ToolkitError unless both agree on random inputs, in every method.

    They agree as programs in other languages do with the golden values: within
    `TOLERANCE` * (1 + |y|). A script may add in another order than its model.
    """
    for batch_size in (1, 2, 7, 7, 7):  # the third call of a script runs its optimised form
        inputs = example_inputs(name, model, batch_size)
        for method in ("forward", *SIGNATURES[name].methods):
            expected, found = (getattr(one, method)(*inputs) for one in (model, reloaded))
            try:
                torch.testing.assert_close(found, expected, rtol=TOLERANCE, atol=TOLERANCE)
            except AssertionError as error:
                raise ToolkitError(
                    f"{name}.{method} differs after export, so nothing was replaced: {error}"
                ) from error
