"""Devices, precision and random numbers.

All random numbers in a run come from generators that `make_rng` or `seeded` has seeded. Therefore,
a run that is killed and started again gives the same results, byte for byte.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch
from torch import nn

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.settings import Precision

DEVICES = ("auto", "cpu", "cuda", "mps")

# The oldest torch for each task that torch 2.4 cannot do; the task failed one release earlier.
LEAST_TORCH = {"Training": "2.11", "Exporting a model": "2.9", "A .pt2 file": "2.9"}


def needs_torch(task: str) -> None:
    """Raise a ToolkitError if the installed torch is too old for a task.

    Args:
        task: a key of `LEAST_TORCH`.
    """
    if torch.__version__ < LEAST_TORCH[task]:
        raise ToolkitError(
            f"{task} needs torch {LEAST_TORCH[task]} or newer, and this is torch "
            f"{torch.__version__}. Install a newer one together with its torchvision: "
            "python -m pip install --upgrade torch torchvision"
        )


def pick_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; "auto" selects the first available of CUDA, MPS and the CPU.

    Raises:
        UsageError: the name is unknown, or this machine does not have the device.
    """
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if available[d]))
    if name not in available:
        raise UsageError(f"There is no device {name!r}; choose one of {', '.join(DEVICES)}.")
    if not available[name]:
        raise UsageError(
            f"PyTorch finds no {name} device on this machine. Use --device cpu, which always works."
        )
    return torch.device(name)


def device_of(network: nn.Module) -> torch.device:
    """Return the device that holds a network's weights, or the CPU if there are no weights."""
    weights = next(network.parameters(), None)
    return torch.device("cpu") if weights is None else weights.device


def pick_precision(device: torch.device) -> Precision:
    """Return bfloat16 if the device supports it natively, or else float32.

    On a device that supports bfloat16 natively, computations in bfloat16 are about twice as fast as
    in float32.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        abilities = torch.cpu.get_capabilities()
        native = bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
    else:
        native = False
    return "bfloat16" if native else "float32"


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Return a context manager in which matrix products and convolutions use `precision`."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def _derived_seed(seed: int, purpose: str) -> int:
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_rng(seed: int, purpose: str) -> torch.Generator:
    """Return a random number generator on the CPU, seeded with a number that is derived from `seed`
    and `purpose`. The purpose is a name for what the random numbers are used for, such as
    "latents".

    Random number generators for different purposes are independent: drawing more numbers for one
    purpose does not change the numbers for the others. Numbers are drawn on the CPU, so every
    device gets the same numbers.
    """
    return torch.Generator().manual_seed(_derived_seed(seed, purpose))


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Make torch use exactly `number` threads in the `with` block, whatever the number of cores.

    Each thread adds up one part of a sum, so the rounding errors depend on the number of threads.
    For identical results on every machine, the number of threads must be fixed. With more threads
    than cores, computations take longer.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def flushed_denormals() -> Iterator[None]:
    """In the `with` block, make computations on this thread use 0 in place of numbers smaller than
    1e-38 in magnitude.

    Derivatives that vanish over a long sequence can become smaller than 1e-38 in magnitude.
    Processors are many times slower when they compute with such small numbers.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def seeded(seed: int, purpose: str) -> Iterator[None]:
    """Seed torch's global random number generator for the `with` block, and restore its state
    afterwards.

    This function is for layers such as `nn.Linear`, whose default initialisation accepts no random
    generator.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(_derived_seed(seed, purpose))
        yield
