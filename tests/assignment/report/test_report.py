"""The report as LaTeX and as a Word file: what is special in them, and no lost work."""

import re
import runpy
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import Result
from docx import Document

from toolkit.assignment.report.latex import escape, lacking
from toolkit.assignment.report.prompts import prompts_in
from toolkit.common.errors import ToolkitError

from .conftest import Report, both, text_of, write_training

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "assignments" / "report"
HOSTILE = r"O'Neill & <b>Søn</b> \input{x} $a_b^c~#% \"q\" {{ 7*7 }} {% if %} --"


def prompts_left(path: Path) -> list[str]:
    return prompts_in(path.name, path.read_bytes())


def fails(done: Result, code: int, message: str) -> None:
    assert done.exit_code == code, done.output
    assert message in " ".join(done.output.split())
    assert done.output.count("\n") == 1  # one line


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_again_gives_the_same_bytes(report: Report, tmp_path: Path) -> None:
    report()
    before = contents(tmp_path / "report")
    report()
    assert contents(tmp_path / "report") == before
    assert not (tmp_path / "report-2").exists()


def test_what_nobody_edited_is_brought_up_to_date(
    report: Report, mine: Path, tmp_path: Path
) -> None:
    report()
    write_training(mine / "records", "lstm", 5, 0.91919)
    report()
    for text in both(tmp_path / "report"):
        assert "91.92%" in text
        assert "99.87%" not in text
    assert not (tmp_path / "report-2").exists()


@pytest.mark.slow
def test_what_was_edited_stays(report: Report, tmp_path: Path) -> None:
    report()
    first, second, third = (tmp_path / name for name in ("report", "report-2", "report-3"))
    for directory, edited in ((first, "report.tex"), (second, "report.docx")):
        (directory / edited).write_bytes((directory / edited).read_bytes() + b" my analysis ")
        (directory / "notes.txt").write_text("mine")
        before = contents(directory)
        done = report("--name", "New")
        assert done.exit_code == 0
        assert "It stays as it is; the new one is beside it" in done.output
        assert contents(directory) == before
    assert "New" in (third / "report.tex").read_text()
    report("--name", "Newer")
    assert "Newer" in (third / "report.tex").read_text()


def test_a_report_from_elsewhere_stays(report: Report, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.docx").write_bytes(b"of a friend")
    report()
    assert contents(tmp_path / "report") == {"report.docx": b"of a friend"}
    assert (tmp_path / "report-2" / "report.docx").exists()


def test_names_are_escaped(report: Report, tmp_path: Path) -> None:
    assert report("--name", HOSTILE).exit_code == 0
    assert HOSTILE in text_of(tmp_path / "report" / "report.docx")
    latex = (tmp_path / "report" / "report.tex").read_text()
    assert (
        r"O\textquotesingle{}Neill \& \textless{}b\textgreater{}Søn"
        r"\textless{}\slash{}b\textgreater{} "
        r"\textbackslash{}input\{x\} \$a\_b\textasciicircum{}c\textasciitilde{}\#\% "
    ) in latex
    assert r"\input{x}" not in latex


def test_letters_that_latex_lacks(report: Report, tmp_path: Path) -> None:
    done = report("--name", "李\u3000明")
    assert "pdfLaTeX has no 李明" in done.output
    assert "[U+674E] [U+660E]" in (tmp_path / "report" / "report.tex").read_text()
    assert "李 明" in text_of(tmp_path / "report" / "report.docx")


def test_escape() -> None:
    assert escape("a--b---c,,d") == "a-{}-b-{}-{}-c,{},d"
    assert escape("e\u0301") == "é"  # composed, as pdfLaTeX wants it
    assert escape("\x07\n") == "[U+0007][U+000A]"
    assert lacking("Ħ Zoë – €") == "Ħ"  # noqa: RUF001


@pytest.mark.rows(3)
@pytest.mark.parametrize("name", [" ", "a\x00b", "\udc80", "x" * 201, "bell\x07"])
def test_names_that_cannot_be_printed(report: Report, tmp_path: Path, name: str) -> None:
    fails(report("--name", name), 2, "must have 1 to 200 printable characters on one line, not")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("number", ["abc", "123", "s1234567", "1_2%3", "12345678\n"])
def test_a_number_that_pack_refuses(report: Report, tmp_path: Path, number: str) -> None:
    fails(report("--student-number", number), 2, "is not a student number: give its 4 to 12 digits")
    assert not (tmp_path / "report").exists()


@pytest.mark.slow
def test_without_docxtpl(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made before stays, and does not look edited when docxtpl is there again."""
    report()
    word = (tmp_path / "report" / "report.docx").read_bytes()
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "docxtpl", None)
        done = report("--name", "Zoë")
    assert done.exit_code == 0
    assert "Left out: report.docx, because the package docxtpl is not installed." in done.output
    assert '"docxtpl<1,>=0.19"' in done.output
    assert "The report.docx in this folder is older." in done.output
    assert f"{tmp_path}/report/: report.tex. Replace" in done.output
    assert (tmp_path / "report" / "report.docx").read_bytes() == word
    assert f"{tmp_path}/report/: report.tex, report.docx. Replace" in report().output


def test_out_that_is_a_file(report: Report, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("")
    fails(report(), 1, f": {tmp_path}/report is a file.")


def test_word_template_is_what_its_script_makes() -> None:
    made = runpy.run_path(str(TEMPLATES / "make_template.py"))["build"]()
    with (
        zipfile.ZipFile(BytesIO(made)) as ours,
        zipfile.ZipFile(TEMPLATES / "report.docx") as committed,
    ):
        assert ours.namelist() == committed.namelist()
        for name in ours.namelist():
            assert ours.read(name) == committed.read(name), name


def test_both_templates_ask_the_same() -> None:
    latex, word = TEMPLATES / "report.tex", TEMPLATES / "report.docx"
    questions = [
        [prompt for prompt in prompts_left(path) if not prompt.startswith("Missing")]
        for path in (latex, word)
    ]
    assert questions[0] == questions[1]
    assert len(questions[0]) == 10
    headings = re.findall(r"\\(?:sub)?section\{(.*)\}", latex.read_text())
    assert headings == [
        paragraph.text
        for paragraph in Document(str(word)).paragraphs
        if paragraph.style is not None and str(paragraph.style.name).startswith("Heading")
    ]


def test_prompts_in_a_file_that_is_not_a_word_file(tmp_path: Path) -> None:
    (tmp_path / "report.docx").write_text("[[ hello ]]")
    with pytest.raises(ToolkitError, match="is not a Word file"):
        prompts_left(tmp_path / "report.docx")


def test_prompts_across_lines_and_runs(tmp_path: Path) -> None:
    """An editor may break a line, or a run of letters, anywhere."""
    (tmp_path / "a.tex").write_text("x [[ one\n  two ]] y [[three]] ] z")
    assert prompts_left(tmp_path / "a.tex") == ["one two", "three"]
    document = Document()
    paragraph = document.add_paragraph("[")
    for part in ("[ on", "e ]", "]"):
        paragraph.add_run(part)
    document.add_table(1, 1).cell(0, 0).text = "[[ in a table ]]"
    document.save(str(tmp_path / "a.docx"))
    assert prompts_left(tmp_path / "a.docx") == ["one", "in a table"]


@pytest.mark.slow
def test_pdf_of_hostile_names_and_missing_records(
    report: Report,
    mine: Path,
    tmp_path: Path,
    latex_to_text: Callable[[Path], str],
    word_to_text: Callable[[Path], str],
) -> None:
    """Names that mean something to LaTeX or XML come out on paper as they were given."""
    deep = (
        mine / "a folder whose name is longer than a line of the page, & <odd>_{%$#~^" / "records"
    )
    deep.mkdir(parents=True)
    (mine / "records" / "rnn-T31-rate0.002.csv").rename(deep / "rnn.csv")
    done = report("--name", HOSTILE)
    assert done.exit_code == 0, done.output
    for text in (
        latex_to_text(tmp_path / "report" / "report.tex"),
        word_to_text(tmp_path / "report" / "report.docx"),
    ):
        flat = " ".join(text.split())
        assert HOSTILE in flat
        # A long path before it breaks the line anywhere.
        assert "&<odd>_{%$#~^/records/rnn.csvhasnosettings" in flat.replace(" ", "")
        assert "python train.py --network rnn --length 31" in flat
