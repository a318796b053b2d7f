"""Run directories: what comes back, what is refused, and what survives a full disk."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.runs import Run


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
    assert json.loads((tmp_path / "a" / "b" / "config.json").read_text()) == {
        "length": 5,
        "seed": 0,
    }


def test_log_goes_back_to_the_checkpoint(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.load()
    run.log(1, loss=0.5)
    run.save(1, 0.0)
    run.log(2, loss=0.4)
    with open(run.log_file, "a") as file:
        file.write('3\n{"loss": 1}\n{"step": 3, "lo')  # what others wrote, and a kill cut short
    assert [entry["step"] for entry in run.metrics()] == [1, 2]
    run.load()
    run.log(2, loss=0.3)
    assert run.metrics() == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.3}]


def test_a_log_without_a_checkpoint_starts_anew(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.log(1, loss=1.0)
    run.load()
    assert run.metrics() == []


@pytest.mark.parametrize("position", [5, 100, -1])
def test_damaged_checkpoint_is_refused_by_name(tmp_path: Path, position: int) -> None:
    run = Run(tmp_path, Config())
    run.save(1, 0.0, weights=torch.zeros(100))
    data = bytearray(run.checkpoint.read_bytes())
    data[position] ^= 1
    run.checkpoint.write_bytes(data)
    with pytest.raises(ToolkitError, match=r"checkpoint.pt is damaged: .* --restart"):
        run.load()


def test_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.save(1, 0.0, weights=torch.zeros(100))
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:-10])
    with pytest.raises(ToolkitError, match="damaged"):
        run.load()


def test_another_config_is_refused(tmp_path: Path) -> None:
    Run(tmp_path, Config(seed=0)).save(1, 0.0)
    with pytest.raises(UsageError, match=r"other settings \(length 5 there, 6 here; seed 0 there"):
        Run(tmp_path, Config(length=6, seed=1)).load()


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
    with pytest.raises(ToolkitError, match=r"Cannot make the directory .*file/run"):
        Run(tmp_path / "file" / "run", Config())


FULL_DISK = """
import resource, signal, sys
from dataclasses import dataclass
from pathlib import Path
import torch
from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write
from toolkit.common.runs import Run

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


def test_full_disk_leaves_what_was_saved(tmp_path: Path) -> None:
    """A process that may write no more than 4 KiB to a file, which is what a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True
    )
    data, checkpoint = done.stdout.splitlines()
    assert re.match(r"Cannot save .*data.bin: File too large. What was saved .* unharmed", data)
    assert re.match(r"Cannot save .*checkpoint.pt: File too large", checkpoint)
    assert (tmp_path / "data.bin").read_bytes() == b"old"
    assert not list(tmp_path.rglob(".*"))  # no temporary file is left behind
    state = Run(tmp_path / "run", Config()).load()
    assert state is not None
    assert state["step"] == 1


def test_state_of_other_code_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.save(1, 0.0, model=torch.nn.Linear(2, 3).state_dict())
    state = run.load()
    assert state is not None
    refused = pytest.raises(ToolkitError, match=r"does not fit the present code; .* --restart")
    with refused, run.restoring():
        torch.nn.Linear(2, 4).load_state_dict(state["model"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_divergence_is_said(tmp_path: Path, value: float) -> None:
    run = Run(tmp_path, Config())
    with pytest.raises(ToolkitError, match=f"loss became {value} at step 5: .* has diverged"):
        run.log(5, loss=value)
    assert run.metrics() == []
