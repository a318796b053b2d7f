"""The manifest: which exports there are, what they take and return, and their SHA-256.

For each file, `exports/manifest.json` has the input and output, the training settings, the metrics,
the SHA-256, and golden inputs with their outputs (see `toolkit.export.golden`). The exports that
were replaced last are in `exports/previous/`, with a manifest of their own.

Finding, reading, copying and restoring exports works without importing torch.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import atomic_write, make_directory, read_bytes, sha256
from toolkit.common.package_data import package_data

EXPORTS_DIR = Path("exports")
PREVIOUS = "previous"


@dataclass(frozen=True)
class Signature:
    """What an exported model takes and returns, and which metric says how good it is."""

    input: str
    output: str
    methods: Mapping[str, str]  # other methods than `forward`
    headline: str | None  # the metric by which one file is better than another
    condition: str | None = None  # a metric that must be equal for headlines to be comparable
    higher_is_better: bool = True


DIGITS = "digits: int64 (batch, length), values 0 to 9, any length from 1"
IMAGES = "images: float32 (batch, 1, 28, 28), values 0 (background) to 1 (ink)"
NEXT_DIGIT = "logits of the next digit: float32 (batch, 10)"

SIGNATURES = {
    "lstm": Signature(
        DIGITS,
        NEXT_DIGIT,
        {"trace": "digits -> (i, f, o, g, c, h), each float32 (batch, length, hidden_size)"},
        "test_accuracy",
        "length",
    ),
    "rnn": Signature(DIGITS, NEXT_DIGIT, {}, "test_accuracy", "length"),
    "generator": Signature(
        "z: float32 (batch, latent_dim), standard normal",
        IMAGES,
        {},
        "frechet_distance",
        "classifier_sha256",
        higher_is_better=False,
    ),
    "discriminator": Signature(IMAGES, "logits: float32 (batch, 1), above 0 means real", {}, None),
    "classifier": Signature(
        IMAGES,
        "logits of the digit: float32 (batch, 10)",
        {"features": "images -> float32 (batch, 128), each >= 0"},
        "test_accuracy",
    ),
}


def read_manifest(exports_dir: Path) -> dict[str, Any]:
    """The manifest as a dictionary, file name -> entry; empty if there is none yet.

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
            f"{path} is damaged ({error!r}). Restore it from version control, or remove it and "
            "train again."
        ) from error
    return manifest


def default_directory(preset: str, runs_dir: Path) -> Path:
    """Where a preset's exports go: the smoke preset leaves the committed ones alone."""
    return runs_dir / "smoke" / "exports" if preset == "smoke" else EXPORTS_DIR


def readable_exports() -> Path:
    """The exports of the current directory if there are any, else those of the toolkit."""
    return EXPORTS_DIR if (EXPORTS_DIR / "manifest.json").exists() else package_data("exports")


def export_path(name: str, exports_dir: Path) -> Path:
    """The file of the model called `name`, which need not exist.

    Raises:
        UsageError: there is no such model.
    """
    if name not in SIGNATURES:
        raise UsageError(f"There is no model {name!r}; choose one of {', '.join(SIGNATURES)}.")
    return exports_dir / f"{name}.pt"


def read_verified(name: str, exports_dir: Path = EXPORTS_DIR) -> bytes:
    """The bytes of an export, after comparing their SHA-256 with the manifest.

    Raises:
        UsageError: there is no such model.
        ToolkitError: the file is missing, not listed in the manifest, or damaged.
    """
    path = export_path(name, exports_dir)
    fix = f"`python -m toolkit.train {_command(name)}` makes a new one."
    if not path.exists():
        raise ToolkitError(f"{path} is missing. {fix}")
    entry = read_manifest(exports_dir).get(path.name)
    if entry is None:
        raise ToolkitError(f"{exports_dir / 'manifest.json'} does not list {path.name}. {fix}")
    data = read_bytes(path)
    if (found := sha256(data)) != entry["sha256"]:
        raise ToolkitError(
            f"{path} is damaged or was altered: the manifest says SHA-256 {entry['sha256']}, "
            f"the file has {found}. Restore it from version control, or train again: {fix}"
        )
    return data


def is_intact(name: str, exports_dir: Path) -> bool:
    """Whether the file of an export exists and has the SHA-256 in the manifest."""
    path = export_path(name, exports_dir)
    entry = read_manifest(exports_dir).get(path.name)
    return entry is not None and path.exists() and sha256(read_bytes(path)) == entry["sha256"]


def write_export(name: str, exports_dir: Path, data: bytes, entry: Mapping[str, Any]) -> None:
    """Write the file of an export and its manifest entry.

    The entry is written first. If the process is killed in between, the old file no longer has the
    SHA-256 in the manifest, so it is refused, and running the command again replaces it.

    Raises:
        ToolkitError: the disk is full or the directory not writable.
    """
    path = export_path(name, exports_dir)
    manifest = read_manifest(exports_dir) | {path.name: entry}
    text = lists_on_one_line(json.dumps(dict(sorted(manifest.items())), indent=2)) + "\n"
    atomic_write(exports_dir / "manifest.json", text.encode())
    atomic_write(path, data)


def copy_export(name: str, source: Path, target: Path) -> None:
    """Copy an export and its manifest entry to another directory.

    Raises:
        UsageError, ToolkitError: see `read_verified`.
    """
    data = read_verified(name, source)
    make_directory(target)
    write_export(name, target, data, read_manifest(source)[f"{name}.pt"])


def restore(names: Sequence[str], exports_dir: Path) -> None:
    """Restore the exports that were replaced last; the present ones go to `previous/undone/`.

    Raises:
        ToolkitError: there are no earlier files, or they are damaged; nothing is changed.
    """
    previous = exports_dir / PREVIOUS
    for name in names:
        if not is_intact(name, previous):
            raise ToolkitError(
                f"There is no earlier {name}.pt to bring back: {previous} has no intact one. "
                "Restore the committed one from version control."
            )
    for name in names:
        intact = is_intact(name, exports_dir)
        if intact and read_verified(name, exports_dir) == read_verified(name, previous):
            continue
        if intact:
            copy_export(name, exports_dir, previous / "undone")
        copy_export(name, previous, exports_dir)


def describe_regression(
    name: str, exports_dir: Path, old: Mapping[str, Any] | None, new: Mapping[str, Any]
) -> str | None:
    """A sentence for the user if a new export is worse than the one that it replaced.

    Args:
        old, new: the manifest entries; `old` is None if nothing was replaced.

    Returns:
        the sentence, also if the two metrics cannot be compared; else None.
    """
    signature = SIGNATURES[name]
    if old is None or signature.headline is None:
        return None
    before, after = old["metrics"].get(signature.headline), new["metrics"][signature.headline]
    condition_before, condition_after = (
        entry["metrics"].get(signature.condition) for entry in (old, new)
    )
    if condition_before != condition_after:
        difference = (
            f"was measured differently ({signature.condition} {condition_before}, "
            f"now {condition_after})"
        )
    elif after != before and (after > before) != signature.higher_is_better:
        difference = "was better"
    else:
        return None
    return (
        f"{exports_dir / name}.pt replaces a file that {difference}: {signature.headline} "
        f"{after:.4g}, before {before:.4g}. `python -m toolkit.train restore {_command(name)} "
        f"--exports-dir {exports_dir}` restores the old one."
    )


def _command(name: str) -> str:
    """The training command that makes an export."""
    return "gan" if name in ("generator", "discriminator") else name


def lists_on_one_line(json_text: str) -> str:
    """Indented JSON, reformatted so that each list of plain values takes one line."""
    return re.sub(
        r"\[\n[^\[\]{}]*\]",
        lambda found: re.sub(r"\n\s*", "", re.sub(r",\n\s*", ", ", found[0])),
        json_text,
    )
