"""Is my curve normal: what is read, what is inside, what is outside, and what is then said."""

import json
import math
import re
from pathlib import Path

import curves
import pytest
from typer.testing import CliRunner

from toolkit.assignment import tutor
from toolkit.assignment.app import app
from toolkit.assignment.curve.judging import CAUSES, judge, recipes
from toolkit.assignment.curve.reading import Curve, Source, curves_in, read_rows
from toolkit.assignment.findings.findings import IDS
from toolkit.assignment.tutor.exercises import say

ROWS = [(50 * n, 1 / n, 1 - 0.5 / n) for n in range(1, 9)]
STEPS, LOSSES, ACCURACIES = zip(*ROWS, strict=True)
COLUMNS = {"Step": STEPS, "train_loss": LOSSES, "Val Acc": ACCURACIES}
NAMED = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
LINES = [",".join(map(str, row)) for row in ROWS]
FILES = {
    "head.csv": "\n".join(["step,loss,accuracy", *LINES]),
    "bare.csv": "\n".join(LINES),
    "other.txt": "\n".join(["iter;Loss;acc", *LINES]).replace(",", ";"),
    "rows.json": json.dumps(NAMED),
    "columns.json": json.dumps(COLUMNS),
    "lines.jsonl": "\n".join(json.dumps(row | {"seconds": 1.5}) for row in NAMED),
}


def read_curves(source: Source, every: float | None) -> dict[str, Curve]:
    return curves_in(read_rows(source, gan=False), every)


def test_one_training_in_many_files(tmp_path: Path) -> None:
    wanted = {
        "loss": list(zip(STEPS, LOSSES, strict=True)),
        "accuracy": list(zip(STEPS, ACCURACIES, strict=True)),
    }
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read_curves(tmp_path / name, None) == wanted, name
    assert read_curves(ROWS, None) == wanted
    assert read_curves(list(LOSSES), 50) == {"loss": wanted["loss"]}


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        for step, d, g in ROWS:
            writer.add_scalar("Loss/D", d, step)
            writer.add_scalar("Loss/G", g, step)
    read = read_curves(tmp_path, None)
    for name, losses in zip(curves.GAN_CURVES, (LOSSES, ACCURACIES), strict=True):
        assert read[name] == list(zip(STEPS, map(pytest.approx, losses), strict=True))


def test_bands() -> None:
    """They are those of the log; new seeds are inside, faults are outside where they show."""
    log = curves.read_log()
    assert curves.bands(log) == recipes()
    inside, missed = curves.report(log, recipes())
    assert inside >= 0.95
    assert {*missed} <= curves.HIDDEN


@pytest.mark.parametrize("every", [1, 25, 100])
def test_however_often_it_is_logged(every: int) -> None:
    """The middle of the healthy runs is inside; the same is not where it gets stuck."""
    recipe = recipes()["lstm-T10"]
    middle = recipe.bands["loss"].middle
    healthy, softmax, chance = [], [], []
    for step in range(every, recipe.steps[-1] + 1, every):
        loss = middle[math.ceil(step / recipe.every) - 1]
        healthy.append((float(step), loss))
        softmax.append((float(step), max(1.4625, loss)))
        chance.append((float(step), 2.303))
    diverged = [*healthy[:3], (4.0 * every, math.nan)]
    for cause, curve in (
        ("", healthy),
        ("softmax", softmax),
        ("chance", chance),
        ("nan", diverged),
    ):
        assert judge({"loss": curve}, recipe).cause == cause


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = ["step,loss,accuracy"]
    for step in range(100, 600, 100):
        rows += [f"{step - 50},2.31,0.1", f"{step},2.3,0.1"]
    Path("mine.csv").write_text("\n".join(rows))
    asked = CliRunner().invoke(app, ["curve", "mine.csv"])
    assert (asked.exit_code, "Which network is it?" in asked.output) == (2, True)
    Path("mine.json").write_text('{"network": "lstm", "length": 5, "learning_rate": 0.01}')
    done = CliRunner().invoke(app, ["curve", "mine.csv"])
    assert (done.exit_code, Path("mine-curve.png").read_bytes()[:4]) == (1, b"\x89PNG")
    assert "ln 10" in done.output
    assert "learning_rate = 0.01 (0.001)" in done.output


@pytest.mark.parametrize(("header", "helps"), [("step,loss", False), ("seconds,loss", True)])
def test_every_is_advised_only_where_the_file_has_no_steps(
    header: str, helps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text(f"{header}\n1,2.3\n2,2.2\n")
    asked = CliRunner().invoke(app, ["curve", "mine.csv", "--network", "lstm", "--length", "5"])
    assert asked.exit_code == 2
    assert "Too short: 2 steps recorded" in asked.output
    assert ("--every" in asked.output) == helps


def test_a_missing_file_is_not_blamed_for_its_columns(tmp_path: Path) -> None:
    asked = CliRunner().invoke(app, ["curve", str(tmp_path / "nothing.csv")])
    assert asked.exit_code == 2
    assert f"Cannot read {tmp_path}/nothing.csv: No such file or directory.\n" in asked.output
    assert "Errno" not in asked.output
    assert "columns" not in asked.output


def test_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rows that keep_record gets. The discriminator's loss may be the mean of its terms."""
    monkeypatch.chdir(tmp_path)
    recipe = recipes()["gan-non-saturating"]
    d_name, g_name = curves.GAN_CURVES
    d_losses = [loss / 2 for loss in recipe.bands[d_name].middle]
    g_losses = recipe.bands[g_name].middle
    tutor.curve([*zip(recipe.steps, d_losses, g_losses, strict=True)], network="gan")
    tutor.curve([(step, 1e-5, 12.0) for step in recipe.steps], network="gan")
    tutor.curve([0.5, 0.4], network="lstm", length=5)
    tutor.curve([(0.4, 5.0)] * 2, network="gan", every=937)  # by epoch
    first, second, third = re.split(r"curve\.png\n", capsys.readouterr().out)
    assert third.count("Too short: ") + third.count("Too few values: ") == 2
    assert "inside" in first
    assert "one-sided-loss" in second
    assert "Too short: 2 steps recorded" in third


def test_each_cause_has_its_words_and_a_page() -> None:
    for cause in (*CAUSES, "nan"):
        pages = re.findall(r"--explain ([a-z-]+)", say(cause, "en"))
        assert pages, cause
        assert set(pages) <= set(IDS)
        assert re.findall(r"--explain ([a-z-]+)", say(cause, "zh")) == pages
