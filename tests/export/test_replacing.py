"""Exports are replaced all or none, by one process at a time, and nothing is lost."""

import contextlib
import errno
import itertools
import json
import multiprocessing
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import torch

from tests.export.test_export import METRICS, save
from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256
from toolkit.export import loading, manifest, replacing, saving
from toolkit.export.manifest import Export
from toolkit.gan.model import ConvGenerator
from toolkit.lstm.model import LSTM, RNN

PAIR = ("generator", "discriminator")


def save_pair(version: int, directory: Path) -> None:
    """A generator and a discriminator that belong together; no networks are needed."""
    exports = []
    for name in PAIR:
        data = f"{name} {version}".encode()
        exports.append(
            Export(f"{name}.safetensors", data, {"sha256": sha256(data), "metrics": METRICS})
        )
    replacing.replace_exports(exports, directory)


def version_of(directory: Path) -> bytes:
    """The version of the pair in `directory`, which is intact."""
    generator, discriminator = (manifest.read_export(name, directory).data[-1:] for name in PAIR)
    assert generator == discriminator
    return generator


def test_a_worse_file_is_announced_and_the_old_one_restored(tmp_path: Path) -> None:
    assert save("lstm", LSTM(4), tmp_path, test_accuracy=0.99) is None
    good = (tmp_path / "lstm.safetensors").read_bytes()
    note = save("lstm", LSTM(4), tmp_path, test_accuracy=0.5)
    assert note is not None
    assert "test_accuracy 0.5, before 0.99" in note
    assert f"python -m toolkit.train restore lstm --exports-dir {tmp_path}" in note
    bad = (tmp_path / "lstm.safetensors").read_bytes()

    for _ in range(2):  # a second time changes nothing
        replacing.restore(["lstm"], tmp_path)
        assert (tmp_path / "lstm.safetensors").read_bytes() == good
        assert (tmp_path / "previous" / "undone" / "lstm.safetensors").read_bytes() == bad
        assert (
            manifest.read_manifest(tmp_path)["lstm.safetensors"]["metrics"]["test_accuracy"] == 0.99
        )
        loading.load("lstm", tmp_path)
        loading.load("lstm", tmp_path / "previous" / "undone")


def test_restore_in_place_of_a_damaged_file(tmp_path: Path) -> None:
    save("rnn", RNN(4), tmp_path)
    good = (tmp_path / "rnn.safetensors").read_bytes()
    save("rnn", RNN(4), tmp_path)
    (tmp_path / "rnn.safetensors").write_bytes(b"damaged")
    replacing.restore(["rnn"], tmp_path)
    assert (tmp_path / "rnn.safetensors").read_bytes() == good


def test_restore_of_two_changes_nothing_if_one_is_missing(tmp_path: Path) -> None:
    for _ in range(2):
        save("generator", ConvGenerator(8, 4), tmp_path)
    before = (tmp_path / "generator.safetensors").read_bytes()
    with pytest.raises(ToolkitError, match=r"no earlier discriminator.safetensors to bring back"):
        replacing.restore(["generator", "discriminator"], tmp_path)
    assert (tmp_path / "generator.safetensors").read_bytes() == before


def inodes(directory: Path) -> dict[str, int]:
    """Of each file its inode, which is another one after the file was replaced."""
    return {path.name: path.stat().st_ino for path in directory.iterdir() if path.is_file()}


def test_equal_bytes_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also under another torch: each entry names the torch that wrote its file."""
    model = RNN(4)

    def save_in(*formats: str) -> replacing.Replaced:
        metrics = {"rnn": METRICS}
        return saving.save(
            {"rnn": model}, metrics, exports_dir=tmp_path, seed=0, config={}, formats=formats
        )

    save_in()
    before = inodes(tmp_path)
    real = torch.__version__
    monkeypatch.setattr(torch, "__version__", "99.0")
    assert save_in() == ([], [], [])
    assert inodes(tmp_path) == before

    assert save_in("onnx").changed == ["rnn.onnx"]
    entries = manifest.read_manifest(tmp_path)
    named = {file: entry["torch"] for file, entry in entries.items()}
    assert named == {"rnn.safetensors": real, "rnn.onnx": "99.0"}
    before = inodes(tmp_path)
    monkeypatch.setattr(torch, "__version__", "99.1")
    assert save_in("onnx") == ([], [], [])
    assert inodes(tmp_path) == before


def test_another_run_with_equal_bytes_is_said(tmp_path: Path) -> None:
    """Its seed, settings and metrics replace nothing."""
    model = LSTM(4)
    save("lstm", model, tmp_path)
    before = inodes(tmp_path)
    replaced = saving.save(
        {"lstm": model},
        {"lstm": METRICS | {"length": 7, "accuracy_by_length": {"5": 1.0}}},
        exports_dir=tmp_path,
        seed=3,
        config={"a": 2, "b": 0.5, "c": True},
        formats=(),
    )
    assert replaced == (
        [],
        [],
        [
            f"The manifest in {tmp_path} keeps what it says of lstm.safetensors: the bytes are the "
            "same as before. This run differs in seed (3, there 0), a (2, there 1), length (7, "
            "there 5), b, and 2 more."
        ],
    )
    assert inodes(tmp_path) == before
    assert not (tmp_path / "previous").exists()


def test_the_rest_of_an_entry_is_of_now(tmp_path: Path) -> None:
    """Whose network it is may change while its bytes do not, and an old entry lack something."""
    data = b"a network"
    entry: dict[str, object] = {"sha256": sha256(data), "whose": "Ann", "torch": "2.12", "opset": 7}
    replacing.replace_exports([Export("lstm.safetensors", data, entry)], tmp_path)
    new = {"sha256": sha256(data), "whose": "Bob", "torch": "2.15", "golden": {}}
    assert replacing.replace_exports([Export("lstm.safetensors", data, new)], tmp_path) == (
        [],
        [],
        [],
    )
    assert manifest.read_manifest(tmp_path)["lstm.safetensors"] == {
        "sha256": sha256(data),
        "whose": "Bob",
        "torch": "2.12",
        "opset": 7,
        "golden": {},
    }


FILES = ("generator.safetensors", "generator.onnx", "film.npz")


def save_files(version: int, directory: Path, files: Sequence[str] = FILES) -> list[str]:
    """A generator, a conversion of it and a file that is no model; returns the notes."""
    exports = []
    for file in files:
        data = f"{file} {version}".encode()
        entry: dict[str, object] = {"sha256": sha256(data), "bytes": len(data)}
        if file == "generator.onnx":
            entry["made_from"] = sha256(f"generator.safetensors {version}".encode())
        exports.append(Export(file, data, entry))
    return replacing.replace_exports(exports, directory).notes


def versions(directory: Path) -> dict[str, str]:
    """The version of each file that can be read in `directory`."""
    found = {}
    for file in FILES:
        with contextlib.suppress(ToolkitError):
            found[file] = manifest.read_file(file, directory).data[-1:].decode()
    return found


def test_any_file_is_replaced_and_restored(tmp_path: Path) -> None:
    for version in (1, 2):
        assert save_files(version, tmp_path) == []
    assert versions(tmp_path) == dict.fromkeys(FILES, "2")
    assert versions(tmp_path / "previous") == dict.fromkeys(FILES, "1")
    replacing.restore(["generator"], tmp_path)
    assert versions(tmp_path) == {
        "generator.safetensors": "1",
        "generator.onnx": "1",
        "film.npz": "2",
    }


def test_a_file_made_from_another_one_is_refused(tmp_path: Path) -> None:
    save_files(1, tmp_path)
    entries = manifest.read_manifest(tmp_path)
    entries["generator.onnx"]["made_from"] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(ToolkitError, match=r"generator.onnx was made from a file .* 0{64}, which"):
        manifest.read_file("generator.onnx", tmp_path)
    assert versions(tmp_path) == {"generator.safetensors": "1", "film.npz": "1"}


def test_files_are_replaced_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before any write or removal, what can be read is of one version."""
    directory = tmp_path
    old, new = dict.fromkeys(FILES, "1"), dict.fromkeys(FILES, "2")

    def prepare(k: int) -> None:
        nonlocal directory
        directory = tmp_path / str(k)
        save_files(1, directory)

    def look(failed: bool) -> None:
        assert versions(directory) in (old, new)
        save_files(2, directory)
        assert versions(directory) == new
        assert versions(directory / "previous") == old
        left = {path.name for path in directory.iterdir()}
        assert left == {*new, "manifest.json", "previous", ".lock"}

    def act() -> None:
        save_files(2, directory)

    assert at_each_write(monkeypatch, Killed(), prepare, act, look) >= 10


class Killed(BaseException):
    """Raised instead of a write, as if the process had been killed just before it."""


def at_each_write(
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    prepare: Callable[[int], None],
    act: Callable[[], object],
    look: Callable[[bool], None],
) -> int:
    """Let `act` fail at its first write, at its second, ..., until it has no more; their number."""
    real = {name: getattr(os, name) for name in ("replace", "fsync", "unlink")}
    for k in range(100):
        prepare(k)
        calls = itertools.count()

        def failing(name: str, k: int = k, calls: Iterator[int] = calls) -> Callable[..., None]:
            def call(*arguments: object) -> None:
                number = next(calls)
                if number == k or (number > k and isinstance(error, OSError)):
                    raise error
                real[name](*arguments)

            return call

        with monkeypatch.context() as patch:
            for name in real:
                patch.setattr(os, name, failing(name))
            try:
                act()
                failed = False
            except (Killed, ToolkitError):
                failed = True
        look(failed)
        if not failed:
            return k
    raise AssertionError("it never ends")


@pytest.mark.parametrize("action", ["save", "restore"])
def test_a_pair_is_replaced_as_one(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before any write, the old pair or the new one is there, and a repetition ends it."""
    directory = tmp_path

    def prepare(k: int) -> None:
        nonlocal directory
        directory = tmp_path / str(k)
        save_pair(1, directory)
        if action == "restore":
            save_pair(2, directory)

    def act() -> None:
        if action == "save":
            save_pair(2, directory)
        else:
            replacing.restore(PAIR, directory)

    old, new = (b"1", b"2") if action == "save" else (b"2", b"1")

    def look(failed: bool) -> None:
        assert version_of(directory) in (old, new)
        act()
        assert version_of(directory) == new
        kept = replacing.PREVIOUS if action == "save" else replacing.UNDONE
        assert version_of(directory / kept) == old
        assert not list(directory.rglob(".*.tmp")) + list(directory.rglob(".*.staged"))
        for name in PAIR:  # in place, for readers that know nothing of staged files
            entry = manifest.read_manifest(directory)[f"{name}.safetensors"]
            assert sha256((directory / f"{name}.safetensors").read_bytes()) == entry["sha256"]

    assert at_each_write(monkeypatch, Killed(), prepare, act, look) >= 10


def test_a_full_disk_leaves_the_old_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any write on, nothing can be written or renamed any more."""

    def look(failed: bool) -> None:
        version = version_of(directory)
        assert version in ((b"1", b"2") if failed else (b"2",))
        files = {path.name for path in directory.iterdir()}
        assert failed or files == {
            *(f"{name}.safetensors" for name in PAIR),
            "manifest.json",
            "previous",
            ".lock",
        }

    directory = tmp_path

    def prepare(k: int) -> None:
        nonlocal directory
        directory = tmp_path / str(k)
        save_pair(1, directory)

    full = OSError(errno.ENOSPC, "No space left on device")
    writes = at_each_write(monkeypatch, full, prepare, lambda: save_pair(2, directory), look)
    assert writes >= 10


@pytest.mark.parametrize("lost", ["manifest", "entry", "file"])
def test_a_file_that_is_not_listed_is_kept(lost: str, tmp_path: Path) -> None:
    """It may be the only copy of someone's training."""
    contents = []
    for _ in range(2):
        save("lstm", LSTM(4), tmp_path)
        if lost == "manifest":
            (tmp_path / "manifest.json").unlink()
        elif lost == "entry":
            (tmp_path / "manifest.json").write_text("{}")
        else:
            (tmp_path / "lstm.safetensors").write_bytes(os.urandom(1000))
        contents.append((tmp_path / "lstm.safetensors").read_bytes())
        note = save("lstm", LSTM(4), tmp_path)
        copy = tmp_path / "previous" / f"lstm.unlisted-{len(contents)}.safetensors"
        assert note == (
            f"{tmp_path / 'lstm.safetensors'} was not the file that the manifest lists. It is "
            f"kept as {copy}."
        )
    kept = sorted((tmp_path / "previous").glob("lstm.unlisted-*.safetensors"))
    assert [path.read_bytes() for path in kept] == contents
    loading.load("lstm", tmp_path)


def test_a_damaged_manifest_replaces_nothing(tmp_path: Path) -> None:
    save("lstm", LSTM(4), tmp_path)
    before = (tmp_path / "lstm.safetensors").read_bytes()
    digest = "0" * 64
    for text in (
        "{",
        f'{{"../lstm.safetensors": {{"sha256": "{digest}", "metrics": {{}}}}}}',
        f'{{"..": {{"sha256": "{digest}"}}}}',
        f'{{"lstm.onnx": {{"sha256": "{digest}", "made_from": "nowhere"}}}}',
        "[" * 9999,
    ):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ToolkitError, match=r"manifest.json is damaged"):
            save("lstm", LSTM(4), tmp_path)
        assert (tmp_path / "lstm.safetensors").read_bytes() == before
        assert (tmp_path / "manifest.json").read_text() == text


def test_no_flipped_bit_of_an_entry_is_silent(tmp_path: Path) -> None:
    save_pair(1, tmp_path)
    path = tmp_path / "manifest.json"
    data = path.read_bytes()
    for k in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[k // 8] ^= 1 << k % 8
        path.write_bytes(flipped)
        with pytest.raises(ToolkitError, match=r"manifest.json is damaged"):
            manifest.read_manifest(tmp_path)


def test_entries_of_before_have_no_checksum(tmp_path: Path) -> None:
    """They are taken as they are, and have one as soon as anything is written."""
    save_pair(1, tmp_path)
    path = tmp_path / "manifest.json"
    written = manifest.read_manifest(tmp_path)
    path.write_text(json.dumps(written))
    assert manifest.read_manifest(tmp_path) == written
    save_files(1, tmp_path, ["film.npz"])
    entries = json.loads(path.read_text())
    for name, entry in entries.items():
        text = json.dumps({name: {key: x for key, x in entry.items() if key != "crc32"}})
        assert entry["crc32"] == f"{zlib.crc32(text.encode()):08x}"
    del entries["generator.safetensors"]["crc32"]
    path.write_text(json.dumps(entries))
    with pytest.raises(
        ToolkitError, match=r"damaged \(.*the checksum of generator.safetensors differs"
    ):
        manifest.read_manifest(tmp_path)


def save_and_read(name: str, directory: Path, barrier: Barrier) -> None:
    for k in range(20):
        data = f"{name} {k}".encode()
        export = Export(f"{name}.safetensors", data, {"sha256": sha256(data), "seed": k})
        barrier.wait(60)
        replacing.replace_exports([export], directory)
        assert manifest.read_export(name, directory) == export


def test_two_at_once(tmp_path: Path) -> None:
    """Two processes save 20 times each at the same moment: no entry is lost, none is refused."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    processes = [
        context.Process(target=save_and_read, args=(name, tmp_path, barrier))
        for name in ("lstm", "rnn")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    entries = json.loads((tmp_path / "manifest.json").read_text())
    assert [entry["seed"] for entry in entries.values()] == [19, 19]
