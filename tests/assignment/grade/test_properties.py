"""Whatever strangers pack and teachers write, it is read whole or refused in a sentence."""

import io
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.anything import damaged, json_values, valid_or_named
from toolkit.assignment.grade.rubric import DEFAULT, Rubric, read_rubric
from toolkit.assignment.handin.archive import members, unpack

names = st.text(min_size=1, max_size=20) | st.lists(
    st.sampled_from(["a", "b.py", "..", ".", "C:", "é", "report", " ", "con", "x" * 250]),
    min_size=1,
    max_size=4,
).map("/".join)
archives = st.dictionaries(names, st.binary(max_size=200), max_size=5)


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives")


@given(files=archives)
def test_archives_go_round(place: Path, files: dict[str, bytes]) -> None:
    """All that is unpacked was packed, under its own name, and lies in the folder."""
    folder = place / f"archive-{len(list(place.iterdir()))}"
    try:
        data = packed(files)
    except ValueError:
        return  # Python's zipfile does not pack such a name
    paths = []
    with valid_or_named(""):
        paths = unpack(data, folder)
    if not paths:
        return
    stored = {PurePosixPath(name.partition("\0")[0].replace("\\", "/")) for name in files}
    for path in paths:
        assert path in stored
        target = (folder / path).resolve()
        assert target.is_relative_to(folder)
        assert target.read_bytes() in files.values()
    kept = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert kept == {Path(path) for path in paths}


@given(files=archives.filter(len), data=st.data())
def test_damaged_archives(files: dict[str, bytes], data: st.DataObject) -> None:
    method = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    try:
        whole = packed(files, method)
    except ValueError:
        return
    with valid_or_named(""):
        for path, pieces in members(data.draw(damaged(whole) | st.binary(max_size=300))):
            content = b"".join(pieces)
            assert ".." not in path.parts
            assert content in [*files.values()] or len(content) <= 300


task = st.fixed_dictionaries(
    {"name": st.text(max_size=9), "part": st.sampled_from(["I", "II"]), "points": st.floats(0, 99)},
    optional={
        "by_hand": st.booleans(),
        "checks": st.lists(st.sampled_from(["dataset", "lstm", "train", "gan"]), max_size=2),
        "findings": st.dictionaries(
            st.sampled_from(["wrong-loss", "missing-file", "wrong-los"]),
            st.integers(-1, 9) | st.floats(),
            max_size=2,
        ),
    },
)


def toml(value: Any) -> str:
    """A value of JSON as TOML, which has no null."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, float):
        return repr(value)
    return '"none"' if value is None else json.dumps(value).replace("\\u007f", "\\x7f")


rubrics = st.one_of(
    damaged(DEFAULT.read_bytes()),
    st.binary(max_size=60),
    st.lists(task | json_values, max_size=3).map(
        lambda tasks: f"task = {toml(tasks)}\n".encode(errors="replace")
    ),
    st.dictionaries(
        st.sampled_from(["visibility", "packages", "task", "tasks"]), json_values, max_size=3
    ).map(
        lambda keys: "".join(f"{k} = {toml(v)}\n" for k, v in keys.items()).encode(errors="replace")
    ),
)


@given(content=rubrics)
@example(content=b"packages = " + b"[" * 5000)
@example(content=b"visibility = " + b"9" * 5000)
@example(content=b"[[task]]\nname = 'x'\npart = 'I'\nby_hand = true\npoints = 1" + b"0" * 400)
@example(content=b"[[task]]\nname = 'x'\npart = 'I'\nby_hand = true\npoints = 0x1" + b"0" * 9000)
@example(
    content=b"[[task]]\nname = 'x'\npart = 'I'\npoints = 1\nfindings.x" + b"y" * 9000 + b" = 1"
)
def test_rubrics(place: Path, content: bytes) -> None:
    path = place / "rubric.toml"
    path.write_bytes(content)
    with valid_or_named(path):
        rubric = read_rubric(path)
        assert isinstance(rubric, Rubric)
        assert 0 <= rubric.points < float("inf")
        for one in rubric.tasks:
            assert one.by_hand != bool(one.findings)
