"""Killed at any point and repeated, a command ends with the same bytes as one left in peace."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mishaps.child import attempt, contents

from toolkit.common.record import read_record
from toolkit.common.runs import Run
from toolkit.export.manifest import read_manifest
from toolkit.gan.config import Config, mlp_config
from toolkit.gan.data import MNIST
from toolkit.gan.training import train

from ..conftest import HANGS

ROOT = Path(__file__).parents[2]
NIGHTLY = pytest.mark.nightly


def finish(directory: Path, arguments: list[str], kills: Sequence[int | str]) -> int:
    """Give a command again and again, killed at write `kills[0]`, then `kills[1]`, and so on.

    Args:
        kills: the number of each write, or the end of its path.

    Returns:
        how many of the kills struck, the last attempt being left in peace.
    """
    directory.mkdir()
    for n, last_write in enumerate([*kills, None]):
        code, said, _ = attempt(arguments, directory, last_write=last_write)
        assert "Traceback" not in said, said
        if code == 0:
            return n
        assert code == -signal.SIGKILL, said
        records = [read_record(path.parent) for path in directory.glob("runs/*/*/run.json")]
        if isinstance(last_write, int):
            assert "running" in [record.status for record in records]
    raise AssertionError(said)


@pytest.mark.slow
@pytest.mark.xdist_group("kills")  # so that one server of forks is started
@pytest.mark.parametrize(
    ("arguments", "kills"),
    [
        # At the second checkpoint; before its record, between the two good validations that end
        # this training; between the manifest and lstm_plain.pt; then before the manifest, and
        # before the record of the finished run.
        (["lstm"], [5, 4, 9, 6, 4]),
        (["rnn", "--curriculum", "--num-steps", "50"], [5, 5]),
        # At the first and at the last checkpoint of the second seed, which begins again.
        (["rnn", "--num-steps", "50", "--seeds", "2"], [11, 9]),
        # After the checkpoint of the first epoch; between the manifest and classifier.pt.
        pytest.param(["classifier"], [5, 10], marks=NIGHTLY),
        # Before the record of step 40, with snapshots and film; of the exports, before film.npz.
        (["gan", "--batch-size", "4"], [11, 23]),
    ],
    ids=["lstm", "curriculum", "seeds", "classifier", "gan"],
)
def test_killed_and_repeated(arguments: list[str], kills: list[int], tmp_path: Path) -> None:
    command = [*arguments, "--preset", "smoke"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert finish(whole, command, []) == 0
    assert finish(killed, command, kills) == len(kills)
    assert contents(killed) == contents(whole)
    (run,) = killed.glob("runs/smoke/*/run.json")
    assert read_record(run.parent).finished
    assert not list(killed.rglob(".*.tmp"))


@pytest.mark.nightly
@pytest.mark.xdist_group("kills")
def test_all_equals_its_parts(tmp_path: Path) -> None:
    """Killed in the exports of each model and between them, and one command at a time."""
    command = ["all", "--preset", "smoke"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert finish(whole, command, []) == 0
    kills = [
        "/lstm.onnx",
        "/rnn.pt",
        "/lstm/checkpoint.pt",
        "/rnn_plain.pt2",
        "/classifier.pt",
        "/gan/checkpoint.pt",
        "/film.npz",
    ]
    assert finish(killed, command, kills) == len(kills)
    assert contents(killed) == contents(whole)
    parts = {}
    for words in (
        ["gan"],
        ["rnn", "--curriculum"],
        ["lstm", "--seeds", "2"],
        ["lstm", "--curriculum"],
        ["rnn", "--seeds", "2"],
    ):
        finish(part := tmp_path / "-".join(words), [*words, "--preset", "smoke"], [])
        parts |= read_manifest(part / "runs" / "smoke" / "exports")
    assert parts == read_manifest(whole / "runs" / "smoke" / "exports")


@pytest.mark.slow
def test_interrupted_mlp(tmp_path: Path, mnist: MNIST) -> None:
    """BatchNorm's running statistics and the film come back, too."""
    config = replace(
        mlp_config(Config()), num_steps=32, batch_size=8, eval_every=8, save_every=8, latent_dim=10
    )
    images, labels = mnist.train_images[:64], mnist.train_labels[:64]
    looks = 0

    def measure(network: torch.nn.Module) -> dict[str, float | str]:
        nonlocal looks
        looks += 1
        if looks == 2:  # in step 16, so that the last checkpoint is of step 8
            raise KeyboardInterrupt
        return {"distance": float(looks > 2)}

    def train_in(name: str) -> tuple[list[dict[str, torch.Tensor]], dict[int, torch.Tensor]]:
        run = Run(tmp_path / name, config)
        networks, film = train(config, run, images, labels, torch.device("cpu"), measure)
        return [network.state_dict() for network in networks], film

    with pytest.raises(KeyboardInterrupt):
        train_in("interrupted")
    assert read_record(tmp_path / "interrupted").steps == 8
    resumed, whole = train_in("interrupted"), train_in("whole")
    torch.testing.assert_close(resumed, whole, rtol=0, atol=0)


def start(directory: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        # A shell in the background passes on that Ctrl+C is ignored; here it is not.
        ["env", "--default-signal=INT", sys.executable, "-m", "toolkit.train", *arguments],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_the_real_process(tmp_path: Path) -> None:
    """SIGKILL leaves a run that continues, Ctrl+C and SIGTERM say so; this RNN never learns."""
    command = ("rnn", "--preset", "smoke", "--length", "60", "--num-steps", "9999")
    run = tmp_path / "runs" / "smoke" / "rnn-length=60-num_steps=9999"
    steps = 0
    sent_and_codes = (
        (signal.SIGKILL, -signal.SIGKILL),
        (signal.SIGTERM, 130),
        (signal.SIGINT, 130),
    )
    for sent, code in sent_and_codes:
        process = start(tmp_path, *command)
        while not (run / "run.json").exists() or read_record(run).steps <= steps:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(sent)
        stdout, stderr = process.communicate()
        assert process.returncode == code
        assert "Traceback" not in stderr
        record = read_record(run)
        assert record.status == "running"
        assert record.command == f"python -m toolkit.train {' '.join(reordered(command))}"
        steps = record.steps
    assert re.match(r"rnn: continues after step \d+ of 9999", stdout)
    assert stderr == "Interrupted. Run the same command again, without --restart, to continue.\n"


@pytest.mark.nightly
def test_killed_between_seeds(tmp_path: Path) -> None:
    """The seeds that are done are kept, and the others give what they would have given."""
    words = ["rnn", "--preset", "smoke", "--num-steps", "50", "--seeds", "3"]
    exports = Path("runs/smoke/exports")
    results = Path("runs/smoke/rnn-num_steps=50/seeds-3/metrics.jsonl")
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()

    def give(name: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "toolkit.train", *words],
            cwd=tmp_path / name,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
        )

    with give("killed") as process:
        while not (file := tmp_path / "killed" / results).exists() or not file.read_text():
            time.sleep(0.01)
        process.kill()
    assert not (tmp_path / "killed" / exports / "rnn_plain.pt").exists()
    for name in ("killed", "whole"):
        with give(name) as process:
            assert process.wait() == 0
    for name in ("rnn_plain.pt", "manifest.json"):
        killed, whole = (tmp_path / n / exports / name for n in ("killed", "whole"))
        assert killed.read_bytes() == whole.read_bytes()


def reordered(command: tuple[str, ...]) -> list[str]:
    """As run.json has it: what is trained comes first, where it goes last."""
    model, *rest = command
    return [model, *rest[2:], *rest[:2]]


@pytest.mark.nightly
@pytest.mark.parametrize(
    "arguments",
    [
        ["lstm", "--curriculum"],
        ["rnn", "--length", "12"],
        ["classifier"],
        ["gan", "--num-steps", "450"],
        ["gan", "--num-steps", "450", "--architecture", "mlp"],
    ],
    ids=" ".join,
)
def test_killed_at_random(arguments: list[str], tmp_path: Path) -> None:
    """Ten real processes are killed at random moments; the seed is in the message."""
    seed = random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    command = [*arguments, "--preset", "smoke"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for directory in (whole, killed):
        directory.mkdir()
    began = time.monotonic()
    start(whole, *command).communicate()
    seconds = time.monotonic() - began
    for _ in range(10):
        process = start(killed, *command)
        try:
            process.wait(timeout=rng.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    start(killed, *command).communicate()
    assert contents(killed) == contents(whole), f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_study_leaves_no_process_behind(sent: signal.Signals, tmp_path: Path) -> None:
    """Neither idle workers nor those with a trial that takes minutes."""
    program = (
        "from pathlib import Path\n"
        "from toolkit.lstm.config import Config\n"
        "from toolkit.lstm.horizon import Trial, run_grid\n"
        "trials = [Trial('RNN', Config(model='rnn', num_steps=n, length=100), (5,), 100)\n"
        "          for n in (2, 10**6, 10**6)]\n"
        "run_grid(trials, Path('study'), num_workers=2)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    results = tmp_path / "study" / "metrics.jsonl"
    while not results.exists() or not results.read_text():
        time.sleep(0.1)
    process.send_signal(sent)
    process.wait(HANGS)
    until = time.monotonic() + HANGS
    while (left := alive(process.pid)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not left


def alive(group: int) -> bool:
    """Whether a group of processes has any."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
