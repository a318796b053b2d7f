"""Is my curve normal: what is read, what is inside, what is outside, and what is then said."""

import json
import math
import re
from pathlib import Path
from typing import Any

import curves
import pytest
from typer.testing import CliRunner

from toolkit.assignment import tutor
from toolkit.assignment.app import app
from toolkit.assignment.check.findings import IDS
from toolkit.assignment.curve.judging import CAUSES, judge, recipes
from toolkit.assignment.curve.reading import read_curves
from toolkit.assignment.tutor.exercises import say

ROWS = [(50 * n, 1 / n, 1 - 0.5 / n) for n in range(1, 9)]
NAMED = [{"Step": a, "train_loss": b, "Val Acc": c} for a, b, c in ROWS]


def table(head: str, mark: str = ",") -> str:
    return "\n".join([head, *(mark.join(map(str, row)) for row in ROWS)])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", table("step,loss,accuracy")),
        ("a.csv", table("")),
        ("a.txt", table("iter;Loss;acc", ";")),
        ("a.json", json.dumps(NAMED)),
        ("a.json", json.dumps({key: [row[key] for row in NAMED] for key in NAMED[0]})),
        ("a.jsonl", "\n".join(json.dumps(row | {"seconds": 1.5}) for row in NAMED)),
    ],
)
def test_one_training_in_many_files(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = read_curves(tmp_path / name, None, gan=False)
    assert found == {"loss": [r[:2] for r in ROWS], "accuracy": [r[::2] for r in ROWS]}
    assert found == read_curves(ROWS, None, gan=False)
    assert read_curves([r[1] for r in ROWS], 50, gan=False) == {"loss": found["loss"]}


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        for step, d, g in ROWS:
            writer.add_scalar("Loss/D", d, step)
            writer.add_scalar("Loss/G", g, step)
    found = read_curves(tmp_path, None, gan=False)
    assert [step for step, _ in found["loss_generator"]] == [row[0] for row in ROWS]
    assert [v for _, v in found["loss_discriminator"]] == pytest.approx([r[1] for r in ROWS])


def test_bands(capsys: pytest.CaptureFixture[str]) -> None:
    """They are those of the log; new seeds are inside, faults outside but for those that train."""
    log = curves.read_log()
    assert curves.bands(log) == recipes()
    inside, missed = curves.report(log, recipes())
    assert inside >= 0.95
    assert set(missed) == set()


@pytest.mark.parametrize("every", [1, 25, 100])
def test_however_often_it_is_logged(every: int) -> None:
    """A curve between the healthy runs is inside, and the same with a loss that is stuck is not."""
    recipe = recipes()["lstm-T10"]
    middle = recipe.bands["loss"].middle
    steps = range(every, recipe.steps[-1] + 1, every)
    healthy = [(float(n), middle[math.ceil(n / recipe.every) - 1]) for n in steps]
    stuck = [(n, max(1.4625, value)) for n, value in healthy]
    assert judge({"loss": healthy}, recipe).leaves is None
    assert judge({"loss": stuck}, recipe).cause == "softmax"
    assert judge({"loss": [(n, 2.303) for n, _ in healthy]}, recipe).cause == "chance"
    assert judge({"loss": [*healthy[:3], (every * 4.0, math.nan)]}, recipe).cause == "nan"


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{50 * n},{2.3 + 0.01 * (n % 2)},0.1" for n in range(1, 11)]
    Path("mine.csv").write_text("step,loss,accuracy\n" + "\n".join(rows))

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["curve", "mine.csv", *words])
        return result.exit_code, " ".join(result.output.split())

    assert run()[0] == 2
    assert "T is 7" in run("--network", "lstm", "--length", "7")[1]
    Path("mine.json").write_text('{"network": "lstm", "length": 5, "learning_rate": 0.01}')
    code, said = run()
    assert (code, Path("mine.curve.png").read_bytes()[:4]) == (1, b"\x89PNG")
    assert "ln 10" in said
    assert "learning_rate = 0.01 (0.001)" in said


def test_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A GAN whose discriminator wins, as keep_record's rows; its loss may be a mean or a sum."""
    monkeypatch.chdir(tmp_path)
    recipe = recipes()["gan-non-saturating"]
    d, g = (recipe.bands[name].middle for name in curves.GAN_CURVES)
    rows = [*zip(recipe.steps, [x / 2 for x in d], g, strict=True)]
    tutor.curve(rows, network="gan")
    tutor.curve([(step, 1e-5, 12.0) for step, _, _ in rows], network="gan")
    tutor.curve([0.5, 0.4], network="lstm", length=5)
    first, second, third = re.split(r"curve\.png\n", capsys.readouterr().out)
    assert "inside" in first
    assert "one-sided-loss" in second
    assert "These are 2 steps" in third


def test_each_cause_has_its_words() -> None:
    given: dict[str, Any] = {}
    for cause in (*CAUSES, "nan"):
        ids = re.findall(r"--explain ([a-z-]+)", say(cause, "en", **given))
        assert set(ids) <= {*IDS}
        assert ids == re.findall(r"--explain ([a-z-]+)", say(cause, "zh", **given))
        assert ids
