"""Devices, precision and random generators."""

import pytest
import torch
from torch.torch_version import TorchVersion

from toolkit.common.device import (
    autocast,
    flushed_denormals,
    make_rng,
    needs_torch,
    pick_device,
    pick_precision,
    seeded,
    threads,
)
from toolkit.common.errors import ToolkitError, UsageError


def test_generators_are_independent_and_repeatable() -> None:
    def sample(seed: int, purpose: str) -> tuple[float, ...]:
        return tuple(torch.rand(4, generator=make_rng(seed, purpose)).tolist())

    assert sample(0, "latents") == sample(0, "latents")
    assert len({sample(seed, p) for seed in (0, 1, -1) for p in ("latents", "test")}) == 6


def test_seeded_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    with seeded(0, "weights"):
        one = torch.rand(3)
    assert torch.equal(torch.rand(2), expected)
    with seeded(0, "weights"):
        assert torch.equal(torch.rand(3), one)
    with seeded(0, "other"):
        assert not torch.equal(torch.rand(3), one)


def test_a_torch_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """As numbers: 2.9 is older than 2.11."""
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.9.1+cu128"))
    needs_torch("A .pt2 file")
    with pytest.raises(
        ToolkitError, match=r"Training needs torch 2\.11 or newer, and this is torch "
    ):
        needs_torch("Training")


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_unknown_device() -> None:
    with pytest.raises(UsageError, match="no device 'tpu'; choose one of auto, cpu, cuda, mps"):
        pick_device("tpu")


def test_autocast_follows_the_precision() -> None:
    cpu, x = torch.device("cpu"), torch.ones(2, 2)
    with autocast(cpu, "bfloat16"):
        assert (x @ x).dtype == torch.bfloat16
    with autocast(cpu, "float32"):
        assert (x @ x).dtype == torch.float32


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": False}, "float32"),
        ({}, "float32"),  # another architecture
    ],
)
def test_precision_follows_the_processor(
    capabilities: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert pick_precision(torch.device("cpu")) == precision
    assert pick_precision(torch.device("mps")) == "float32"


def test_denormals_are_flushed_inside_the_block() -> None:
    smallest = torch.finfo(torch.float32).tiny
    with flushed_denormals():
        assert float(torch.tensor(smallest) / 2) == 0
    assert float(torch.tensor(smallest) / 2) == smallest / 2
