"""A student's records made by hand, and the two ways from a report to the text of its PDF."""

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from click.testing import Result
from docx import Document
from typer.testing import CliRunner

from toolkit.assignment.__main__ import app

from ...conftest import HANGS

PACKAGES = {
    "pdflatex": "texlive-latex-recommended lmodern",
    "pdftotext": "poppler-utils",
    "soffice": "libreoffice-writer",
}
Report = Callable[..., Result]
ToText = Callable[[Path], str]


def text_of(path: Path) -> str:
    """The text of a Word file, tables and all, by python-docx."""
    document = Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def both(directory: Path) -> list[str]:
    """The text of report.tex, its commonest escapes undone, and of report.docx."""
    latex = (directory / "report.tex").read_text(encoding="utf-8")
    latex = re.sub(r"\\([%_&#$])", r"\1", latex).replace(r"\slash{}", "/").replace("{}", "")
    return [latex, text_of(directory / "report.docx")]


PICTURES = ("samples-start", "samples-halfway", "samples-end", "interpolation")


def write_training(
    folder: Path, network: str, length: int, accuracy: float, **more: object
) -> None:
    name = f"{network}-T{length}-rate0.002"
    with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
        rows = [(100, 2.3, 0.1), (1234, 0.0567, accuracy)]
        csv.writer(file).writerows([("step", "loss", "accuracy"), *rows])
    settings = {"network": network, "length": length, "input_dim": 10, "hidden_dim": 77}
    settings |= {"learning_rate": 0.002, "command": f"python train.py --length {length}"}
    (folder / f"{name}.json").write_text(json.dumps(settings | more))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A student's folder with all records, and without any code."""
    records = tmp_path / "mine" / "records"
    records.mkdir(parents=True)
    write_training(records, "lstm", 5, 0.9987)
    write_training(records, "lstm", 31, 0.8765)
    write_training(records, "rnn", 31, 0.1234)
    with open(records / "gan.csv", "w", newline="", encoding="utf-8") as file:
        columns = ("step", "loss_discriminator", "loss_generator")
        csv.writer(file).writerows([columns, (0, 1.4, 0.7), (500, 0.9, 1.1)])
    (records / "gan.json").write_text('{"epochs": 199, "command": "python my_gan.py --epochs 199"}')
    for n, name in enumerate(PICTURES):
        iio.imwrite(records / f"{name}.png", np.full((60, 60), 40 * n, np.uint8))
    return tmp_path / "mine"


@pytest.fixture
def report(mine: Path, tmp_path: Path) -> Report:
    """Call `toolkit report` on `mine`; the report goes to tmp_path/report."""

    def call(*arguments: str) -> Result:
        words = ["report", str(mine), "--student-number", "12345678"]
        return CliRunner().invoke(app, [*words, "--out", str(tmp_path / "report"), *arguments])

    return call


def run_tool(*command: object, cwd: Path) -> str:
    name = str(command[0])
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}: apt install {PACKAGES[name]}")
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=HANGS
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


@pytest.fixture
def latex_to_text() -> ToText:
    """Compile a .tex file twice, and read the PDF."""

    def convert(source: Path) -> str:
        for _ in range(2):
            said = run_tool(
                *("pdflatex", "-interaction=nonstopmode", "-halt-on-error", source.name),
                cwd=source.parent,
            )
        assert "LaTeX Warning" not in said
        assert "Overfull" not in said
        return run_tool("pdftotext", "-layout", source.with_suffix(".pdf"), "-", cwd=source.parent)

    return convert


@pytest.fixture
def word_to_text(tmp_path: Path) -> ToText:
    """Convert a .docx file with LibreOffice, and read the PDF."""

    def convert(source: Path) -> str:
        out = source.parent / "word"
        run_tool(
            *("soffice", f"-env:UserInstallation={(tmp_path / 'office').as_uri()}"),
            *("--headless", "--convert-to", "pdf", "--outdir", out, source),
            cwd=source.parent,
        )
        return run_tool("pdftotext", "-layout", out / "report.pdf", "-", cwd=out)

    return convert
