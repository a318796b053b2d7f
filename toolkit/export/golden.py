"""Golden values: example inputs and outputs of each export.

They are stored in the manifest, so that a program in any language can prove that it loads and calls
a model correctly.
"""

from typing import Any

import torch
from torch import Tensor

from toolkit.export.manifest import DIGITS, SIGNATURES

# An output y may be off by TOLERANCE * (1 + |y|), because other processors and runtimes add in
# another order. A damaged weight or a transposed input causes a far larger error.
TOLERANCE = 1e-5


def example_inputs(name: str, model: Any, batch_size: int) -> tuple[Tensor, ...]:
    """Random inputs of a model; the same `batch_size` always gives the same ones.

    Args:
        name: a key of `toolkit.export.manifest.SIGNATURES`.
        model: a generator must have the attribute `latent_dim`.
        batch_size: also determines the length of sequences, 2 * batch_size + 1.

    Returns:
        the arguments of `forward`.
    """
    rng = torch.Generator().manual_seed(batch_size)
    if SIGNATURES[name].input == DIGITS:
        return (torch.randint(10, (batch_size, 2 * batch_size + 1), generator=rng),)
    if name == "generator":
        return (torch.randn(batch_size, model.latent_dim, generator=rng),)
    return (torch.rand(batch_size, 1, 28, 28, generator=rng),)


@torch.no_grad()
def golden_values(name: str, model: Any) -> dict[str, Any]:
    """Example inputs, and the outputs of `model`, which is on the CPU and in eval mode.

    Returns:
        `{"tolerance": float, "cases": [{"input": array, "output": array}, ...]}` for JSON, where an
        array is `{"dtype": "int64" or "float32", "shape": [...], "values": [...]}` with its values
        in row-major order.
    """
    cases = []
    # Two batches of palindromes, so that there are sequences of 3 and of 17 digits.
    for batch_size in (1, 8) if SIGNATURES[name].input == DIGITS else (2,):
        (example,) = example_inputs(name, model, batch_size)
        given = example if example.dtype == torch.int64 else example.round(decimals=2)
        cases.append({"input": _to_json(given, 2), "output": _to_json(model(given), 7)})
    return {"tolerance": TOLERANCE, "cases": cases}


def _to_json(tensor: Tensor, decimals: int) -> dict[str, Any]:
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "values": [round(value, decimals) for value in tensor.flatten().tolist()],
    }
