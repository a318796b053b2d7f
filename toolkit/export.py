"""TorchScript exports: the one door through which demos, C++ and everybody else see the models.

`exports/<name>.pt` needs nothing but torch to be loaded. `exports/manifest.json` says of each file
what goes in and comes out, how it was trained, what was measured, its SHA-256, and golden inputs
with their outputs. TorchScript is executable code and torch loads a damaged weight without a word,
so `load` reads a file only after its hash has been found in the manifest.
"""

import contextlib
import copy
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from toolkit.errors import ToolkitError, UsageError
from toolkit.files import atomic_write, make_directory, read_bytes, sha256
from toolkit.golden import example_inputs, golden_values, lists_on_one_line

EXPORTS_DIR = Path("exports")
PREVIOUS = "previous"
TOLERANCE = 1e-6
SCRIPT_ERRORS = (RuntimeError, torch.jit.Error)  # what a scripted module raises
CONSTANTS = re.compile(rb"(^  \w+ : Final\[.*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Signature:
    """What an exported model takes and returns, in words for the manifest."""

    input: str
    output: str
    methods: Mapping[str, str]
    headline: str | None  # the metric by which one file is better than another
    yardstick: str | None = None  # a metric that must be the same for the headlines to compare
    higher_is_better: bool = True


DIGITS_IN = "digits: int64 (batch, length), values 0 to 9, any length from 1"
IMAGES_IN = "images: float32 (batch, 1, 28, 28), values 0 (background) to 1 (ink)"
NEXT_DIGIT = "logits of the next digit: float32 (batch, 10)"

SIGNATURES = {
    "lstm": Signature(
        DIGITS_IN,
        NEXT_DIGIT,
        {"trace": "digits -> (i, f, o, g, c, h), each float32 (batch, length, hidden_size)"},
        "test_accuracy",
        "length",
    ),
    "rnn": Signature(DIGITS_IN, NEXT_DIGIT, {}, "test_accuracy", "length"),
    "generator": Signature(
        "z: float32 (batch, latent_dim), standard normal",
        "images: float32 (batch, 1, 28, 28), values 0 (background) to 1 (ink)",
        {},
        "frechet_distance",
        "classifier_sha256",
        higher_is_better=False,
    ),
    "discriminator": Signature(
        IMAGES_IN, "logits: float32 (batch, 1), above 0 means real", {}, None
    ),
    "classifier": Signature(
        IMAGES_IN,
        "logits of the digit: float32 (batch, 10)",
        {"features": "images -> float32 (batch, 128), each >= 0"},
        "test_accuracy",
    ),
}


class LoadedFile(NamedTuple):
    """A TorchScript file of anyone's."""

    module: torch.jit.ScriptModule  # in eval mode, on the CPU
    sha256: str
    verified: bool  # a manifest beside the file vouches for it


def read_manifest(exports_dir: Path) -> dict[str, Any]:
    """The manifest: file name -> its entry; empty where there is none yet.

    Raises:
        ToolkitError: it is damaged.
    """
    path = exports_dir / "manifest.json"
    if not path.exists():
        return {}
    try:
        manifest: dict[str, Any] = json.loads(read_bytes(path))
        if not all(entry["sha256"] and entry["metrics"] is not None for entry in manifest.values()):
            raise ValueError("an entry is empty")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ToolkitError(
            f"{path} is damaged ({error!r}). Bring it back from version control, or remove it and "
            "train again."
        ) from error
    return manifest


def default_directory(preset: str, runs_dir: Path) -> Path:
    """Where a preset's exports are: the smoke preset keeps away from the committed ones."""
    return runs_dir / "smoke" / "exports" if preset == "smoke" else EXPORTS_DIR


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


def read_verified(name: str, exports_dir: Path = EXPORTS_DIR) -> bytes:
    """The bytes of an export whose hash agrees with the manifest.

    Raises: as `load`.
    """
    path = _path(name, exports_dir)
    mend = f"`python -m toolkit.train {_command(name)}` makes a new one."
    if not path.exists():
        raise ToolkitError(f"{path} is missing. {mend}")
    entry = read_manifest(exports_dir).get(path.name)
    if entry is None:
        raise ToolkitError(f"{exports_dir / 'manifest.json'} does not list {path.name}. {mend}")
    data = read_bytes(path)
    if (found := sha256(data)) != entry["sha256"]:
        raise ToolkitError(
            f"{path} is damaged or was altered: the manifest wants SHA-256 {entry['sha256']}, "
            f"the file has {found}. Bring it back from version control; {mend}"
        )
    return data


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
    path = _path(name, exports_dir)
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
    if not _is_intact(name, exports_dir):  # nothing there, or an earlier save was killed
        old = read_manifest(previous).get(path.name) if path.exists() else None
    else:
        old = read_manifest(exports_dir)[path.name]
        if old["sha256"] != entry["sha256"]:
            copy_export(name, exports_dir, previous)
    _install(exports_dir, path.name, data, entry)
    return _compare(name, exports_dir, old, entry)


def add_golden(name: str, exports_dir: Path = EXPORTS_DIR) -> None:
    """Give the manifest entry of an export that has none its golden values.

    Raises: as `load`.
    """
    data = read_verified(name, exports_dir)
    file = _path(name, exports_dir).name
    golden = {"golden": golden_values(name, _deserialise(data))}
    _install(exports_dir, file, data, read_manifest(exports_dir)[file] | golden)


def copy_export(name: str, source: Path, target: Path) -> None:
    """Copy a verified export and its manifest entry to another directory.

    Raises: as `load`.
    """
    data = read_verified(name, source)
    make_directory(target)
    file = _path(name, target).name
    _install(target, file, data, read_manifest(source)[file])


def restore(names: Sequence[str], exports_dir: Path) -> None:
    """Bring back the exports that were replaced last; the present ones go to `previous/undone/`.

    Raises:
        ToolkitError: there are no earlier files, or they are damaged; nothing is changed.
    """
    previous = exports_dir / PREVIOUS
    for name in names:
        if not _is_intact(name, previous):
            raise ToolkitError(
                f"There is no earlier {name}.pt to bring back: {previous} does not hold an intact "
                "one. The committed one comes back from version control."
            )
    for name in names:
        intact = _is_intact(name, exports_dir)
        if intact and read_verified(name, exports_dir) == read_verified(name, previous):
            continue
        if intact:
            copy_export(name, exports_dir, previous / "undone")
        copy_export(name, previous, exports_dir)


def _path(name: str, exports_dir: Path) -> Path:
    if name not in SIGNATURES:
        raise UsageError(f"There is no model {name!r}; choose one of {', '.join(SIGNATURES)}.")
    return exports_dir / f"{name}.pt"


def _command(name: str) -> str:
    return "gan" if name in ("generator", "discriminator") else name


def _is_intact(name: str, exports_dir: Path) -> bool:
    path = _path(name, exports_dir)
    entry = read_manifest(exports_dir).get(path.name)
    return entry is not None and path.exists() and sha256(read_bytes(path)) == entry["sha256"]


def _install(exports_dir: Path, file: str, data: bytes, entry: Mapping[str, Any]) -> None:
    """Put a file and its entry in place, the entry first: killed in between, the file that the
    manifest does not vouch for is refused, and the command that is repeated replaces it."""
    manifest = read_manifest(exports_dir) | {file: entry}
    text = lists_on_one_line(json.dumps(dict(sorted(manifest.items())), indent=2)) + "\n"
    atomic_write(exports_dir / "manifest.json", text.encode())
    atomic_write(exports_dir / file, data)


def _compare(
    name: str, exports_dir: Path, old: Mapping[str, Any] | None, new: Mapping[str, Any]
) -> str | None:
    signature = SIGNATURES[name]
    if old is None or signature.headline is None:
        return None
    before, after = old["metrics"].get(signature.headline), new["metrics"][signature.headline]
    there, here = (entry["metrics"].get(signature.yardstick) for entry in (old, new))
    if there != here:
        verdict = f"was measured otherwise ({signature.yardstick} {there}, now {here})"
    elif after != before and (after > before) != signature.higher_is_better:
        verdict = "was better"
    else:
        return None
    return (
        f"{exports_dir / name}.pt replaces a file that {verdict}: {signature.headline} "
        f"{after:.4g}, before {before:.4g}. `python -m toolkit.train restore {_command(name)} "
        f"--exports-dir {exports_dir}` brings back the old one."
    )


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
