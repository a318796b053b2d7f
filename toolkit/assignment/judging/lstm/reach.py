"""Inputs that take a network to its limits: sequences of a single step or of many steps, with
values that saturate the gates and make the states large.

Such inputs are needed because, on inputs of the usual size, even a cell that limits its states, for
example by clipping them, follows equations (1) to (7).
"""

import contextlib
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.findings.rules.claims.lstm import EXACT
from toolkit.assignment.judging.lstm.cell.affine import Map
from toolkit.assignment.judging.lstm.cell.reference import Layer, Model, Trial, normalised
from toolkit.assignment.judging.lstm.network import Network, WrongOutput

STEPS = (1, 40)  # of sequences, where a network reads any number of steps
LAST = 6  # steps that read usual inputs
ROWS = 41  # of a batch, where it may have any size
INSIDE = 30.0  # the largest number inside a gate: e to this power is far from an overflow
ROUNDING = 1e-5  # relative, of weights that a fit has found


class Reached(NamedTuple):
    """The result of comparing the network with the equations on extreme inputs, chosen to saturate
    the gates and to produce large states.
    """

    inputs: int  # sequences
    steps: list[int]  # their lengths
    state: float  # the largest size of a c(t) in them
    error: float  # as of a trial


def compare_far(network: Network, model: Model) -> Reached:
    """Compare the network's outputs with those of the equations on inputs chosen to saturate the
    gates and to produce large states.

    Sequences whose outputs depend strongly on rounding errors are left out.
    """
    usage = network.usage
    batch = ROWS if network.any_batch else usage.batch
    lengths = [*STEPS] if network.any_length else [usage.steps]
    compared: list[tuple[Tensor, Tensor]] = []
    state = 0.0
    for steps in lengths:
        x, read = _far_inputs(network, model.layers[0], batch, steps)
        with contextlib.suppress(StudentError, WrongOutput):
            said = normalised(network.run([x])[0])
            firm = _firm_rows(model, read)
            compared.append((read[firm], said[firm]))
            state = max(state, _largest_state(model, read[firm]))
    compared = [(read, said) for read, said in compared if len(read)]
    inputs = sum(len(read) for read, _ in compared)
    return Reached(
        inputs, [read.size(1) for read, _ in compared], state, Trial(model, compared).error()
    )


def _far_inputs(network: Network, layer: Layer, batch: int, steps: int) -> tuple[Tensor, Tensor]:
    """Return sequences that repeat a single input (a digit, or a vector scaled to be large) and end
    with a few random inputs of the usual size.

    The repeated input makes the network's states large, and the random inputs at the end make them
    small again. The outputs therefore show whether the code limited the states while they were
    large.

    Returns:
        the network's inputs, and the same inputs as the equations expect them: float64 with shape
        (batch, steps, input_dim), or one-hot with shape (batch, steps, 10) for digits.
    """
    rng = torch.Generator().manual_seed(11)
    last = min(LAST, steps // 3)
    if not (network.real and network.usage.input_dim):
        digits = torch.arange(batch).remainder(10)[:, None].repeat(1, steps)
        digits[:, steps - last :] = torch.randint(10, (batch, last), generator=rng)
        return digits, F.one_hot(digits, 10).double()
    rows = torch.randn(batch, network.usage.input_dim, generator=rng)
    inside = torch.stack([rows.double() @ gate.weight_x for gate in layer.maps.values()])
    largest = inside.abs().amax(dim=(0, 2)).clamp_min(1e-6)  # of each row
    rows = rows * (INSIDE / largest)[:, None].float()
    x = rows[:, None].repeat(1, steps, 1)
    x[:, steps - last :] = torch.randn(batch, last, rows.size(1), generator=rng)
    return x, x.double()


def _firm_rows(model: Model, read: Tensor) -> Tensor:
    """Return a mask, bool (batch,), of the sequences for which slightly different weights give
    nearly the same logits.
    """
    right, other = model.logits(read), _rounded(model).logits(read)
    away = (right - other).abs().amax(dim=1)
    firm: Tensor = away < EXACT / 10 * (1 + right.abs().amax(dim=1))
    return firm


def _rounded(model: Model) -> Model:
    """Return a copy of the model with random changes to the layers' weights. The changes are about
    as large as those that rounding errors cause in the result of a least-squares fit.
    """
    rng = torch.Generator().manual_seed(13)

    def moved(values: Tensor) -> Tensor:
        return values * (1 + ROUNDING * torch.randn(values.shape, generator=rng).double())

    def moved_map(fit: Map) -> Map:
        return fit._replace(
            weight_x=moved(fit.weight_x), weight_h=moved(fit.weight_h), bias=moved(fit.bias)
        )

    layers = []
    for layer in model.layers:
        maps = {name: moved_map(fit) for name, fit in layer.maps.items()}
        layers.append(replace(layer, maps=maps))
    return replace(model, layers=layers)


def _largest_state(model: Model, read: Tensor) -> float:
    """Return the largest absolute value of c(t) in any layer."""
    largest = 0.0
    for layer in model.layers:
        if not len(read):
            break
        steps = layer.steps(read)
        largest = max(largest, *(float(step["c"].abs().max()) for step in steps))
        read = torch.stack([step["h"] for step in steps], 1)
    return largest
