"""The report of the toolkit's own networks, through the real entry point: in whose name."""

from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import pytest
import torch
from docx import Document
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.report.prompts import REMARK

EXPORTS = Path(__file__).parents[3] / "exports"


def digits_at_the_ends(strip: Path) -> list[int]:
    """What the classifier sees in the first and the last of 9 images, framed and enlarged."""
    classifier = torch.jit.load(EXPORTS / "classifier.pt")
    tiles = torch.from_numpy(iio.imread(strip)).float() / 255  # (90, 810)
    ends = [tiles[3:87:3, left + 3 : left + 87 : 3] for left in (0, 720)]
    return [int(classifier(end[None, None]).argmax()) for end in ends]


@pytest.mark.slow
def test_the_reference(
    tmp_path: Path, latex_to_text: Callable[[Path], str], word_to_text: Callable[[Path], str]
) -> None:
    report = tmp_path / "report"
    words = ["report", "--reference", "--student-number", "12345678", "--out", str(report)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "Missing" not in done.output
    first, last = digits_at_the_ends(report / "figures" / "opened-walk.png")
    assert first != last
    ends = f"9 images from a {first} to a {last}".replace("a 8", "an 8")
    for text in (latex_to_text(report / "report.tex"), word_to_text(report / "report.docx")):
        flat = " ".join(text.split())
        assert ends in flat
        for said in ("12345678", "lstm --curriculum", "not this student", "LSTM and RNN of the"):
            assert said in flat
    latex = (report / "report.tex").read_text()
    assert latex.count(r"\caption{") == latex.count(REMARK) == 5
    paragraphs = Document(str(report / "report.docx")).paragraphs
    captions = [one.text for one in paragraphs if one.style and one.style.name == "Caption"]
    assert len(captions) == 5
    assert all(caption.endswith(REMARK) for caption in captions)
    assert len(list((report / "figures").iterdir())) == 4  # it gets none wrong


def test_a_folder_without_networks(tmp_path: Path) -> None:
    words = ["report", "--reference", "--student-number", "12345678", "--exports", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, "no networks of the toolkit's" in done.output) == (2, True)
