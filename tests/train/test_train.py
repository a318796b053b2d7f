"""The command line through its real entry point: smoke runs, kills, and users' mistakes."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from toolkit.export import manifest, torchscript
from toolkit.gan.data import EMBEDDED

ROOT = Path(__file__).parents[2]
RunTrain = Callable[..., "subprocess.CompletedProcess[str]"]


def hashes(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
        if path.is_file()
    }


@pytest.mark.slow
def test_smoke_of_everything(run_train: RunTrain, tmp_path: Path) -> None:
    committed = hashes(ROOT / "exports")
    done = run_train("all", "--preset", "smoke")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert hashes(ROOT / "exports") == committed
    assert "gan: step 800/800" in done.stdout  # plain lines, since this is no terminal
    assert "\x1b" not in done.stdout

    smoke = tmp_path / "smoke"
    for name in manifest.SIGNATURES:
        torchscript.load(name, smoke / "exports")
    assert (smoke / "exports" / "classifier.pt").read_bytes() == (
        ROOT / "exports" / "classifier.pt"
    ).read_bytes()
    for name in ("lstm-curriculum", "rnn-curriculum", "gan"):
        assert json.loads((smoke / name / "config.json").read_text())["seed"] == 0
        for line in (smoke / name / "metrics.jsonl").read_text().splitlines():
            assert json.loads(line)["step"] > 0
        assert (smoke / name / "checkpoint.pt").exists()
    figures = smoke / "gan" / "figures"
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
    metrics = json.loads((smoke / "exports" / "manifest.json").read_text())["generator.pt"][
        "metrics"
    ]
    assert metrics["classifier_sha256"] == committed["classifier.pt"]
    assert metrics["frechet_distance"] > metrics["frechet_distance_floor"] > 0
    assert sum(metrics["class_shares"]) == pytest.approx(1)

    again = run_train("all", "--preset", "smoke")  # finished: nothing is trained a second time
    assert again.returncode == 0
    assert again.stdout.count("finished earlier") == 3
    assert "step " not in again.stdout.replace("finished earlier, after step ", "")


def train_with_kills(arguments: list[str], runs_dir: Path, checkpoint: Path) -> int:
    """Repeat a command, killing it after each new checkpoint, until it ends by itself."""
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-m", "toolkit.train", *arguments, "--runs-dir", str(runs_dir)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while process.poll() is None:
            time.sleep(0.005)
            if checkpoint.exists() and checkpoint.stat().st_mtime_ns > before and kills < 3:
                time.sleep(0.02 * kills)  # not always just after the checkpoint
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
        if process.returncode != -signal.SIGKILL:
            assert process.returncode == 0
            return kills


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["lstm", "--preset", "smoke", "--length", "12", "--num-steps", "150"],
        ["rnn", "--preset", "smoke", "--curriculum"],
        ["gan", "--preset", "smoke", "--num-steps", "450"],
        ["gan", "--preset", "smoke", "--num-steps", "450", "--architecture", "perceptron"],
        ["classifier", "--preset", "smoke"],
    ],
    ids=["lstm", "curriculum", "gan", "mlp", "classifier"],
)
def test_killed_and_resumed_equals_uninterrupted(
    arguments: list[str], run_train: RunTrain, tmp_path: Path
) -> None:
    assert run_train(*arguments, runs_dir=tmp_path / "whole").returncode == 0
    (name,) = (p.name for p in (tmp_path / "whole" / "smoke").iterdir() if p.name != "exports")
    killed = tmp_path / "killed"
    kills = train_with_kills(arguments, killed, killed / "smoke" / name / "checkpoint.pt")
    assert kills >= 1
    assert hashes(killed / "smoke" / name / "figures") == hashes(
        tmp_path / "whole" / "smoke" / name / "figures"
    )
    assert hashes(killed / "smoke" / "exports") == hashes(tmp_path / "whole" / "smoke" / "exports")
    logs = [
        [
            {key: value for key, value in json.loads(line).items() if key != "seconds"}
            for line in (runs / "smoke" / name / "metrics.jsonl").read_text().splitlines()
        ]
        for runs in (killed, tmp_path / "whole")
    ]
    assert logs[0] == logs[1]


def fails(done: "subprocess.CompletedProcess[str]", code: int, message: str) -> None:
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    flat = " ".join(done.stderr.replace("│", " ").split())
    assert message in flat


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gru"], "No such command 'gru'"),
        (["lstm", "--preset", "huge"], "'huge' is not one of 'smoke', 'default', 'long'"),
        (["lstm", "--length", "1"], "length must be from 2 to 1,000,000, not 1"),
        (["lstm", "--hidden-size", "0"], "hidden_size must be from 1 to 10,000, not 0"),
        (["rnn", "--batch-size", "-3"], "batch_size must be from 1 to 100,000, not -3"),
        (["lstm", "--learning-rate", "0"], "learning_rate must be above 0 and finite, not 0.0"),
        (["gan", "--num-steps", "0"], "num_steps must be from 2 to 1,000,000,000, not 0"),
        (["gan", "--batch-size", "1"], "batch_size must be from 2 to 60,000, not 1"),
        (["gan", "--loss", "bce"], "'bce' is not one of 'hinge', 'non-saturating', 'minimax'"),
        (["lstm", "--seed", "x"], "Invalid value for '--seed'"),
    ],
)
def test_usage_errors(run_train: RunTrain, arguments: list[str], message: str) -> None:
    fails(run_train(*arguments), 2, message)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_absent_device(run_train: RunTrain) -> None:
    fails(run_train("lstm", "--device", "cuda"), 2, "finds no cuda device on this machine")


def test_missing_data(run_train: RunTrain, tmp_path: Path) -> None:
    fails(
        run_train("gan", "--preset", "smoke", "--data-dir", tmp_path),
        1,
        f"{tmp_path} lacks MNIST's train-images-idx3-ubyte",
    )


def test_damaged_data_is_named(run_train: RunTrain, tmp_path: Path) -> None:
    for file in EMBEDDED.glob("*.gz"):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:5000])
    fails(
        run_train("gan", "--preset", "smoke", "--data-dir", tmp_path),
        1,
        "train-images-idx3-ubyte.gz is damaged",
    )


def test_unwritable_directory(run_train: RunTrain, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fails(
        run_train("lstm", "--preset", "smoke", runs_dir=tmp_path / "file"),
        1,
        "Cannot make the directory",
    )


def test_damaged_checkpoint_then_restart(run_train: RunTrain, tmp_path: Path) -> None:
    command = ("lstm", "--preset", "smoke")
    assert run_train(*command).returncode == 0
    before = hashes(tmp_path / "smoke" / "exports")
    checkpoint = tmp_path / "smoke" / "lstm" / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    fails(run_train(*command), 1, f"{checkpoint} is damaged")
    assert hashes(tmp_path / "smoke" / "exports") == before
    done = run_train(*command, "--restart")
    assert done.returncode == 0
    assert "kept in" in done.stdout
    assert hashes(tmp_path / "smoke" / "exports") == before  # same seed, same bytes


def test_checkpoint_of_another_config(run_train: RunTrain, tmp_path: Path) -> None:
    assert run_train("lstm", "--preset", "smoke").returncode == 0
    one, other = tmp_path / "smoke" / "lstm", tmp_path / "smoke" / "lstm-seed=7"
    one.rename(other)
    fails(run_train("lstm", "--preset", "smoke", "--seed", 7), 2, "seed 0 there, 7 here")
    assert (other / "checkpoint.pt").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_full_disk(run_train: RunTrain, tmp_path: Path) -> None:
    """A disk of 1 MiB: too small for the checkpoint, which holds the weights and the optimiser."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk])
    if mounted.returncode != 0:
        pytest.skip("this machine does not allow mounting")
    try:
        fails(
            run_train("lstm", "--preset", "smoke", "--hidden-size", 512, runs_dir=disk),
            1,
            "checkpoint.pt: No space left on device. What was saved before is unharmed",
        )
    finally:
        subprocess.run(["umount", disk], check=True)


def test_help_names_every_command(run_train: RunTrain) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "toolkit.train", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    for command in (
        *("lstm", "rnn", "gan", "classifier", "all", "horizon"),
        *("score", "interpolate", "clinic", "restore"),
    ):
        assert command in done.stdout


def test_restore_without_a_previous_file(run_train: RunTrain, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "toolkit.train", "restore", "lstm", "--exports-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    fails(done, 1, "There is no earlier lstm.pt to bring back")


def test_divergence(run_train: RunTrain) -> None:
    fails(
        run_train("gan", "--preset", "smoke", "--learning-rate", "1e30"),
        1,
        "the training has diverged. Try a smaller --learning-rate",
    )


def test_exports_dir_that_is_a_file(run_train: RunTrain, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fails(
        run_train("lstm", "--preset", "smoke", "--exports-dir", tmp_path / "file"),
        1,
        "Cannot make the directory",
    )


@pytest.mark.slow
def test_all_trains_a_classifier_where_there_is_none(tmp_path: Path) -> None:
    """Elsewhere than in the project's folder; `gan` alone says what is missing."""

    def run(command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "toolkit.train", command, "--preset", "smoke"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    fails(run("gan"), 1, "There is no classifier.pt")
    done = run("all")
    assert done.returncode == 0, done.stderr
    assert "Classifier: 9" in done.stdout  # per cent of the test images
    for name in manifest.SIGNATURES:
        torchscript.load(name, tmp_path / "runs" / "smoke" / "exports")


@pytest.mark.slow
def test_horizon_and_again(run_train: RunTrain, tmp_path: Path) -> None:
    done = run_train("horizon", "--preset", "smoke")
    assert done.returncode == 0, done.stderr
    study = tmp_path / "smoke" / "horizon"
    table = (study / "horizon.md").read_text()
    assert table in done.stdout
    assert "| LSTM | 5 | 100.00% |" in table
    assert iio.imread(study / "horizon.png").std() > 10
    csv = (study / "horizon.csv").read_text().splitlines()
    assert len(csv) == 1 + 5
    assert csv[0].startswith("family,model,length,")

    again = run_train("horizon", "--preset", "smoke")
    assert table in again.stdout
    assert "5/5" not in again.stdout  # no cell was run a second time


@pytest.mark.slow
def test_horizon_without_a_cluster(run_train: RunTrain) -> None:
    fails(
        run_train("horizon", "--preset", "smoke", "--cluster", "tcp://127.0.0.1:9"),
        2,
        "There is no Dask scheduler at tcp://127.0.0.1:9",
    )
