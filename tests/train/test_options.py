"""What is typed reaches the training: options of the command line, settings of the run."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from toolkit.export.manifest import judge_of
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.train.app import app
from toolkit.train.gan import was_tried_elsewhere
from toolkit.train.presets import plan_gan

ROOT = Path(__file__).parents[2]

GIVEN = {
    "lstm --length 5 --encoding digit": {"model": "lstm", "length": 5, "encoding": "digit"},
    "lstm --curriculum": {"model": "lstm", "curriculum": True, "length": 100},
    "rnn": {"model": "rnn", "length": 36, "num_steps": 1000, "curriculum": False, "seed": 0},
    "rnn --length 30": {"model": "rnn", "length": 30, "curriculum": False},
    "gan --architecture mlp": {"architecture": "mlp", "latent_dim": 100, "auxiliary_weight": 0.0},
    "gan --loss minimax": {"loss": "minimax", "auxiliary_weight": 1.0},
    "gan --auxiliary-weight 0": {"auxiliary_weight": 0.0, "architecture": "conv"},
    "gan --seed 3 --num-steps 50": {"seed": 3, "num_steps": 50},
}


@pytest.mark.rows(2)
@pytest.mark.parametrize("command", GIVEN)
def test_options_become_settings(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trained: list[Any] = []
    monkeypatch.setattr("toolkit.train.gan.train_gan", lambda *given: trained.append(given[0]))
    monkeypatch.setattr(
        "toolkit.train.recurrent.train_recurrent", lambda *given: trained.append(given[0])
    )
    places = ["--runs-dir", str(tmp_path), "--exports-dir", str(tmp_path)]
    done = CliRunner().invoke(app, [*command.split(), *places])
    assert done.exit_code == 0, done.output
    (what,) = trained
    config = getattr(what, "config", what)
    assert {name: getattr(config, name) for name in GIVEN[command]} == GIVEN[command]


def test_only_of_the_default_settings_other_distances_are_told() -> None:
    """As they were measured on other processors: by the committed classifier, of 10,000 samples."""
    sha256 = judge_of(ROOT / "exports")
    default = plan_gan("default")
    ours = SimpleNamespace(sha256=sha256, num_images=10_000)

    for precision in ("float32", "bfloat16"):
        config = replace(default.config, precision=precision)
        assert was_tried_elsewhere(config, cast(Evaluator, ours))
    for plan in (
        default.customise(num_steps=200),
        default.customise(seed=1),
        plan_gan("default", "mlp"),
        plan_gan("smoke"),
    ):
        assert not was_tried_elsewhere(plan.config, cast(Evaluator, ours))
    for other in ({"sha256": "0" * 64}, {"num_images": 2000}):
        evaluator = SimpleNamespace(**{**vars(ours), **other})
        assert not was_tried_elsewhere(default.config, cast(Evaluator, evaluator))


@pytest.mark.parametrize("format_", ["onnx", "pt2"])
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("convert", ""),
        ("export", "Note: `toolkit train export` is now `toolkit train convert`.\n"),
    ],
)
def test_convert_and_its_old_name(
    command: str, said: str, format_: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        "toolkit.export.saving.write", lambda format_, directory: [f"{format_} in {directory}"]
    )
    done = CliRunner().invoke(app, [command, "--format", format_, "--exports-dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.stdout.replace("\n", "") == f"{format_} in {tmp_path}"
    assert done.stderr == said
