"""The report: the right numbers, none invented, and nothing lost that a student wrote."""

import json
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
from toolkit.assignment.report.sources import Sources
from toolkit.common.errors import ToolkitError
from toolkit.gan.config import Config as GanConfig
from toolkit.train.app import customise, recurrent_preset

GAN_STEPS = GanConfig().num_steps

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "assignments" / "report"
Report = Callable[..., Result]
HOSTILE = r"O'Neill & <b>Søn</b> \input{x} $a_b^c~#% \"q\" {{ 7*7 }} {% if %} --"


def text_of(path: Path) -> str:
    """The text of a Word file, tables and all, by python-docx."""
    document = Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def plain(latex: str) -> str:
    """LaTeX with its commonest escapes undone."""
    return re.sub(r"\\([%_&#$])", r"\1", latex).replace(r"\slash{}", "/").replace("{}", "")


def prompts_left(path: Path) -> list[str]:
    return prompts_in(path.name, path.read_bytes())


def both(directory: Path) -> list[str]:
    return [plain((directory / "report.tex").read_text()), text_of(directory / "report.docx")]


def fails(done: Result, code: int, message: str) -> None:
    assert done.exit_code == code, done.output
    assert message in " ".join(done.output.split())
    assert done.output.count("\n") == 1  # one line


def test_numbers(report: Report, tmp_path: Path) -> None:
    done = report("--name", "Zoë")
    assert done.exit_code == 0, done.output
    assert "Missing" not in done.output
    for text in both(tmp_path / "report"):
        for number in (
            *("12345678", "Zoë"),
            *("98.77%", "0.0432", "87.65%", "0.6543", "12.3"),  # of the last lines of the logs
            *("17.89", "2.35", "abcdef012345", "1.235", "0.988", "321"),
            *("92.00%", "91.00%", "93.00%", "99.88%", "1,000"),  # mean, worst and best seed
            "RNN, T = 7, seed 0: RuntimeError: no luck",
        ):
            assert number in text, number
        for other in ("25.00%", "1.5000", "Missing"):
            assert other not in text


def test_exports_of_the_same_config(report: Report, tmp_path: Path) -> None:
    assert report().exit_code == 0
    manifest = json.loads((ROOT / "exports" / "manifest.json").read_text())
    shares = manifest["generator.pt"]["metrics"]["class_shares"]
    for text in both(tmp_path / "report"):
        for share in (min(shares), max(shares)):
            assert f"{100 * share:.2f}%" in text
        for model in ("lstm", "rnn"):
            for share in manifest[f"{model}.pt"]["metrics"]["accuracy_by_length"].values():
                assert f"{100 * share:.2f}%" in text


def test_exports_of_another_config(report: Report, runs: Path, tmp_path: Path) -> None:
    for name in ("lstm-curriculum", "gan"):
        path = runs / "default" / name / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "seed": 7}))
    done = report()
    assert done.exit_code == 0
    assert f"generator.pt is not of {runs}/default/gan" in done.output
    assert "lstm.pt is of no run in" in done.output
    for text in both(tmp_path / "report"):
        assert "not tested" in text
        assert "rarest digit" not in text


def test_all_missing(report: Report, tmp_path: Path) -> None:
    done = report("--preset", "long")
    assert done.exit_code == 0
    for place, command in (
        ("horizon", "horizon"),
        ("lstm-curriculum", "lstm --curriculum"),
        ("rnn-curriculum", "rnn --curriculum"),
        ("gan", "gan"),
    ):
        what = f"{tmp_path}/runs/long/{place} is not there"
        how = f"python -m toolkit.train {command} --preset long --runs-dir {tmp_path}/runs"
        assert f"Missing: {what}.\n  {how}" in done.output
        for text in both(tmp_path / "report"):
            assert what in text
            assert how in text
    assert not (tmp_path / "report" / "figures" / "horizon.png").exists()
    for file in ("report.tex", "report.docx"):
        assert sum("Missing" in prompt for prompt in prompts_left(tmp_path / "report" / file)) == 4


def test_unfinished(report: Report, runs: Path, tmp_path: Path) -> None:
    """Half of a run gives no numbers; the command that goes on with it is named."""
    default = runs / "default"
    for name in ("lstm-curriculum", "gan"):
        log = default / name / "metrics.jsonl"
        log.write_text(log.read_text().splitlines()[0] + '\n{"step": 99')  # cut short by a kill
    (default / "rnn-curriculum" / "metrics.jsonl").unlink()
    (default / "horizon" / "horizon.csv").rename(default / "horizon" / "results.jsonl")
    done = report()
    assert done.exit_code == 0, done.output
    for what in (
        "lstm-curriculum is unfinished, with 50 of 400 steps in its log",
        "rnn-curriculum is unfinished, with 0 of 1,000 steps in its log",
        f"gan is unfinished, with {GAN_STEPS - 50:,} of {GAN_STEPS:,} steps in its log",
        "horizon is unfinished",
    ):
        assert what in done.output
        for text in both(tmp_path / "report"):
            assert what in text
            assert "98.77%" not in text
            assert "25.00%" not in text
            assert "92.00%" not in text


def test_finished_before_its_last_step(report: Report, runs: Path, tmp_path: Path) -> None:
    """Without a curriculum, two good validations in a row end a training."""
    one, other = (runs / "default" / name for name in ("lstm-curriculum", "lstm-length=5"))
    one.rename(other)
    config = json.loads((other / "config.json").read_text())
    config |= {"curriculum": False, "length": 5, "num_steps": 2000}
    (other / "config.json").write_text(json.dumps(config))
    line = '{"step": %d, "loss": 0.1, "accuracy": %f, "longest": 5, "seconds": 7.77}\n'
    log = other / "metrics.jsonl"
    log.write_text(line % (50, 0.9995) + line % (100, 0.9996))
    assert "unfinished" not in report().output
    assert all("99.96%" in text for text in both(tmp_path / "report"))
    log.write_text(line % (50, 0.9985) + line % (100, 0.9996))
    done = report()
    assert "lstm-length=5 is unfinished, with 100 of 2,000 steps in its log" in done.output
    assert "python -m toolkit.train lstm --length 5" in done.output


def test_runs_that_were_set_aside_are_left_out(report: Report, runs: Path, tmp_path: Path) -> None:
    (runs / "default" / "gan").rename(runs / "default" / "gan.old-1")
    assert f"Missing: {runs}/default/gan is not there" in report().output


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("gan/config.json", b'{"architecture": "conv"'),
        ("gan/config.json", b'{"architecture": "conv"}'),
        ("lstm-curriculum/config.json", b"[1, 2]"),
        ("lstm-curriculum/config.json", b"\xff\xfe"),
        ("rnn-curriculum/metrics.jsonl", b'{"step": 1000, "loss": 0.1}\n'),
        (
            "rnn-curriculum/metrics.jsonl",
            b'{"step": 1000, "loss": 0.1, "accuracy": 37, "seconds": 1}\n',
        ),
        ("rnn-curriculum/metrics.jsonl", b'{"step": 1000, "accuracy": "good"}\n'),
        ("gan/metrics.jsonl", b'{"step": %d, "loss_d": 1.0, "loss_g": 1.0}\n' % GAN_STEPS),
        ("gan/figures/samples.png", b"\x89PNG\r\n\x1a\n"),
        ("gan/figures/losses.png", b""),
        ("horizon/horizon.csv", b""),
        ("horizon/horizon.csv", b"\x00\xff,accuracy_5\n,much\n"),
        ("horizon/horizon.csv", b"family,accuracy_5\nRNN,2.5\n"),
        ("horizon/horizon.png", b"GIF89a"),
    ],
)
def test_damaged(report: Report, runs: Path, tmp_path: Path, file: str, content: bytes) -> None:
    (runs / "default" / file).write_bytes(content)
    done = report()
    run = file.split("/")[0]
    fails(done, 1, f"Error: {runs}/default/{run} is damaged")
    assert "--restart`" in done.output
    assert not (tmp_path / "report").exists()


def test_truncated_picture(report: Report, runs: Path) -> None:
    path = runs / "default" / "gan" / "figures" / "interpolation.png"
    path.write_bytes(path.read_bytes()[:-20])
    fails(report(), 1, "interpolation.png is no whole picture")


@pytest.mark.parametrize("name", ["gan/figures/losses.png", "horizon/gradients.png"])
def test_killed_before_the_last_picture(report: Report, runs: Path, name: str) -> None:
    (runs / "default" / name).unlink()
    (runs / "default" / "horizon" / "results.jsonl").touch()
    assert f"Missing: {runs}/default/{name.split('/')[0]} is unfinished" in report().output


def test_missing_picture_of_an_interpolation(report: Report, runs: Path, tmp_path: Path) -> None:
    (runs / "default" / "gan" / "figures" / "interpolation.png").unlink()
    assert "interpolation.png is not there" in report().output
    for text in both(tmp_path / "report"):
        assert "(were no two samples surely of different classes?)" in text
        assert "9 images" not in text


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_again_gives_the_same_bytes(report: Report, tmp_path: Path) -> None:
    report()
    before = contents(tmp_path / "report")
    report()
    assert contents(tmp_path / "report") == before
    assert not (tmp_path / "report-2").exists()


def test_what_nobody_edited_is_brought_up_to_date(
    report: Report, runs: Path, tmp_path: Path
) -> None:
    report()
    log = runs / "default" / "lstm-curriculum" / "metrics.jsonl"
    log.write_text(log.read_text().replace("0.98765", "0.91919"))
    report()
    for text in both(tmp_path / "report"):
        assert "91.92%" in text
        assert "98.77%" not in text
    assert not (tmp_path / "report-2").exists()


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


@pytest.mark.parametrize("name", [" ", "a\x00b", "\udc80", "x" * 201, "bell\x07"])
@pytest.mark.parametrize("option", ["--name", "--student-number"])
def test_names_that_cannot_be_printed(
    report: Report, tmp_path: Path, name: str, option: str
) -> None:
    fails(report(option, name), 2, "must be from 1 to 200 letters, digits and signs, not")
    assert not (tmp_path / "report").exists()


def test_without_docxtpl(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docxtpl", None)
    fails(report(), 1, "The Word report needs docxtpl: python -m pip install -e '.[report]'")
    assert not (tmp_path / "report").exists()


def test_out_that_is_a_file(report: Report, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("")
    fails(report(), 1, "Cannot make the directory")


def test_commands_name_the_runs_that_the_command_line_makes() -> None:
    sources = Sources(Path("my runs"), "smoke", Path("elsewhere"))
    _, name = customise(
        *recurrent_preset("lstm", "smoke", True), encoding="digit", learning_rate=1e-5
    )
    assert sources.command_of(name) == (
        "python -m toolkit.train lstm --curriculum --encoding digit --learning-rate 1e-05 "
        "--preset smoke --runs-dir 'my runs' --exports-dir elsewhere"
    )
    plain_sources = Sources(Path("runs"), "default", Path("exports"))
    assert plain_sources.command_of("gan-mlp-loss=minimax") == (
        "python -m toolkit.train gan --architecture mlp --loss minimax"
    )


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


def test_prompts_in_a_file_that_is_no_word_file(tmp_path: Path) -> None:
    (tmp_path / "report.docx").write_text("[[ hello ]]")
    with pytest.raises(ToolkitError, match="is no Word file"):
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


def test_pdf_of_hostile_names_and_missing_runs(
    report: Report,
    runs: Path,
    tmp_path: Path,
    latex_to_text: Callable[[Path], str],
    word_to_text: Callable[[Path], str],
) -> None:
    """Names that mean something to LaTeX or XML come out on paper as they were given."""
    (runs / "default" / "gan").rename(runs / "default" / "gan-seed=<&%$#{_}~^")
    (runs / "default" / "rnn-curriculum" / "metrics.jsonl").unlink()
    done = report("--name", HOSTILE, "--student-number", "1_2%3")
    assert done.exit_code == 0, done.output
    for text in (
        latex_to_text(tmp_path / "report" / "report.tex"),
        word_to_text(tmp_path / "report" / "report.docx"),
    ):
        flat = " ".join(text.split())
        assert HOSTILE in flat
        assert "1_2%3" in flat
        assert "run gan-seed=<&%$#{_}~^" in flat
        # A long path before it breaks the line anywhere.
        assert "rnn-curriculumisunfinished" in flat.replace(" ", "")
        assert "python -m toolkit.train rnn --curriculum" in flat
