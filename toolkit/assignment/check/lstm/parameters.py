"""What a student's LSTM learns: its parameters, and tensors that should be among them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.lstm.model import Model
from toolkit.assignment.check.student.lines import line_of_attribute, line_of_call, parse


def check_registered(network: nn.Module, batch: int, channel: Channel) -> bool:
    """Whether every weight and bias is one of model.parameters(); if not, report it."""
    unregistered = [
        name
        for name, tensor in unregistered_tensors(network)
        if tensor.dim() <= 2 and batch not in tensor.shape and _is_weight(name, tensor)
    ]
    if unregistered:
        channel.fault(
            "parameter-not-learnable",
            f"{_list([f'self.{name}' for name in unregistered])}: not among model.parameters(), so "
            "no optimiser changes it. Which kinds of attribute does nn.Module register, and which "
            "(plain tensors, lists, dictionaries) does it overlook?",
            line=line_of_attribute(channel.root / channel.file, unregistered[0]),
        )
    return not unregistered


def _is_weight(name: str, tensor: Tensor) -> bool:
    """Whether it is a weight rather than an initial state, by its name and requires_grad."""
    stem = name.split(".")[-1].split("[")[0].lower()
    return tensor.requires_grad or "." in name or stem.startswith(("w", "b", "u"))


def check_gradients(model: Model, channel: Channel) -> None:
    """One backward pass reaches every parameter, and the first step of the sequence."""
    file = channel.root / channel.file
    network = model.build()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)  # zeros at the start are another fault
    batch = model.setup.batch
    x = model.random(batch, model.setup.steps).requires_grad_()
    frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
    if frozen:
        message = f"requires_grad is False, so this is never learnt: {_list(frozen)}."
        line = line_of_attribute(file, frozen[0])
        channel.fault("parameter-not-learnable", message, line=line)
    logits = model.run(network, x)
    if logits.requires_grad:
        F.cross_entropy(logits, torch.arange(batch) % 10).backward()
    if channel.has("wrong-equation", "state-not-carried", "fixed-sequence-length"):
        return  # these cut weights off as well
    if channel.has("loss-not-last-step"):
        return
    dead = [
        name
        for name, p in network.named_parameters()
        if p.requires_grad and (p.grad is None or not bool(p.grad.any()))
    ]
    if x.grad is None or (not dead and not bool(x.grad[:, 0].any())):
        channel.fault(
            "broken-gradient",
            f"No gradient reaches the {'weights' if x.grad is None else 'first digit'}: the path "
            "through time is cut. Look for .detach(), .data, .item() or no_grad in forward.",
            line=line_of_call(parse(file), "detach", "item", "no_grad"),
        )
    elif dead:
        channel.fault(
            "dead-parameter",
            f"No gradient reaches {_list(dead)}, because the output does not depend on it. Is it "
            "used in forward?",
            line=line_of_attribute(file, dead[0]),
        )
    elif not frozen and not channel.has("parameter-not-learnable"):
        channel.right("Gradients reach every parameter and the first digit.")


def _list(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" (and {len(names) - 3} more)" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def unregistered_tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    """Tensors that the model may compute with, but that no optimiser is given.

    These are attributes, or items of lists and dictionaries, or belong to modules in such, and are
    neither registered parameters nor buffers.
    """
    registered = {id(x) for x in [*model.parameters(), *model.buffers()]}
    found: list[tuple[str, Tensor]] = []

    def visit(name: str, value: Any) -> None:
        if isinstance(value, Tensor):
            if id(value) not in registered and value.is_floating_point():
                found.append((name, value))
        elif isinstance(value, nn.Module):
            found.extend(
                (f"{name}.{n}", p) for n, p in value.named_parameters() if id(p) not in registered
            )
        elif isinstance(value, list | tuple):
            for k, x in enumerate(value):
                visit(f"{name}[{k}]", x)
        elif isinstance(value, dict):
            for k, x in value.items():
                visit(f"{name}[{k!r}]", x)

    for module in model.modules():
        for name, value in vars(module).items():
            if not name.startswith("_"):
                visit(name, value)
    return found
