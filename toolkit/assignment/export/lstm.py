"""A student's LSTM or RNN as the toolkit's network: first a proof that it is one, then its weights.

The check finds which of the numbers that a network computes are what is inside its gates. That is
an affine map of x(t) and h(t-1), whatever the style, the layout and the encoding: least squares
gives its weights, from steps that are computed in double precision.
"""

import contextlib
import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.child.lstm.double import in_double
from toolkit.assignment.check.host import Student
from toolkit.assignment.check.lstm.cell.affine import affine
from toolkit.assignment.check.lstm.cell.candidates import Candidates
from toolkit.assignment.check.lstm.cell.matching import find_match
from toolkit.assignment.check.lstm.cell.recording import Recording
from toolkit.assignment.check.lstm.cell.reference import kind_of, normalised
from toolkit.assignment.check.lstm.checks import find, look
from toolkit.assignment.check.lstm.equations import (
    check_equations,
    features,
    hidden_sizes,
    layers_of,
    random_inputs,
    record,
)
from toolkit.assignment.check.lstm.network import Network, last_logits
from toolkit.assignment.check.lstm.search import find_network, other_ways
from toolkit.assignment.check.lstm.sizes import check_sizes
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.lstm.weights import find_counting, is_weight, randomise
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.export.weights import Weights
from toolkit.common.errors import ToolkitError
from toolkit.export.golden import TOLERANCE
from toolkit.lstm.model import LSTM, RNN

LENGTHS = (1, 4, 9, 19, 35)  # digits that are read, for the proof
NUM_SEQUENCES = 200  # of each length
NEAR = 1e-3  # relative; what is inside a gate, as recorded and as found by inverting the gate
INVERSE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "none": lambda y: y,
    "sigmoid": torch.logit,
    "tanh": torch.atanh,
}


class Cell(NamedTuple):
    """What a recording shows: series (steps, rows, hidden), from the time step `first` on."""

    h: Tensor
    gates: Sequence[tuple[Tensor | None, Tensor, str]]  # inside, value, activation: i, f, g, o
    first: int = 0


def proved(student: Student, located: Located, verdicts: Verdicts) -> Network:
    """The student's LSTM, if the check says that equations (1) to (7) are right.

    Raises:
        ToolkitError: they are not, or were not seen; with the check's finding.
    """
    found = find(student, located, verdicts)
    if found is not None:
        _look_at(found.network, found.source, verdicts)
        verdicts.findings.clear()  # those are not about the equations
        check_equations(found.network, found.source, verdicts)
        if all(finding.verdict == "right" for finding in verdicts.findings):
            return found.network
    said = sorted(verdicts.findings, key=lambda one: one.verdict != "wrong")[0]
    raise ToolkitError(f"The LSTM was not exported ({said.verdict}): {said.message}")


def find_rnn(student: Student, file: str, verdicts: Verdicts) -> Network:
    """A class in this file that is called an RNN; whether it is one, its weights will show.

    Raises:
        ToolkitError: it cannot be built and called.
    """
    kinds = student.ask("load", file=file, name="RNN")["classes"]
    names = [kind["name"] for kind in kinds if "rnn" in kind["name"].lower()]
    network, _ = find_network(student, names)
    if network is None:
        raise ToolkitError(f"The RNN was not exported: it cannot be called, in {file}.")
    _look_at(network, Source("", ""), verdicts)
    return network


def _look_at(network: Network, source: Source, verdicts: Verdicts) -> None:
    check_sizes(network, None, source, verdicts)
    network.build()
    find_counting(network)
    look(network)


@dataclass(frozen=True)
class Fitted:
    """A student's network, and weights that are its."""

    network: Network
    states: Weights
    sizes: Mapping[str, int | None]  # that it is built with

    def load(self, sizes: Mapping[str, int] = {}) -> None:
        """Build it with its weights."""
        self.network.build(**self.sizes, **sizes)
        self.network.student.ask("put", values=dict(self.states))

    def carry(self, kind: str) -> tuple[LSTM | RNN, float]:
        """The toolkit's network with these weights, and how far its answers are from the student's.

        Args:
            kind: "LSTM" or "RNN".

        Raises:
            ToolkitError: something is missing in the weights, or the two do not say the same.
        """
        tensors = self.network.tensors
        loose = [t["name"] for t in tensors if t["kind"] == "loose" and is_weight(t, self.network)]
        if loose:
            raise ToolkitError(
                f"The {kind} was not exported: {loose[0]} is no nn.Parameter, so it is not among "
                "the weights that were saved."
            )
        model = self._solved(kind)
        worst = self._difference(model)
        if worst > TOLERANCE:  # by rounding, perhaps, which some networks enlarge at each step
            worst = self._difference(copy.deepcopy(model), exact=True)
        if not worst <= TOLERANCE:
            raise ToolkitError(
                f"The {kind} was not exported: with its weights, the toolkit's network differs "
                f"from it by {worst:.1e}, relative to 1 + |logit|."
            )
        return model, worst

    @torch.no_grad()
    def _solved(self, kind: str) -> LSTM | RNN:
        """The network whose weights least squares gives."""
        network, steps = self.network, self.network.way.steps
        network.find_real()
        randomise(network)
        for hidden in hidden_sizes(network):
            recording = record(network, hidden, math.ceil(1.5 * (hidden + 11) / (steps - 1)))
            cell = _lstm_in(recording) if kind == "LSTM" else _rnn_in(recording)
            if cell is not None:
                break
        else:
            raise ToolkitError(
                f"The {kind} was not exported: the toolkit's has one layer of gates that read x(t) "
                "and h(t-1), which was not seen here."
            )
        numbers, inverses = [_numbers(recording, cell.h)], []
        for inside, value, activation in cell.gates:
            known = [] if inside is None else _numbers(recording, inside)
            numbers.append(known or _numbers(recording, value))
            inverses.append(INVERSE["none" if known else activation])
        wanted, batch = [*chain(*numbers)], network.way.batch
        xs = random_inputs(network, batch, steps, math.ceil(4 * hidden / batch), seed=1)
        said, pieces = zip(*(self._exactly(x, hidden, wanted) for x in xs), strict=True)
        logits = torch.cat([y if kind_of(y)[0] == "logits" else normalised(y) for y in said])
        series = torch.cat([torch.stack(one) for one in pieces], 1).double()
        h, *gates = series.unflatten(0, (len(numbers), -1))
        x = torch.cat([features(x) for x in xs]).double().transpose(0, 1)
        x = x[cell.first + 1 :].flatten(0, 1)
        maps = [
            affine(inverse(gate[1:]).flatten(0, 1), x, h[:-1].flatten(0, 1))
            for inverse, gate in zip(inverses, gates, strict=True)
        ]
        readout = affine(logits, None, h[-1])
        model = (LSTM if kind == "LSTM" else RNN)(hidden, one_hot=x.size(1) == 10)
        model.cell.weight_ih.copy_(torch.cat([one.weight_x for one in maps], 1).t())
        model.cell.weight_hh.copy_(torch.cat([one.weight_h for one in maps], 1).t())
        model.cell.bias.copy_(torch.cat([one.bias for one in maps]))
        model.readout.weight.copy_(readout.weight_h.t())
        model.readout.bias.copy_(readout.bias)
        return model.eval()

    @torch.no_grad()
    def _difference(self, model: LSTM | RNN, exact: bool = False) -> float:
        """How far it is from the student's own code on random sequences, relative to 1 + |y|.

        Args:
            exact: compare both in double precision; the model stays so.
        """
        network, way, worst = self.network, self.network.way, 0.0
        free = network.any_length or "steps" in network.took
        for steps in LENGTHS if free else (way.steps,) * len(LENGTHS):
            sizes: dict[str, int] = {} if network.any_length else {"steps": steps + way.extra}
            count = math.ceil(NUM_SEQUENCES / way.batch)
            xs = [network.digits(way.batch, steps, seed=100 + k) for k in range(count)]
            self.load(sizes)
            said = [self._exactly(x, sizes=sizes)[0] for x in xs] if exact else network.run(xs)
            with in_double(model) if exact else contextlib.nullcontext():
                for theirs, ours in zip(said, map(model, xs), strict=True):
                    if kind_of(theirs)[0] != "logits":
                        ours, theirs = normalised(ours), normalised(theirs)
                    away = ((ours - theirs).abs() / (1 + theirs.abs())).max()
                    worst = max(worst, float(away.nan_to_num(math.inf)))
        return worst

    def _exactly(
        self,
        x: Tensor,
        hidden: int = 1,
        numbers: Sequence[int] = (),
        sizes: Mapping[str, int] = {},
    ) -> tuple[Tensor, list[Tensor]]:
        """The last logits (batch, 10) in double precision, and these pieces on the way."""
        self.load(sizes)
        asked: dict[str, Any] = {"batch": len(x), "hidden": hidden, "numbers": list(numbers)}
        answer = self.network.student.ask("look_up", x=self.network.encode(x), **asked)
        return last_logits(answer["outputs"], *x.shape[:2]).logits, answer["pieces"]


def fitted(network: Network, states: Weights) -> Fitted | None:
    """The network in the sizes of these weights; None if they are not its."""
    named = {name: list(value.shape) for name, value in states.items()}
    lengths = {size for shape in named.values() for size in shape}
    guesses = sorted({size // k for size in lengths for k in (1, 3, 4) if size % k == 0})
    for one in chain([network], other_ways(network)):
        one.build()
        if not {t["name"] for t in one.tensors if t["kind"] == "parameter"} <= named.keys():
            return None
        one.any_length, one.counting, one.uses = network.any_length, network.counting, network.uses
        for hidden in guesses if "hidden" in one.took else [one.way.hidden]:
            for embedding in guesses if "embedding" in one.took else [5]:
                sizes = {"hidden": hidden, "embedding": embedding}
                one.build(**sizes)
                if all(named.get(t["name"], t["shape"]) == t["shape"] for t in one.tensors):
                    square = one.way.batch == one.way.hidden  # it takes one for the other
                    batch = hidden if square and hidden else one.way.batch
                    one.way = replace(one.way, hidden=hidden, batch=batch)
                    return Fitted(one, states, sizes)
    return None


def _lstm_in(recording: Recording) -> Cell | None:
    match = find_match(recording)
    if match is None or match.cost or len(layers_of(match, recording)[0]) > 1:
        return None
    gates = [match.gates[name] for name in "ifgo"]
    return Cell(match.h, [(gate.before, gate.values, gate.kind) for gate in gates], match.first)


def _rnn_in(recording: Recording) -> Cell | None:
    """h(t) is a tanh of an affine map of x(t) and h(t-1), and the logits are one of the last h."""
    found = Candidates(recording, late=False)
    for k, kind, inside in found.explained:
        h = found.values[k]
        if kind == "tanh" and k in found.reads and affine(recording.logits, None, h[-1]).exact:
            return Cell(h, [(inside, h, kind)])
    return None


def _numbers(recording: Recording, series: Tensor) -> list[int]:
    """Of values (steps, rows, hidden), the number of the piece at each step; [] if not seen."""
    numbers = []
    for one in series:
        away = ((recording.values - one).abs() / (1 + one.abs())).flatten(1).amax(1)
        if float(away.min()) > NEAR:
            return []
        numbers.append(recording.order.index(int(away.argmin())))
    return numbers
