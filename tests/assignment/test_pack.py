"""From a student's folder to the archive: what goes in, and what is refused."""

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from unittest.mock import Mock

import pytest

from toolkit.assignment.findings.findings import Finding, Report
from toolkit.assignment.grade.verdict import Check
from toolkit.assignment.pack import _code_problems, collect, find_leftovers, find_problems, pack
from toolkit.assignment.report.prompts import REMARK, one_report
from toolkit.assignment.running.parts import FILES
from toolkit.assignment.sandbox.isolation import Limits
from toolkit.assignment.skeleton import write_skeleton
from toolkit.common.errors import ToolkitError, UsageError

from ..conftest import HANGS
from .submissions import CHECK, FINE

ROOT = Path(__file__).parents[2]
LIMITS = Limits(seconds=60)
CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1, "source": ["1"]}
ERROR = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
WRONG = Finding(verdict="wrong", id="wrong-loss", part="train", file="train.py", line=3,
                message="A loss.")  # fmt: skip
FREE = Finding(verdict="wrong", id="missing-folder", part="gan", message="A folder.")
UNSEEN = Finding(verdict="not seen", part="gan", message="No samples.")
TEX = r"\documentclass{article}\begin{document}An analysis.\end{document}"


def notebook(*cells: dict[str, object]) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def docx(text: str) -> bytes:
    buffer = io.BytesIO()
    runs = f"<w:t>{text[:5]}</w:t><w:t>{text[5:]}</w:t>"
    xml = f'<w:document xmlns:w="{WORD}"><w:p>{runs}</w:p></w:document>'
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("word/document.xml", xml)
    return buffer.getvalue()


CURVE = b"\x89PNG Software assignment3-toolkit"


def leftovers(folder: Path) -> list[str]:
    """Apart from records, which these folders do not have."""
    hints = find_leftovers(collect(folder))
    return [hint for hint in hints if "There is no folder records/" not in hint]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Everything that the assignment asks for, and much that does not belong in an archive."""
    path = tmp_path / "mine"
    content: dict[str, str | bytes] = {
        **FINE,
        "assignment3.ipynb": notebook(CELL),
        "report/report.tex": TEX,
        "report/report.pdf": b"%PDF-1.7 a page",
        "report/samples.png": b"picture",
        "data/fetch.py": "# downloads MNIST\n",
        # and not:
        "data/train-images-idx3-ubyte.gz": b"x" * 100,
        "data/labels.csv": "1,2",
        "data/MNIST/raw/README": "MNIST, the complete set",
        "model.pt": b"weights",
        "report/report.aux": "x",
        "__pycache__/lstm.cpython-311.pyc": b"x",
        ".git/config": "x",
        ".venv/lib/a.py": "x",
        "myenv/pyvenv.cfg": "x",
        "myenv/lib/b.py": "x",
        ".ipynb_checkpoints/assignment3-checkpoint.ipynb": "x",
        "old/87654321_assignment3.zip": b"x",
        "__MACOSX/._lstm.py": "x",
        "report/~$report.docx": b"x",
        "build/lib/helper.py": "x",
        "exported/manifest.json": '{"lstm.pt": {"whose": "mine"}}',
        "exported/film.png": b"x",
        "gan-curve.png": CURVE,
        "huge.csv": b"0" * (20 * 2**20 + 1),
    }
    for name, data in content.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, str):
            data = data.encode()
        (path / name).write_bytes(data)
    (path / "link.py").symlink_to("/etc/passwd")
    return path


def test_what_goes_in(folder: Path, tmp_path: Path) -> None:
    (folder / "report" / "report.docx").write_bytes(docx("[[ One ]]"))
    packed = pack(folder, "12345678", tmp_path, LIMITS, CHECK, "latex")
    path, files, costs, unseen, hints, left_out = packed
    assert path == tmp_path / "12345678_assignment3.zip"
    listed = subprocess.run(
        ["python3", "-m", "zipfile", "-l", str(path)], capture_output=True, text=True, check=True
    )
    names = {line.split()[0] for line in listed.stdout.splitlines()[1:]}
    assert names == {
        *FINE,
        "assignment3.ipynb",
        "report/report.tex",
        "report/report.pdf",
        "report/samples.png",
        "data/fetch.py",
    }
    assert {str(name) for name in files} == names
    (hint,) = hints
    assert "There is no folder records/" in hint
    assert (costs, unseen, left_out) == ([], [], ["report/report.docx"])
    assert "Left out, with the other report: report/report.docx\n" in packed.as_text()
    assert packed.as_text().startswith(
        "12345678_assignment3.zip unpacks and runs, and nothing that costs points was found in it."
    )


def test_a_curve_that_the_report_shows_goes_in(folder: Path) -> None:
    """So does a picture of one's own, whatever its name is."""
    (folder / "report" / "own-curve.png").write_bytes(b"picture")
    (folder / "report" / "report.tex").write_text(TEX + "\n% \\includegraphics{../gan-curve}")
    files = {str(path) for path in collect(folder)}
    assert {"gan-curve.png", "report/own-curve.png"} <= files


@pytest.mark.slow
def test_an_older_archive_is_kept_aside(folder: Path, tmp_path: Path) -> None:
    path = pack(folder, "12345678", tmp_path, LIMITS, CHECK).path
    first = path.read_bytes()
    pack(folder, "12345678", tmp_path, LIMITS, CHECK)
    assert len(list(tmp_path.glob("*.zip*"))) == 1  # the same bytes
    (folder / "lstm.py").write_text("class LSTM:\n    hidden_size = 128\n")
    pack(folder, "12345678", tmp_path, LIMITS, CHECK)
    assert path.read_bytes() != first
    assert (tmp_path / "12345678_assignment3.zip.old-1").read_bytes() == first


def test_everything_missing_is_listed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ToolkitError) as caught:
        pack(tmp_path / "mine", "12345678", tmp_path, LIMITS, CHECK)
    for word in (*FINE, "notebook", "report"):
        assert word in str(caught.value)
    assert not list(tmp_path.glob("*.zip"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lstm.py", " \n", "lstm.py is empty"),
        ("lstm.py", "def forward(:", "lstm.py is not valid Python"),
        (
            "lstm.py",
            "def f():\n    raise NotImplementedError('(1)')",
            "lstm.py is not finished: see line 2",
        ),
        ("assignment3.ipynb", "", "assignment3.ipynb is empty"),
        ("assignment3.ipynb", "{}", "is not a notebook that can be read"),
        ("assignment3.ipynb", notebook(), "has no code"),
        ("assignment3.ipynb", notebook(CELL | {"execution_count": None}), "was never run"),
        (
            "assignment3.ipynb",
            notebook(CELL, CELL | {"execution_count": None}),
            "these code cells were not run: 2",
        ),
        ("assignment3.ipynb", notebook(CELL | {"outputs": [ERROR]}), "end in an error: 1"),
        ("report/report.pdf", "", "report.pdf is empty"),
    ],
)
def test_not_ready(name: str, content: str, message: str, folder: Path) -> None:
    assert find_problems(collect(folder)) == []
    (folder / name).write_text(content)
    (problem,) = find_problems(collect(folder))
    assert message in problem


def test_the_blank_skeleton_is_not_ready(tmp_path: Path) -> None:
    """Each file that is to be filled in is named, and so are the notebook and the report."""
    write_skeleton(tmp_path)
    *parts, notebook, report = find_problems(collect(tmp_path))
    files = [line.partition(" is not finished: see line ")[0] for line in parts]
    assert files == ["dataset.py", "lstm.py", "train.py", "my_gan.py"]
    assert "assignment3.ipynb was never run" in notebook
    assert "The report (.tex with its .pdf, or .docx) is missing" in report


def test_cells_are_counted_as_in_the_check(folder: Path) -> None:
    """Among the code cells that are not empty."""
    heading = {"cell_type": "markdown", "metadata": {}, "source": ["# Part I"]}
    empty = CELL | {"source": [], "execution_count": None}
    cells = notebook(heading, CELL, heading, empty, CELL | {"outputs": [ERROR]})
    (folder / "assignment3.ipynb").write_text(cells)
    (problem,) = find_problems(collect(folder))
    assert "end in an error: 2." in problem


def test_parts_with_other_names(folder: Path) -> None:
    """By what is in them; two that could be one part are a hint, not a refusal."""
    network = "from torch import nn\nclass LSTM(nn.Module):\n    def forward(self, x):\n"
    (folder / "lstm.py").unlink()
    (folder / "src").mkdir()
    (folder / "src" / "network.py").write_text(network + "        return x\n")
    assert find_problems(collect(folder)) == []
    assert leftovers(folder) == []
    (folder / "network.py").write_text(network + "        return x + 0\n")
    assert find_problems(collect(folder)) == []
    (hint,) = leftovers(folder)
    assert "network.py and src/network.py could each be the LSTM" in hint


def test_what_would_cost_points(folder: Path, tmp_path: Path) -> None:
    """The first line says it: of the code, and of a report that is not the student's own yet."""
    assert leftovers(folder) == []
    unfinished = "Text. [[ Describe your LSTM: which line? ]] More. [[ Compare them. ]]" + REMARK
    (folder / "report" / "report.tex").write_text(unfinished)
    (folder / "report" / "report.pdf").unlink()
    (hint,) = leftovers(folder)
    assert "was not compiled" in hint

    def judge(*_: object, **__: object) -> Report:
        return Report.of([WRONG, FREE, UNSEEN])

    packed = pack(folder, "12345678", tmp_path, LIMITS, Check(judge, CHECK.child))
    first, *lines = packed.as_text().splitlines()
    assert first == (
        "12345678_assignment3.zip is packed, but this would cost points: wrong-loss, 2 prompts in "
        "report/report.tex, the toolkit's runs in report/report.tex; what the check could not see: "
        "1."
    )
    costs = [line for line in lines if line.startswith("Costs points: ")]
    assert costs[0] == "Costs points: train.py:3: A loss. [wrong-loss]"
    assert "2 prompts; the first is [[ Describe your LSTM" in costs[1]
    assert costs[2].endswith("shows results of the toolkit: fill it without --reference.")
    looks = " ".join(line for line in lines if line.startswith("Have another look: "))
    assert "A folder. [missing-folder]" in looks
    assert "No samples." in looks


@pytest.mark.slow
def test_two_reports(folder: Path) -> None:
    """`toolkit report` makes both; who hands in one leaves the other out, with its PDF."""
    (folder / "report" / "report.docx").write_bytes(docx("[[ One ]] and [[ two ]]"))
    files = collect(folder)
    word = one_report(files, "word", None)
    latex = one_report(files, "latex", None)
    assert set(map(str, files.keys() - word)) == {"report/report.tex", "report/report.pdf"}
    assert set(map(str, files.keys() - latex)) == {"report/report.docx"}
    confirm = Mock(return_value=True)
    assert one_report(files, None, confirm) == latex  # the likely one: it has no prompts left
    assert one_report(files, None, Mock(return_value=False)) == word
    confirm.assert_called_once_with(
        "There are two reports, report/report.docx (prompts left in it: 2) and report/report.tex "
        "(prompts left in it: 0). Hand in report/report.tex, and not the other?"
    )
    done = command_line("pack", folder, "--student-number", "12345678", "--out", folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--report word or --report latex" in done.stderr
    del files[PurePosixPath("report/report.tex")]  # a document and the PDF that Word made of it
    assert one_report(files, None, None) == files


def test_two_reports_do_not_hide_other_problems(folder: Path, tmp_path: Path) -> None:
    (folder / "lstm.py").unlink()
    (folder / "report" / "report.docx").write_bytes(docx("[[ One ]]"))
    with pytest.raises(ToolkitError) as refused:
        pack(folder, "12345678", tmp_path, LIMITS, CHECK)
    assert "lstm.py is missing." in str(refused.value)
    assert "There are two reports" in str(refused.value)


def test_unfinished_lines_are_in_order(folder: Path) -> None:
    write_skeleton(folder.parent / "blank")
    for file in FILES.values():
        content = (folder.parent / "blank" / file).read_bytes()
        (problem,) = _code_problems(PurePosixPath(file), content)
        lines = [int(line) for line in re.findall(r"[0-9]+", problem.partition("see line")[2])]
        assert lines == sorted(lines)


def test_records(folder: Path) -> None:
    """They go in. What is missing is a hint, and what the toolkit made is refused."""
    (folder / "records").mkdir()
    (folder / "records" / "lstm-T5-rate0.001.csv").write_text("step,loss,accuracy\n9,0.1,1\n")
    (folder / "records" / "lstm-T5-rate0.001.json").write_text('{"length": 5}')
    files = collect(folder)
    assert PurePosixPath("records/lstm-T5-rate0.001.csv") in files
    hints = find_leftovers(files)
    assert len(hints) == 7
    assert "the LSTM at a longer T; train.py keeps no records yet" in hints[0]
    assert hints[0].endswith("This makes it: python train.py --length 20")
    assert find_problems(files) == []
    (folder / "records" / "run.json").write_text("{}")
    (problem,) = find_problems(collect(folder))
    assert problem == "records/run.json was made by the toolkit, not by you: take it out."


def test_what_does_not_import_is_not_packed(folder: Path, tmp_path: Path) -> None:
    """It works here, because the folder has what the archive leaves out."""
    (folder / "train.py").write_text("open('data/labels.csv')\n")
    assert subprocess.run([sys.executable, "train.py"], cwd=folder).returncode == 0
    with pytest.raises(
        ToolkitError, match=r"does not run.\n- train.py: Python cannot .*: it ends with exit code 1"
    ):
        pack(folder, "12345678", tmp_path, LIMITS, CHECK)
    assert not list(tmp_path.glob("*.zip"))


def test_student_numbers(folder: Path, tmp_path: Path) -> None:
    for number in ("", "12", "s1234567", "../12345678"):
        with pytest.raises(UsageError, match="give its 4 to 12 digits"):
            pack(folder, number, tmp_path, LIMITS, CHECK)


def command_line(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "toolkit.assignment", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANGS,
    )


def test_command_lines(folder: Path, tmp_path: Path) -> None:
    (folder / "lstm.py").unlink()
    packed = command_line("pack", folder, "--student-number", "12345678", "--out", tmp_path)
    assert (packed.returncode, packed.stdout) == (1, "")
    assert packed.stderr == "Error: Nothing was packed.\n- lstm.py is missing.\n"
    asked_wrongly = command_line("grade", tmp_path / "none")
    assert asked_wrongly.returncode == 2
    assert asked_wrongly.stderr.count("\n") == 1
    rubric = tmp_path / "rubric.toml"
    rubric.write_text("[[task]]\n")
    asked_wrongly = command_line("grade", tmp_path, "--rubric", rubric)
    assert asked_wrongly.returncode == 2
    message = f"Error: {rubric}, 'task', number 1, 'name': this must be there.\n"
    assert asked_wrongly.stderr == message
