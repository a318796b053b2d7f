"""Archives from strangers: what is unpacked, and what is refused in one sentence."""

import struct
import subprocess
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import pytest

from toolkit.assignment.handin import archive
from toolkit.assignment.handin.archive import BrokenArchive, student_number, unpack

from ..submissions import FINE, pack, symlink, zip_bomb


def refusal(data: bytes, directory: Path) -> str:
    with pytest.raises(BrokenArchive) as caught:
        unpack(data, directory)
    return str(caught.value)


def test_what_zip_packs_is_unpacked(tmp_path: Path) -> None:
    """Info-ZIP, and not Python, wrote it."""
    folder = tmp_path / "12345678"
    (folder / "report").mkdir(parents=True)
    for name, content in FINE.items():
        (folder / name).write_text(content)
    (folder / "report" / "bericht für alle.tex").write_text("\\section{Ergebnisse}")
    made = tmp_path / "made.zip"
    python = ["python3", "-m", "zipfile", "-c", str(made), str(folder)]
    subprocess.run(python, check=True)
    paths = unpack(made.read_bytes(), tmp_path / "out")
    assert {PurePosixPath("12345678", name) for name in FINE} < set(paths)
    for name, content in FINE.items():
        assert (tmp_path / "out" / "12345678" / name).read_text() == content
    assert (tmp_path / "out/12345678/report/bericht für alle.tex").exists()


OUTSIDE = ("../lstm.py", "a/../../lstm.py", "/tmp/lstm.py", "..\\lstm.py", "C:\\lstm.py", "C:x.py")
REFUSED = [
    *((pack({name: "x"}), "has a path that leads outside") for name in OUTSIDE),
    *((symlink(target), "is a link") for target in ("/etc/passwd", "../../secret", "train.py")),
    *((pack(FINE)[:cut], "not a zip archive") for cut in (1, 10, 100)),
    (b"", "It is empty: the file has 0 bytes."),
    (pack({f"{k}.py": "" for k in range(archive.MAX_FILES + 1)}), "2,001 files"),
    (pack({"lstm.py": "1", "LSTM.py": "2"}), "contains 'LSTM.py' twice"),
    (pack({"a": "1", "a/b": "2"}), "cannot be unpacked"),
    *((pack({name: "1"}), "impossible file name") for name in ("x" * 300, "a/" * 50 + "b", "a\nb")),
]


def test_names_that_are_two_on_every_system(tmp_path: Path) -> None:
    """An ß is no ss, of whatever case."""
    names = {"strasse.txt", "straße.txt", "maße/x.py", "MASSE/x.py"}
    paths = archive.unpack(pack(dict.fromkeys(names, "1")), tmp_path / "in")
    assert {str(path) for path in paths} == names


@pytest.mark.parametrize(("data", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_refused(data: bytes, said: str, tmp_path: Path) -> None:
    """And nothing is written outside."""
    assert said in refusal(data, tmp_path / "in")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_code_that_is_too_long_to_be_read(tmp_path: Path) -> None:
    """Every process that reads it would take hundreds of times as much memory."""
    of_fine = sum(len(text) for name, text in FINE.items() if name.endswith(".py"))
    lines = (300 * 1024 - of_fine) // 4
    long = {f"part{k}.py": b"1\n" * lines for k in range(2)}
    assert len(unpack(pack(FINE | long | {"last.csv": b"1\n"}), tmp_path / "just")) == 7
    more = FINE | long | {"venv/other.py": b"1\n" * 2**20, "last.PY": b"1\n" * 128}
    assert "Its .py files have more than 300 KiB" in refusal(pack(more), tmp_path / "more")


def test_a_bomb_stops_early(tmp_path: Path) -> None:
    data = zip_bomb()
    assert len(data) < 2**20
    assert "unpacks to more than 200 MiB" in refusal(data, tmp_path / "in")
    written = sum(path.stat().st_size for path in (tmp_path / "in").iterdir())
    assert written <= archive.MAX_UNPACKED


def says(data: bytes, size: int, crc: int) -> bytes:
    """An archive of one file whose table of contents says that it has this size and checksum."""
    changed = bytearray(data)
    at = changed.rindex(b"PK\x01\x02")
    changed[at + 16 : at + 20] = struct.pack("<I", crc)
    changed[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(changed)


def test_sizes_are_counted_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the table of contents says, with a checksum that fits."""
    content = b"x" * 1000
    data = pack({"lstm.py": content})
    large = says(data, 2**30, zlib.crc32(content))
    unpack(large, tmp_path / "1")
    assert (tmp_path / "1" / "lstm.py").read_bytes() == content
    small = says(data, 10, zlib.crc32(content[:10]))
    unpack(small, tmp_path / "2")
    assert (tmp_path / "2" / "lstm.py").stat().st_size == 10  # no more than it says
    monkeypatch.setitem(archive.MOST, "", 999)
    for k, lie in enumerate((data, large), start=3):
        assert "unpacks to more than" in refusal(lie, tmp_path / str(k))


def test_a_flipped_byte(tmp_path: Path) -> None:
    data = bytearray(pack({"lstm.py": "x" * 1000}))
    data[40] ^= 0xFF
    assert "damaged" in refusal(bytes(data), tmp_path / "in")


def test_unusual_compression(tmp_path: Path) -> None:
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("lstm.py", "x" * 1000)
    assert "use plain zip" in refusal(path.read_bytes(), tmp_path / "in")


def test_student_number() -> None:
    assert student_number("12345678_assignment3.zip") == "12345678"
    assert student_number("Some Name_99_12345678_assignment3.zip") == "12345678"
    assert student_number("assignment3.zip") == ""
