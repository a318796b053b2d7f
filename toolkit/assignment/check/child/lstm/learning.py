"""A student's network learns: the slopes of its parameters, and steps of an optimiser."""

import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.assignment.check.child.places import within

ANOMALY = re.compile(r'File "([^"]+)", line (\d+)')


def slopes(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    total: Callable[[], Tensor],
    directions: Mapping[str, Tensor],
    width: float,
    root: Path,
) -> dict[str, list[float | None]]:
    """How a sum changes along directions, by autograd and by trying.

    Args:
        tensors: of the network, by name.
        total: computes the sum.
        directions: for each tensor, where it moves to.
        width: how far.
        root: the student's folder.

    Returns:
        for each of them autograd's slope (None without a gradient) and the measured one.

    Raises:
        RuntimeError: the backward pass failed; `place` is the file, relative to the root, and the
            line, if they are known.
    """
    network.zero_grad(set_to_none=True)
    value = total()
    if value.requires_grad:
        _backward(value, total, root)
    gradients = {name: t.grad for name, t in tensors.items() if t.is_leaf}
    found: dict[str, list[float | None]] = {}
    padding = {
        f"{name}.weight": m.padding_idx
        for name, m in network.named_modules()
        if isinstance(m, nn.Embedding) and m.padding_idx is not None
    }  # rows that have no gradient on purpose
    for name, direction in directions.items():
        if name in padding:
            direction[padding[name]] = 0.0
        if name not in tensors:  # the forward replaces it
            found[name] = [None, 0.0]
            continue
        gradient = gradients.get(name)
        there = tensors[name].data
        here = there.clone()
        ends = []
        for sign in (1, -1):
            there.copy_(here + sign * width * direction)
            ends.append(float(total().detach()))
        there.copy_(here)
        slope = None if gradient is None else float((gradient * direction).sum())
        found[name] = [slope, (ends[0] - ends[1]) / (2 * width)]
    return found


def learn(
    network: nn.Module, output: Tensor, labels: Tensor, rate: float, squares: dict[str, Tensor]
) -> float:
    """One step of RMSProp, by hand: torch.optim would import torch's compiler first.

    Args:
        output: logits or probabilities, (B, 10).
        labels: int64 (B,).
        squares: running means of the squared gradients, by name; they are changed.

    Returns:
        the loss.
    """
    loss = F.nll_loss(_log(output), labels)
    network.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    with torch.no_grad():
        for name, p in network.named_parameters():
            if p.grad is None or not p.requires_grad:
                continue
            mean = squares.setdefault(name, torch.zeros_like(p))
            mean.mul_(0.99).addcmul_(p.grad, p.grad, value=0.01)
            p.addcdiv_(p.grad, mean.sqrt().add_(1e-8), value=-rate)
    return float(loss.detach())


def _backward(value: Tensor, again: Callable[[], Tensor], root: Path) -> None:
    """Go backward; where that fails, say in which line of theirs the reason is."""
    try:
        value.backward()
    except RuntimeError as error:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                with torch.autograd.set_detect_anomaly(True):
                    again().backward()
            except RuntimeError:
                pass
        places = [place for w in caught for place in reversed(ANOMALY.findall(str(w.message)))]
        for file, line in places:
            if (theirs := within(file, str(root))) is not None:
                error.place = theirs, int(line)  # type: ignore[attr-defined]
                break
        raise


def _log(output: Tensor) -> Tensor:
    """Log-probabilities, of logits or of probabilities."""
    if bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < 1e-4).all()):
        return output.clamp_min(1e-9).log()
    return output.log_softmax(1)
