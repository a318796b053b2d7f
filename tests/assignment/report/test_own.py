"""The report of a student's own records: their numbers, what is missing, and nothing of ours."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.report import opened
from toolkit.assignment.report.prompts import REMARK
from toolkit.common.figures import save_png
from toolkit.common.package_data import package_data
from toolkit.export import loading
from toolkit.gan.measure.evaluation import sample_images

from ...mine import WHOSE, write_mine
from ...mine import networks as theirs
from .conftest import PICTURES, both, write_training


def report(mine: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["report", str(mine), "--student-number", "12345678", *words])


def test_it_is_their_own(mine: Path) -> None:
    """Their numbers, settings, commands and pictures; nobody else's beside the faint line."""
    done = report(mine)
    assert done.exit_code == 0, done.output
    assert done.output.count("\n") == 1
    for text in both(mine / "report"):
        for words in (
            *("99.87%", "87.65%", "12.34%", "0.0567", "1,234", "77", "0.002", "one-hot", "199"),
            "python train.py --length 31",
            "python my_gan.py --epochs 199",
            "All numbers and pictures come from the student's own trainings.",
            "the toolkit's own network, for comparison",
        ):
            assert words in " ".join(text.replace(r"\textquotesingle", "'").split()), words
        assert REMARK not in text
        assert "Missing" not in text
        assert "Frechet" not in text
    figures = mine / "report" / "figures"
    for name in PICTURES:
        path = f"{name}.png"
        assert (figures / path).read_bytes() == (mine / "records" / path).read_bytes()
    assert {path.stem for path in figures.iterdir()} - set(PICTURES) == {
        *("recurrent-1", "recurrent-2", "recurrent-3", "by-length", "gan-losses")
    }


@pytest.mark.slow
def test_on_paper(
    mine: Path, latex_to_text: Callable[[Path], str], word_to_text: Callable[[Path], str]
) -> None:
    """Settings may hold whatever a student writes."""
    records = mine / "records"
    write_training(records, "gru_{$", 9, 0.5, hidden_dim="&%_^", command=r"x\input{y} && z")
    assert report(mine).exit_code == 0
    for text in (
        latex_to_text(mine / "report" / "report.tex"),
        word_to_text(mine / "report" / "report.docx"),
    ):
        flat = "".join(text.split())
        assert "GRU_{$" in flat
        assert "&%_^" in flat
        assert r"x\input{y}&&z" in flat
        assert "99.87%" in flat


def test_an_empty_folder(tmp_path: Path) -> None:
    """Each thing that is missing, and the command for it, in the report and beside it."""
    mine = tmp_path / "mine"
    mine.mkdir()
    done = report(mine)
    assert done.exit_code == 0
    assert done.output.count("Missing: ") == 8
    assert f"Run these commands in {mine}" in " ".join(done.output.split())
    for text in (done.output, *both(mine / "report")):
        for words in (
            "there is no record of the LSTM at T = 5",
            "python train.py --length 5",
            "python train.py --network rnn --length 20",
            "records/samples-halfway.png, 25 samples halfway through, is missing",
            "python my_gan.py",
        ):
            assert words in text, words
    assert not (mine / "report" / "figures" / "by-length.png").exists()


def test_what_cannot_be_used(mine: Path) -> None:
    (mine / "records" / "lstm-T5-rate0.002.csv").write_text("step,loss,accuracy\n1,2\n")
    (mine / "records" / "samples-end.png").write_bytes(b"GIF89a")
    cut = (mine / "records" / "interpolation.png").read_bytes()[:-20]
    (mine / "records" / "interpolation.png").write_bytes(cut)
    done = report(mine)
    assert done.exit_code == 0, done.output
    for words in (
        "records/lstm-T5-rate0.002.csv does not have three numbers in line 2.\n  python train.py",
        "records/samples-end.png is not a PNG picture.\n  python my_gan.py",
        "interpolation.png is not a complete picture.\n  python my_gan.py",
    ):
        assert words in done.output
    for text in both(mine / "report"):
        assert "does not have three numbers in line 2" in text
        assert "87.65%" in text  # the rest is there


def test_an_accuracy_that_cannot_be(mine: Path) -> None:
    """It is in the report as it was written, and said beside it."""
    write_training(mine / "records", "lstm", 31, 1.5)
    done = report(mine)
    assert done.exit_code == 0
    assert "lstm-T31-rate0.002.csv, line 3: An accuracy of 1.5 is impossible" in done.output
    assert all("150.00%" in text for text in both(mine / "report"))


def test_pictures_of_the_toolkit_are_refused(mine: Path) -> None:
    save_png(mine / "records" / "samples-end.png", np.zeros((60, 60), np.uint8))
    done = report(mine)
    assert done.exit_code == 1
    assert "samples-end.png was made by the toolkit, not by you" in " ".join(done.output.split())
    assert not (mine / "report").exists()


def test_no_folder(tmp_path: Path) -> None:
    done = report(tmp_path / "none")
    assert done.exit_code == 2
    assert "none is not a folder: give the one with your code" in " ".join(done.output.split())


@pytest.mark.slow
def test_their_networks_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are asked for: named by whose they are, and measured as by hand."""
    for name, small in (("NUM_IMAGES", 200), ("NUM_DRAWS", 2), ("LENGTHS", (5, 400))):
        monkeypatch.setattr(opened, name, small)
    networks = {name: network.eval() for name, network in theirs().items()}
    del networks["discriminator"]
    write_mine(tmp_path / "mine", networks)
    done = report(tmp_path, "--exports", str(tmp_path / "mine"))
    assert done.exit_code == 0, done.output
    for text in both(tmp_path / "report"):
        text = " ".join(text.split())
        assert f"The exported LSTM of {WHOSE}, asked 500 palindromes at each of 2 T" in text
        assert f"25 samples of one seed (the exported generator of {WHOSE})" in text
        said_right = r"palindrome of T = (\d+), and answers (\d), which is right"
        (t, right) = re.findall(said_right, text)[0]
        (t_too, said, wanted) = re.findall(
            r"T = (\d+), and answers (\d), where (\d) is right", text
        )[0]
        assert t == t_too == "400"
        assert said != wanted
    figures = tmp_path / "report" / "figures"
    pictures = {"opened-accuracy", "opened-right", "opened-wrong", "opened-samples", "opened-walk"}
    assert {path.stem for path in figures.iterdir()} >= pictures
    with torch.no_grad():
        images = sample_images(networks["generator"], 0, 400)
        classifier = loading.load("classifier", package_data("exports"))
        unsure = (classifier(images).softmax(dim=1).max(dim=1).values < 0.8).float().mean()
    assert re.search(rf"not clearly one digit .below 80%.\s+&?\s*{unsure:.3f} ±", text)


def test_a_folder_that_is_not_theirs(tmp_path: Path) -> None:
    done = report(tmp_path, "--exports", str(package_data("exports")))
    assert (done.exit_code, "no networks of your own" in done.output) == (2, True)


def test_nothing_is_loaded_that_nobody_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder `mine` is named with its command, and no file in it is read as a network."""
    loaded: list[str] = []
    monkeypatch.setattr(opened, "load", lambda name, folder: loaded.append(name))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text("{}")
    done = report(tmp_path)
    assert done.exit_code == 0, done.output
    assert loaded == []
    said = " ".join(done.output.split())
    assert f"--exports {tmp_path / 'mine'}" in said
    assert "opened and measured" not in said


@pytest.mark.parametrize(
    ("file", "row", "clause"),
    [
        ("gan.csv", "0,1e308,-1e308", "records/gan.csv cannot be drawn"),
        ("gan.csv", "0,1e308,1e308", "records/gan.csv cannot be drawn"),
        ("lstm-T31-rate0.002.csv", "1e308,2.3,1e308", "rate0.002.csv cannot be drawn"),
        ("lstm-T31-rate0.002.csv", "1,2.3,-1e308", "rate0.002.csv cannot be drawn"),
    ],
)
def test_numbers_without_a_picture(mine: Path, file: str, row: str, clause: str) -> None:
    """They become a gap with its command, and all else is in the report."""
    path = mine / "records" / file
    head = path.read_text().splitlines()[0]
    path.write_text("\n".join([head, row, row.replace("1e308", "1.5e308")]) + "\n")
    done = report(mine)
    assert done.exit_code == 0, done.output
    assert f"{clause}" in done.output
    for text in both(mine / "report"):
        assert "99.87%" in text
        assert "cannot be drawn" in text


@pytest.mark.rows(1)
@pytest.mark.parametrize("network", ["$\\frac$", "\ud800", "_x", "a$b", "x\0y"])
def test_networks_with_odd_names(mine: Path, network: str) -> None:
    """A name is no formula, whatever is in it."""
    for length in (31, 33):
        write_training(mine / "records", "lstm", length, 0.9)
        settings = mine / "records" / f"lstm-T{length}-rate0.002.json"
        settings.write_text(json.dumps({"network": network, "length": length}))
    done = report(mine)
    assert done.exit_code == 0, done.output
    assert (mine / "report" / "figures" / "by-length.png").exists()
