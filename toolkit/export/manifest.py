"""The manifest lists the exports, with their inputs, outputs and SHA-256 hashes.

For each file, `exports/manifest.json` has an entry with the SHA-256 and the size. A network's
weight file, such as `lstm.safetensors`, is called its source, because the network can be built from
this file. The entry of the weight file also has the architecture, the input and output, the
settings of the training run, the metrics, and golden values (see `toolkit.export.golden`). The
entries of the network's other files, such as `lstm.onnx`, contain the SHA-256 of the weights as
`made_from`. These other files are valid only while the manifest also lists the weights. Before
version 0.3, there were no weight files, and the `.pt` file was the source. Folders from versions
before 0.3 can still be read. Each entry has "crc32", a checksum of its name and content, because a
flipped bit in an entry would otherwise go unnoticed.

Exports can be found and read without importing torch. `toolkit.export.replacing` writes exports.
"""

import functools
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import checksum, read_bytes, sha256
from toolkit.common.package_data import package_data

EXPORTS_DIR = Path("exports")
MINE = "_mine"  # the end of the name under which the pages show a student's own network


@dataclass(frozen=True)
class Signature:
    """The input and the output of a network, and the metric that measures the network's quality."""

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
# The formats besides the weights; TorchScript is last, because torch may lack TorchScript.
FORMATS: tuple[Format, ...] = ("onnx", "pt2", "pt")
WEIGHTS: Literal["safetensors"] = "safetensors"
SOURCES: tuple[Format, ...] = (WEIGHTS, "pt")  # the formats whose entry describes a network fully

# The training that makes a file, as `restore` calls the training, if the two names differ.
TRAININGS = {"generator": "gan", "discriminator": "gan", "film": "gan"}
# The command of `python -m toolkit.train` for a training, if the two names differ.
COMMANDS = {
    "lstm": "lstm --curriculum",
    "rnn": "rnn --curriculum",
    "lstm_plain": "lstm",
    "rnn_plain": "rnn",
}


# The optional fields of an entry, and the types that readers rely on.
KINDS = {
    "metrics": dict, "attributes": dict, "golden": dict, "config": dict, "own": dict, "whose": str,
    "architecture": dict, "known_as": str,
}  # fmt: skip


class Export(NamedTuple):
    """An exported file: its name, its content and its manifest entry."""

    file: str  # its name, such as "lstm.pt" or "lstm.onnx"
    data: bytes
    entry: Mapping[str, Any]  # at least "sha256"

    @property
    def name(self) -> str:
        """The file's name, such as "lstm", without the extension."""
        return self.file.rpartition(".")[0]


class Shown(NamedTuple):
    """A network shown on the web pages: the name of its export, its folder and its owner."""

    name: str  # of its export
    folder: Path
    whose: str  # the owner; "" for the toolkit's networks, or if no owner is named


class Listed(NamedTuple):
    """The content, the manifest entry and the SHA-256 of a file; the file or its entry may be
    missing.
    """

    data: bytes | None  # its content; None if the file does not exist
    entry: dict[str, Any] | None  # in the manifest; None if it is not listed
    sha256: str | None  # of the content

    @property
    def intact(self) -> bool:
        """Return True if the content matches the SHA-256 in the manifest."""
        return self.entry is not None and self.sha256 == self.entry["sha256"]


def is_current(file: str, manifest: Mapping[str, Any]) -> bool:
    """Return False for a file that was made from a file that the manifest does not list. The result
    is also False for a .pt file from which its network is no longer built (see `source_of`). For
    every other file, the result is True.

    A network is built from a .pt file written before version 0.3 only if the network has no weight
    file.
    """
    source = manifest[file].get("made_from")
    if source is None:
        name, _, format_ = file.rpartition(".")
        return format_ not in SOURCES or file == source_of(name, manifest)
    return any(source == entry["sha256"] for entry in manifest.values())


def source_of(name: str, files: Collection[str]) -> str:
    """Return the name of the exported file from which a network can be rebuilt.

    The exported file from which a network can be rebuilt is called the source: usually, it is the
    weight file. In a folder written by a version before 0.3, the source is the .pt file.
    """
    for format_ in SOURCES:
        if f"{name}.{format_}" in files:
            return f"{name}.{format_}"
    return f"{name}.{WEIGHTS}"


def entry_of(name: str, exports_dir: Path) -> dict[str, Any]:
    """Return the manifest entry of the file from which a network is built, usually its weight file,
    or {} if the manifest does not list this file.

    Raises: see `read_manifest`.
    """
    listed = read_manifest(exports_dir)
    entry: dict[str, Any] = listed.get(source_of(name, listed), {})
    return entry


def identity(entry: Mapping[str, Any]) -> str:
    """Return the SHA-256 that identifies a network in stored measurements, usually the hash of its
    weight file.

    Measurements from before version 0.3 identify a network by the SHA-256 of its .pt file. The
    manifest entry of such a network keeps this SHA-256 as `known_as`, so that old and new
    measurements can be compared.
    """
    digest: str = entry.get("known_as", entry["sha256"])
    return digest


def judge_of(exports_dir: Path) -> str:
    """Return the SHA-256 that identifies a folder's classifier in the measurements that were made
    with it.

    Raises: see `read_manifest`; also a ToolkitError if the folder lists no classifier.
    """
    entry = entry_of("classifier", exports_dir)
    if not entry:
        raise ToolkitError(f"{exports_dir / 'manifest.json'} lists no classifier.")
    return identity(entry)


def read_manifest(exports_dir: Path) -> dict[str, Any]:
    """Return the manifest as a dictionary from file names to entries; {} if there is no manifest.

    A manifest in which no entry has a checksum is from before version 0.2, and is accepted without
    verification.

    Raises:
        ToolkitError: the manifest is damaged.
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


@functools.lru_cache(maxsize=8)  # a training run reads the same manifest a dozen times
def _check(data: bytes) -> None:
    """Raise an exception, such as a ValueError, unless `data` is an intact manifest."""
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
    """Return the temporary path for the new content of the file `path`; `digest` is the SHA-256 of
    this content.

    The new content is moved to `path` only once the manifest lists the new SHA-256 for `path`.
    """
    return path.with_name(f".{path.name}.{digest[:16]}.staged")


def read_listed(path: Path) -> Listed:
    """Return a file and the manifest entry that was written together with the file.

    A process that was replacing the file may have been killed after it had updated the manifest but
    before it had moved the new file into place. In this case, the new content is read from the
    temporary file that this process wrote. While another process is writing, this function reads
    the file and its entry repeatedly, until the two match or two successive reads give the same
    result.

    Raises:
        ToolkitError: the manifest is damaged, or a file is unreadable.
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


def read_intact(path: Path) -> Export | None:
    """Return a file with its manifest entry, or None if the file is missing, damaged or not listed.

    Raises:
        ToolkitError: see `read_listed`.
    """
    data, entry, _ = listed = read_listed(path)
    if data is None or entry is None or not listed.intact:
        return None
    return Export(path.name, data, entry)


def _digest(content: bytes | None) -> str | None:
    return None if content is None else sha256(content)


def _content(path: Path) -> bytes | None:
    try:
        return read_bytes(path) if path.exists() else None
    except ToolkitError:
        if path.exists():
            raise
        return None  # renamed in between


def readable_exports() -> Path:
    """Return the folder `exports` in the current folder if `exports` contains a manifest, else the
    toolkit's exports.
    """
    return EXPORTS_DIR if (EXPORTS_DIR / "manifest.json").exists() else package_data("exports")


def find_file(
    name: str, exports_dir: Path | str | None = None, format_: Format | None = None
) -> tuple[str, Path]:
    """Find the file that contains a network in a given format, and return the file's name and its
    folder.

    Args:
        exports_dir: the folder to look in. By default, this is the folder `exports` in the current
            directory if that folder contains the file. Otherwise, it is the folder of exports that
            comes with the toolkit.
        format_: the file's format; by default, the format of the file from which the network can be
            rebuilt, usually its weight file.

    Raises:
        UsageError: the model or the format does not exist.
        ToolkitError: see `read_manifest`.
    """
    signature_of(name)
    if format_ not in (None, *get_args(Format)):
        raise UsageError(
            f"There is no format {format_!r}; choose one of {', '.join(get_args(Format))}."
        )
    folder = Path(exports_dir or EXPORTS_DIR)
    on_disk = [path.name for path in folder.glob(f"{name}.*")]
    for files in (read_manifest(folder), on_disk):
        file = source_of(name, files) if format_ is None else f"{name}.{format_}"
        if file in files:
            return file, folder
    if exports_dir is None:
        return find_file(name, package_data("exports"), format_)
    return file, folder


def networks_of(exports_dir: Path) -> dict[str, Shown]:
    """Return the networks that the web pages show when they are made from the folder `exports_dir`,
    as a dictionary keyed by name.

    Networks whose manifest entries name an owner were made by a student, and come first, under
    names such as "lstm_mine". The toolkit's networks are shown beside them. If no network in the
    folder has an owner, the folder's networks are shown instead of the toolkit's.

    Raises: see `read_manifest`.
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
    """Return a description of the input, the output and the quality metric of the network called
    `name`.

    Raises:
        UsageError: the model does not exist.
    """
    if name not in SIGNATURES:
        raise UsageError(f"There is no model {name!r}; choose one of {', '.join(SIGNATURES)}.")
    return SIGNATURES[name]


def read_export(
    name: str, exports_dir: Path | str | None = None, format_: Format | None = None
) -> Export:
    """Return a model's file and entry, verified by `read_file`; for the arguments, see `find_file`.

    Raises:
        UsageError: the model or the format does not exist.
        ToolkitError: see `read_file`.
    """
    return read_file(*find_file(name, exports_dir, format_))


def read_file(file: str, exports_dir: Path = EXPORTS_DIR) -> Export:
    """Return the exported file named `file` with its manifest entry, after verifying the file's
    SHA-256.

    Raises:
        ToolkitError: the file is missing, not listed in the manifest, or damaged. The error is also
            raised if the file was made from another file, such as a network's weights, that the
            manifest no longer lists.
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
            f"the file has {digest}. Restore it from version control, or make it again: {fix} "
            "A file of your own belongs in another folder."
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
    """Return the arguments to pass to `python -m toolkit.train` to create an exported file.

    Args:
        manifest: the manifest of the file's folder.
    """
    name, _, format_ = file.rpartition(".")
    if format_ in FORMATS and file != source_of(name, manifest):
        return f"convert --format {format_}"
    training = training_of(file)
    return COMMANDS.get(training, training)


def training_of(file: str) -> str:
    """Return the name, such as "gan", of the training run that makes an exported file."""
    name = file.rpartition(".")[0]
    return TRAININGS.get(name, name)
