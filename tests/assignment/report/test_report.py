"""The report of the toolkit's own runs: its numbers, whose they are, and no lost work."""

import json
import re
import runpy
import shutil
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from docx import Document

from toolkit.assignment.report import trainings
from toolkit.assignment.report.latex import escape, lacking
from toolkit.assignment.report.prompts import prompts_in
from toolkit.assignment.report.reference import read_reference
from toolkit.common.errors import ToolkitError

from .conftest import Report, both, text_of, write_facts, write_log

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "assignments" / "report"
NUM_CAPTIONS = 9
HOSTILE = r"O'Neill & <b>Søn</b> \input{x} $a_b^c~#% \"q\" {{ 7*7 }} {% if %} --"


def prompts_left(path: Path) -> list[str]:
    return prompts_in(path.name, path.read_bytes())


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
            *("98.77%", "0.0432", "87.65%", "0.6543"),
            *("17.9 ± 0.7", "2.3 ± 0.2", "10,000", "0.065 ± 0.001", "0.143 ± 0.001"),
            *("0.057 ± 0.001", "0.012 ± 0.001", "abcdef012345"),
            *("one-hot", "400", "9 images from a 7 to an 8"),
            "python -m toolkit.train rnn --curriculum",
        ):
            assert number in text, number
        assert "Missing" not in text
        assert "come from runs of the toolkit (preset default), not of this student" in text


def test_every_caption_says_whose_it_is(report: Report, tmp_path: Path) -> None:
    report()
    remark = "Made by the toolkit, not by this student."
    latex = (tmp_path / "report" / "report.tex").read_text()
    assert latex.count(r"\caption{") == latex.count(remark) == NUM_CAPTIONS
    captions = [
        paragraph.text
        for paragraph in Document(str(tmp_path / "report" / "report.docx")).paragraphs
        if paragraph.style is not None and paragraph.style.name == "Caption"
    ]
    assert len(captions) == NUM_CAPTIONS
    assert all(caption.endswith(remark) for caption in captions)


def test_a_record_of_before_there_were_draws(report: Report, runs: Path, tmp_path: Path) -> None:
    """Its numbers have no standard deviation, which the report says, and not all are there."""
    run = runs / "default" / "gan"
    metrics = json.loads((run / "run.json").read_text())["metrics"]
    for name, value in list(metrics.items()):
        if name.endswith("_real") or name == "share_unsure":
            del metrics[name]
        elif name.startswith("frechet"):
            value["value"] = value["value"]["mean"]
        elif name == "class_shares":
            value["value"] = [share["mean"] for share in value["value"]]
    write_facts(run, metrics=metrics)
    assert report().exit_code == 0
    for text in both(tmp_path / "report"):
        for number in ("17.9 (one draw)", "2.3 (one draw)", "0.143 (one draw)"):
            assert number in text
        assert "not clearly one digit" not in text


def test_accuracy_at_each_length(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also far beyond the T of training, as it was measured; a second GAN has its own pictures."""
    shown: dict[str, Any] = {}

    def save(path: Path, curves: object, *, title: str, **_: object) -> None:
        shown[title] = curves
        path.write_bytes(b"")

    shutil.copytree(runs / "default" / "gan", runs / "default" / "gan-loss=hinge")
    monkeypatch.setattr(trainings, "save_curves", save)
    results = read_reference(runs, "default")
    assert shown["Accuracy at the end of training"] == {
        "LSTM": ([5, 100, 9000], [1.0, 0.98765, 0.97531]),
        "RNN": ([5, 100, 9000], [1.0, 0.87654, 0.31313]),
    }
    first, second = ({*gan.samples, gan.losses, gan.interpolation} for gan in results.gans)
    assert len(first | second) == 10
    assert first | second < results.figures.keys()


def test_all_missing(report: Report, tmp_path: Path) -> None:
    done = report("--preset", "long")
    assert done.exit_code == 0
    for place, command in (
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
    for file in ("report.tex", "report.docx"):
        assert sum("Missing" in prompt for prompt in prompts_left(tmp_path / "report" / file)) == 3


def test_unfinished(report: Report, runs: Path, tmp_path: Path) -> None:
    """A run that was killed gives no numbers; the command that continues it is named."""
    default = runs / "default"
    half = {"status": "running", "stopped": None, "metrics": None, "interpolation": None}
    write_facts(default / "lstm-curriculum", **half, steps=50, command="continue the LSTM")
    write_facts(default / "rnn-curriculum", **half, steps=0, command="continue the RNN")
    write_facts(default / "gan", **half, steps=500, command="continue the GAN")
    done = report()
    assert done.exit_code == 0, done.output
    for what, command in (
        ("lstm-curriculum is unfinished, after 50 of 400 steps", "continue the LSTM"),
        ("rnn-curriculum is unfinished, after 0 of 1,000 steps", "continue the RNN"),
        ("gan is unfinished, after 500 of 10,000 steps", "continue the GAN"),
    ):
        assert f"{what}.\n  {command}" in done.output
        for text in both(tmp_path / "report"):
            assert what in text
            assert command in text
            assert "98.77%" not in text
            assert "17.9" not in text


def test_finished_before_its_last_step(report: Report, runs: Path, tmp_path: Path) -> None:
    """Two good validations in a row end a training without a curriculum: run.json says so."""
    run = runs / "default" / "lstm-curriculum"
    write_facts(run, stopped="target accuracy reached", steps=77)
    write_log(run, [{"step": 77, "loss": 0.1, "accuracy": 1.0}])
    assert "Missing" not in report().output
    assert all("77" in text for text in both(tmp_path / "report"))


def test_the_classifier_is_left_out(report: Report, runs: Path) -> None:
    known = {"model": "classifier", "command": "x", "settings": {}, "steps": 0, "seconds": 0}
    write_facts(runs / "default" / "classifier", **known, status="running")
    done = report()
    assert done.exit_code == 0
    assert "Missing" not in done.output


def test_runs_of_an_earlier_version(report: Report, runs: Path) -> None:
    """They have config.json; one sentence says how to go on."""
    old = runs / "default" / "lstm-length=7"
    old.mkdir()
    (old / "config.json").write_text("{}")
    fails(report(), 2, f"Error: {old} has no run.json, so an earlier version of the toolkit made")
    assert "with --restart, which keeps the old directory under another name" in report().output


def test_runs_that_were_set_aside_are_left_out(report: Report, runs: Path, tmp_path: Path) -> None:
    (runs / "default" / "gan").rename(runs / "default" / "gan.old-1")
    assert f"Missing: {runs}/default/gan is not there" in report().output


GAN = "gan/run.json"
LSTM = "lstm-curriculum/run.json"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (GAN, None, b'{"model": "gan"'),
        (GAN, None, b'{"model": "gan"}'),
        (GAN, None, b"[1, 2]"),
        (GAN, None, b"\xff\xfe"),
        (GAN, b"17.891", b"NaN"),
        (GAN, b'"digit_to": 8', b'"digit_to": 10'),
        (LSTM, b"0.98765", b"37"),  # as a share
        (LSTM, b"0.04321", b'"good"'),
        (LSTM, b'"num_examples": 987', b'"num_examples": -1'),
        (LSTM, b'"stopped": "all steps done"', b'"stopped": "bored"'),
        (LSTM, b'"stopped": "all steps done"', b'"stopped": null'),  # and yet finished
        ("gan/metrics.jsonl", None, b""),
        ("gan/metrics.jsonl", None, b'{"step": 1, "loss_d": "low", "loss_g": 1}\n'),
        ("gan/metrics.jsonl", b'"step": 200', b'"step": 200,,'),
    ],
)
def test_damaged(
    report: Report, runs: Path, tmp_path: Path, file: str, old: bytes | None, new: bytes
) -> None:
    path = runs / "default" / file
    if old is not None:
        assert old in path.read_bytes()
        new = path.read_bytes().replace(old, new)
    path.write_bytes(new)
    done = report()
    fails(done, 1, f"Error: {path.parent if path.parent.name != 'figures' else path.parents[1]}")
    assert "is damaged" in done.output
    assert "--restart`" in done.output
    assert not (tmp_path / "report").exists()


def test_metrics_of_another_model(report: Report, runs: Path) -> None:
    """A record that is whole and yet not of what it names."""
    metrics = json.loads((runs / "default" / LSTM).read_text())["metrics"]
    write_facts(runs / "default" / "gan", metrics=metrics)
    fails(report(), 1, f"Error: {runs}/default/gan is damaged")


def test_truncated_picture(report: Report, runs: Path) -> None:
    path = runs / "default" / "gan" / "figures" / "interpolation.png"
    path.write_bytes(path.read_bytes()[:-20])
    said = "Missing: interpolation.png is not a complete picture.\n  python -m toolkit.train gan"
    assert said in report().output


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("gan/figures/samples_half.png", "gan/figures/samples_half.png is not there"),
        ("gan/figures/interpolation.png", "gan/figures/interpolation.png is not there"),
    ],
)
def test_a_picture_that_is_missing(report: Report, runs: Path, name: str, what: str) -> None:
    (runs / "default" / name).unlink()
    assert f"Missing: {runs}/default/{what}.\n  python -m toolkit.train gan" in report().output


def test_samples_without_two_clear_digits(report: Report, runs: Path, tmp_path: Path) -> None:
    gan = runs / "default" / "gan"
    write_facts(gan, interpolation=None)
    (gan / "figures" / "interpolation.png").unlink()
    output = report().output
    assert f"{gan} are not clear enough for an interpolation" in output
    assert "python -m toolkit.train gan --num-steps 20000" in output
    for text in both(tmp_path / "report"):
        assert "not clear enough for an interpolation" in text
        assert "17.9" in text
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
    facts = runs / "default" / "lstm-curriculum" / "run.json"
    facts.write_text(facts.read_text().replace("0.98765", "0.91919"))
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
    fails(report(option, name), 2, "must have 1 to 200 printable characters on one line, not")
    assert not (tmp_path / "report").exists()


def test_without_docxtpl(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made before stays, and does not look edited when docxtpl is there again."""
    report()
    word = (tmp_path / "report" / "report.docx").read_bytes()
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "docxtpl", None)
        done = report("--name", "Zoë")
    assert done.exit_code == 0
    assert "Left out: report.docx, since the package docxtpl is not installed." in done.output
    assert '"docxtpl<1,>=0.19"' in done.output
    assert "The one there is older." in done.output
    assert f"{tmp_path}/report/: report.tex. Replace" in done.output
    assert (tmp_path / "report" / "report.docx").read_bytes() == word
    assert f"{tmp_path}/report/: report.tex, report.docx. Replace" in report().output


def test_out_that_is_a_file(report: Report, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("")
    fails(report(), 1, "Cannot make the directory")


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


def test_pdf_of_hostile_names_and_missing_runs(
    report: Report,
    runs: Path,
    tmp_path: Path,
    latex_to_text: Callable[[Path], str],
    word_to_text: Callable[[Path], str],
) -> None:
    """Names that mean something to LaTeX or XML come out on paper as they were given."""
    (runs / "default" / "gan").rename(runs / "default" / "gan-seed=<&%$#{_}~^")
    write_facts(runs / "default" / "rnn-curriculum", status="running", stopped=None, metrics=None)
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
