"""Golden inputs and outputs: a few of each export, so that any language can prove its loading."""

from typing import Any

import torch
from torch import Tensor

# Another processor or runtime adds in another order: an output y is right within
# TOLERANCE * (1 + |y|). A damaged weight or a transposed input is wrong by far more.
TOLERANCE = 1e-5


def example_inputs(name: str, model: Any, batch_size: int) -> tuple[Tensor, ...]:
    """Random inputs that the model called `name` accepts."""
    rng = torch.Generator().manual_seed(batch_size)
    if name in ("lstm", "rnn"):
        return (torch.randint(10, (batch_size, 2 * batch_size + 1), generator=rng),)
    if name == "generator":
        return (torch.randn(batch_size, model.latent_dim, generator=rng),)
    return (torch.rand(batch_size, 1, 28, 28, generator=rng),)


@torch.no_grad()
def golden_values(name: str, model: Any) -> dict[str, Any]:
    """Inputs and what `model`, in eval mode on the CPU, makes of them.

    Returns:
        `{"tolerance": float, "cases": [{"input": array, "output": array}, ...]}` for JSON, with
        `{"dtype": "int64" or "float32", "shape": [...], "values": [...]}` for an array, its
        values in row-major order.
    """
    cases = []
    for batch_size in (1, 8) if name in ("lstm", "rnn") else (2,):  # sequences of 3 and 17 digits
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
