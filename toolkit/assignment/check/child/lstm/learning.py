"""What a student's network learns by: the slopes of its parameters, and log-probabilities."""

import re
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from toolkit.assignment.check.child.places import within

ANOMALY = re.compile(r'File "([^"]+)", line (\d+)')


def slopes(
    network: nn.Module, total: Callable[[], Tensor], width: float, rng: torch.Generator, root: str
) -> dict[str, list[float | None]]:
    """How a sum changes where each parameter moves in a random direction.

    Args:
        total: computes the sum.
        width: how far it moves.
        root: the student's folder.

    Returns:
        for each of them autograd's slope (None without a gradient) and the measured ones, over
        the whole width and over a quarter of it.

    Raises:
        RuntimeError: the backward pass failed; `place` is the file, relative to the root, and the
            line of what it could not go through, if they are known.
    """
    network.zero_grad(set_to_none=True)
    anomalies = torch.autograd.set_detect_anomaly(True, check_nan=False)
    with warnings.catch_warnings(record=True) as caught, anomalies:
        warnings.simplefilter("always")
        try:
            if (value := total()).requires_grad:
                value.backward()
        except RuntimeError as error:
            places = [p for w in caught for p in reversed(ANOMALY.findall(str(w.message)))]
            theirs = ((f, int(line)) for file, line in places if (f := within(file, root)))
            error.place = next(theirs, None)  # type: ignore[attr-defined]
            raise
    padding = {
        f"{name}.weight": m.padding_idx
        for name, m in network.named_modules()
        if isinstance(m, nn.Embedding) and m.padding_idx is not None
    }  # rows that have no gradient on purpose
    found: dict[str, list[float | None]] = {}
    for name, parameter in network.named_parameters():
        direction = torch.randn(parameter.shape, generator=rng)
        if name in padding:
            direction[padding[name]] = 0.0
        slope = None if parameter.grad is None else float((parameter.grad * direction).sum())
        there, here = parameter.data, parameter.detach().clone()
        ends = []
        for step in (width, -width, width / 4, -width / 4):
            there.copy_(here + step * direction)
            ends.append(float(total().detach()))
        there.copy_(here)
        measured = (ends[0] - ends[1]) / (2 * width), (ends[2] - ends[3]) / (width / 2)
        found[name] = [slope, *measured]
    return found


def log_probabilities(output: Tensor) -> Tensor:
    """Of logits or of probabilities, (B, 10)."""
    if bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < 1e-4).all()):
        return output.clamp_min(1e-9).log()
    return output.log_softmax(1)
