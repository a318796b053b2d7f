"""The manifest: what each export is, and which bytes it vouches for.

`exports/manifest.json` says of each file what goes in and comes out, how it was trained, what was
measured, its SHA-256, and golden inputs with their outputs. Nothing here needs torch.
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


def read_verified(name: str, exports_dir: Path = EXPORTS_DIR) -> bytes:
    """The bytes of an export whose hash agrees with the manifest.

    Raises: as `load`.
    """
    path = export_path(name, exports_dir)
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


def copy_export(name: str, source: Path, target: Path) -> None:
    """Copy a verified export and its manifest entry to another directory.

    Raises: as `load`.
    """
    data = read_verified(name, source)
    make_directory(target)
    file = export_path(name, target).name
    install(target, file, data, read_manifest(source)[file])


def restore(names: Sequence[str], exports_dir: Path) -> None:
    """Bring back the exports that were replaced last; the present ones go to `previous/undone/`.

    Raises:
        ToolkitError: there are no earlier files, or they are damaged; nothing is changed.
    """
    previous = exports_dir / PREVIOUS
    for name in names:
        if not is_intact(name, previous):
            raise ToolkitError(
                f"There is no earlier {name}.pt to bring back: {previous} does not hold an intact "
                "one. The committed one comes back from version control."
            )
    for name in names:
        intact = is_intact(name, exports_dir)
        if intact and read_verified(name, exports_dir) == read_verified(name, previous):
            continue
        if intact:
            copy_export(name, exports_dir, previous / "undone")
        copy_export(name, previous, exports_dir)


def readable_exports() -> Path:
    """The exports of the present directory, else those that come with the toolkit."""
    return EXPORTS_DIR if (EXPORTS_DIR / "manifest.json").exists() else package_data("exports")


def export_path(name: str, exports_dir: Path) -> Path:
    if name not in SIGNATURES:
        raise UsageError(f"There is no model {name!r}; choose one of {', '.join(SIGNATURES)}.")
    return exports_dir / f"{name}.pt"


def _command(name: str) -> str:
    return "gan" if name in ("generator", "discriminator") else name


def is_intact(name: str, exports_dir: Path) -> bool:
    path = export_path(name, exports_dir)
    entry = read_manifest(exports_dir).get(path.name)
    return entry is not None and path.exists() and sha256(read_bytes(path)) == entry["sha256"]


def install(exports_dir: Path, file: str, data: bytes, entry: Mapping[str, Any]) -> None:
    """Put a file and its entry in place, the entry first: killed in between, the file that the
    manifest does not vouch for is refused, and the command that is repeated replaces it."""
    manifest = read_manifest(exports_dir) | {file: entry}
    text = lists_on_one_line(json.dumps(dict(sorted(manifest.items())), indent=2)) + "\n"
    atomic_write(exports_dir / "manifest.json", text.encode())
    atomic_write(exports_dir / file, data)


def compare(
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


def lists_on_one_line(json_text: str) -> str:
    """Indented JSON with each list of plain values on one line."""
    return re.sub(
        r"\[\n[^\[\]{}]*\]",
        lambda found: re.sub(r"\n\s*", "", re.sub(r",\n\s*", ", ", found[0])),
        json_text,
    )
