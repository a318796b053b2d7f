"""The manifest: which exports there are, what they take and return, and their SHA-256.

For each file, `exports/manifest.json` has the SHA-256 and the size. The weights of a network, such
as `lstm.safetensors`, are its source: their entry also has the architecture, the input and output,
the settings of the training, the metrics, and golden values (see `toolkit.export.golden`).
The other files of the network, such as `lstm.onnx`, name the SHA-256 of its weights in `made_from`,
and count only as long as these are listed too. Before 0.3 there were no weights, and the `.pt` file
was the source; such folders are read as they are. Each entry has the checksum of itself and its
name, "crc32", since a rotten bit in it would go unseen.

Finding and reading exports works without importing torch; `toolkit.export.replacing` writes them.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import checksum, read_bytes, sha256
from toolkit.common.package_data import package_data

EXPORTS_DIR = Path("exports")
MINE = "_mine"  # after the name that somebody's own network has on the pages, beside ours


@dataclass(frozen=True)
class Signature:
    """Input and output of a network, and the metric that says how good it is."""

    input: str
    output: str
    methods: Mapping[str, str]  # other methods than `forward`
    headline: str | None  # the metric by which one file is better than another
    condition: str | None = None  # a metric that must be equal for headlines to be comparable
    higher_is_better: bool = True


DIGITS = "digits: int64 (batch, length), values 0 to 9, any length from 1"
LATENTS = "z: float32 (batch, latent_dim), standard normal"
IMAGES = "images: float32 (batch, 1, 28, 28), values 0 (background) to 1 (ink)"
NEXT_DIGIT = "logits of the next digit: float32 (batch, 10)"
TRACE = {"trace": "digits -> (i, f, o, g, c, h), each float32 (batch, length, hidden_size)"}

SIGNATURES = {
    # trained with the curriculum
    "lstm": Signature(DIGITS, NEXT_DIGIT, TRACE, "test_accuracy", "length"),
    "rnn": Signature(DIGITS, NEXT_DIGIT, {}, "test_accuracy", "length"),
    # trained at one length
    "lstm_plain": Signature(DIGITS, NEXT_DIGIT, TRACE, "test_accuracy", "length"),
    "rnn_plain": Signature(DIGITS, NEXT_DIGIT, {}, "test_accuracy", "length"),
    "generator": Signature(
        LATENTS,
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


Format = Literal["safetensors", "onnx", "pt2", "pt"]
# What is made besides the weights; TorchScript comes last, since a torch may be without it.
FORMATS: tuple[Format, ...] = ("onnx", "pt2", "pt")
WEIGHTS: Literal["safetensors"] = "safetensors"
SOURCES: tuple[Format, ...] = (WEIGHTS, "pt")  # the file that says all about a network

# The training that makes a file, as `restore` calls it, where it has another name.
TRAININGS = {"generator": "gan", "discriminator": "gan", "film": "gan"}
# The command of `python -m toolkit.train` for a training, where it has another name.
COMMANDS = {
    "lstm": "lstm --curriculum",
    "rnn": "rnn --curriculum",
    "lstm_plain": "lstm",
    "rnn_plain": "rnn",
}


# What an entry may have besides the SHA-256, of which a reader relies on the kind.
KINDS = {
    "metrics": dict, "attributes": dict, "golden": dict, "config": dict, "own": dict, "whose": str,
    "architecture": dict, "known_as": str,
}  # fmt: skip


class Export(NamedTuple):
    """A file of the exports, and what the manifest says about it."""

    file: str  # its name, such as "lstm.pt" or "lstm.onnx"
    data: bytes
    entry: Mapping[str, Any]  # at least "sha256"


class Shown(NamedTuple):
    """A network on the pages."""

    name: str  # of its export
    folder: Path
    whose: str  # "" of the toolkit's, or of a folder that does not say


class Listed(NamedTuple):
    """A file in a folder with a manifest."""

    data: bytes | None  # its content; None if there is none
    entry: dict[str, Any] | None  # in the manifest; None if it is not listed
    sha256: str | None  # of the content

    @property
    def intact(self) -> bool:
        """True if the content is the one that the manifest lists."""
        return self.entry is not None and self.sha256 == self.entry["sha256"]


def is_current(file: str, manifest: Mapping[str, Any]) -> bool:
    """True if a listed file was made from one that is listed, or is itself the source.

    A .pt file from before there were weights is the source only as long as there are none.
    """
    source = manifest[file].get("made_from")
    if source is None:
        name, _, format_ = file.rpartition(".")
        return format_ not in SOURCES or file == source_of(name, manifest)
    return any(source == entry["sha256"] for entry in manifest.values())


def source_of(name: str, manifest: Mapping[str, Any]) -> str:
    """The file of a network whose entry says all about it: its weights, or before 0.3 its .pt."""
    for format_ in SOURCES:
        if f"{name}.{format_}" in manifest:
            return f"{name}.{format_}"
    return f"{name}.{WEIGHTS}"


def entry_of(name: str, exports_dir: Path) -> dict[str, Any]:
    """The entry of a network's source in a folder, which says all about it; {} if there is none.

    Raises: as `read_manifest`.
    """
    listed = read_manifest(exports_dir)
    entry: dict[str, Any] = listed.get(source_of(name, listed), {})
    return entry


def identity(entry: Mapping[str, Any]) -> str:
    """The SHA-256 by which figures name a network: of its weights.

    Figures from before 0.3 name a network after its .pt file. The networks of then have this as
    `known_as`, so that their figures, old and new, are comparable.
    """
    digest: str = entry.get("known_as", entry["sha256"])
    return digest


def judge_of(exports_dir: Path) -> str:
    """The identity of the classifier of a folder.

    Raises: as `read_manifest`; ToolkitError: the folder lists no classifier.
    """
    entry = entry_of("classifier", exports_dir)
    if not entry:
        raise ToolkitError(f"{exports_dir / 'manifest.json'} lists no classifier.")
    return identity(entry)


def read_manifest(exports_dir: Path) -> dict[str, Any]:
    """The manifest as a dictionary, file name -> entry; empty if there is none yet.

    One in which no entry has a checksum is from before 0.2 and taken as it is.

    Raises:
        ToolkitError: it is damaged.
    """
    path = exports_dir / "manifest.json"
    if not path.exists():
        return {}
    try:
        data = read_bytes(path)
        _check(data)
        manifest: dict[str, Any] = json.loads(data)
        for entry in manifest.values():
            entry.pop("crc32", None)
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ToolkitError(
            f"{path} is damaged ({error!r:.200}). Restore it from version control, or give it "
            "another name: then the exports beside it are kept in previous/ when new ones are made."
        ) from error
    return manifest


@functools.lru_cache(maxsize=8)  # a training reads the same one a dozen times
def _check(data: bytes) -> None:
    """Raise a ValueError, or what mistyped JSON leads to, unless `data` is an intact manifest."""
    manifest = json.loads(data)
    sealed = b'"crc32"' in data
    for name, entry in manifest.items():
        seal = entry.pop("crc32", None)
        if sealed and seal != checksum(json.dumps({name: entry})):
            raise ValueError(f"the checksum of {name} differs")
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"{name} is not a file of this folder")
        for digest in (entry["sha256"], entry.get("made_from", entry["sha256"])):
            if not re.fullmatch("[0-9a-f]{64}", digest):
                raise ValueError(f"{name} has no SHA-256")
        for key, kind in KINDS.items():
            if not isinstance(entry.get(key, kind()), kind):
                raise ValueError(f"{name} has {key} of another kind")


def staged(path: Path, digest: str) -> Path:
    """The place of the content with this SHA-256 until the manifest lists it for `path`."""
    return path.with_name(f".{path.name}.{digest[:16]}.staged")


def read_listed(path: Path) -> Listed:
    """A file and its entry in the manifest beside it, as one writer left them.

    A process that was killed after the manifest and before the file has left the file staged.
    While another process writes, this reads again until both fit or nothing changes any more.

    Raises:
        ToolkitError: the manifest is damaged, or something is unreadable.
    """
    before = None
    while True:
        entry = read_manifest(path.parent).get(path.name)
        contents = [_content(path)]
        if entry is not None:
            contents.append(_content(staged(path, entry["sha256"])))
        files = [Listed(content, entry, _digest(content)) for content in contents]
        for file in files:
            if file.intact:
                return file
        if (entry, contents) == before or entry is None:
            return files[0]
        before = (entry, contents)


def _digest(content: bytes | None) -> str | None:
    return None if content is None else sha256(content)


def _content(path: Path) -> bytes | None:
    try:
        return read_bytes(path) if path.exists() else None
    except ToolkitError:
        if path.exists():
            raise
        return None  # renamed in between


def default_directory(preset: str, runs_dir: Path) -> Path:
    """The folder of a preset's exports: the smoke preset leaves the committed ones alone."""
    return runs_dir / "smoke" / "exports" if preset == "smoke" else EXPORTS_DIR


def readable_exports() -> Path:
    """The exports of the current directory if there are any, else those of the toolkit."""
    return EXPORTS_DIR if (EXPORTS_DIR / "manifest.json").exists() else package_data("exports")


def find_file(
    name: str, exports_dir: Path | str | None = None, format_: Format | None = None
) -> tuple[str, Path]:
    """The file of a network in one format, and its folder.

    Args:
        exports_dir: by default the exports of the current directory if they have such a file, else
            those of the toolkit.
        format_: by default that of the source.

    Raises:
        UsageError: there is no such model or format.
        ToolkitError: as `read_manifest`.
    """
    signature_of(name)
    if format_ not in (None, *get_args(Format)):
        raise UsageError(
            f"There is no format {format_!r}; choose one of {', '.join(get_args(Format))}."
        )
    formats = SOURCES if format_ is None else (format_,)
    files = [f"{name}.{format_}" for format_ in formats]
    folder = Path(exports_dir or EXPORTS_DIR)
    listed = read_manifest(folder)
    for file in files:
        if file in listed:
            return file, folder
    for file in files:
        if (folder / file).exists():
            return file, folder
    if exports_dir is None:
        return find_file(name, package_data("exports"), format_)
    return files[0], folder


def networks_of(exports_dir: Path) -> dict[str, Shown]:
    """The networks that the pages show of a folder, by the names that they have there.

    Somebody's own, whose entries say whose they are, come first, such as "lstm_mine"; then the
    toolkit's stand beside them. Those of any other folder stand alone.

    Raises: as `read_manifest`.
    """
    listed = read_manifest(exports_dir)
    own = {}
    for name in SIGNATURES:
        entry = listed.get(source_of(name, listed), {})
        if "whose" in entry:
            own[f"{name}{MINE}"] = Shown(name, exports_dir, entry["whose"])
    others = package_data("exports") if own else exports_dir
    listed = read_manifest(others)
    toolkits = [name for name in SIGNATURES if source_of(name, listed) in listed]
    return own | {name: Shown(name, others, "") for name in toolkits}


def signature_of(name: str) -> Signature:
    """Input, output and metric of the network called `name`.

    Raises:
        UsageError: there is no such model.
    """
    if name not in SIGNATURES:
        raise UsageError(f"There is no model {name!r}; choose one of {', '.join(SIGNATURES)}.")
    return SIGNATURES[name]


def read_export(
    name: str, exports_dir: Path | str | None = None, format_: Format | None = None
) -> Export:
    """The file of a model with its entry, verified as by `read_file`; arguments: `find_file`.

    Raises:
        UsageError: there is no such model or format.
        ToolkitError: see `read_file`.
    """
    return read_file(*find_file(name, exports_dir, format_))


def read_file(file: str, exports_dir: Path = EXPORTS_DIR) -> Export:
    """Any file of the exports with its entry, after comparing its SHA-256 with the entry.

    Raises:
        ToolkitError: the file is missing, not listed in the manifest, or damaged, or was made from
            another file than the one that the manifest lists now.
    """
    path = exports_dir / file
    command = command_for(file, read_manifest(exports_dir))
    fix = f"`python -m toolkit.train {command}` makes a new one."
    data, entry, digest = listed = read_listed(path)
    if data is None:
        raise ToolkitError(f"{path} is missing. {fix}")
    if entry is None:
        raise ToolkitError(f"{exports_dir / 'manifest.json'} does not list {file}. {fix}")
    if not listed.intact:
        raise ToolkitError(
            f"{path} is damaged or was altered: the manifest says SHA-256 {entry['sha256']}, "
            f"the file has {digest}. Restore it from version control, or make it again: {fix}"
        )
    if not is_current(file, read_manifest(exports_dir) | {file: entry}):
        if read_listed(path).entry != entry:  # replaced in between
            return read_file(file, exports_dir)
        origin = "earlier weights"
        if "made_from" in entry:
            origin = f"a file with SHA-256 {entry['made_from']}"
        raise ToolkitError(
            f"{path} was made from {origin}, which {exports_dir / 'manifest.json'} does not list "
            f"any more. {fix}"
        )
    return Export(file, data, entry)


def command_for(file: str, manifest: Mapping[str, Any] = {}) -> str:
    """The command of `python -m toolkit.train` that makes a file of the exports.

    Args:
        manifest: of its folder.
    """
    name, _, format_ = file.rpartition(".")
    if format_ in FORMATS and file != source_of(name, manifest):
        return f"export --format {format_}"
    training = training_of(file)
    return COMMANDS.get(training, training)


def training_of(file: str) -> str:
    """The name of the training whose exports are one unit with this file."""
    name = file.rpartition(".")[0]
    return TRAININGS.get(name, name)
