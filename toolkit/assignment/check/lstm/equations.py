"""Equations (1) to (7) of a student's LSTM: measured first, and explained where they deviate."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.cell import explain, reference
from toolkit.assignment.check.lstm.cell.affine import Map, affine
from toolkit.assignment.check.lstm.cell.candidates import close
from toolkit.assignment.check.lstm.cell.formulas import NO_MEMORY
from toolkit.assignment.check.lstm.cell.matching import Match, find_match
from toolkit.assignment.check.lstm.cell.recording import MAX_LAYERS, Recording, read
from toolkit.assignment.check.lstm.network import HIDDEN, Network, WrongOutput
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.lstm.weights import is_state, randomise
from toolkit.assignment.check.verdicts import Verdicts

ROWS = 41  # sequences in a recording, at least
SINGLE = 8  # weights that are numbers, if there is one unit
UNKNOWN = 100  # as much as no reading costs
SMALL = 0.3  # of the usual size of weights
MAX_ERROR = 2e-3  # of the logits, in float32


def check_equations(network: Network, source: Source, verdicts: Verdicts) -> None:
    """Compare the network's numbers with equations (1) to (7), and report what deviates."""
    network.build(hidden=network.way.hidden)
    randomise(network)
    network.find_real()
    if _without_last(network, source, verdicts):
        return
    recording, match = _read(network)
    if match is None:
        explain.unmatched(recording, network, verdicts)
        return
    layers, readout = _layers(match, recording)
    astray = match.cell.mistake == NO_MEMORY and bool(match.output.mistake)
    if (match.cost > 3 or astray) and not readout.exact:  # too far away to be explained by it
        explain.unmatched(recording, network, verdicts)
        return
    count = len(verdicts.findings)
    for layer in layers:
        explain.check_match(layer, recording, network, source, verdicts)
    explain.check_readout(layers[-1], recording, readout, network, verdicts)
    started = not verdicts.has("nonzero-initial-state") and all(
        _check_start(layer, network, verdicts, upper=layer is not match) for layer in layers
    )
    seen = len(verdicts.findings) == count and not verdicts.has("wrong-equation")
    if started and seen and readout.exact:
        _check_equivalence(layers, readout, network, source, verdicts)


def _read(network: Network) -> tuple[Recording, Match | None]:
    """What is computed, in the reading that needs the fewest deviations, whose weights it has now.

    The numbers may grow until nothing can be told from them; and what has a row for each sequence
    may be a bias, or a state.
    """
    rows = frozenset(
        t["name"]
        for t in network.tensors
        if t["zero"] and network.way.batch in t["shape"] and len(t["shape"]) > 1
    )
    readings = [(1.0, rows, False), (SMALL, rows, False)]
    readings += [(1.0, rows, True)] if rows else []
    found: list[tuple[int, Recording, Match | None]] = []
    for scale, same, zero in readings:
        network.states = same if zero else frozenset()
        randomise(network, scale=scale, same=same)
        recording, match = _find(network)
        found.append((match.cost if match else UNKNOWN, recording, match))
        if found[-1][0] <= 2:
            break
    best = min(found, key=lambda one: one[0])
    scale, same, zero = readings[found.index(best)]
    network.states = same if zero and best[2] else frozenset()
    randomise(network, scale=scale, same=same)
    return best[1:]


def _layers(match: Match, recording: Recording) -> tuple[list[Match], Map]:
    """The layers, of which each reads the h(t) of the one below, and the readout of the last."""
    layers = [match]
    readout = affine(recording.logits, None, match.h[-1])
    while not readout.exact and not match.first and len(layers) < MAX_LAYERS:
        upper = find_match(replace(recording, x=layers[-1].h.transpose(0, 1)))
        if upper is None or upper.cost > 2 or any(close(upper.h, below.h) for below in layers):
            break
        layers.append(upper)
        readout = affine(recording.logits, None, upper.h[-1])
    return layers, readout


def _find(network: Network) -> tuple[Recording, Match | None]:
    """What is computed, and the likeliest reading of it, whatever number of units there is."""
    found: tuple[Recording, Match | None] | None = None
    for hidden in _hidden_sizes(network):
        recording = _record(network, hidden)
        match = find_match(recording)
        best = found[1] if found else None
        if found is None or (match and (best is None or match.cost < best.cost)):
            found = recording, match
        if match is not None and match.cost == 0:
            break
    assert found is not None
    return found


def _hidden_sizes(network: Network) -> list[int]:
    """How many units there may be: what was asked for, else what the shapes suggest."""
    shapes = [tensor["shape"] for tensor in network.tensors]
    single = [1] if sum(math.prod(shape) == 1 for shape in shapes) >= SINGLE else []
    if "hidden" in network.took and network.way.hidden:
        return [network.way.hidden, *single]
    sizes = [size for tensor in network.tensors for size in tensor["shape"] if size > 1]
    guesses = {size // k for size in sizes for k in (1, 3, 4) if size % k == 0}
    guesses -= {1, 2, 3, 10}
    score = {g: sum(s % g == 0 for s in sizes) * g**0.01 for g in guesses}
    return [*sorted(score, key=lambda g: -score[g])[:3], *single] or [HIDDEN]


def _inputs(network: Network, batch: int, steps: int, count: int, seed: int = 0) -> list[Tensor]:
    """Batches of real inputs where the network reads such, else of digits."""
    rng = torch.Generator().manual_seed(seed)
    if network.way.input_dim and network.real:
        shape = (batch, steps, network.way.input_dim)
        return [torch.randn(shape, generator=rng) for _ in range(count)]
    return [network.digits(batch, steps, seed + k) for k in range(count)]


def features(x: Tensor, network: Network) -> Tensor:
    """An input as real numbers (B, L, D)."""
    if x.is_floating_point():
        return x
    return F.one_hot(x, 10).float()


def _record(network: Network, hidden: int, skip: int = 0) -> Recording:
    """What is computed over known inputs, of which the last `skip` steps are not looked at."""
    way = network.way
    rows = max(ROWS, 2 * hidden) if way.batch != ROWS or hidden <= ROWS else ROWS
    count = math.ceil(rows / way.batch)
    xs = _inputs(network, way.batch, way.steps, count)
    answer = network.student.ask(
        "record",
        inputs=[network.encode(x) for x in xs],
        batch=way.batch,
        hidden=hidden,
        **network.call(way.batch),
    )
    picked = [
        network.pick(tensors, *x.shape[:2])
        for tensors, x in zip(answer["outputs"], xs, strict=True)
    ]
    x = torch.cat([features(x, network)[:, : x.size(1) - skip] for x in xs])
    logits = reference.normalised(torch.cat(picked))
    return read(answer, x, logits)


def _check_start(match: Match, network: Network, verdicts: Verdicts, upper: bool) -> bool:
    """h(0) = c(0) = 0, judged by the first step; an `upper` layer reads the h(t) of another."""
    what = explain.nonzero_start(match)
    if what is None:
        return True
    if upper:
        explain.passed_on(what, match, verdicts)
        return False
    kept = [t for t in network.tensors if t["zero"] and t["kind"] == "parameter"]
    if kept and match.cost == 0:  # perhaps a learnt state that starts at zero
        randomise(network, frozenset(t["name"] for t in kept))
        again = find_match(_record(network, match.h.size(-1)))
        if again is None or explain.nonzero_start(again) is None:
            kept.sort(key=lambda t: (not is_state(t), t["uses"]))
            explain.learnt_start(what, kept[0]["name"], network, verdicts)
            return False
    made = [t["name"] for t in network.tensors if t["kind"] != "parameter" and is_state(t)]
    named = next((name for name in made if what in name.split(".")[-1].lower()), None)
    name = _starts_with(what, match, network) or named
    size = match.h.size(-1)
    filled = [p for p, shape, zero in network.new if p.line and not zero and size in shape]
    explain.start(what, match, network.made(name) if name else next(iter(filled), None), verdicts)
    return False


def _starts_with(what: str, match: Match, network: Network) -> str | None:
    """The parameter that h(0) or c(0) is made of: where it is zero, the state is."""
    for tensor in network.tensors:
        shape, few = tensor["shape"], 0 < tensor["uses"] < network.way.steps - 1
        if tensor["kind"] == "parameter" and few and shape[-1:] == [match.h.size(-1)]:
            randomise(network)
            network.student.ask("put", values={tensor["name"]: torch.zeros(shape)})
            again = find_match(_record(network, match.h.size(-1)))
            if again is not None and explain.nonzero_start(again) != what:
                return str(tensor["name"])
    return None


def _without_last(network: Network, source: Source, verdicts: Verdicts) -> bool:
    """Whether it is right but for the last digit, which it never reads; say so then."""
    way = network.way
    x = network.digits(way.batch, way.steps)
    other = torch.cat([x[:, :-1], (x[:, -1:] + 1) % 10], dim=1)
    if way.steps < 4 or not torch.equal(*network.run([x, other])):
        return False
    recording = _record(network, _hidden_sizes(network)[0], skip=1)
    match = find_match(recording)
    if match is None or match.cost or not affine(recording.logits, None, match.h[-1]).exact:
        return False
    verdicts.fault(
        "loss-not-last-step",
        "The last digit that is given is never read: another one gives the same answer. How many "
        "steps does the loop over time take?",
        equation=9,
        line=source.loop_line(),
    )
    return True


def _check_equivalence(
    layers: Sequence[Match], readout: Map, network: Network, source: Source, verdicts: Verdicts
) -> None:
    """The equations with the student's weights give the same answers, whatever is read."""
    gates = [
        {name: gate.map for name, gate in layer.gates.items() if gate.map is not None}
        for layer in layers
    ]
    if min(map(len, gates)) < 4:
        verdicts.not_seen("Equations (1) to (6) could not be followed: not all gates were found.")
        return
    worst = 0.0
    for batch, steps in network.other_sizes():
        x = _inputs(network, batch, steps, 1, seed=5)[0]
        try:
            said = reference.normalised(network.run([x])[0])
        except (StudentError, WrongOutput):
            continue
        right = reference.logits(gates, readout, features(x, network))
        right = right - right.mean(dim=1, keepdim=True)
        error = float((right - said).abs().max()) / (1 + float(right.abs().max()))
        worst = max(worst, error)
        if error > MAX_ERROR:
            verdicts.fault(
                "wrong-equation",
                f"Each step is as in (1) to (6), but over {steps} digits the result is another one "
                f"(by {error:.1g}). Which step is computed differently from the others?",
                equation=5,
                line=source.loop_line(),
            )
            return
    verdicts.right(
        "Equations (1) to (7): with your weights, the reference computes the same logits, to "
        f"within {max(worst, 1e-7):.0e}."
    )
