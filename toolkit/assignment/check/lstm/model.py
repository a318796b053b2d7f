"""A student's LSTM, whatever its signature, behind one call: batch-major in, last logits out."""

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.assignment.check.student.submission import call

NAMES = {
    "steps": ("seq_length", "seq_len", "sequence_length", "input_length", "length", "t"),
    "input_dim": ("input_dim", "input_size", "n_input", "num_inputs", "in_dim", "d", "x_dim"),
    "hidden": ("hidden_dim", "hidden_size", "num_hidden", "n_hidden", "hidden", "h_dim", "units"),
    "classes": ("output_dim", "num_classes", "output_size", "n_classes", "classes", "out_dim"),
    "batch": ("batch_size", "batch", "bs"),
    "device": ("device",),
    "first": ("batch_first",),
}
POSITIONS = ("steps", "input_dim", "hidden", "classes", "batch", "device")
LAYOUTS = ("batch", "time", "flat")  # (B, L, D), (L, B, D), (B, L)


@dataclass(frozen=True)
class Setup:
    """How a student's class wants to be built and called."""

    layout: str
    input_dim: int
    extra: int  # what its seq_length counts besides the digits that are read
    batch: int
    hidden: int
    steps: int


class Model:
    """A student's class, and how to build and call it."""

    def __init__(self, kind: type, setup: Setup) -> None:
        self.kind = kind
        self.setup = setup

    def build(
        self, *, hidden: int | None = None, batch: int | None = None, steps: int | None = None
    ) -> nn.Module:
        """A new one; sizes that its constructor does not take are its own."""
        setup = self.setup
        values = {
            "steps": (setup.steps if steps is None else steps) + setup.extra,
            "input_dim": setup.input_dim,
            "hidden": hidden or setup.hidden,
            "classes": 10,
            "batch": batch or setup.batch,
            "device": "cpu",
            "first": True,
        }
        model: nn.Module = call(self.kind, _by_name(self.kind, values))
        return model

    def takes(self, what: str) -> bool:
        """Whether the constructor has a parameter for "steps", "batch", ..."""
        return any(n.lower() in NAMES[what] for n in inspect.signature(self.kind).parameters)

    def run(self, model: nn.Module, x: Tensor) -> Tensor:
        """Logits (or probabilities) of the last step, (B, 10), for x of (B, L, D).

        Raises:
            ValueError: what comes back has another shape.
        """
        batch = x.size(0)
        if self.setup.layout == "time":
            x = x.transpose(0, 1)
        elif self.setup.layout == "flat":
            x = x[:, :, 0]
        return last_logits(model(x), batch, x.size(1 if self.setup.layout != "time" else 0))

    def random(self, batch: int, steps: int) -> Tensor:
        """Random digits for `run`, (batch, steps, D)."""
        return self.digits(torch.randint(10, (batch, steps)))

    def digits(self, digits: Tensor) -> Tensor:
        """int64 (B, L) as the class wants it: float32 (B, L, D), one-hot where D is 10."""
        if self.setup.input_dim == 10:
            return torch.nn.functional.one_hot(digits, 10).float()
        return digits.unsqueeze(-1).float()


def _by_name(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """The values under the names that the constructor uses, unknown ones by their position."""
    known = {name: values[what] for what, names in NAMES.items() for name in names}
    parameters = [p for p in inspect.signature(kind).parameters.values()]
    for parameter, what in zip(parameters, POSITIONS, strict=False):
        if parameter.default is parameter.empty:
            known.setdefault(parameter.name.lower(), values[what])
    return known


def last_logits(output: Any, batch: int, steps: int) -> Tensor:
    """The (batch, 10) part of what a model returns: alone, in a tuple, or at the last step.

    Raises:
        ValueError: there is none.
    """
    parts = output if isinstance(output, list | tuple) else [output]
    tensors = [x for x in parts if isinstance(x, Tensor)]
    for x in tensors:
        if tuple(x.shape) == (batch, 10):
            return x
    for x in tensors:
        if tuple(x.shape) == (batch, steps, 10):
            return x[:, -1]
        if tuple(x.shape) == (steps, batch, 10):
            return x[-1]
    if len(tensors) == steps and tensors[-1].shape[-1] == 10:
        return tensors[-1]
    shapes = ", ".join(str(tuple(x.shape)) for x in tensors) or type(output).__name__
    raise ValueError(f"forward should return (batch, 10) logits, here ({batch}, 10), not {shapes}")


def fit_setup(
    kind: type, hidden: int, batch: int, steps: int
) -> tuple[Model | None, BaseException | None]:
    """Try the likely ways to build and call the class; the first that works, else the first error.

    Batches of the hidden size and of 128 are tried last, for classes that work with no other.
    """
    first: BaseException | None = None
    deaf: Model | None = None  # it works, but is deaf to the last step or mixes sequences
    for size in (batch, hidden, 128):
        for extra in (0, 1):
            for layout in LAYOUTS:
                for dim in (10, 1):
                    setup = Setup(layout, dim, extra, size, hidden, steps)
                    model = Model(kind, setup)
                    if (layout == "flat" and dim == 10) or (extra and not model.takes("steps")):
                        continue
                    try:
                        built = model.build()
                        x = model.random(size, steps)
                        works = bool(extra) or _reads(model, built, x)
                        works &= _keeps_apart(model, built, x)
                    except Exception as error:  # whatever a student's code raises
                        first = first or error
                        continue
                    if works:
                        return model, first
                    deaf = deaf or model
        if deaf is not None:
            return deaf, first
    return None, first


@torch.no_grad()
def _reads(model: Model, network: nn.Module, x: Tensor) -> bool:
    """Whether the last step matters."""
    other = x.clone()
    other[:, -1] += 1
    return not torch.equal(model.run(network, x), model.run(network, other))


@torch.no_grad()
def _keeps_apart(model: Model, network: nn.Module, x: Tensor) -> bool:
    """Whether one sequence leaves the others alone, which it does not with axes mixed up."""
    other = x.clone()
    other[0] += 1
    return torch.allclose(model.run(network, x)[1:], model.run(network, other)[1:], atol=1e-5)
