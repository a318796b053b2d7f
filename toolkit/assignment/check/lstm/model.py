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
    """How a student's class is built and called."""

    layout: str
    input_dim: int
    extra: int  # how much larger its seq_length is than the number of digits that are read
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
        """A new network; sizes without a parameter in its constructor are its own."""
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
        """int64 (B, L) as the class reads it: float32 (B, L, D), one-hot if D is 10."""
        if self.setup.input_dim == 10:
            return torch.nn.functional.one_hot(digits, 10).float()
        return digits.unsqueeze(-1).float()


def _by_name(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """The values by the names of the constructor's parameters; unknown names go by position."""
    known = {name: values[what] for what, names in NAMES.items() for name in names}
    parameters = [p for p in inspect.signature(kind).parameters.values()]
    for parameter, what in zip(parameters, POSITIONS, strict=False):
        if parameter.default is parameter.empty:
            known.setdefault(parameter.name.lower(), values[what])
    return known


def last_logits(output: Any, batch: int, steps: int) -> Tensor:
    """The (batch, 10) logits in what a model returns: alone, in a tuple, or at the last step.

    Raises:
        ValueError: there are none.
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
    raise ValueError(f"forward should return logits of shape ({batch}, 10), not {shapes}")


def fit_setup(
    kind: type, hidden: int, batch: int, steps: int
) -> tuple[Model | None, BaseException | None]:
    """Try the likely ways to build and call the class; the first that works, else the first error.

    Batches of the hidden size and of 128 are tried last, for classes that work with no other size.
    """
    first: BaseException | None = None
    second_best: Model | None = None  # it runs, but ignores the last step or mixes sequences
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
                    second_best = second_best or model
        if second_best is not None:
            return second_best, first
    return None, first


@torch.no_grad()
def _reads(model: Model, network: nn.Module, x: Tensor) -> bool:
    """Whether the last step makes a difference."""
    other = x.clone()
    other[:, -1] += 1
    return not torch.equal(model.run(network, x), model.run(network, other))


@torch.no_grad()
def _keeps_apart(model: Model, network: nn.Module, x: Tensor) -> bool:
    """Whether a sequence has no effect on the others, which it has if the axes are mixed up."""
    other = x.clone()
    other[0] += 1
    return torch.allclose(model.run(network, x)[1:], model.run(network, other)[1:], atol=1e-5)
