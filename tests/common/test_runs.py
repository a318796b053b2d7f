"""Run directories: what comes back, what is refused, and what survives a full disk."""

import json
import pickle
import re
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import read_log, write_log
from toolkit.common.record import Interpolation, read_record
from toolkit.common.runs import Run
from toolkit.gan.classifier import train as train_classifier
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.config import Config as GANConfig
from toolkit.gan.data import MNIST
from toolkit.gan.training import train as train_gan
from toolkit.lstm.config import Config as RecurrentConfig
from toolkit.lstm.training import train as train_recurrent

from ..conftest import HANGS


@dataclass(frozen=True)
class Config:
    length: int = 5
    seed: int = 0


def test_state_comes_back(tmp_path: Path) -> None:
    run = Run(tmp_path / "a" / "b", Config())
    assert run.load() is None
    weights = {"w": torch.randn(3)}
    run.save(7, 1.5, weights=weights, streak=1)
    state = Run(tmp_path / "a" / "b", Config()).load()
    assert state is not None
    assert state["step"] == 7
    assert state["seconds"] == 1.5
    assert torch.equal(state["weights"]["w"], weights["w"])
    record = json.loads((tmp_path / "a" / "b" / "run.json").read_text())
    assert record["settings"] == {"length": 5, "seed": 0}
    assert (record["status"], record["steps"], record["seconds"]) == ("running", 7, 1.5)


def finish(run: Run) -> None:
    metrics = {"loss": 1.0, "accuracy_by_length": {"5": 0.75}}
    run.finish(run.record("all steps done", metrics, Interpolation(digit_from=3, digit_to=8)))


def test_record_of_a_finished_run(tmp_path: Path) -> None:
    run = Run(tmp_path, Config(), "lstm", "python -m toolkit.train lstm")
    run.load()
    run.save(7, 1.234567)
    finish(run)
    facts = json.loads((tmp_path / "run.json").read_text())
    seal = facts.pop("crc32")
    assert seal == f"{zlib.crc32(json.dumps(facts).encode()):08x}"
    assert facts == {
        "model": "lstm",
        "command": "python -m toolkit.train lstm",
        "settings": {"length": 5, "seed": 0},
        "status": "finished",
        "stopped": "all steps done",
        "steps": 7,
        "seconds": 1.23,
        "metrics": {"loss": 1.0, "accuracy_by_length": {"5": 0.75}},
        "interpolation": {"digit_from": 3, "digit_to": 8},
    }
    record = read_record(tmp_path)
    assert record.metrics == {"loss": 1.0, "accuracy_by_length": {"5": 0.75}}
    assert str(record.interpolation) == "from a 3 to an 8"


def test_a_finished_run_that_is_repeated_stays_finished(tmp_path: Path) -> None:
    """Until it says the same again, since a kill in between must not take the record away."""
    run = Run(tmp_path, Config())
    run.load()
    run.save(7, 1.0)
    finish(run)
    before = (tmp_path / "run.json").read_bytes()
    again = Run(tmp_path, Config())
    again.load()
    assert (tmp_path / "run.json").read_bytes() == before
    finish(again)
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_run_of_an_earlier_version(tmp_path: Path) -> None:
    """It has a checkpoint and no record; --restart keeps it under another name."""
    run = Run(tmp_path / "run", Config())
    run.save(7, 1.0)
    (tmp_path / "run" / "run.json").unlink()
    (tmp_path / "run" / "config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"has no run.json, so an earlier version .* delete "):
        run.load()
    assert run.set_aside() == tmp_path / "run.old-1"
    assert run.load() is None
    assert read_record(tmp_path / "run").status == "running"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("}", "", "is damaged .in run.json, run.json: Invalid JSON"),
        ('"running"', '"walking"', "is damaged .in run.json, status: Input should be 'running'"),
        ('"running"', '"finished"', "a finished run says why it stopped"),
        ('"steps": 7', '"steps": -7', "is damaged .in run.json, steps: "),
        ('"steps": 7', '"steps": 7, "luck": 1', "is damaged .in run.json, luck: Extra inputs"),
    ],
)
def test_damaged_record(tmp_path: Path, old: str, new: str, message: str) -> None:
    """One from before 0.2, which has no checksum."""
    Run(tmp_path, Config()).save(7, 1.0)
    path = tmp_path / "run.json"
    text = re.sub(r',\s*"crc32": "\w+"', "", path.read_text())
    path.write_text(text)
    assert read_record(tmp_path).steps == 7
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ToolkitError, match=message):
        read_record(tmp_path)
    with pytest.raises(ToolkitError, match="or delete "):
        Run(tmp_path, Config()).load()


def test_no_flipped_bit_of_a_record_is_silent(tmp_path: Path) -> None:
    run = Run(tmp_path, Config(), "lstm", "python -m toolkit.train lstm")
    run.save(7, 1.234567)
    finish(run)
    path = tmp_path / "run.json"
    data = path.read_bytes()
    for k in range(len(data)):  # one bit of each byte
        flipped = bytearray(data)
        flipped[k] ^= 1 << k % 8
        path.write_bytes(flipped)
        with pytest.raises(ToolkitError, match=r"is damaged .in run.json, "):
            read_record(tmp_path)


def test_log_goes_back_to_the_checkpoint(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.load()
    run.log(1, loss=0.5)
    run.save(1, 0.0)
    run.log(2, loss=0.4)
    with open(run.log_file, "a") as file:
        file.write('3\n{"loss": 1}\n{"step": 3, "lo')  # what others wrote, and a kill cut short
    run = Run(tmp_path, Config())
    run.load()
    assert run.latest == {"loss": 0.5}
    run.log(2, loss=0.3)
    expected = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.3}]
    assert run.entries == read_log(run.log_file).entries == expected


def test_no_flipped_bit_of_a_log_is_silent(tmp_path: Path) -> None:
    """Every bit of three lines: what is read was written, and what is lost is counted."""
    path = tmp_path / "metrics.jsonl"
    written = [{"step": step, "loss": 1 / step, "text": "é"} for step in (1, 2, 3)]
    write_log(path, written)
    data = path.read_bytes()
    for k in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[k // 8] ^= 1 << k % 8
        path.write_bytes(flipped)
        entries, damaged = read_log(path)
        assert entries == [entry for entry in written if entry in entries]
        cut_short = k // 8 == len(data) - 1  # the last end of line: as after a kill
        assert (len(entries) < 3) == bool(damaged or cut_short)


def test_a_damaged_log_is_named_and_the_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Run(tmp_path, Config()) as run:
        run.load()
        for step in (1, 2, 3):
            run.log(step, loss=1 / step)
        run.save(3, 0.0)
    damaged = run.log_file.read_bytes().replace(b'"step": 3', b'"step": 8')
    run.log_file.write_bytes(damaged)
    with Run(tmp_path, Config()) as run:
        run.load()
        assert run.latest == {"loss": 1 / 3}  # the checkpoint knows it
        assert run.entries == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}]
    copy = tmp_path / "metrics.jsonl.damaged-1"
    assert copy.read_bytes() == damaged
    assert capsys.readouterr().out == (
        f"Note: {run.log_file} is damaged in line 3: 1 of 3 entries are lost. Curves lack them "
        "and the networks are unharmed; trials of a study run again. "
        f"The damaged file is now {copy}.\n"
    )


def test_a_run_belongs_to_one_process(tmp_path: Path) -> None:
    """A second process says what it waits for, and goes on when the first is through."""
    program = (
        "import sys\n"
        "from dataclasses import make_dataclass\n"
        "from pathlib import Path\n"
        "from toolkit.common.runs import Run\n"
        "Run(Path(sys.argv[1]) / 'run', make_dataclass('Config', [])())\n"
        "print('mine')\n"
    )
    with Run(tmp_path / "run", Config()):
        command = [sys.executable, "-c", program, tmp_path]
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        said = other.stdout.readline()
        assert other.poll() is None
    assert said == (
        f"Another command is training in {tmp_path / 'run'}. This one waits for it; Ctrl+C gives "
        "up.\n"
    )
    assert other.communicate(timeout=HANGS)[0] == "mine\n"


def test_a_log_without_a_checkpoint_starts_anew(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.log(1, loss=1.0)
    run.load()
    assert run.entries == read_log(run.log_file).entries == []


@pytest.mark.parametrize("position", [5, 100, -1])
def test_damaged_checkpoint_is_refused_by_name(tmp_path: Path, position: int) -> None:
    run = Run(tmp_path, Config())
    run.save(1, 0.0, weights=torch.zeros(100))
    data = bytearray(run.checkpoint.read_bytes())
    data[position] ^= 1
    run.checkpoint.write_bytes(data)
    with pytest.raises(ToolkitError, match=r"checkpoint.pt is damaged: .* delete "):
        run.load()


def test_another_config_is_refused(tmp_path: Path) -> None:
    Run(tmp_path, Config(seed=0)).save(1, 0.0)
    with pytest.raises(
        UsageError, match=r"other settings \(length 5 there, 6 here; seed 0 there"
    ) as refused:
        Run(tmp_path, Config(length=6, seed=1)).load()
    assert f"Choose another directory, or delete {tmp_path}" in str(refused.value)
    assert "--" not in str(refused.value)  # a program has no options
    told_by_command = pickle.loads(pickle.dumps(refused.value)).in_command  # from a worker
    assert "another --runs-dir" in told_by_command
    assert "--restart" in told_by_command


def test_only_a_command_names_its_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Run(tmp_path, Config()).say_finished("lstm")
    assert capsys.readouterr().out == "lstm: finished earlier, after step 0\n"
    Run(tmp_path, Config(), command="python -m toolkit.train lstm").say_finished("lstm")
    assert "--restart" in capsys.readouterr().out


def test_set_aside_keeps_the_old_run(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", Config())
    assert run.set_aside() is None
    for k in (1, 2):
        run.save(k, 0.0)
        old = run.set_aside()
        assert old == tmp_path / f"run.old-{k}"
        assert (old / "checkpoint.pt").exists()
        assert run.load() is None


def test_unwritable_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(
        ToolkitError, match=r"Cannot make the directory .*file/run.*: .*file is a file"
    ):
        Run(tmp_path / "file" / "run", Config())


FULL_DISK = """
import resource, signal, sys
from dataclasses import dataclass
from pathlib import Path
import torch
from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write
from toolkit.common.runs import Run
from toolkit.gan.classifier import train as train_classifier
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.config import Config as GANConfig
from toolkit.gan.data import MNIST
from toolkit.gan.training import train as train_gan
from toolkit.lstm.config import Config as RecurrentConfig
from toolkit.lstm.training import train as train_recurrent

@dataclass(frozen=True)
class Config:
    length: int = 5
    seed: int = 0

directory = Path(sys.argv[1])
atomic_write(directory / "data.bin", b"old")
Run(directory / "run", Config()).save(1, 0.0)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # no file may grow past 4 KiB
for write in (
    lambda: atomic_write(directory / "data.bin", bytes(4097)),
    lambda: Run(directory / "run", Config()).save(2, 0.0, weights=torch.zeros(4096)),
):
    try:
        write()
    except ToolkitError as error:
        print(error)
"""


@pytest.mark.slow
def test_full_disk_leaves_what_was_saved(tmp_path: Path) -> None:
    """A process that may write no more than 4 KiB to a file, which is what a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True
    )
    data, checkpoint = done.stdout.splitlines()
    assert re.match(r"Cannot save .*data.bin: File too large. What was saved .* unharmed", data)
    assert re.match(r"Cannot save .*checkpoint.pt: File too large", checkpoint)
    assert (tmp_path / "data.bin").read_bytes() == b"old"
    assert not list(tmp_path.rglob(".*.tmp"))
    state = Run(tmp_path / "run", Config()).load()
    assert state is not None
    assert state["step"] == 1


def test_state_of_other_code_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.save(1, 0.0, model=torch.nn.Linear(2, 3))
    saved = run.load()
    assert saved is not None
    with pytest.raises(ToolkitError, match=r"does not fit the current code. .* delete "):
        run.restore(SimpleNamespace(model=torch.nn.Linear(2, 4)), saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_divergence_is_said(tmp_path: Path, value: float) -> None:
    run = Run(tmp_path, Config())
    with pytest.raises(ValueError, match="finite number"):
        run.record("all steps done", {"accuracy_by_length": {"5": value}})
    with pytest.raises(ToolkitError, match=f"loss became {value} at step 5: .* has diverged"):
        run.log(5, loss=value)
    assert run.entries == read_log(run.log_file).entries == []


@pytest.mark.parametrize("training", ["lstm", "gan", "classifier"])
def test_a_training_refuses_the_run_of_another_config(
    training: str, tmp_path: Path, mnist: MNIST
) -> None:
    """Before anything is trained or written: else the run's record would say what was not so."""
    trainings: dict[str, tuple[Any, Any]] = {
        "lstm": (RecurrentConfig, lambda config, run: train_recurrent(config, run)),
        "gan": (
            GANConfig,
            lambda config, run: train_gan(config, run, mnist.train_images, mnist.train_labels),
        ),
        "classifier": (
            ClassifierConfig,
            lambda config, run: train_classifier(config, run, mnist, torch.device("cpu")),
        ),
    }
    config, train = trainings[training]
    with Run(str(tmp_path / "run"), config(seed=1)) as run:
        with pytest.raises(
            UsageError, match=r"opened for other settings .*\(seed 1 there, 2 here\)"
        ):
            train(config(seed=2), run)
        assert not run.log_file.exists()
        assert not run.checkpoint.exists()
