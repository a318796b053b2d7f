"""Check, pack, grade and the search for copies follow the one rule where the files are."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from toolkit.assignment.grade.copies.similar import read_code as read_archive
from toolkit.assignment.handin.archive import zipped
from toolkit.assignment.handin.locate import find_parts
from toolkit.assignment.handin.submission import prepare
from toolkit.assignment.pack import collect, find_problems
from toolkit.assignment.running.parts import FILES, MAX_DEPTH, list_files, list_folders

from .. import submissions
from ..judging.corpus import cases
from ..layouts import LAYOUTS, Layout, Texts, in_folder, placed, write


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    cases.write_right("separate gates", tmp_path)
    texts: Texts = {}
    for part, name in FILES.items():
        texts[part] = (tmp_path / name).read_text()
        (tmp_path / name).unlink()
    return texts


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_all_agree(layout: Callable[[Texts], Layout], texts: Texts, tmp_path: Path) -> None:
    files, places = layout(texts)
    folder = write(tmp_path / "mine", files)

    # check, on a copy
    (tmp_path / "copy").mkdir()
    submission = prepare(folder, tmp_path / "copy")
    originals = {}
    for part, located in submission.parts.items():
        originals[part] = submission.original(located.file)
    assert originals == places

    # pack takes these files along, and misses none
    packed = collect(folder)
    assert set(map(str, packed)) >= set(places.values())
    for problem in find_problems(packed):
        if "is missing" in problem:
            assert problem.startswith(("The notebook ", "The report "))

    # grade compares these, in what pack makes and in all that lies in the folder
    archive = zipped({str(path): content for path, content in packed.items()})
    for data in (archive, submissions.pack(dict(files))):
        code = read_archive(data).files
        for place in set(places.values()) & set(files):
            if place.endswith(".py"):
                assert code[place] == files[place]
            else:  # of a notebook its cells, and the files that they write
                assert "import torch" in code[place]


def test_least_deep_of_the_same(texts: Texts) -> None:
    files, places = placed(FILES, texts)
    deeper, _ = placed(in_folder("z/z"), texts)
    content = {PurePosixPath(name): text.encode() for name, text in (files | deeper).items()}
    parts = find_parts(content)
    assert {part: str(path) for part, path in parts.items()} == places


def test_no_links_and_nothing_hidden(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("secret = 1\n")
    mine = tmp_path / "mine"
    for name in ("a/lstm.py", ".git/lstm.py", "env/pyvenv.cfg", "env/lstm.py", "a/__MACOSX/x.py"):
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text("x = 1\n")
    (mine / "link.py").symlink_to(tmp_path / "outside.py")
    (mine / "folder").symlink_to(tmp_path)
    assert list_files(mine) == [PurePosixPath("a/lstm.py")]


def test_folders_in_folders_without_an_end(tmp_path: Path) -> None:
    """Python's own functions stop at a thousand; the file at the top is found."""
    (tmp_path / "lstm.py").write_text("")
    folder = tmp_path
    for _ in range(MAX_DEPTH + 10):
        folder = folder / "d"
        folder.mkdir()
    (folder / "train.py").write_text("")
    assert list_files(tmp_path) == [PurePosixPath("lstm.py")]
    assert len(list_folders(tmp_path)) == MAX_DEPTH
