"""TorchScript exports: the one door through which demos, C++ and everybody else see the models.

`exports/<name>.pt` needs nothing but torch to be loaded. `exports/manifest.json` says of each file
what goes in and comes out, how it was trained, what was measured, its SHA-256, and golden inputs
with their outputs. TorchScript is executable code and torch loads a damaged weight without a word,
so `load` reads a file only after its hash has been found in the manifest.
"""

import contextlib
import copy
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from toolkit.common.errors import ToolkitError
from toolkit.common.files import make_directory, read_bytes, sha256
from toolkit.export.golden import example_inputs, golden_values
from toolkit.export.manifest import (
    EXPORTS_DIR,
    PREVIOUS,
    SIGNATURES,
    compare,
    copy_export,
    export_path,
    install,
    is_intact,
    read_manifest,
    read_verified,
)

TOLERANCE = 1e-6
SCRIPT_ERRORS = (RuntimeError, torch.jit.Error)  # what a scripted module raises
CONSTANTS = re.compile(rb"(^  \w+ : Final\[.*\n)+", re.MULTILINE)


class LoadedFile(NamedTuple):
    """A TorchScript file of anyone's."""

    module: torch.jit.ScriptModule  # in eval mode, on the CPU
    sha256: str
    verified: bool  # a manifest beside the file vouches for it


def load(name: str, exports_dir: Path = EXPORTS_DIR) -> torch.jit.ScriptModule:
    """Load an export, ready for use: verified against the manifest, in eval mode, warmed up.

    Raises:
        UsageError: there is no such model.
        ToolkitError: the file is missing, or is not the one that the manifest vouches for.
    """
    module = _deserialise(read_verified(name, exports_dir))
    with torch.no_grad():
        for _ in range(2):  # the first two calls compile
            module(*example_inputs(name, module, batch_size=1))
    return module


def load_file(path: Path) -> LoadedFile:
    """Load any TorchScript file, which is code and is run: the caller trusts it.

    Raises:
        ToolkitError: it is missing, is no TorchScript module, or is not the one that a manifest in
            the same folder vouches for.
    """
    data = read_bytes(path)
    found = sha256(data)
    entry = read_manifest(path.parent).get(path.name)
    if entry is not None and found != entry["sha256"]:
        raise ToolkitError(
            f"{path} is damaged or was altered: the manifest beside it wants SHA-256 "
            f"{entry['sha256']}, the file has {found}. Bring it back, or move the file elsewhere."
        )
    try:
        module = _deserialise(data)
    except SCRIPT_ERRORS as error:
        raise ToolkitError(
            f"{path} is no TorchScript module. Make one with `torch.jit.script(model).save(path)`; "
            "a file of torch.save does not do."
        ) from error
    return LoadedFile(module, found, verified=entry is not None)


def save(
    name: str,
    model: nn.Module,
    *,
    exports_dir: Path,
    seed: int,
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> str | None:
    """Script a model, prove the script equal to it, and put it in the place of the old export.

    The file that is replaced, if any, goes to `previous/` in `exports_dir`; see `restore`.

    Args:
        model: any device and mode; it is exported on the CPU in eval mode.
        seed, config, metrics: for the manifest.

    Returns:
        a sentence if the new file measures worse than the one that it replaces, else None.

    Raises:
        ToolkitError: the three do not agree, or the file cannot be written; the old one is kept.
    """
    path = export_path(name, exports_dir)
    make_directory(exports_dir)
    model = copy.deepcopy(model).cpu().eval()
    with _deprecation_ignored():
        scripted = torch.jit.script(model)
    data = _serialise(scripted)
    reloaded = _deserialise(data)
    _prove_equal(name, model, scripted, reloaded)

    signature = SIGNATURES[name]
    entry = {
        "sha256": sha256(data),
        "bytes": len(data),
        "input": signature.input,
        "output": signature.output,
        "methods": dict(signature.methods),
        "attributes": {"latent_dim": model.latent_dim} if hasattr(model, "latent_dim") else {},
        "torch": torch.__version__,
        "seed": seed,
        "config": dict(config),
        "metrics": dict(metrics),
        "golden": golden_values(name, reloaded),
    }
    previous = exports_dir / PREVIOUS
    if not is_intact(name, exports_dir):  # nothing there, or an earlier save was killed
        old = read_manifest(previous).get(path.name) if path.exists() else None
    else:
        old = read_manifest(exports_dir)[path.name]
        if old["sha256"] != entry["sha256"]:
            copy_export(name, exports_dir, previous)
    install(exports_dir, path.name, data, entry)
    return compare(name, exports_dir, old, entry)


def _serialise(scripted: torch.jit.ScriptModule) -> bytes:
    buffer = io.BytesIO()
    with _deprecation_ignored():
        torch.jit.save(scripted, buffer)
    return _canonical(buffer.getvalue())


def _deserialise(data: bytes) -> torch.jit.ScriptModule:
    with _deprecation_ignored():
        module: torch.jit.ScriptModule = torch.jit.load(io.BytesIO(data), map_location="cpu")
    module.eval()
    return module


@contextlib.contextmanager
def _deprecation_ignored() -> Iterator[None]:
    """TorchScript is deprecated without a removal date; the user need not hear it each time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit")
        yield


def _canonical(archive: bytes) -> bytes:
    """The archive without what depends on this machine or on what was scripted before.

    `.debug_pkl` holds paths of source files, `serialization_id` a hash of everything including
    them, class names get a `___torch_mangle_<k>` that counts all modules scripted so far, and the
    constants of a class come in the order of a Python set.
    """
    source = zipfile.ZipFile(io.BytesIO(archive))
    kept = [
        name
        for name in source.namelist()
        if not name.endswith((".debug_pkl", ".data/serialization_id"))
    ]
    numbers: dict[bytes, bytes] = {}

    def renumber(text: bytes) -> bytes:
        return re.sub(
            rb"___torch_mangle_(\d+)",
            lambda m: b"___torch_mangle_" + numbers.setdefault(m[1], b"%d" % len(numbers)),
            text,
        )

    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as target:
        for name in kept:
            data = source.read(name)
            if name.endswith((".py", ".pkl")):
                data = renumber(data)
            if name.endswith(".py"):
                data = re.sub(CONSTANTS, lambda m: b"".join(sorted(m[0].splitlines(True))), data)
            target.writestr(zipfile.ZipInfo(renumber(name.encode()).decode()), data)
    return result.getvalue()


@torch.no_grad()
def _prove_equal(
    name: str,
    model: nn.Module,
    scripted: torch.jit.ScriptModule,
    reloaded: torch.jit.ScriptModule,
) -> None:
    """Eager, scripted and reloaded must agree on random inputs, in every method."""
    for batch_size in (1, 2, 7, 7, 7):  # the third call of a script runs its optimised form
        inputs = example_inputs(name, model, batch_size)
        for method in ("forward", *SIGNATURES[name].methods):
            expected = getattr(model, method)(*inputs)
            for other in (scripted, reloaded):
                try:
                    torch.testing.assert_close(
                        getattr(other, method)(*inputs), expected, rtol=TOLERANCE, atol=TOLERANCE
                    )
                except AssertionError as error:
                    raise ToolkitError(
                        f"{name}.{method} differs after export, so nothing was replaced: {error}"
                    ) from error
