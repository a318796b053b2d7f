"""Equations (1) to (7) of a student's LSTM: measured first, and explained where they deviate."""

import contextlib
import math
from collections.abc import Collection
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.cell import explain, reference, start
from toolkit.assignment.check.lstm.cell.affine import Map, affine
from toolkit.assignment.check.lstm.cell.candidates import close
from toolkit.assignment.check.lstm.cell.formulas import NO_MEMORY
from toolkit.assignment.check.lstm.cell.matching import Match, find_match
from toolkit.assignment.check.lstm.cell.recording import MAX_LAYERS, Recording, read
from toolkit.assignment.check.lstm.network import HIDDEN, Network, WrongOutput, last_logits
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.lstm.weights import is_state, randomise, unlearnt
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.check.verify import EXACT

ROWS = 41  # sequences in a recording, at least
SINGLE = 8  # weights that are numbers, if there is one unit
SAME = 1e-3  # at most so far apart are weights that are the same
UNKNOWN = 100  # as much as no reading costs
SMALL = 0.3  # of the usual size of weights


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
    trial = reference.Trial(explain.model(layers, readout, recording), _fresh(network))
    for number, layer in enumerate(layers):
        explain.check_match(number, layer, trial, recording, network, verdicts)
    explain.check_readout(layers[-1], trial, recording, readout, network, verdicts)
    started = not verdicts.has("nonzero-initial-state") and all(
        _check_start(number, layer, trial, network, verdicts) for number, layer in enumerate(layers)
    )
    seen = len(verdicts.findings) == count and not verdicts.has("wrong-equation")
    if started and seen and readout.exact:
        _check_equivalence(trial, source, verdicts)
    if idle := unlearnt(network):
        network.fixed = _fixed(trial.model, network, idle, match.h.size(-1))


def _fixed(
    model: reference.Model, network: Network, idle: Collection[str], hidden: int
) -> list[str] | None:
    """The weights of the equations that stay as they are when all that is learnt is drawn anew."""
    randomise(network, seed=2, leave=idle)
    recording = _record(network, hidden)
    match = find_match(recording)
    if match is None:
        return None
    other = explain.model(*_layers(match, recording), recording)
    maps = [("p", model.readout, other.readout)]
    for one, two in zip(model.layers, other.layers, strict=False):
        maps += [(name, one.maps[name], two.maps[name]) for name in one.maps if name in two.maps]
    return [
        f"{field} of {name}"
        for name, before, after in maps
        for field in ("weight_x", "weight_h", "bias")
        if (a := getattr(before, field)).numel()
        and float((a - getattr(after, field)).abs().max()) < SAME < float(a.abs().max())
    ]


def _fresh(network: Network) -> list[tuple[Tensor, Tensor]]:
    """Inputs of other sizes that took no part in the search, and what the network says."""
    fresh = []
    for number, (batch, steps) in enumerate(network.other_sizes()):
        x = _inputs(network, batch, steps, 1, seed=5 + number)[0]
        with contextlib.suppress(StudentError, WrongOutput):
            fresh.append((features(x, network), reference.normalised(network.run([x])[0])))
    return fresh


def follows(network: Network) -> bool:
    """Whether the equations are what it computes, called in this way."""
    network.build(hidden=network.way.hidden)
    randomise(network)
    network.find_real()
    recording = _record(network, _hidden_sizes(network)[0])
    match = find_match(recording, mistakes=False)
    return match is not None and match.cost == 0 and _layers(match, recording)[1].exact


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
    return x if x.is_floating_point() else F.one_hot(x, 10).float()


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
        last_logits(tensors, *x.shape[:2]).logits
        for tensors, x in zip(answer["outputs"], xs, strict=True)
    ]
    x = torch.cat([features(x, network)[:, : x.size(1) - skip] for x in xs])
    logits = reference.normalised(torch.cat(picked))
    return read(answer, x, logits)


def _check_start(
    number: int, match: Match, trial: reference.Trial, network: Network, verdicts: Verdicts
) -> bool:
    """h(0) = c(0) = 0, judged by the first step; an upper layer reads the h(t) of another."""
    beginning = start.nonzero(match)
    if beginning is None:
        return True
    what, rule, name = beginning.what, beginning.what, None
    kept = [t for t in network.tensors if t["zero"] and t["kind"] == "parameter"]
    if number:
        rule = "passed-on"
    elif kept and match.cost == 0:  # perhaps a learnt state that starts at zero
        randomise(network, frozenset(t["name"] for t in kept))
        again = find_match(_record(network, match.h.size(-1)))
        if again is None or start.nonzero(again) is None:
            name = min(kept, key=lambda t: (not is_state(t), t["uses"]))["name"]
            rule = "learnt"
    if not number and name is None:
        states = [t["name"] for t in network.tensors if is_state(t)]
        name = next((n for n in states if what in n.split(".")[-1].lower()), None)
    size = match.h.size(-1)
    filled = (p for p, shape, zero in network.new if p.line and not zero and size in shape)
    made = None if number else network.made(name) if name else next(filled, None)
    verdicts.fault(
        f"nonzero-initial-state.{rule}",
        at=made or (match.h_place if what == "h" else match.c_place),
        proof=beginning.seen(number, trial),
        state=what,
        name=name,
    )
    return False


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
    proof = {"changed": "the last digit", "difference": 0}
    verdicts.fault("loss-not-last-step.unread", line=source.loop_line(), proof=proof)
    return True


def _check_equivalence(trial: reference.Trial, source: Source, verdicts: Verdicts) -> None:
    """The equations with the student's weights give the same answers, whatever is read."""
    if min(len(layer.maps) for layer in trial.model.layers) < 4 or not trial.fresh:
        verdicts.not_seen("gates")
        return
    worst = trial.error()
    if worst > EXACT:
        proof = {"inputs": len(trial.fresh), "worst": min(worst, 1e9)}
        verdicts.fault("wrong-equation.some-step", line=source.loop_line(), proof=proof)
        return
    verdicts.right("equations", worst=max(worst, 1e-7))
