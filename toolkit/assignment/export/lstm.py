"""A student's LSTM as the toolkit's network: it is proved to be one, then its weights follow.

The check finds which of the numbers that a network computes are what is inside its gates. That is
an affine map of x(t) and h(t-1), whatever the style, the layout and the encoding: least squares
gives its weights, from steps that are computed in double precision.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.check.host import Student
from toolkit.assignment.check.lstm.cell.affine import affine
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
from toolkit.assignment.check.lstm.search import other_ways
from toolkit.assignment.check.lstm.sizes import check_sizes
from toolkit.assignment.check.lstm.weights import find_counting, is_weight, randomise
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.export.weights import Weights
from toolkit.common.errors import ToolkitError
from toolkit.export.golden import TOLERANCE
from toolkit.lstm.model import LSTM

LENGTHS = (1, 4, 9, 19, 35)  # digits that are read, for the proof
NUM_SEQUENCES = 200  # of each length
INVERSE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "none": lambda y: y,
    "sigmoid": torch.logit,
    "tanh": torch.atanh,
}
NEAR = 1e-3  # relative; what is inside a gate, as recorded and as found by inverting the gate


def proved(student: Student, located: Located, verdicts: Verdicts) -> Network:
    """The student's LSTM, if the check says that equations (1) to (7) are right.

    Raises:
        ToolkitError: they are not, or were not seen; with the check's finding.
    """
    found = find(student, located, verdicts)
    if found is not None:
        network = found.network
        check_sizes(network, found.first, found.source, verdicts)
        network.build()
        find_counting(network)
        look(network)
        verdicts.findings.clear()  # those are not about the equations
        check_equations(network, found.source, verdicts)
        if all(finding.verdict == "right" for finding in verdicts.findings):
            return network
    said = sorted(verdicts.findings, key=lambda one: one.verdict != "wrong")[0]
    raise ToolkitError(f"The LSTM was not exported ({said.verdict}): {said.message}")


@dataclass(frozen=True)
class Fitted:
    """A student's network, and weights that are its."""

    network: Network
    states: Weights
    sizes: Mapping[str, int | None]  # that it is built with

    def load(self, **sizes: int) -> None:
        """Build it with its weights."""
        self.network.build(**self.sizes, **sizes)
        self.network.student.ask("put", values=dict(self.states))

    def carry(self) -> tuple[LSTM, float]:
        """The toolkit's network with these weights, and how far it is from the student's.

        Raises:
            ToolkitError: something is missing in the weights, or the two do not say the same.
        """
        tensors = self.network.tensors
        loose = [t["name"] for t in tensors if t["kind"] == "loose" and is_weight(t, self.network)]
        if loose:
            raise ToolkitError(
                f"The LSTM was not exported: {loose[0]} is no nn.Parameter, so it is not among "
                "the weights that were saved."
            )
        model = self._solved()
        worst = self._difference(model)
        if not worst <= TOLERANCE:
            raise ToolkitError(
                "The LSTM was not exported: with its weights, the toolkit's network differs from "
                f"it by {worst:.1e}, relative to 1 + |logit|."
            )
        return model, worst

    def _solved(self) -> LSTM:
        """The network whose weights least squares gives."""
        network = self.network
        network.find_real()
        randomise(network)
        steps = network.way.steps
        for hidden in hidden_sizes(network):
            recording = record(network, hidden, math.ceil(1.5 * (hidden + 11) / (steps - 1)))
            match = find_match(recording)
            if match is not None and match.cost == 0:
                break
        if match is None or match.cost or len(layers_of(match, recording)[0]) > 1:
            raise ToolkitError(
                "The LSTM was not exported: the toolkit's network has one layer of gates that read "
                "x(t) and h(t-1), and this one was seen to have more."
            )
        inverses, numbers = [], [_numbers(recording, match.h)]
        for gate in (match.gates[name] for name in "ifgo"):
            inside = [] if gate.before is None else _numbers(recording, gate.before)
            inverses.append(INVERSE["none" if inside else gate.kind])
            numbers.append(inside or _numbers(recording, gate.values))
        self.load()
        xs, series, logits = self._look_up(hidden, numbers, 4 * hidden)
        h, *gates = series
        x = xs.transpose(0, 1)[match.first :]
        now, past = x[1:].flatten(0, 1), h[:-1].flatten(0, 1)
        maps = [
            affine(inverse(gate[1:]).flatten(0, 1), now, past)
            for inverse, gate in zip(inverses, gates, strict=True)
        ]
        readout = affine(logits, None, h[-1])
        model = LSTM(hidden, one_hot=x.size(-1) == 10)
        with torch.no_grad():
            model.cell.weight_ih.copy_(torch.cat([one.weight_x for one in maps], 1).t())
            model.cell.weight_hh.copy_(torch.cat([one.weight_h for one in maps], 1).t())
            model.cell.bias.copy_(torch.cat([one.bias for one in maps]))
            model.readout.weight.copy_(readout.weight_h.t())
            model.readout.bias.copy_(readout.bias)
        return model.eval()

    def _look_up(
        self, hidden: int, numbers: Sequence[Sequence[int]], rows: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What the network computes in double precision, with its weights.

        Args:
            numbers: of each series, the pieces at its steps.

        Returns:
            x (rows, steps, D), the series (n, steps, rows, hidden), and the logits (rows, 10).
        """
        network, way = self.network, self.network.way
        xs = random_inputs(network, way.batch, way.steps, math.ceil(rows / way.batch), seed=1)
        pieces, logits = [], []
        for x in xs:
            self.load()
            asked: dict[str, Any] = {"batch": way.batch, "hidden": hidden}
            asked["numbers"] = [*chain(*numbers)]
            answer = network.student.ask("look_up", x=network.encode(x), **asked)
            pieces.append(torch.stack(answer["pieces"]))
            logits.append(_as_logits(last_logits(answer["outputs"], *x.shape[:2]).logits))
        series = torch.cat(pieces, 1).unflatten(0, (len(numbers), -1)).double()
        return torch.cat([features(x) for x in xs]).double(), series, torch.cat(logits)

    @torch.no_grad()
    def _difference(self, model: LSTM) -> float:
        """How far it is from the student's own code on random sequences, relative to 1 + |y|."""
        network, way, worst = self.network, self.network.way, 0.0
        free = network.any_length or "steps" in network.took
        for steps in LENGTHS if free else (way.steps,) * len(LENGTHS):
            self.load(**{} if network.any_length else {"steps": steps + way.extra})
            count = math.ceil(NUM_SEQUENCES / way.batch)
            xs = [network.digits(way.batch, steps, seed=100 + k) for k in range(count)]
            for x, theirs in zip(xs, network.run(xs), strict=True):
                ours = model(x)
                if kind_of(theirs)[0] != "logits":
                    ours, theirs = normalised(ours), normalised(theirs)
                away = ((ours - theirs).abs() / (1 + theirs.abs())).max()
                worst = max(worst, float(away.nan_to_num(math.inf)))
        return worst


def fitted(network: Network, states: Weights) -> Fitted | None:
    """The network in the sizes of these weights; None if they are not its."""
    named = {name: list(value.shape) for name, value in states.items()}
    lengths = {size for shape in named.values() for size in shape}
    guesses = sorted({size // k for size in lengths for k in (1, 3, 4) if size % k == 0})
    for one in chain([network], other_ways(network)):
        one.build()
        theirs = {t["name"] for t in one.tensors if t["kind"] == "parameter"}
        if not theirs <= named.keys():
            return None
        one.any_batch, one.any_length = network.any_batch, network.any_length
        for hidden in guesses if "hidden" in one.took else [one.way.hidden]:
            for embedding in guesses if "embedding" in one.took else [5]:
                sizes = {"hidden": hidden, "embedding": embedding}
                one.build(**sizes)
                if all(named.get(t["name"], t["shape"]) == t["shape"] for t in one.tensors):
                    one.way = replace(one.way, hidden=hidden)
                    return Fitted(one, states, sizes)
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


def _as_logits(output: Tensor) -> Tensor:
    return output if kind_of(output)[0] == "logits" else normalised(output)
