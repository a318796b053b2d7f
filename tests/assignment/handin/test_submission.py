"""The copy that is run, and how what is found in it is said of the student's own files."""

import ast
import io
import json
import runpy
import zipfile
from pathlib import Path

import pytest

from toolkit.assignment.findings import placing
from toolkit.assignment.findings.findings import Finding
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin import submission as module
from toolkit.assignment.handin.submission import Submission, prepare
from toolkit.assignment.handin.syntax import marked
from toolkit.assignment.judging.static import Reading
from toolkit.assignment.running.parts import FILES, PARTS, Part
from toolkit.common.errors import UsageError

from ..layouts import RNN, ROOT, notebook, placed, skeleton, write

LSTM = """
class LSTM(nn.Module):
    def forward(self, x):
        for t in range(5):
            x = torch.sigmoid(x) * torch.tanh(x)
        return x
"""


def prepared(tmp_path: Path, files: dict[str, str]) -> Submission:
    (tmp_path / "copy").mkdir(parents=True)
    return prepare(write(tmp_path / "mine", files), tmp_path / "copy")


def read(submission: Submission) -> dict[Part, list[Finding]]:
    verdicts = {part: Verdicts(part, "") for part in submission.parts}
    Reading(submission, verdicts)
    return {part: verdicts[part].findings for part in verdicts}


def snapshot(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """The content of each file, and when it was written."""
    files = {}
    for path in folder.rglob("*"):
        if path.is_file():
            files[path] = (path.read_bytes(), path.stat().st_mtime_ns)
    return files


def test_the_folder_itself_never_changes(tmp_path: Path) -> None:
    """A notebook becomes Python in the copy only, and so does a mark on what is to be written."""
    folder = write(
        tmp_path / "mine", {"all.ipynb": notebook(LSTM), "train.py": "def train(): pass"}
    )
    before = snapshot(folder)
    (tmp_path / "copy").mkdir()
    submission = prepare(folder, tmp_path / "copy")
    assert snapshot(folder) == before
    assert (submission.root / "all.py").exists()
    assert "NotImplementedError" in (submission.root / "train.py").read_text()


def test_what_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small data and empty folders are; links, tools' folders and the largest files are not."""
    monkeypatch.setattr(module, "MAX_COPIED", 1000)
    folder = write(tmp_path / "mine", {"lstm.py": LSTM, "data/a.csv": "1,2", ".git/config": "x"})
    (folder / "data" / "weights.pt").write_bytes(bytes(900))
    (folder / "images").mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "link.csv").symlink_to("/etc/passwd")
    (tmp_path / "copy").mkdir()
    submission = prepare(folder, tmp_path / "copy")
    copied = {str(p.relative_to(submission.root)) for p in submission.root.rglob("*")}
    assert copied == {"lstm.py", "data", "data/a.csv", "images"}
    assert submission.left_out == ("data/weights.pt",)


def test_a_finding_in_a_notebook(tmp_path: Path) -> None:
    """Has the notebook's name, the cell, and the line in it; others stay."""
    submission = prepared(tmp_path, {"a/LSTM.ipynb": notebook("import torch\n", "# here\n" + LSTM)})
    (located,) = submission.parts.values()
    assert submission.original(located.file) == "a/LSTM.ipynb"
    lines = (submission.root / located.file).read_text().splitlines()
    line = lines.index("        for t in range(5):") + 1
    finding = Finding(verdict="wrong", part="lstm", id="does-not-run", file=located.file, line=line,
                      message="See old_LSTM.py.")  # fmt: skip
    in_cell = placing.in_notebook(finding, submission)
    assert (in_cell.file, in_cell.cell, in_cell.line) == ("a/LSTM.ipynb", 2, 5)
    assert in_cell.message == finding.message  # which names another file
    in_helper = finding.model_copy(update={"file": "helpers.py"})
    assert placing.in_notebook(in_helper, submission) == in_helper


def test_a_notebook_beside_a_file_of_its_name(tmp_path: Path) -> None:
    files = {"lstm.py": LSTM, "lstm.ipynb": notebook("from lstm import LSTM")}
    submission = prepared(tmp_path, files)
    assert (submission.root / "lstm.py").read_text() == LSTM
    assert submission.original("lstm_notebook.py") == "lstm.ipynb"


WRITES = "%%writefile lstm.py\n" + LSTM


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"lstm.ipynb": notebook(WRITES, "y = 1")}, {"lstm.py", "lstm_notebook.py"}),
        ({"all.ipynb": notebook(WRITES), "lstm.py/data.csv": ""}, {"lstm_notebook.py", "all.py"}),
        (
            {"all.ipynb": notebook(LSTM), "all.py/1.csv": "", "all_notebook.py/1.csv": ""},
            {"all_notebook_notebook.py"},
        ),
    ],
    ids=["the file that it writes", "a folder", "two folders"],
)
def test_a_notebook_beside_something_of_its_name(
    files: dict[str, str], names: set[str], tmp_path: Path
) -> None:
    """Each piece of code has a file of its own, and nothing that was handed in is written over."""
    submission = prepared(tmp_path, files)
    assert set(submission.files) == names
    assert "lstm" in submission.parts
    for file in submission.files:
        source = submission.notebooks[file][1].source
        assert (submission.root / file).read_text() == source


def test_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"contains none of dataset\.py"):
        prepared(tmp_path, {"notes.py": "x = 1\n"})
    with pytest.raises(UsageError, match="is not a folder"):
        prepare(tmp_path / "nowhere", tmp_path)


def test_where_it_looked(tmp_path: Path) -> None:
    """It says how many files, what came close, and what the assignment calls it."""
    files = {"lstm.py": LSTM, "words.py": "class Words(Dataset):\n    def __getitem__(self, k):\n"
             "        return self.words[k]\n"}  # fmt: skip
    missing = prepared(tmp_path, files).missing
    assert set(missing) == {"dataset", "train", "gan"}
    name, values = missing["dataset"]
    assert name == "missing-file.near"
    assert (values["file"], values["looked"], values["nearest"]) == (
        "dataset.py",
        "2 files",
        "words.py",
    )


def test_two_that_could_be_it(tmp_path: Path) -> None:
    submission = prepared(tmp_path, {"a/net.py": LSTM, "b/net.py": LSTM + "\nSIZE = 3\n"})
    assert submission.parts == {}
    name, values = submission.unclear["lstm"]
    assert (name, values["which"]) == ("unclear-files", "a/net.py and b/net.py")
    assert (values["what"], values["file"]) == ("the LSTM", "lstm.py")


@pytest.mark.rows(4)
@pytest.mark.parametrize(
    ("code", "to_do"),
    [
        ("def train():\n    pass\n", ["train"]),
        ("class LSTM(nn.Module):\n    def forward(self, x):\n        ...\n", ["LSTM.forward"]),
        ("def sample(n):\n    '''Draw.'''\n", ["sample"]),
        ("def blend(a):\n    # TODO: mix them\n    pass\n", ["blend"]),
        ("def blend(a):\n    return None  # your code here\n", ["blend"]),
        ("class A(B):\n    def __init__(self):\n        super().__init__()\n"
         "        # TODO\n", ["A.__init__"]),
        ("def f():\n    raise NotImplementedError('(1)')\n", ["f"]),
        # and not:
        ("def nothing(*arguments):\n    pass\n", []),
        ("def train():\n    # TODO: more epochs\n    return run()\n", []),
        ("class A:\n    def forward(self, x):\n        raise NotImplementedError\n"
         "class B(A):\n    def forward(self, x):\n        return x\n", []),
        ("class A:\n    @abstractmethod\n    def forward(self, x):\n        pass\n", []),
    ],
)  # fmt: skip
def test_what_is_still_to_be_written(code: str, to_do: list[str], tmp_path: Path) -> None:
    """It says so itself when it is called, and no line has moved."""
    submission = prepared(tmp_path, {"train.py": code})
    (findings,) = read(submission).values()
    assert [finding.id for finding in findings] == ["not-written"] * len(to_do)
    changed = marked(code)
    assert changed.count("\n") == code.count("\n")
    assert ("NotImplementedError" in changed) == bool(to_do) or "class B" in code
    lines = []
    if to_do:
        for number, line in enumerate(changed.splitlines(), start=1):
            if "raise NotI" in line:
                lines.append(number)
    assert [finding.line for finding in findings] == lines


def test_every_piece_of_the_skeleton(tmp_path: Path) -> None:
    files, _ = placed(FILES, skeleton())
    findings = read(prepared(tmp_path, files))
    for part in PARTS:
        source = files[FILES[part]]
        nodes = ast.walk(ast.parse(source))
        lines = [node.lineno for node in nodes if isinstance(node, ast.Raise)]
        assert sorted(finding.line or 0 for finding in findings[part]) == sorted(lines)


def test_the_toolkit_in_any_file(tmp_path: Path) -> None:
    """Also in one that nothing imports; not in the notebook that it hands out, nor their own."""
    theirs = "import importlib\nload = importlib.import_module('toolkit.export').load\n"
    submission = prepared(tmp_path, {"lstm.py": LSTM, "plots.py": theirs})
    (finding,) = read(submission)["lstm"]
    assert (finding.id, finding.file, finding.line) == ("forbidden-module", "plots.py", 2)
    files = {"lstm.py": "from toolkit.plot import f\n" + LSTM, "toolkit/plot.py": "f = 1\n"}
    assert read(prepared(tmp_path / "own", files))["lstm"] == []
    results = (ROOT / "assignments" / "assignment3.ipynb").read_text()
    files = {"lstm.py": LSTM, "assignment3.ipynb": results}
    assert read(prepared(tmp_path / "results", files))["lstm"] == []


@pytest.mark.parametrize(
    ("name", "text", "place", "message"),
    [
        ("lstm.py", "x = 1\ndef f(:\n", ("lstm.py", None, 2), "Python cannot import this file"),
        ("lstm.py", "print 'x'\n", ("lstm.py", None, 1), "Missing parentheses"),
        ("lstm.ipynb", "{}", ("lstm.ipynb", None, None), "is not a notebook that can be read"),
        ("lstm.ipynb", notebook("x = 1", "y = \n"), ("lstm.ipynb", 2, 1), "cannot run cell 2"),
    ],
)
def test_what_cannot_be_read(
    name: str, text: str, place: tuple[str, int | None, int | None], message: str, tmp_path: Path
) -> None:
    submission = prepared(tmp_path, {name: text})
    findings = [placing.in_notebook(finding, submission) for finding in read(submission)["lstm"]]
    (broken,) = [finding for finding in findings if finding.id == "does-not-import"]
    assert (broken.file, broken.cell, broken.line) == place
    assert message in broken.message


def test_a_notebook_of_fifty_megabytes(tmp_path: Path) -> None:
    """Nearly all of it pictures: it is read, and not searched."""
    content = json.loads(notebook(LSTM))
    picture = {"output_type": "display_data", "data": {"image/png": "A" * 50_000_000}}
    content["cells"][1]["outputs"] = [picture]
    submission = prepared(tmp_path, {"lstm.ipynb": json.dumps(content)})
    assert submission.original(submission.parts["lstm"].file) == "lstm.ipynb"
    assert (submission.root / "lstm.py").stat().st_size < 1000


@pytest.mark.parametrize(
    ("first", "encoding"), [("# coding: gbk\n", "gbk"), ("# 回文\n", "utf-8-sig")]
)
def test_the_encoding_of_a_file_stays(first: str, encoding: str, tmp_path: Path) -> None:
    """Also where a line is added, because something in it is still to be written."""
    code = (
        f"{first}TEXT = '回文'\n\n\nclass PalindromeDataset:\n    def __getitem__(self, k):\n"
        "        pass\n"
    )
    for name in ("mine", "copy"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "dataset.py").write_bytes(code.replace("\n", "\r\n").encode(encoding))
    prepare(tmp_path / "mine", tmp_path / "copy")
    copy = runpy.run_path(str(tmp_path / "copy" / "dataset.py"))
    assert copy["TEXT"] == "回文"
    with pytest.raises(NotImplementedError):
        copy["PalindromeDataset"]()[0]


@pytest.mark.parametrize("encoding", ["rot13", "undefined", "idna", "nonsense"])
def test_an_encoding_of_no_text(encoding: str, tmp_path: Path) -> None:
    """A file that Python cannot read is a fault of that file, and the others are looked at."""
    empty = f"# coding: {encoding}\nclass PalindromeDataset:\n    def __getitem__(self, k): pass\n"
    submission = prepared(tmp_path, {"dataset.py": empty, "lstm.py": LSTM})
    assert set(submission.parts) == {"dataset", "lstm"}
    expected = "does-not-import"
    if encoding == "idna":
        expected = "not-written"
    ids = {finding.id for finding in read(submission)["dataset"]}
    assert ids == {expected}


FORGED = [
    ("../../other.zip/lstm.py", 1),
    ("/etc/passwd", 1),
    ("records/../lstm.py", 1),
    ("records", 1),  # a folder of theirs
    ("never.py", 1),
    ("lstm.py", 4503599627370496),
    ("lstm.py", 0),
    ("lstm.py", -3),
    (None, 7),
]


@pytest.mark.parametrize(("file", "line"), FORGED)
def test_a_place_that_is_not_theirs(tmp_path: Path, file: str | None, line: int) -> None:
    """A file that was not handed in becomes the file of the part; a line that is not there none."""
    submission = prepared(tmp_path, {"lstm.py": LSTM, "records/lstm.csv": "step\n1\n"})
    finding = Finding(verdict="not seen", part="lstm", file=file, line=line, message="Forged.")
    expected = "lstm.py"
    if file is None:
        expected = None
    placed_finding = placing.placed(finding, submission)
    assert (placed_finding.file, placed_finding.line) == (expected, None)


def test_a_place_of_theirs(tmp_path: Path) -> None:
    """In a file of code, in one that a notebook gave, and in a record; also in its last line."""
    files = {
        "lstm.py": LSTM.rstrip("\n"),
        "all.ipynb": notebook("x = 1"),
        "records/a.csv": "a\n1\n",
    }
    submission = prepared(tmp_path, files)
    for file in (*submission.files, "records/a.csv"):
        last = len((submission.root / file).read_text().splitlines())
        finding = Finding(verdict="not seen", part="lstm", file=file, line=last, message="Here.")
        assert placing.placed(finding, submission) == finding
        beyond = finding.model_copy(update={"line": last + 1})
        assert placing.placed(beyond, submission).line is None


RNN_AND_TRAINING = (
    RNN
    + """
import sys
sys.path.insert(0, "data.zip")
from {module} import {name}
from dataset import PalindromeDataset

model = {name}(10, 32, 10)
rnn = VanillaRNN(9, 10, 32, 10)
optimizer = torch.optim.RMSprop(model.parameters())
for x, y in PalindromeDataset(9):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
"""
)


PALINDROMES = """
class PalindromeDataset(torch.utils.data.Dataset):
    def __getitem__(self, index):
        half = torch.randint(10, (5,))
        return torch.cat([half, half.flip(0)])
"""


def zipped_code(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, LSTM)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("module", "name", "archive", "inside"),
    [
        ("lstm", "LSTM", "data.zip", "lstm.py"),
        ("model.cells", "MyLSTM", "data.zip", "model/cells.py"),
        ("lstm", "LSTM", "mnist.bin", "lstm.pyc"),
        ("lstm", "LSTMNetwork", "package.whl", "lstm.py"),
    ],
)
def test_an_lstm_in_an_archive(
    module: str, name: str, archive: str, inside: str, tmp_path: Path
) -> None:
    """Nothing else is judged in its place, and it is neither there nor missing."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / archive).write_bytes(zipped_code(inside))
    text = RNN_AND_TRAINING.format(module=module, name=name)
    submission = prepared(tmp_path, {"train.py": text, "dataset.py": PALINDROMES})
    assert "lstm" not in submission.parts
    rule, values = submission.unclear["lstm"]
    assert (rule, values["name"], values["which"]) == ("in-archive", f"{module}.{name}", archive)
    assert "lstm" not in submission.missing


def test_an_lstm_in_a_function(tmp_path: Path) -> None:
    """It is not judged, and nobody says that it is missing."""
    step = "def step(w, x, h, c):\n    return c.tanh() * (x @ w).sigmoid()\n"
    submission = prepared(tmp_path, {"train.py": step, "dataset.py": PALINDROMES})
    assert submission.unclear["lstm"][0] == "in-function"
    assert "lstm" not in submission.missing


def test_an_lstm_that_is_nowhere(tmp_path: Path) -> None:
    """It is missing, and the RNN beside it is not judged in its place."""
    text = RNN_AND_TRAINING.format(module="lstm", name="LSTM")
    submission = prepared(tmp_path, {"train.py": text, "dataset.py": PALINDROMES})
    assert {*submission.parts} == {"dataset", "train"}
    assert "lstm" in submission.missing
