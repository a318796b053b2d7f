"""What a person should look at: named where it is, and not where students have a use for it."""

from pathlib import Path

import pytest

from toolkit.assignment.check.submission import prepare
from toolkit.assignment.grade.unusual import unusual

from .. import deceits
from ..check.corpus import cases
from ..submissions import FINE


def hints(tmp_path: Path, files: dict[str, str]) -> list[str]:
    for folder in ("theirs", "copy"):
        (tmp_path / folder).mkdir()
    for name, text in files.items():
        (tmp_path / "theirs" / name).write_text(text)
    return unusual(prepare(tmp_path / "theirs", tmp_path / "copy"))


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ("import ctypes\n", "ctypes"),
        ("from inspect import getsource\n", "inspect"),
        ("import sys\nsys.modules['x'] = 1\n", "sys.modules"),
        ("from os import _exit\n_exit(0)\n", "os._exit"),
        ("import gc\ngc.get_objects()\n", "gc.get_objects"),
        ("exec(open('x').read())\n", "exec"),
        ("open('toolkit/lstm/model.py')\n", "'toolkit/'"),
        ("open(f'/proc/{1}/environ')\n", "'/proc/'"),
    ],
)
def test_named(program: str, named: str, tmp_path: Path) -> None:
    assert hints(tmp_path, FINE | {"lstm.py": FINE["lstm.py"] + program}) == [
        f"lstm.py uses {named}: the assignment needs nothing like that."
    ]


@pytest.mark.parametrize("program", deceits.TRICKS.values(), ids=list(deceits.TRICKS))
def test_deceits_are_named(program: str, tmp_path: Path) -> None:
    assert hints(tmp_path, FINE | {"lstm.py": FINE["lstm.py"] + program})


def test_what_students_have_a_use_for(tmp_path: Path) -> None:
    """Memory that is given back, a model that is put into eval mode, a command line."""
    program = "import gc, os, sys\ngc.collect()\nmodel.eval()\nos.makedirs('x')\nsys.exit(0)\n"
    assert hints(tmp_path, FINE | {"train.py": program}) == []


@pytest.mark.rows(6)
@pytest.mark.parametrize("name", list(cases.RIGHT))
def test_nothing_in_the_corpus(name: str, tmp_path: Path) -> None:
    for folder in ("theirs", "copy"):
        (tmp_path / folder).mkdir()
    cases.write_right(name, tmp_path / "theirs")
    assert unusual(prepare(tmp_path / "theirs", tmp_path / "copy")) == []
