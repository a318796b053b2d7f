"""The conversion of a student's LSTM or RNN into the toolkit's network.

The functions of the automatic check find the pre-activations of the gates among the values that the
student's code computes. The pre-activations are an affine map of x(t) and h(t-1), however the code
is written. Least squares recovers the weights of the affine map from values that the code computes
in double precision.
"""

import contextlib
import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.asking.host import LSTMChild, StudentError
from toolkit.assignment.export.weights import Weights
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.submission import Located
from toolkit.assignment.judging.lstm import equations
from toolkit.assignment.judging.lstm.cell.affine import Map, affine
from toolkit.assignment.judging.lstm.cell.candidates import Candidates
from toolkit.assignment.judging.lstm.cell.matching import find_match
from toolkit.assignment.judging.lstm.cell.recording import Recording
from toolkit.assignment.judging.lstm.cell.reference import kind_of, normalised
from toolkit.assignment.judging.lstm.checks import find, look
from toolkit.assignment.judging.lstm.network import Network, Usage, last_logits
from toolkit.assignment.judging.lstm.search import LAYOUTS, find_network
from toolkit.assignment.judging.lstm.sizes import check_sizes
from toolkit.assignment.judging.lstm.source import Source
from toolkit.assignment.judging.lstm.weights import find_counting, is_weight, randomise
from toolkit.assignment.running.record.lstm.double import in_double
from toolkit.common.errors import ToolkitError
from toolkit.export.golden import TOLERANCE
from toolkit.lstm.model import LSTM, RNN

LENGTHS = (1, 4, 9, 19, 35)  # digits in the sequences on which the networks are compared
NUM_SEQUENCES = 200  # sequences of each length
NEAR = 1e-3  # the relative tolerance when a recorded value is identified
AGREEMENTS = {  # of the toolkit's network with a student's code, for each kind of output
    "logits": "on 1,000 sequences it answers as your code does",
    "probabilities": (
        "it returns logits, where your code returns probabilities; on 1,000 sequences the logits "
        "are the logarithms of these probabilities up to one constant for each sequence"
    ),
    "logarithms": (
        "it returns logits, where your code returns logarithms of probabilities; on 1,000 "
        "sequences the logits are these logarithms up to one constant for each sequence"
    ),
}
INVERSE = {"sigmoid": torch.logit, "tanh": torch.atanh}


class Gate(NamedTuple):
    """The recorded values of one gate of an LSTM or, for an RNN, of its hidden state.

    The tensors `before` (before the activation function) and `values` (after it) have the shape
    (steps, rows, hidden), with the steps in chronological order.
    """

    before: Tensor | None  # the pre-activation, if it was recorded
    values: Tensor
    kind: str  # the activation, a key of `INVERSE`


class Cell(NamedTuple):
    """The recorded values of a recurrent cell."""

    h: Tensor  # (steps, rows, hidden), with the steps in order of time
    gates: list[Gate]  # i, f, g and o of an LSTM, or the state of an RNN
    first: int  # the first step that was recorded


class Pieces(NamedTuple):
    """The ids of the values that were recorded for one gate, one id for each time step."""

    numbers: list[int]
    is_before: bool  # True for pre-activations, False for values after the activation


class Carried(NamedTuple):
    """The toolkit's LSTM or RNN with a student's weights, and the result of comparing its outputs
    with those of the student's code.
    """

    model: LSTM | RNN
    worst: float  # the largest difference, relative to 1 + |y|
    outputs: str  # the output of the student's code: "logits", "probabilities" or "logarithms"

    def agreement(self) -> str:
        """Return the last part of a sentence that is shown to the user; this part says how closely
        the network's outputs agree with those of the student's code.
        """
        return f"{AGREEMENTS[self.outputs]}, within {self.worst:.0e}"


def proved(child: LSTMChild, located: Located, verdicts: Verdicts) -> Network:
    """Return the student's LSTM if the check confirms equations (1) to (7).

    Raises:
        ToolkitError: the LSTM cannot be run, or an equation is wrong or could not be checked; the
            error message contains the check's message about this problem.
    """
    candidate = find(child, located, verdicts)
    if candidate is not None:
        network, _, source, _ = candidate
        _look_at(network, source, verdicts)
        verdicts.findings.clear()  # these findings are not about the equations
        equations.check_equations(network, source, verdicts)
        if {finding.verdict for finding in verdicts.findings} <= {"right"}:
            return network
    wrong = [finding for finding in verdicts.findings if finding.verdict == "wrong"]
    reason = (wrong or verdicts.findings)[0]
    raise ToolkitError(f"The LSTM was not exported ({reason.verdict}): {reason.message}")


def find_rnn(child: LSTMChild, located: Located, verdicts: Verdicts) -> Network:
    """Return a student's network whose class has "RNN" in its name.

    A class with "RNN" in its name need not be an RNN, so `Fitted.carry` later compares the network
    with the toolkit's RNN.

    Raises:
        ToolkitError: no class with "RNN" in its name can be built and called.
    """
    kinds = child.ask.load(file=located.file, name="RNN")["classes"]
    likely = {kind["name"]: kind["seen"] for kind in kinds if "rnn" in kind["name"].lower()}
    network, _ = find_network(child, likely)
    if network is None:
        raise ToolkitError(f"The RNN was not exported: it cannot be called, in {located.file}.")
    _look_at(network, Source("", ""), verdicts)
    return network


def _look_at(network: Network, source: Source, verdicts: Verdicts) -> None:
    check_sizes(network, None, source, verdicts)
    network.build()
    find_counting(network)
    look(network)


@dataclass(frozen=True)
class Fitted:
    """A student's network and its trained weights."""

    network: Network
    states: Weights
    sizes: Mapping[str, int | None]  # the sizes with which the network is built

    def carry(self, kind: str) -> Carried:
        """Return the toolkit's network with the student's weights.

        Args:
            kind: "LSTM" or "RNN".

        Raises:
            ToolkitError: a weight was not saved, or the outputs of the student's network differ
                from those of the toolkit's network. The error is also raised if the student's
                network does not appear to have exactly one recurrent layer that reads x(t) and
                h(t-1).
        """
        not_exported = f"The {kind} was not exported:"
        for tensor in self.network.tensors:
            if tensor["kind"] == "loose" and is_weight(tensor, self.network):
                raise ToolkitError(
                    f"{not_exported} {tensor['name']} is not an nn.Parameter, so it was not saved."
                )
        model = self._solved(kind)
        if model is None:
            raise ToolkitError(
                f"{not_exported} the toolkit's has one layer, whose gates read x(t) and h(t-1), "
                "and the check did not see such a layer here."
            )
        worst, outputs = self._difference(model)
        if not worst <= TOLERANCE:  # `worst` may be NaN
            raise ToolkitError(
                f"{not_exported} the toolkit's network with its weights differs from it by "
                f"{worst:.1e}, relative to 1 + |logit|."
            )
        return Carried(model, worst, outputs)

    @torch.no_grad()
    def _solved(self, kind: str) -> LSTM | RNN | None:
        """Fit the toolkit's network by least squares to the values that the student's network
        computes; return None if no recurrent cell is found in the student's network.
        """
        network, batch, steps = self.network, self.network.usage.batch, self.network.usage.steps
        network.build(**self.sizes)  # other weights may have been tried since the last build
        network.find_real()
        randomise(network)
        steps_and_cell = self._seen_cell(kind)
        if steps_and_cell is None:
            return None
        recording, cell, hidden = steps_and_cell
        pieces = [_pieces_of(recording, gate) for gate in cell.gates]
        numbers = _numbers(recording, cell.h)
        for piece in pieces:
            numbers = numbers + piece.numbers
        xs = equations.random_inputs(network, batch, steps, math.ceil(4 * hidden / batch), seed=1)
        runs = [self._exactly(x, hidden, numbers) for x in xs]
        outputs, recorded = zip(*runs, strict=True)
        logits = torch.cat(list(map(_as_logits, outputs)))
        h, *series = torch.cat(recorded, 1).double().unflatten(0, (1 + len(pieces), -1))
        x = torch.cat(list(map(equations.features, xs))).double().transpose(0, 1)
        x_now, h_before = x[cell.first + 1 :].flatten(0, 1), h[:-1].flatten(0, 1)
        maps = []
        for piece, values, gate in zip(pieces, series, cell.gates, strict=True):
            before = values if piece.is_before else INVERSE[gate.kind](values)
            maps.append(affine(before[1:].flatten(0, 1), x_now, h_before))
        network_type = LSTM if kind == "LSTM" else RNN
        model = network_type(hidden, one_hot=x.size(-1) == 10)
        _put_weights(model, maps, affine(logits, None, h[-1]))
        return model.eval()

    def _seen_cell(self, kind: str) -> tuple[Recording, Cell, int] | None:
        """Record the values that the network computes, and find those of its recurrent cell among
        them.

        Returns:
            the recording, the cell and the hidden size; or None if no cell is found.
        """
        find_cell = _lstm_in if kind == "LSTM" else _rnn_in
        for hidden in equations.hidden_sizes(self.network):
            rows = math.ceil(1.5 * (hidden + 11) / (self.network.usage.steps - 1))
            recording = equations.record(self.network, hidden, rows)
            cell = find_cell(recording)
            if cell is not None:
                return recording, cell, hidden
        return None

    @torch.no_grad()
    def _difference(self, model: LSTM | RNN) -> tuple[float, str]:
        """Compare the outputs of a network with those of the student's code.

        The network and the student's code both run in double precision, on random sequences. A
        network may amplify rounding errors from step to step, so that even a different order of
        additions changes the result considerably.

        Returns:
            the largest difference between corresponding outputs, and the kind of output that the
            student's code returns (see `Carried.outputs`). Each difference is divided by 1 + |y|,
            where y is the output of the student's code.
        """
        network, usage = self.network, self.network.usage
        model = copy.deepcopy(model)
        lengths: tuple[int, ...] = LENGTHS
        if not network.any_length and "steps" not in network.took:
            lengths = (usage.steps,) * len(LENGTHS)
        worst, outputs = 0.0, "logits"
        for steps in lengths:
            built = {} if network.any_length else {"steps": steps + usage.extra}
            for k in range(math.ceil(NUM_SEQUENCES / usage.batch)):
                x = network.digits(usage.batch, steps, seed=100 + k)
                expected, _ = self._exactly(x, built=built)
                with in_double(model):
                    logits = model(x)
                kind, _ = kind_of(expected)
                if kind != "logits":
                    outputs = kind
                    logits, expected = normalised(logits), normalised(expected)
                difference = ((logits - expected).abs() / (1 + expected.abs())).max()
                worst = max(worst, float(difference.nan_to_num(math.inf)))
        return worst, outputs

    def _exactly(
        self, x: Tensor, hidden: int = 1, numbers: Sequence[int] = (), built: Mapping[str, int] = {}
    ) -> tuple[Tensor, Tensor]:
        """Run the student's network with the saved weights. Return the logits of the last time
        step, and those intermediate values of the network whose ids are in `numbers`.

        The logits have shape (batch, 10), and are in double precision.

        Args:
            numbers: the ids of the network's intermediate values that are to be returned.
            built: further sizes, such as the number of time steps, with which the network is built;
                the sizes in the attribute `sizes` are always used.
        """
        child = self.network.child
        self.network.build(**self.sizes, **built)
        child.ask.put(values=dict(self.states))
        encoded = self.network.encode(x)
        answer = child.ask.look_up(x=encoded, batch=len(x), hidden=hidden, numbers=[*numbers])
        return last_logits(answer["outputs"], *x.shape[:2]).logits, answer["pieces"]


def fitted(network: Network, states: Weights) -> Fitted | None:
    """Return the network that the saved weights fit, with these weights, or None if there is no
    such network.
    """
    shapes = {name: list(value.shape) for name, value in states.items()}
    guesses = _possible_sizes(shapes)
    for usage in _usages_to_read(network):
        variant = Network(network.child, usage)
        with contextlib.suppress(StudentError):
            variant.build()
        parameters = {t["name"] for t in variant.tensors if t["kind"] == "parameter"}
        if not parameters <= shapes.keys():
            return None
        variant.any_length = network.any_length
        variant.counting, variant.uses = network.counting, network.uses
        sizes = _fitting_sizes(variant, shapes, guesses)
        if sizes is not None:
            return Fitted(variant, states, sizes)
    return None


def _fitting_sizes(
    variant: Network, shapes: Mapping[str, list[int]], guesses: list[int]
) -> Mapping[str, int | None] | None:
    """Rebuild the network `variant` with hidden and embedding sizes that match the saved weights,
    and return these sizes.

    The result is None if none of the hidden and embedding sizes that are tried fits the saved
    weights.
    """
    hidden_sizes = guesses if "hidden" in variant.took else [variant.usage.hidden]
    embedding_sizes = guesses if "embedding" in variant.took else [5]
    for hidden, embedding in product(hidden_sizes, embedding_sizes):
        sizes = {"hidden": hidden, "embedding": embedding}
        variant.build(**sizes)
        if _has_shapes(variant, shapes):
            batch = variant.usage.batch
            # If the batch size equals the hidden size, the network may use one for the other.
            if hidden and batch == variant.usage.hidden:
                batch = hidden
            variant.usage = replace(variant.usage, hidden=hidden, batch=batch)
            return sizes
    return None


@torch.no_grad()
def _put_weights(model: LSTM | RNN, gates: list[Map], readout: Map) -> None:
    """Copy the weights of the gates and of the readout into a network."""
    model.cell.weight_ih.copy_(torch.cat([gate.weight_x for gate in gates], 1).t())
    model.cell.weight_hh.copy_(torch.cat([gate.weight_h for gate in gates], 1).t())
    model.cell.bias.copy_(torch.cat([gate.bias for gate in gates]))
    model.readout.weight.copy_(readout.weight_h.t())
    model.readout.bias.copy_(readout.bias)


def _usages_to_read(network: Network) -> list[Usage]:
    """Return the network's `Usage`, which says how its class is built and called, followed by
    copies of this `Usage` with each possible layout and encoding of the input digits.
    """
    usages = [network.usage]
    named_only = replace(network.usage, as_seen=False)  # saved weights may need another encoding
    for axes, dim in LAYOUTS:
        usages.append(replace(named_only, layout=axes, input_dim=dim))
    return list(dict.fromkeys(usages))


def _possible_sizes(shapes: Mapping[str, list[int]]) -> list[int]:
    """Return the possible hidden sizes: the size of each axis of the weights, and a third and a
    quarter of each size if these are whole numbers.

    An axis may hold the weights of three or four gates, so a third or a quarter of its size may be
    the hidden size.
    """
    sizes = set()
    for size in chain.from_iterable(shapes.values()):
        for divisor in (1, 3, 4):
            if size % divisor == 0:
                sizes.add(size // divisor)
    return sorted(sizes)


def _has_shapes(network: Network, shapes: Mapping[str, list[int]]) -> bool:
    """Return True if each tensor of a network has the same shape as the saved weight of the same
    name; tensors for which no weight was saved are ignored.
    """
    for tensor in network.tensors:
        if shapes.get(tensor["name"], tensor["shape"]) != tensor["shape"]:
            return False
    return True


def _lstm_in(recording: Recording) -> Cell | None:
    """Return the recorded values of a correct one-layer LSTM, or None if the recording contains no
    such LSTM.
    """
    match = find_match(recording)
    if match is None or match.cost or len(equations.layers_of(match, recording)[0]) > 1:
        return None
    gates = []
    for name in "ifgo":
        gate = match.gates[name]
        gates.append(Gate(gate.before, gate.values, gate.kind))
    return Cell(match.h, gates, match.first)


def _rnn_in(recording: Recording) -> Cell | None:
    """Return the recorded values of an RNN, or None if the recording contains no RNN.

    In an RNN, h(t) is the result of a tanh, and the logits are an affine map of the last h(t).
    """
    candidates = Candidates(recording, late=False)
    for k, kind, before in candidates.explained:
        h = candidates.values[k]
        if kind != "tanh" or k not in candidates.reads:
            continue
        if affine(recording.logits, None, h[-1]).exact:
            return Cell(h, [Gate(before, h, kind)], 0)
    return None


def _pieces_of(recording: Recording, gate: Gate) -> Pieces:
    """Return the ids of a gate's pre-activations or, if these were not recorded, of its
    activations.
    """
    numbers = [] if gate.before is None else _numbers(recording, gate.before)
    if numbers:
        return Pieces(numbers, is_before=True)
    return Pieces(_numbers(recording, gate.values), is_before=False)


def _as_logits(outputs: Tensor) -> Tensor:
    """Convert outputs to logits, up to an additive constant.

    The outputs may be logits, probabilities or logarithms of probabilities.
    """
    return outputs if kind_of(outputs)[0] == "logits" else normalised(outputs)


def _numbers(recording: Recording, series: Tensor) -> list[int]:
    """For each step of `series`, return the id of the recorded matrix that equals the values of
    this step up to rounding. The result is [] if any step has no such matrix.

    Args:
        series: (steps, rows, hidden).
    """
    numbers = []
    for values in series:
        differences = (recording.values - values).abs() / (1 + values.abs())
        largest = differences.flatten(1).amax(1)
        if float(largest.min()) > NEAR:
            return []
        numbers.append(recording.order.index(int(largest.argmin())))
    return numbers
