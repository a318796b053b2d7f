"""The equations with a student's weights, as a fit has found them, and with a student's mistakes.

What computes the same logits as their network for inputs that took no part in the search is what
their network does.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.check.lstm.cell.affine import Map
from toolkit.assignment.check.lstm.cell.formulas import CELLS, OUTPUTS, Formula

DEVIATION = 0.35  # of a weight that is put where there is none


class More(NamedTuple):
    """What a gate reads besides x(t) and the state, and its weights (m, k)."""

    what: str
    weight: Tensor


@dataclass(frozen=True)
class Layer:
    """A cell: its weights, and how it deviates from (1) to (6)."""

    maps: Mapping[str, Map]  # what is inside the activation of each gate
    kinds: Mapping[str, str]  # the activations of each, the first one first
    cell: Formula = CELLS[0]
    output: Formula = OUTPUTS[0]
    reads: str = "h"  # what the gates read one step later
    start: tuple[Tensor, Tensor] | None = None  # h(0) and c(0), (hidden,)
    more: Mapping[str, More] = field(default_factory=dict)

    def steps(self, x: Tensor) -> list[dict[str, Tensor]]:
        """All that each step computes, by its name in the equations; x is (B, L, D)."""
        zeros = torch.zeros_like(next(iter(self.maps.values())).bias)
        h, c = (one.expand(len(x), -1) for one in self.start or (zeros, zeros))
        read, done = {"c": c}.get(self.reads, h), []
        for t in range(x.size(1)):
            step = {"x": x[:, t], "c before": c, "h before": h}
            for name in ("g", "i", "f"):
                step[name] = self._gate(name, step, read)
            step["c"] = c = self.cell.compute(step["g"], step["i"], step["f"], c, h)
            step["o"] = self._gate("o", step, read)
            step["h"] = h = self.output.compute(c, step["o"], step["c before"], step["g"])
            step["tanh(c)"] = c.tanh()
            read = step[self.reads]
            done.append(step)
        return done

    def _gate(self, name: str, step: Mapping[str, Tensor], read: Tensor) -> Tensor:
        if name not in self.maps:
            return torch.full_like(read, 0.5)
        fit = self.maps[name]
        value = step["x"] @ fit.weight_x + read @ fit.weight_h + fit.bias
        if name in self.more:
            value = value + step[self.more[name].what] @ self.more[name].weight
        for kind in self.kinds[name].split():
            value = activation(kind, value)
        return value


def activation(kind: str, value: Tensor) -> Tensor:
    """A function by torch's name of it.

    Raises:
        AttributeError: there is none.
    """
    kind = kind.strip("_")
    if kind == "none":
        return value
    if kind == "softmax":
        return value.softmax(-1)
    function = getattr(torch, kind, None) or getattr(F, kind)
    result: Tensor = function(value)
    return result


@dataclass(frozen=True)
class Model:
    """Layers, and the readout of what the last one gives."""

    layers: Sequence[Layer]
    readout: Map
    answers: str = "h"  # what the readout is a map of, and of what else

    def logits(self, x: Tensor) -> Tensor:
        """For x (B, L, D), up to a constant in each row: (B, 10)."""
        for layer in self.layers:
            steps = layer.steps(x)
            x = torch.stack([step["h"] for step in steps], 1)
        what, _, more = self.answers.partition(" and ")
        logits = _chosen(what, steps) @ self.readout.weight_h + self.readout.bias
        if more:
            logits = logits + steps[-1][more] @ self.readout.weight_x
        return logits - logits.mean(dim=1, keepdim=True)


def _chosen(what: str, steps: Sequence[Mapping[str, Tensor]]) -> Tensor:
    hs = torch.stack([step["h"] for step in steps])
    if what.startswith("step "):
        return hs[max(-len(hs), min(len(hs) - 1, int(what[5:])))]
    return hs.mean(0) if what == "mean" else steps[-1][what]


@dataclass(frozen=True)
class Trial:
    """A reading of a network, on inputs that took no part in finding it.

    Args:
        model: the equations with all their deviations.
        fresh: each x (B, L, D), and what the network said, up to a constant in each row.
    """

    model: Model
    fresh: Sequence[tuple[Tensor, Tensor]]

    def error(self, model: Model | None = None) -> float:
        """How far its logits are from theirs, relative to their size; infinite if it has none."""
        worst = 0.0 if self.fresh else math.inf
        for x, said in self.fresh:
            try:
                right = (model or self.model).logits(x.double())
            except (AttributeError, KeyError, RuntimeError, TypeError):
                return math.inf  # a function that is not known here
            away = float((right - said).abs().max()) / (1 + float(right.abs().max()))
            worst = max(worst, away if math.isfinite(away) else math.inf)
        return worst

    def without(self, number: int | None = None, **changes: Any) -> dict[str, Any]:
        """What proves a deviation: the error with it, and without it.

        Args:
            number: of the layer; None for the readout.
            changes: what mends it.
        """
        if number is None:
            other = replace(self.model, **changes)
        else:
            layers = list(self.model.layers)
            layers[number] = replace(layers[number], **changes)
            other = replace(self.model, layers=layers)
        count = sum(len(x) for x, _ in self.fresh)
        return {"inputs": count, "error": self.error(), "without": min(self.error(other), 1e9)}

    def otherwise(self, number: int, name: str, *fields: str) -> dict[str, Any]:
        """The same, with other weights in a gate in place of those that are none of its own."""
        maps = dict(self.model.layers[number].maps)
        rng = torch.Generator().manual_seed(0)
        new: dict[str, Any] = {
            key: DEVIATION * torch.randn(getattr(maps[name], key).shape, generator=rng).double()
            for key in fields
        }
        return self.without(number, maps=maps | {name: maps[name]._replace(**new)})


def normalised(output: Tensor) -> Tensor:
    """Logits up to a constant in each row, from logits, probabilities or their logarithms.

    The probabilities may be taken over the batch: that only adds to a bias.
    """
    output = output.double()
    if kind_of(output)[0] == "probabilities":
        output = output.clamp_min(1e-30).log()
    return output - output.mean(dim=1, keepdim=True)


def kind_of(rows: Tensor) -> tuple[str, int]:
    """What the rows are: "probabilities", their "logarithms", or "logits"; and over which axis."""
    many = len(rows) > 1 and len(rows) != rows.size(1)
    if bool((rows >= 0).all()):
        if _all_one(rows.sum(1)):
            return "probabilities", 1
        if many and _all_one(rows.sum(0)):
            return "probabilities", 0
    if bool((rows <= 1e-6).all()):
        if _all_one(rows.exp().sum(1)):
            return "logarithms", 1
        if many and _all_one(rows.exp().sum(0)):
            return "logarithms", 0
    return "logits", 1


def _all_one(sums: Tensor) -> bool:
    return bool(((sums - 1).abs() < 1e-3).all())


def sums(output: Tensor) -> dict[str, Any]:
    """Of probabilities, or of their logarithms, the sums of the columns, and of the first row."""
    rows = output.double() if bool((output >= 0).all()) else output.double().exp()
    return {"columns": rows.sum(0).tolist(), "row": float(rows[0].sum())}
