"""A run computes on the threads of its settings, whatever the process was given.

That another number changes weights and metrics, and another number of cores does not, was measured:
see CONTRIBUTING.md.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from toolkit.common.device import threads
from toolkit.common.errors import UsageError
from toolkit.gan.config import ClassifierConfig
from toolkit.lstm.config import Config as RecurrentConfig
from toolkit.train import classifier, gan, recurrent
from toolkit.train.app import app
from toolkit.train.presets import GAN, Plan, plan_classifier, plan_gan, plan_recurrent
from toolkit.train.workspace import open_workspace


class Seen(Exception):
    """Ends a training; carries the number of threads."""


def look(*arguments: object) -> None:
    raise Seen(torch.get_num_threads())


@pytest.mark.rows(4)
@pytest.mark.parametrize("process", [1, 2])
@pytest.mark.parametrize(
    ("plan", "number"),
    [
        (plan_gan("smoke"), 1),
        (plan_gan("default"), 2),
        (plan_gan("default", "mlp"), 2),
        (plan_gan("long").customise(num_threads=3), 3),
        (plan_classifier("smoke"), 1),
        (plan_classifier("default"), 2),
        (plan_recurrent("lstm", "default", curriculum=True), 1),
        (plan_recurrent("rnn", "smoke", curriculum=False).customise(hidden_size=300), 2),
    ],
    ids=lambda x: x.name if isinstance(x, Plan) else x,
)
def test_threads_of_a_run(
    plan: Plan[Any], number: int, process: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also around what measures the networks: data and evaluator are loaded inside."""
    for module in (gan, classifier):
        monkeypatch.setattr(module, "load_mnist", look)
    monkeypatch.setattr(recurrent, "train", look)
    train: Any = {"gan": gan.train_gan, "classifier": classifier.train_classifier}.get(
        plan.model, recurrent.train_recurrent
    )
    workspace = open_workspace("smoke", "cpu", tmp_path, None, restart=False, yes=True)
    with threads(process):
        with pytest.raises(Seen, match=str(number)):
            train(plan, workspace)
        assert torch.get_num_threads() == process


def test_settings() -> None:
    """Two threads save little in steps as small as the smoke preset's, and wait for each other."""
    assert {name: config.num_threads for name, config in GAN.items()} == {
        "smoke": 1,
        "default": 2,
        "long": 2,
    }
    assert RecurrentConfig(hidden_size=256).num_threads == 1
    assert RecurrentConfig(hidden_size=257).num_threads == 2
    with pytest.raises(UsageError, match="num_threads must be from 1 to 1,000, not 0"):
        ClassifierConfig(num_threads=0)


@pytest.mark.skipif(sys.platform != "linux", reason="GNU OpenMP waits so on Linux only")
@pytest.mark.parametrize(
    ("load", "before", "after"),
    [(1.5, None, None), (1.6, None, "1000"), (9, "300000", "300000")],
    ids=["cores that are not busy", "busy cores", "what the user has chosen"],
)
def test_waiting_threads_sleep_on_busy_cores(
    load: float, before: str | None, after: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load * 4, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "environ", {} if before is None else {"GOMP_SPINCOUNT": before})
    result = CliRunner().invoke(app, ["lstm", "--length", "five"])
    assert isinstance(result.exception, SystemExit)
    assert os.environ.get("GOMP_SPINCOUNT") == after
