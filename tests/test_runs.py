"""Run directories: what comes back, what is refused, and what survives a full disk."""

import json
import resource
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from toolkit.errors import ToolkitError, UsageError
from toolkit.files import atomic_write
from toolkit.runs import Run


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


@pytest.fixture
def file_size_limit() -> Iterator[int]:
    """No file may grow past 4 KiB: what a full disk does, without filling one."""
    limit = 4096
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_full_disk_leaves_the_old_file(tmp_path: Path, file_size_limit: int) -> None:
    path = tmp_path / "data.bin"
    atomic_write(path, b"old")
    with pytest.raises(ToolkitError, match=r"Cannot save .*data.bin: .* unharmed"):
        atomic_write(path, bytes(file_size_limit + 1))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]  # no temporary file left behind


def test_full_disk_leaves_the_old_checkpoint(tmp_path: Path, file_size_limit: int) -> None:
    run = Run(tmp_path, Config())
    run.save(1, 0.0)
    with pytest.raises(ToolkitError, match="Cannot save"):
        run.save(2, 0.0, weights=torch.zeros(file_size_limit))
    state = run.load()
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
