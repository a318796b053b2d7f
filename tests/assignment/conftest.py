"""Run directories made by hand, and the two ways from a report to the text of its PDF."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from toolkit.assignment.__main__ import app

ROOT = Path(__file__).parents[2]
MANIFEST = json.loads((ROOT / "exports" / "manifest.json").read_text())
Report = Callable[..., Result]
ToText = Callable[[Path], str]


def save_figure(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    iio.imwrite(path, np.full((40, 80), len(path.stem), np.uint8))


def save_run(directory: Path, config: dict[str, object], lines: list[dict[str, object]]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Finished runs of the default preset, with made-up numbers, that fit the exports."""
    runs = tmp_path / "runs"
    default = runs / "default"
    for name, accuracy, loss in (("lstm", 0.98765, 0.04321), ("rnn", 0.87654, 0.65432)):
        run, config = default / f"{name}-curriculum", MANIFEST[f"{name}.pt"]["config"]
        last = {"loss": loss, "accuracy": accuracy, "longest": 100, "seconds": 12.34}
        save_run(
            run,
            config,
            [
                {"step": 50, "loss": 1.5, "accuracy": 0.25, "longest": 9, "seconds": 3.0},
                {"step": config["num_steps"], **last},
            ],
        )
        save_figure(run / "figures" / "accuracy.png")

    config = MANIFEST["generator.pt"]["config"]
    end = config["num_steps"]
    measured = {"distance": 17.891, "floor": 2.345, "classifier_sha256": "abcdef0123456789" * 4}
    save_run(
        default / "gan",
        config,
        [
            {"step": end - 50, "loss_d": 1.0, "loss_g": 1.0},
            {"step": end, "loss_d": 1.23456, "loss_g": 0.98765},
            {"step": end, **measured, "seconds": 321.4},
        ],
    )
    for name in ("samples", "losses", "interpolation"):
        save_figure(default / "gan" / "figures" / f"{name}.png")

    horizon = default / "horizon"
    for name in ("horizon", "gradients"):
        save_figure(horizon / f"{name}.png")
    (horizon / "horizon.csv").write_text(
        "family,length,seed,accuracy_5,accuracy_1000,error\n"
        "RNN,5,0,0.91,,\n"
        "RNN,5,1,0.93,,\n"
        '"LSTM, far",20,0,1.0,0.9988,\n'
        "RNN,7,0,,,RuntimeError: no luck\n"
    )
    return runs


@pytest.fixture
def report(runs: Path, tmp_path: Path) -> Report:
    """Call `python -m toolkit.assignment report` on `runs`; the report goes to tmp_path/report."""

    def call(*arguments: str) -> Result:
        places = {
            "--runs-dir": runs,
            "--out": tmp_path / "report",
            "--exports-dir": ROOT / "exports",
        }
        words = ["report", "--student-number", "12345678"]
        words += [str(word) for pair in places.items() for word in pair]
        return CliRunner().invoke(app, [*words, *arguments])

    return call


def run_tool(*command: object, cwd: Path) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
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
