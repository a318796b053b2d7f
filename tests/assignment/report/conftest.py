"""Run directories made by hand, and the two ways from a report to the text of its PDF."""

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

ROOT = Path(__file__).parents[3]
MANIFEST = json.loads((ROOT / "exports" / "manifest.json").read_text())
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


def save_figure(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    iio.imwrite(path, np.full((40, 80), len(path.stem), np.uint8))


def write_facts(run: Path, **facts: object) -> None:
    """Change some fields of run.json."""
    path = run / "run.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known | facts))


def write_log(run: Path, entries: list[dict[str, float]]) -> None:
    """The log of a run, as one from before there were checksums."""
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))


def measured(value: object, num_examples: int = 10_000) -> dict[str, object]:
    return {"value": value, "num_examples": num_examples}


def drawn(mean: float, sd: float) -> dict[str, object]:
    return {"mean": mean, "sd": sd, "num_draws": 5}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Finished runs of the default preset, with made-up numbers."""
    runs = tmp_path / "runs"
    default = runs / "default"
    finished = {"status": "finished", "stopped": "all steps done"}
    for model, accuracy, far, loss in (
        ("lstm", 0.98765, 0.97531, 0.04321),
        ("rnn", 0.87654, 0.31313, 0.65432),
    ):
        run, config = default / f"{model}-curriculum", MANIFEST[f"{model}.pt"]["config"]
        by_length = {"5": measured(1.0, 100), "100": measured(accuracy), "9000": measured(far, 987)}
        write_facts(
            run,
            **finished,
            model=model,
            command=f"python -m toolkit.train {model} --curriculum",
            settings=config,
            steps=config["num_steps"],
            seconds=12.34,
            metrics={
                "final_loss": measured(loss, 128),
                "test_accuracy": measured(accuracy),
                "accuracy_by_length": by_length,
            },
        )
        write_log(run, [{"step": 50, "loss": 2.3, "accuracy": 0.1},
                        {"step": config["num_steps"], "loss": loss, "accuracy": 0.9}])  # fmt: skip

    config = MANIFEST["generator.pt"]["config"]
    shares = [0.0654, 0.1432, *[0.09893] * 8]
    write_facts(
        default / "gan",
        **finished,
        model="gan",
        command="python -m toolkit.train gan",
        settings=config,
        steps=config["num_steps"],
        seconds=321.4,
        metrics={
            "final_loss_discriminator": measured(1.23456, 32),
            "final_loss_generator": measured(0.98765, 32),
            "frechet_distance": measured(drawn(17.891, 0.678)),
            "frechet_distance_floor": measured(drawn(2.345, 0.234)),
            "class_shares": measured([drawn(share, 0.0012) for share in shares]),
            "class_shares_real": measured([drawn(0.1, 0.0011)] * 10),
            "share_unsure": measured(drawn(0.0567, 0.0013)),
            "share_unsure_real": measured(drawn(0.0123, 0.0014)),
            "classifier_sha256": "abcdef0123456789" * 4,
        },
        interpolation={"digit_from": 7, "digit_to": 8},
    )
    for name in ("samples_start", "samples_half", "samples_end", "interpolation"):
        save_figure(default / "gan" / "figures" / f"{name}.png")
    write_log(default / "gan", [{"step": n, "loss_d": 1.2, "loss_g": 0.9} for n in (100, 200)])
    return runs


@pytest.fixture
def report(runs: Path, tmp_path: Path) -> Report:
    """Call `toolkit report --reference` on `runs`; the report goes to tmp_path/report."""

    def call(*arguments: str) -> Result:
        words = ["report", "--reference", "--student-number", "12345678", "--runs-dir", str(runs)]
        return CliRunner().invoke(app, [*words, "--out", str(tmp_path / "report"), *arguments])

    return call


def run_tool(*command: object, cwd: Path) -> str:
    name = str(command[0])
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}: apt install {PACKAGES[name]}")
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=120
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
