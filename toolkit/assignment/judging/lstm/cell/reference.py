"""A model of a student's network: the equations with the student's mistakes, and with weights that
were fitted to the network's values.

If the model and the network give the same logits for inputs that were not used to build the model,
the network computes the model's equations.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.judging.lstm.cell.affine import Map
from toolkit.assignment.judging.lstm.cell.formulas import CELLS, OUTPUTS, Formula

DEVIATION = 0.35  # of weights that replace missing weights


class Unknown(Exception):
    """Raised if the model does not define the requested value."""


class Further(NamedTuple):
    """The name of a state that a gate reads in addition to x(t) and h(t-1), and the weights, (m,
    k), by which the gate multiplies this state.
    """

    state: str
    weight: Tensor


@dataclass(frozen=True)
class Layer:
    """A cell with its weights and its deviations from equations (1) to (6)."""

    maps: Mapping[str, Map]  # what is inside the activation of each gate
    activations: Mapping[str, tuple[str, ...]]  # of each gate, in the order of application
    cell: Formula = CELLS[0]
    output: Formula = OUTPUTS[0]
    reads: str | None = "h"  # what the gates read one step later; None: no value of a step
    start: tuple[Tensor, Tensor] | None = None  # h(0) and c(0), (hidden,)
    further: Mapping[str, Further] = field(default_factory=dict)  # what gates read besides

    def steps(self, x: Tensor) -> list[dict[str, Tensor]]:
        """Compute the values of each step, keyed by their names in the equations, for x of shape
        (B, L, D).

        Raises:
            Unknown: the gates read a value that none of the steps computes, so the model cannot be
                run.
        """
        if self.reads is None:
            raise Unknown
        zeros = torch.zeros_like(next(iter(self.maps.values())).bias)
        h, c = self.start or (zeros, zeros)
        h, c = h.expand(len(x), -1), c.expand(len(x), -1)
        read = c if self.reads == "c" else h
        steps = []
        for t in range(x.size(1)):
            step = {"x": x[:, t], "c before": c, "h before": h}
            for name in ("g", "i", "f"):
                step[name] = self._gate(name, step, read)
            step["c"] = c = self.cell.compute(step["g"], step["i"], step["f"], c, h)
            step["o"] = self._gate("o", step, read)
            step["h"] = h = self.output.compute(c, step["o"], step["c before"], step["g"])
            step["tanh(c)"] = c.tanh()
            read = step[self.reads]
            steps.append(step)
        return steps

    def _gate(self, name: str, step: Mapping[str, Tensor], read: Tensor) -> Tensor:
        if name not in self.maps:
            return torch.full_like(read, 0.5)
        fit = self.maps[name]
        value = step["x"] @ fit.weight_x + read @ fit.weight_h + fit.bias
        if name in self.further:
            further = self.further[name]
            value = value + step[further.state] @ further.weight
        for kind in self.activations[name]:
            value = activation(kind, value)
        return value


def activation(kind: str, value: Tensor) -> Tensor:
    """Apply the torch function with the given name; "none" leaves the value unchanged.

    Raises:
        AttributeError: neither `torch` nor `torch.nn.functional` has a function with this name.
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
class Read:
    """The input of a readout: a value at one step, or its mean over all steps."""

    value: str = "h"  # its name, as of `Layer.steps`
    step: int | None = -1  # an index of the steps; None: the mean over all
    further: str | None = None  # another value, of the last step

    def of(self, steps: Sequence[Mapping[str, Tensor]]) -> Tensor:
        """Return the readout's input, given the values of all steps.

        If the index of the step is out of range, the nearest step is used.
        """
        values = [step[self.value] for step in steps]
        if self.step is None:
            return torch.stack(values).mean(0)
        return values[max(-len(values), min(len(values) - 1, self.step))]


@dataclass(frozen=True)
class Model:
    """The layers of a network, and the map that computes the logits from the values in the last
    layer.
    """

    layers: Sequence[Layer]
    readout: Map
    reads: Read | None = Read()  # None: the readout is a map of nothing that is known

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits, (B, 10), for x of shape (B, L, D), up to a constant in each row.

        Raises:
            Unknown: the readout, or a gate, reads a value that no step computes.
        """
        if self.reads is None:
            raise Unknown
        for layer in self.layers:
            steps = layer.steps(x)
            x = torch.stack([step["h"] for step in steps], 1)
        logits = self.reads.of(steps) @ self.readout.weight_h + self.readout.bias
        if self.reads.further is not None:
            logits = logits + steps[-1][self.reads.further] @ self.readout.weight_x
        return logits - logits.mean(dim=1, keepdim=True)


@dataclass(frozen=True)
class Trial:
    """A test of whether the equations that were inferred from a network reproduce the network's
    outputs for inputs that were not used to infer the equations.

    Args:
        model: the equations that were inferred from the network, including every deviation from the
            correct equations.
        fresh: pairs of an input x, (B, L, D), and the network's logits for x, up to a constant in
            each row.
    """

    model: Model
    fresh: Sequence[tuple[Tensor, Tensor]]

    def error(self, model: Model | None = None) -> float:
        """Return the largest difference between a model's logits and the network's logits, relative
        to the size of the logits.

        Args:
            model: the model to test; by default, the model of this trial.

        Returns:
            Infinity if the model cannot compute its logits, if a difference is not finite, or if
            there are no inputs.
        """
        model = model or self.model
        worst = 0.0 if self.fresh else math.inf
        for x, expected in self.fresh:
            try:
                logits = model.logits(x.double())
            except (Unknown, AttributeError, KeyError, RuntimeError, TypeError):
                return math.inf  # the model reads or applies something unknown
            distance = float((logits - expected).abs().max()) / (1 + float(logits.abs().max()))
            worst = max(worst, distance if math.isfinite(distance) else math.inf)
        return worst

    def without(self, number: int | None = None, **changes: Any) -> claims.Evidence:
        """Return the proof that the network deviates from the equations in a certain way. The proof
        says how far the logits of the equations are from the network's logits, both with this
        deviation and without it.

        Args:
            number: the index of the layer; None for the readout.
            changes: new values for the fields in which the model deviates from the equations, keyed
                by field name. The fields belong to the layer with index `number` or, if `number` is
                None, to the whole model.
        """
        if number is None:
            mended = replace(self.model, **changes)
        else:
            layers = list(self.model.layers)
            layers[number] = replace(layers[number], **changes)
            mended = replace(self.model, layers=layers)
        count = sum(len(x) for x, _ in self.fresh)
        return claims.lstm.deviation_is_reproduced(
            inputs=count, error=self.error(), without=min(self.error(mended), 1e9)
        )

    def otherwise(self, number: int, name: str, *fields: str) -> claims.Evidence:
        """Return the proof that a gate of the student's network lacks weights of its own, which the
        equations require. The proof states how far the model's logits are from the logits of the
        student's network. It states this distance twice: for the weights found in the network, and
        for random weights in their place.

        Args:
            number: of the layer.
            name: of the gate.
            fields: the parts of the gate's affine map (for example `weight_h`) that contain only
                zeros or are identical to the same parts of another gate's map.
        """
        maps = dict(self.model.layers[number].maps)
        rng = torch.Generator().manual_seed(0)
        weights: dict[str, Any] = {}
        for field_name in fields:
            shape = getattr(maps[name], field_name).shape
            weights[field_name] = DEVIATION * torch.randn(shape, generator=rng).double()
        return self.without(number, maps=maps | {name: maps[name]._replace(**weights)})


def normalised(output: Tensor) -> Tensor:
    """Convert a network's output, which may be logits, probabilities or log-probabilities, to
    logits that are correct up to a constant in each row.

    If the softmax was taken over the batch, the logarithm of its output differs from the logits
    only by a constant in each column. A different bias of the readout could have the same effect.
    """
    output = output.double()
    if kind_of(output)[0] == "probabilities":
        output = output.clamp_min(1e-30).log()
    return output - output.mean(dim=1, keepdim=True)


def kind_of(rows: Tensor) -> tuple[str, int]:
    """Return the kind of numbers in the rows ("probabilities", "logarithms" of probabilities, or
    "logits") and the axis of the softmax. Logits are not the output of a softmax; for them, the
    axis is given as 1.
    """
    over_batch = len(rows) > 1 and len(rows) != rows.size(1)
    if bool((rows >= 0).all()):
        if _all_one(rows.sum(1)):
            return "probabilities", 1
        if over_batch and _all_one(rows.sum(0)):
            return "probabilities", 0
    if bool((rows <= 1e-6).all()):
        if _all_one(rows.exp().sum(1)):
            return "logarithms", 1
        if over_batch and _all_one(rows.exp().sum(0)):
            return "logarithms", 0
    return "logits", 1


def _all_one(sums: Tensor) -> bool:
    return bool(((sums - 1).abs() < 1e-3).all())


def is_over_batch(output: Tensor) -> claims.Evidence:
    """Return the proof that a softmax was taken along the batch axis: the sum of each column of
    probabilities and, for comparison, the sum of one row.
    """
    rows = output.double()
    if not bool((output >= 0).all()):
        rows = rows.exp()
    return claims.shared.softmax_is_over_batch(
        columns=rows.sum(0).tolist(), row=float(rows[0].sum())
    )
