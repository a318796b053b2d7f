"""A student's LSTM or RNN as the toolkit's network: first a proof that it is one, then its weights.

The check finds which of the numbers that a network computes are what is inside its gates. That is
an affine map of x(t) and h(t-1), whatever the style, the layout and the encoding: least squares
gives its weights, from steps that are computed in double precision.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

from toolkit.assignment.check.child.lstm.double import in_double
from toolkit.assignment.check.host import Student
from toolkit.assignment.check.lstm import equations
from toolkit.assignment.check.lstm.cell.affine import affine
from toolkit.assignment.check.lstm.cell.candidates import Candidates
from toolkit.assignment.check.lstm.cell.matching import find_match
from toolkit.assignment.check.lstm.cell.recording import Recording
from toolkit.assignment.check.lstm.cell.reference import kind_of, normalised
from toolkit.assignment.check.lstm.checks import find, look
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
INVERSE = {"sigmoid": torch.logit, "tanh": torch.atanh}
# h(t); and of i, f, g, o, or of the RNN, what is inside, if known, the value, and the activation.
# Each is a series (steps, rows, hidden), from the time step that comes last on.
Cell = tuple[Tensor, list[tuple[Tensor | None, Tensor, str]], int]


def proved(student: Student, located: Located, verdicts: Verdicts) -> Network:
    """The student's LSTM, if the check says that equations (1) to (7) are right.

    Raises:
        ToolkitError: they are not, or were not seen; with the check's finding.
    """
    if (found := find(student, located, verdicts)) is not None:
        network, _, source, _ = found
        _look_at(network, source, verdicts)
        verdicts.findings.clear()  # those are not about the equations
        equations.check_equations(network, source, verdicts)
        if all(finding.verdict == "right" for finding in verdicts.findings):
            return network
    said = sorted(verdicts.findings, key=lambda one: one.verdict != "wrong")[0]
    raise ToolkitError(f"The LSTM was not exported ({said.verdict}): {said.message}")


def find_rnn(student: Student, located: Located, verdicts: Verdicts) -> Network:
    """A class in a file that is called an RNN; whether it is one, its weights will show.

    Raises:
        ToolkitError: it cannot be built and called.
    """
    kinds = student.ask("load", file=located.file, name="RNN")["classes"]
    names = [kind["name"] for kind in kinds if "rnn" in kind["name"].lower()]
    network, _ = find_network(student, names)
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
    """A student's network, and weights that are its."""

    network: Network
    states: Weights
    sizes: Mapping[str, int | None]  # that it is built with

    def carry(self, kind: str) -> tuple[LSTM | RNN, float]:
        """The toolkit's network with these weights, and how far its answers are from the student's.

        Args:
            kind: "LSTM" or "RNN".

        Raises:
            ToolkitError: something is missing in the weights, or the two do not say the same.
        """
        not_exported, network = f"The {kind} was not exported:", self.network
        loose = (t for t in network.tensors if t["kind"] == "loose" and is_weight(t, network))
        if (one := next(loose, None)) is not None:
            raise ToolkitError(
                f"{not_exported} {one['name']} is no nn.Parameter, so nobody saved it."
            )
        model = self._solved(kind)
        if model is None:
            raise ToolkitError(
                f"{not_exported} the toolkit's has one layer, whose gates read x(t) and h(t-1), "
                "and that was not seen here."
            )
        if not (worst := self._difference(model)) <= TOLERANCE:
            raise ToolkitError(
                f"{not_exported} the toolkit's network with its weights differs from it by "
                f"{worst:.1e}, relative to 1 + |logit|."
            )
        return model, worst

    @torch.no_grad()
    def _solved(self, kind: str) -> LSTM | RNN | None:
        """The network whose weights least squares gives."""
        network, batch, steps = self.network, self.network.way.batch, self.network.way.steps
        network.build(**self.sizes)  # since then other weights were tried
        network.find_real()
        randomise(network)
        for hidden in equations.hidden_sizes(network):
            rows = math.ceil(1.5 * (hidden + 11) / (steps - 1))
            recording = equations.record(network, hidden, rows)
            cell = _lstm_in(recording) if kind == "LSTM" else _rnn_in(recording)
            if cell is not None:
                break
        else:
            return None
        h, gates, first = cell
        numbers = [_numbers(recording, h)]
        inside = [[] if known is None else _numbers(recording, known) for known, _, _ in gates]
        numbers += [
            known or _numbers(recording, value)
            for known, (_, value, _) in zip(inside, gates, strict=True)
        ]
        xs = equations.random_inputs(network, batch, steps, math.ceil(4 * hidden / batch), seed=1)
        said, found = zip(*(self._exactly(x, hidden, [*chain(*numbers)]) for x in xs), strict=True)
        logits = torch.cat([y if kind_of(y)[0] == "logits" else normalised(y) for y in said])
        h, *series = torch.cat(found, 1).double().unflatten(0, (len(numbers), -1))
        x = torch.cat([equations.features(x) for x in xs]).double().transpose(0, 1)[first + 1 :]
        maps = [
            affine(
                (y if known else INVERSE[kind](y))[1:].flatten(0, 1),
                x.flatten(0, 1),
                h[:-1].flatten(0, 1),
            )
            for known, y, (_, _, kind) in zip(inside, series, gates, strict=True)
        ]
        readout = affine(logits, None, h[-1])
        model = (LSTM if kind == "LSTM" else RNN)(hidden, one_hot=x.size(-1) == 10)
        for parameter, value in (
            (model.cell.weight_ih, torch.cat([one.weight_x for one in maps], 1).t()),
            (model.cell.weight_hh, torch.cat([one.weight_h for one in maps], 1).t()),
            (model.cell.bias, torch.cat([one.bias for one in maps])),
            (model.readout.weight, readout.weight_h.t()),
            (model.readout.bias, readout.bias),
        ):
            parameter.copy_(value)
        return model.eval()

    @torch.no_grad()
    def _difference(self, model: LSTM | RNN) -> float:
        """The largest difference from the student's code on random sequences, relative to 1 + |y|.

        Both compute in double precision: where a network enlarges rounding from step to step, two
        orders of adding are further apart than two networks.
        """
        network, way, worst = self.network, self.network.way, 0.0
        free, model = network.any_length or "steps" in network.took, copy.deepcopy(model)
        for steps in LENGTHS if free else (way.steps,) * len(LENGTHS):
            built = {} if network.any_length else {"steps": steps + way.extra}
            for k in range(math.ceil(NUM_SEQUENCES / way.batch)):
                x = network.digits(way.batch, steps, seed=100 + k)
                theirs, _ = self._exactly(x, built=built)
                with in_double(model):
                    ours = model(x)
                if kind_of(theirs)[0] != "logits":
                    ours, theirs = normalised(ours), normalised(theirs)
                away = ((ours - theirs).abs() / (1 + theirs.abs())).max()
                worst = max(worst, float(away.nan_to_num(math.inf)))
        return worst

    def _exactly(
        self, x: Tensor, hidden: int = 1, numbers: Sequence[int] = (), built: Mapping[str, int] = {}
    ) -> tuple[Tensor, Tensor]:
        """The last logits (batch, 10) with these weights, in double precision, and these pieces."""
        student = self.network.student
        self.network.build(**self.sizes, **built)
        student.ask("put", values=dict(self.states))
        encoded = self.network.encode(x)
        answer = student.ask("look_up", x=encoded, batch=len(x), hidden=hidden, numbers=[*numbers])
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
    if match is None or match.cost or len(equations.layers_of(match, recording)[0]) > 1:
        return None
    gates = [match.gates[name] for name in "ifgo"]
    return match.h, [(gate.before, gate.values, gate.kind) for gate in gates], match.first


def _rnn_in(recording: Recording) -> Cell | None:
    """h(t) is a tanh of an affine map of x(t) and h(t-1), and the logits are one of the last h."""
    found = Candidates(recording, late=False)
    for k, kind, inside in found.explained:
        h = found.values[k]
        if kind == "tanh" and k in found.reads and affine(recording.logits, None, h[-1]).exact:
            return h, [(inside, h, kind)], 0
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
