"""Functions for testing how a network learns: they measure how its output changes with its
parameters, and compute log-probabilities.
"""

import re
import warnings
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from toolkit.assignment.running.places import Place, within

SMALL = 2.0**-10  # a factor so small that no hook clips the gradient; a power of 2 is exact
ANOMALY = re.compile(r'File "([^"]+)", line (\d+)')


def slopes(
    network: nn.Module, total: Callable[[], Tensor], width: float, rng: torch.Generator, root: str
) -> dict[str, list[float | None]]:
    """Measure how a weighted sum of a network's output changes when one parameter at a time is
    shifted in a random direction.

    Args:
        total: the function that computes the weighted sum of the network's output.
        width: the factor by which the random direction is multiplied to give the largest shift.
            Each parameter is shifted by this largest amount in the random direction and in the
            opposite direction.
        root: the student's folder.

    Returns:
        three slopes of the weighted sum for each parameter, by name. The first slope comes from
        autograd, and is None if the parameter has no gradient. The second slope comes from the
        difference between the sums after shifts of `width` and -`width`. The third slope comes from
        the difference after shifts a quarter as large.

    Raises:
        RuntimeError: the backward pass failed; the error's `place` gives the file, relative to the
            root, and the line of the operation that failed, if they are known.
    """
    network.zero_grad(set_to_none=True)
    _backward(total, root)
    padding = _padding(network)
    measured: dict[str, list[float | None]] = {}
    for name, parameter in network.named_parameters():
        direction = torch.randn(parameter.shape, generator=rng)
        if name in padding:
            direction[padding[name]] = 0.0
        slope = None
        if parameter.grad is not None:
            slope = float((parameter.grad * direction).sum()) / SMALL
        values, start = parameter.data, parameter.detach().clone()
        ends = []
        for step in (width, -width, width / 4, -width / 4):
            values.copy_(start + step * direction)
            ends.append(float(total().detach()))
        values.copy_(start)
        wide, near = (ends[0] - ends[1]) / (2 * width), (ends[2] - ends[3]) / (width / 2)
        measured[name] = [slope, wide, near]
    return measured


def _backward(total: Callable[[], Tensor], root: str) -> None:
    """If the sum requires a gradient, run the backward pass from the sum multiplied by `SMALL`;
    this factor makes the gradients so small that no hook clips them.

    Raises:
        RuntimeError: as for `slopes`.
    """
    anomalies = torch.autograd.set_detect_anomaly(True, check_nan=False)
    with warnings.catch_warnings(record=True) as caught, anomalies:
        warnings.simplefilter("always")
        try:
            value = total()
            if value.requires_grad:
                (SMALL * value).backward()
        except RuntimeError as error:
            messages = [str(warning.message) for warning in caught]
            error.place = _anomaly(messages, root)  # type: ignore[attr-defined]
            raise


def _anomaly(messages: Iterable[str], root: str) -> Place | None:
    """Return the first place in a student's code that torch's anomaly detection reports."""
    for message in messages:
        for file, line in reversed(ANOMALY.findall(message)):
            inner_file = within(file, root)
            if inner_file:
                return Place(inner_file, int(line))
    return None


def _padding(network: nn.Module) -> dict[str, int]:
    """Return a dictionary that maps the name of each embedding's weight to the index of the
    embedding's padding row, which gets no gradient.
    """
    rows = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            rows[f"{name}.weight"] = module.padding_idx
    return rows


def log_probabilities(output: Tensor) -> Tensor:
    """Return the log-probabilities (B, 10) of an output that holds logits or probabilities."""
    if bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < 1e-4).all()):
        return output.clamp_min(1e-9).log()
    return output.log_softmax(1)
