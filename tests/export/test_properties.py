"""Whatever a manifest says, it is read as it was written or refused by name, here and elsewhere."""

import contextlib
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.anything import contents, damaged, mistyped, valid_or_named
from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256
from toolkit.export import manifest, replacing
from toolkit.export.manifest import Export, Listed

ROOT = Path(__file__).parents[2]
DATA = {name: f"the content of {name}".encode() for name in ("lstm.pt", "lstm.onnx", "film.npz")}
METRICS = {"test_accuracy": 0.99, "length": 36, "accuracy_by_length": {"5": 1.0}}
ENTRIES: dict[str, dict[str, Any]] = {
    "film.npz": {"sha256": sha256(DATA["film.npz"]), "bytes": 23},
    "lstm.onnx": {"sha256": sha256(DATA["lstm.onnx"]), "made_from": sha256(DATA["lstm.pt"])},
    "lstm.pt": {
        "sha256": sha256(DATA["lstm.pt"]),
        "attributes": {},
        "metrics": METRICS,
        "golden": {"tolerance": 1e-05, "cases": []},
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports with a manifest."""
    folder = tmp_path_factory.mktemp("exports")
    exports = [Export(name, DATA[name], entry) for name, entry in ENTRIES.items()]
    replacing.replace_exports(exports, folder)
    return folder


@pytest.fixture(scope="module")
def sealed(folder: Path) -> bytes:
    return (folder / "manifest.json").read_bytes()


@pytest.fixture(scope="module")
def load_exports() -> dict[str, Any]:
    """The names in exports/load_exports.py."""
    return runpy.run_path(str(ROOT / "exports" / "load_exports.py"))


keys = st.sampled_from(
    ["../lstm.pt", "/etc/passwd", "a/b", "", ".", "..", "lstm.pt", "\x00", "x\n"]
)
named = keys.map(lambda key: json.dumps({key: ENTRIES["lstm.pt"]}).encode())


@given(data=st.data())
def test_manifests(folder: Path, sealed: bytes, data: st.DataObject) -> None:
    path = folder / "manifest.json"
    path.write_bytes(data.draw(st.one_of(damaged(sealed), contents(ENTRIES), named)))
    with valid_or_named(path):
        found = manifest.read_manifest(folder)
        if b'"crc32"' in path.read_bytes():
            assert found.items() <= ENTRIES.items()
        for name in found:
            assert (folder / name).parent == folder
            assert isinstance(manifest.read_listed(folder / name), Listed)
    for name in DATA:
        with valid_or_named(folder):
            assert manifest.read_file(name, folder).data == DATA[name]


@given(data=st.data())
def test_staged_files(folder: Path, sealed: bytes, data: st.DataObject) -> None:
    """What waits for the manifest counts only with the right content."""
    (folder / "manifest.json").write_bytes(sealed)
    content = data.draw(damaged(DATA["lstm.pt"]) | st.just(DATA["lstm.pt"]))
    path = folder / "lstm.pt"
    waiting = manifest.staged(path, ENTRIES["lstm.pt"]["sha256"])
    path.write_bytes(b"another one")
    waiting.write_bytes(content)
    try:
        found = manifest.read_listed(path)
        assert found.intact == (content == DATA["lstm.pt"])
        with valid_or_named(path):
            assert manifest.read_file("lstm.pt", folder).data == DATA["lstm.pt"]
    finally:
        waiting.unlink()
        path.write_bytes(DATA["lstm.pt"])


@given(old=mistyped(ENTRIES["lstm.pt"]))
@example(old={"sha256": "0" * 64})
def test_whatever_the_old_entry_says_new_exports_are_written(folder: Path, old: Any) -> None:
    """Hours of training must not be lost by what the manifest said before."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({"lstm.pt": old}))
    with contextlib.suppress(ToolkitError):  # said before the training
        manifest.read_manifest(folder)
        new = Export("lstm.pt", b"", ENTRIES["lstm.pt"])
        replacing.describe_regression(Export("lstm.pt", b"", old), new, folder)


@given(data=st.data())
def test_programs_of_others(
    folder: Path, sealed: bytes, load_exports: dict[str, Any], data: st.DataObject
) -> None:
    """exports/load_exports.py reads the same manifest without the toolkit."""
    path = folder / "manifest.json"
    path.write_bytes(data.draw(st.one_of(damaged(sealed), contents(ENTRIES), named)))
    failure = load_exports["Failure"]
    with contextlib.suppress(failure):
        load_exports["check_sha256"](path, folder / "lstm.onnx", DATA["lstm.onnx"])
    with contextlib.suppress(failure):
        entries = load_exports["read_manifest"](path)
        load_exports["verify_file"](folder / "film.npz", entries.get("film.npz"), entries)
