"""What a person should look at: named where it is, and not where students have a use for it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from toolkit.assignment.grade.copies.similar import read_code
from toolkit.assignment.grade.unusual import unusual
from toolkit.assignment.handin.evidence import MAX_FILES
from toolkit.assignment.handin.submission import prepare

from .. import deceits
from ..judging.corpus import cases
from ..submissions import FINE, pack


def hints(tmp_path: Path, files: Mapping[str, str | bytes]) -> list[str]:
    for folder in ("theirs", "copy"):
        (tmp_path / folder).mkdir()
    for name, content in files.items():
        path = tmp_path / "theirs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
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
        ("open('/etc/shadow')\n", "'/etc/'"),
    ],
)
def test_named(program: str, named: str, tmp_path: Path) -> None:
    assert hints(tmp_path, FINE | {"lstm.py": FINE["lstm.py"] + program}) == [
        f"lstm.py uses {named}: the assignment needs nothing like that."
    ]


@pytest.mark.parametrize("program", deceits.TRICKS.values(), ids=list(deceits.TRICKS))
def test_deceits_are_named(program: str, tmp_path: Path) -> None:
    assert hints(tmp_path, FINE | {"lstm.py": FINE["lstm.py"] + program})


HIDDEN = {
    "utf-8 with a mark": b"\xef\xbb\xbfimport ctypes\n",
    "utf-7": b"# coding: utf-7\nimport +AGM-types\n",
    "escaped": b"# coding: unicode_escape\nimport \\x63types\n",
    "deep": b"import ctypes\nx = " + b"-" * 200 + b"1\n",
    "in capitals": "import \N{MATHEMATICAL BOLD SMALL C}types\n".encode(),
}


@pytest.mark.parametrize("program", HIDDEN.values(), ids=list(HIDDEN))
def test_what_python_reads_is_read(program: bytes, tmp_path: Path) -> None:
    """In whatever encoding and at whatever depth; Python runs each of them."""
    with pytest.raises(ModuleNotFoundError):
        exec(program.replace(b"types", b"typos"), {})
    (hint,) = hints(tmp_path, FINE | {"lstm.py": FINE["lstm.py"], "helper.py": program})
    assert hint == "helper.py uses ctypes: the assignment needs nothing like that."


def test_a_file_beyond_those_that_are_searched_for_the_parts(tmp_path: Path) -> None:
    many = {f"filler{k}.py": "" for k in range(MAX_FILES)}
    (hint,) = hints(tmp_path, FINE | many | {"deep/helper.py": "import ctypes\n"})
    assert hint.startswith("deep/helper.py uses ctypes")


def test_what_is_named_is_limited(tmp_path: Path) -> None:
    """It is printed, and goes into the class's table and page, for each archive of a class."""
    many = {f"helper{k:04}.py": "import ctypes\n" for k in range(100)}
    long = {"long.py": f"import ctypes.{'x' * 5000}\n"}
    sentences = hints(tmp_path, FINE | long | many)
    assert len(sentences) == 11
    assert sentences[-1] == "And 91 more files are like these."
    assert sum(map(len, sentences)) < 2000


@pytest.mark.parametrize(
    "name", ["helper.pyc", "helper.so", "helper.cpython-311-x86_64-linux-gnu.so"]
)
def test_what_nobody_can_read_is_named(name: str, tmp_path: Path) -> None:
    """By the hints and, since copies may hide in it, by the comparison."""
    files: dict[str, str | bytes] = {**FINE, name: b"\xa7\r\r\n"}
    assert hints(tmp_path, files) == [f"{name} is compiled code, which nobody can read."]
    assert read_code(pack(files)).left_out == [f"{name} is compiled code"]
    cached: dict[str, str | bytes] = {**FINE, f"__pycache__/{name}": b"\xa7\r\r\n"}
    assert read_code(pack(cached)).left_out == []


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
