"""The command line: smoke runs, old names, and users' mistakes. Kills are in test_kills."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.record import read_record
from toolkit.export import loading, manifest
from toolkit.gan.data import EMBEDDED
from toolkit.train.app import app
from toolkit.train.presets import Plan
from toolkit.train.workspace import Workspace

ROOT = Path(__file__).parents[2]
COMMANDS = {
    *("lstm", "rnn", "gan", "classifier", "all", "horizon"),
    *("score", "interpolate", "clinic", "restore", "convert", "playground"),
}
Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call `python -m toolkit.train ...` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in arguments])

    return invoke


def hashes(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
        if path.is_file()
    }


def fails(done: Result, code: int, message: str) -> None:
    """It ends in a sentence, not in a traceback."""
    assert done.exit_code == code, done.output
    assert isinstance(done.exception, SystemExit)
    assert message in " ".join(done.output.replace("│", " ").split())


@pytest.mark.slow
@pytest.mark.xdist_group("smoke")
def test_smoke_of_everything(smoke_project: Path) -> None:
    said = (smoke_project / "all.txt").read_text()
    assert "gan: step 800/800" in said  # plain lines, since this is not a terminal
    assert "\x1b" not in said
    assert "Warning" not in said
    assert "the default settings" not in said

    smoke = smoke_project / "runs" / "smoke"
    for name in manifest.SIGNATURES:
        loading.load(name, smoke / "exports")
    committed = hashes(ROOT / "exports")["classifier.pt"]  # copied, since there was none
    assert hashes(smoke / "exports")["classifier.pt"] == committed
    for name in ("lstm-curriculum", "rnn-curriculum", "lstm", "rnn", "gan"):
        for line in (smoke / name / "metrics.jsonl").read_text().splitlines():
            assert json.loads(line)["step"] > 0
        assert (smoke / name / "checkpoint.pt").exists()


@pytest.mark.slow
@pytest.mark.xdist_group("smoke")
def test_records_of_everything(smoke_project: Path) -> None:
    """run.json against what is known from elsewhere: the log, the manifest, the test set."""
    smoke = smoke_project / "runs" / "smoke"
    entries = json.loads((smoke / "exports" / "manifest.json").read_text())
    for model in ("lstm", "rnn"):
        record = json.loads((smoke / f"{model}-curriculum" / "run.json").read_text())
        log = (smoke / f"{model}-curriculum" / "metrics.jsonl").read_text().splitlines()
        last, entry = json.loads(log[-1]), entries[f"{model}.safetensors"]
        assert record["command"] == f"python -m toolkit.train {model} --curriculum --preset smoke"
        assert (record["status"], record["stopped"]) == ("finished", "all steps done")
        assert (record["steps"], record["seconds"]) == (
            last["step"],
            pytest.approx(last["seconds"]),
        )
        assert record["settings"] == entry["config"]
        assert record["metrics"] == entry["metrics"] | {"loss": last["loss"]}
        # T = 5 has 100 distinct test palindromes, and T = 10,000 is tested on fewer.
        counts = {"5": 100, "20": 200, "36": 200, "100": 200, "1000": 200, "10000": 100}
        assert entry["metrics"]["num_test_by_length"] == counts
        assert entry["metrics"]["test_accuracy"] == entry["metrics"]["accuracy_by_length"]["20"]
        assert entry["metrics"]["num_test"] == 200

    record = json.loads((smoke / "gan" / "run.json").read_text())
    lines = [json.loads(x) for x in (smoke / "gan" / "metrics.jsonl").read_text().splitlines()]
    listed = entries["generator.safetensors"]["metrics"]
    assert record["command"] == "python -m toolkit.train gan --preset smoke"
    assert record["steps"] == 800
    losses = {name: lines[-2][name] for name in ("loss_d", "loss_g")}
    assert record["metrics"] == listed | losses
    for name in ("frechet_distance", "frechet_distance_floor", "share_unsure", "share_unsure_real"):
        assert listed[f"{name}_sd"] > 0
    # The last look of training is one draw of the five.
    deviation = lines[-1]["distance_of_one_draw"] - listed["frechet_distance"]
    assert 0 < abs(deviation) < 2 * listed["frechet_distance_sd"]  # at most 4 / sqrt(5)
    assert lines[-1]["floor"] == listed["frechet_distance_floor"]
    assert listed["frechet_distance"] > listed["frechet_distance_floor"] > 0
    for name in ("class_shares", "class_shares_real"):
        assert len(listed[f"{name}_sd"]) == 10
        assert sum(listed[name]) == pytest.approx(1)
    assert listed["classifier_sha256"] == manifest.identity(entries["classifier.safetensors"])
    assert (listed["num_images"], listed["num_draws"]) == (2000, 5)


@pytest.mark.slow
@pytest.mark.xdist_group("smoke")
def test_pictures_of_the_gan(smoke_project: Path) -> None:
    figures = smoke_project / "runs" / "smoke" / "gan" / "figures"
    start, half, end = (
        iio.imread(figures / f"samples_{stage}.png") for stage in ("start", "half", "end")
    )
    assert start.shape == half.shape == end.shape == (5 * 90, 5 * 90)
    assert not np.array_equal(start, half)
    assert not np.array_equal(half, end)
    assert iio.imread(figures / "interpolation.png").shape == (90, 9 * 90)
    assert len(iio.imread(figures / "interpolation.gif")) == 16
    film = iio.imread(figures / "training.gif")
    assert film.shape[:3] == (33, 5 * 60, 5 * 60)
    for stage, frame in ((start, 0), (half, 16), (end, 32)):
        np.testing.assert_array_equal(
            film[frame, ..., 0], stage[::3, ::3].repeat(2, 0).repeat(2, 1)
        )


@pytest.mark.slow
@pytest.mark.xdist_group("smoke")
def test_horizon_and_again(smoke_project: Path, call: Call, tmp_path: Path) -> None:
    study = smoke_project / "runs" / "smoke" / "horizon"
    table = (study / "horizon.md").read_text()
    assert table in (smoke_project / "horizon.txt").read_text()
    assert "| LSTM | 5 | 100.00% |" in table
    assert iio.imread(study / "horizon.png").std() > 10
    csv = (study / "horizon.csv").read_text().splitlines()
    assert len(csv) == 1 + 5
    assert csv[0].startswith("family,model,length,")

    shutil.copytree(study, tmp_path / "runs" / "smoke" / "horizon")
    again = call("horizon", "--preset", "smoke")
    assert table in again.output
    assert "5/5" not in again.output  # no cell was run a second time


@pytest.fixture
def planned(call: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Plan[Any], str]]:
    """What a command would train and where, and the command that run.json would name."""
    caught: list[tuple[Plan[Any], Workspace]] = []
    for module, function in (
        ("recurrent", "train_recurrent"),
        ("gan", "train_gan"),
        ("classifier", "train_classifier"),
    ):
        monkeypatch.setattr(
            f"toolkit.train.{module}.{function}",
            lambda plan, workspace, *rest: caught.append((plan, workspace)),
        )

    def plan(*arguments: str) -> tuple[Plan[Any], Workspace, str]:
        done = call(*arguments)
        assert done.exit_code == 0, done.output
        plan, workspace = caught.pop()
        return plan, workspace, workspace.run(plan).command

    return plan


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["lstm"], "lstm"),
        (["rnn", "--curriculum", "--encoding", "digit"], "rnn-curriculum-encoding=digit"),
        (
            ["lstm", "--length=5", "--learning-rate", "1e-5", "--preset", "smoke", "--seed", "7"],
            "lstm-learning_rate=1e-05-seed=7",  # 5 is what the preset says
        ),
        (["gan", "--loss", "minimax", "--data-dir", "my data"], "gan-loss=minimax"),
        (
            ["gan", "--architecture", "mlp", "--batch-size", "9", "--runs-dir", "my runs"],
            "gan-mlp-batch_size=9",
        ),
        (["gan", "--architecture", "mlp"], "gan-mlp"),
        (["classifier", "--device", "cpu", "--exports-dir", "elsewhere"], "classifier"),
        (["rnn", "--seeds", "3"], "rnn"),
    ],
)
def test_the_command_of_a_run_asks_for_the_same_run(
    planned: Callable[..., Any], arguments: list[str], name: str
) -> None:
    plan, workspace, command = planned(*arguments)
    assert plan.name == name
    program, again = shlex.split(command)[:3], shlex.split(command)[3:]
    assert program == ["python", "-m", "toolkit.train"]
    assert planned(*again) == (plan, workspace, command)


def test_where_exports_go(planned: Callable[..., Any]) -> None:
    """The smoke preset keeps away from the exports that are committed."""
    assert planned("lstm")[1].exports_dir == Path("exports")
    assert planned("lstm", "--preset", "smoke")[1].exports_dir == Path("runs/smoke/exports")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gru"], "No such command 'gru'"),
        (["lstm", "--preset", "huge"], "'huge' is not one of 'smoke', 'default', 'long'"),
        (["lstm", "--length", "1"], "length must be from 2 to 1,000,000, not 1"),
        (["lstm", "--hidden-size", "0"], "hidden_size must be from 1 to 10,000, not 0"),
        (["rnn", "--batch-size", "-3"], "batch_size must be from 1 to 100,000, not -3"),
        (["lstm", "--learning-rate", "0"], "learning_rate must be above 0, not 0.0"),
        (["gan", "--num-steps", "0"], "num_steps must be from 2 to 1,000,000,000, not 0"),
        (["gan", "--batch-size", "1"], "batch_size must be from 2 to 15,000, not 1"),
        (["gan", "--loss", "bce"], "'bce' is not one of 'hinge', 'non-saturating', 'minimax'"),
        (["gan", "--architecture", "resnet"], "'resnet' is not one of 'conv', 'mlp'"),
        (["lstm", "--seed", "x"], "Invalid value for '--seed'"),
        (["lstm", "--seeds", "0"], "Invalid value for '--seeds'"),
    ],
)
def test_usage_errors(call: Call, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = call(*arguments)
    fails(done, 2, message)
    assert done.output.count("\n") == 1
    assert not list(tmp_path.iterdir())  # said before anything is made


@pytest.mark.parametrize(
    "words",
    [
        ["lstm", "--hidden-size", "10000"],
        ["rnn", "--length", "1000000", "--num-steps", "1"],
        ["gan", "--num-steps", "1000000000"],
    ],
)
def test_hours_are_asked_for_first(words: list[str], call: Call, tmp_path: Path) -> None:
    done = call(*words)
    fails(done, 2, "Choose smaller sizes, or give --yes")
    assert re.search(r"about [\d,.]+ hours and [\d,.]+ GB", done.output)
    assert not list(tmp_path.glob("runs/default/*"))


def test_hours_that_were_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked at a terminal; not at all with --yes."""
    workspace = Workspace(Path(), Path(), None, torch.device("cpu"))
    month = (1e17, 1e9)
    answers = iter([True, False])
    monkeypatch.setattr("typer.confirm", lambda question: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    workspace.ask_if_too_much(month)
    with pytest.raises(UsageError, match="Nothing was trained"):
        workspace.ask_if_too_much(month)
    monkeypatch.undo()
    replace(workspace, yes=True).ask_if_too_much(month)


@pytest.mark.parametrize(
    ("option", "message"), [("data", "lacks MNIST's"), ("exports", "does not match the manifest")]
)
def test_what_part_two_lacks_is_said_before_part_one(
    option: str, message: str, call: Call, tmp_path: Path
) -> None:
    (tmp_path / "exports").mkdir()
    if option == "exports":
        (tmp_path / "exports" / "classifier.pt").write_bytes(b"not ours")
    done = call("all", f"--{option}-dir", tmp_path / "exports")
    fails(done, 1, message)
    assert not list(tmp_path.glob("runs/default/*"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["lstm", "--length", "1"], 2, "Error: length must be from 2 to 1,000,000, not 1.\n"),
        (["restore", "lstm"], 1, "Error: There is no earlier lstm.safetensors to bring back"),
    ],
)
def test_exit_codes_of_the_real_process(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "toolkit.train", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_absent_device(call: Call) -> None:
    fails(call("lstm", "--device", "cuda"), 2, "cuda device on this machine")


def test_missing_data(call: Call, tmp_path: Path) -> None:
    done = call("gan", "--preset", "smoke", "--data-dir", tmp_path)
    fails(done, 1, f"{tmp_path} lacks MNIST's train-images-idx3-ubyte")


def test_damaged_data_is_named(call: Call, tmp_path: Path) -> None:
    for file in EMBEDDED.glob("*.gz"):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:5000])
    done = call("gan", "--preset", "smoke", "--data-dir", tmp_path)
    fails(done, 1, "train-images-idx3-ubyte.gz is damaged")


@pytest.mark.parametrize("option", ["--runs-dir", "--exports-dir"])
def test_a_directory_that_is_a_file(call: Call, tmp_path: Path, option: str) -> None:
    (tmp_path / "file").write_text("")
    done = call("lstm", "--preset", "smoke", option, tmp_path / "file")
    fails(done, 1, "Cannot make the directory")


QUICK = ("lstm", "--preset", "smoke", "--num-steps", "25")
RUN = Path("runs", "smoke", "lstm-num_steps=25")


@pytest.mark.slow
def test_plain_networks_keep_away_from_the_others(call: Call) -> None:
    """Trained at one length or with the curriculum, both are kept, and each seed is listed."""
    exports = RUN.with_name("exports")
    assert call(*QUICK, "--seeds", 2).exit_code == 0
    plain = hashes(exports)["lstm_plain.pt"]
    metrics = manifest.read_manifest(exports)["lstm_plain.safetensors"]["metrics"]
    assert call(*QUICK, "--curriculum").exit_code == 0
    assert {name for name in hashes(exports) if name.endswith(".pt")} == {
        "lstm.pt",
        "lstm_plain.pt",
    }
    assert hashes(exports)["lstm_plain.pt"] == plain

    assert call(*QUICK, "--seed", 1).exit_code == 0  # the second network, on its own
    alone = manifest.read_manifest(exports)["lstm_plain.safetensors"]["metrics"]
    assert metrics["seeds"] == [0, 1]
    assert {*metrics["accuracy_by_length"]} == {"5", "9", "20", "36", "50", "100", "1000"}
    for length, accuracies in metrics["accuracy_by_length_of_seeds"].items():
        assert accuracies[0] == metrics["accuracy_by_length"][length]
        assert accuracies[1] == alone["accuracy_by_length"][length]
    assert alone["accuracy_by_length"] != metrics["accuracy_by_length"]
    assert "seeds" not in alone
    assert call("restore", "lstm_plain", "--exports-dir", exports).exit_code == 0
    assert hashes(exports)["lstm_plain.pt"] == plain


def test_a_failing_seed_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """No export claims more seeds than there are."""

    def diverge(*_: object, **__: object) -> None:
        raise ToolkitError("the training has diverged")

    monkeypatch.setattr("toolkit.lstm.horizon.train", diverge)
    message = "LSTM with seed 1 failed: ToolkitError: the training has diverged"
    fails(call(*QUICK, "--seeds", 2), 1, message)
    assert not (RUN.with_name("exports") / "lstm_plain.pt").exists()


@pytest.mark.slow
def test_damaged_checkpoint_then_restart(call: Call) -> None:
    assert call(*QUICK).exit_code == 0
    exports = RUN.with_name("exports")
    before = hashes(exports)
    checkpoint = RUN / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    fails(call(*QUICK), 1, f"{checkpoint} is damaged")
    assert hashes(exports) == before
    done = call(*QUICK, "--restart")
    assert done.exit_code == 0
    assert f"The old run is now in {RUN}.old-1." in done.output
    assert hashes(exports) == before  # the same seed gives the same bytes
    assert "--restart" not in read_record(RUN).command


@pytest.mark.slow
def test_a_run_of_an_earlier_version_then_restart(call: Call) -> None:
    assert call(*QUICK).exit_code == 0
    (RUN / "run.json").rename(RUN / "config.json")
    fails(call(*QUICK), 2, f"{RUN} has no run.json, so an earlier version of the toolkit made it")
    assert call(*QUICK, "--restart").exit_code == 0
    assert RUN.with_name(f"{RUN.name}.old-1").exists()
    assert read_record(RUN).finished


def test_checkpoint_of_another_config(call: Call) -> None:
    assert call(*QUICK).exit_code == 0
    other = RUN.with_name(f"{RUN.name}-seed=7")
    RUN.rename(other)
    fails(call(*QUICK, "--seed", 7), 2, "seed 0 there, 7 here")
    assert (other / "checkpoint.pt").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a small disk is mounted")
def test_full_disk(call: Call, tmp_path: Path) -> None:
    """A disk of 1 MiB: too small for the checkpoint, which holds the weights and the optimiser."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk])
    if mounted.returncode != 0:
        pytest.skip("this machine does not allow mounting")
    try:
        done = call(*QUICK, "--hidden-size", 512, "--runs-dir", disk)
        message = "checkpoint.pt: No space left on device. What was saved before is unharmed"
        fails(done, 1, message)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_divergence(call: Call) -> None:
    done = call("lstm", "--preset", "smoke", "--learning-rate", "1e38")
    fails(done, 1, "the training has diverged. Try a smaller learning rate")
    assert read_record(Path("runs/smoke/lstm-learning_rate=1e+38")).status == "running"


def test_help_names_the_commands(call: Call) -> None:
    """All of them, and none besides."""
    lines = call("--help").output.split("Commands")[1].splitlines()
    assert {found[1] for line in lines if (found := re.match(r"│ (\S+)", line))} == COMMANDS


HELP = """
import sys
from typer.testing import CliRunner
from toolkit.__main__ import app as toolkit
from toolkit.train.app import app
for words in (["--help"], ["lstm", "--help"], ["gan", "--help"], ["score", "--help"]):
    assert CliRunner().invoke(app, words).exit_code == 0
for words in (["--help"], ["check", "--help"], ["grade", "--help"], ["report", "--help"]):
    assert CliRunner().invoke(toolkit, words).exit_code == 0
print([name for name in ("torch", "numpy", "matplotlib", "gradio") if name in sys.modules])
"""


def test_help_does_not_wait_for_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
