"""Equations (1) to (7) of a student's LSTM: measured first, and explained where they deviate."""

import contextlib
import math
from dataclasses import replace
from typing import Any

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
from toolkit.assignment.check.lstm.weights import is_state, randomise
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.check.verify import EXACT

ROWS = 41  # sequences in a recording, at least
UNKNOWN = 100  # as much as no reading costs
SMALL = 0.3  # of the usual size of weights


def check_equations(network: Network, source: Source, verdicts: Verdicts) -> None:
    """Compare the network's numbers with equations (1) to (7), and report what deviates."""
    network.build(hidden=network.way.hidden)
    randomise(network)
    network.find_real()
    steps = network.way.steps
    blind = steps >= 4 and not network.reads(steps) and network.reads(steps, which=-2)
    recording, match = _read(network)
    layers, readout = layers_of(match, recording) if match else ([], None)
    if blind and (readout is None or readout.exact):  # else it is h of an earlier step
        proof = {"changed": "the last digit", "difference": 0}
        verdicts.fault("loss-not-last-step.unread", line=source.loop_line(), proof=proof)
        return
    if match is None or readout is None or (_is_far(match) and not readout.exact):
        explain.unmatched(recording, network, _fresh(network), verdicts)
        return
    count = len(verdicts.findings)
    trial = reference.Trial(explain.model(layers, readout, recording), _fresh(network))
    for number, layer in enumerate(layers):
        explain.LayerJudge(number, layer, trial, recording, network, verdicts).check()
    explain.check_readout(layers[-1], trial, recording, verdicts)
    started = not verdicts.has("nonzero-initial-state") and all(
        _check_start(number, layer, trial, network, verdicts) for number, layer in enumerate(layers)
    )
    seen = len(verdicts.findings) == count and not verdicts.has("wrong-equation")
    if started and seen and readout.exact:
        _check_equivalence(trial, source, verdicts)


def _is_far(match: Match) -> bool:
    """Whether a reading has so many deviations that it explains nothing."""
    return match.cost > 3 or (match.cell.mistake == NO_MEMORY and bool(match.output.mistake))


def _fresh(network: Network) -> list[tuple[Tensor, Tensor]]:
    """Inputs of other sizes that took no part in the search, and what the network says."""
    fresh = []
    for number, (batch, steps) in enumerate(network.other_sizes()):
        x = random_inputs(network, batch, steps, 1, seed=5 + number)[0]
        with contextlib.suppress(StudentError, WrongOutput):
            fresh.append((features(x), reference.normalised(network.run([x])[0])))
    return fresh


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
    best: tuple[int, float, frozenset[str], Recording, Match | None] | None = None
    for scale, states in [(1.0, set()), (SMALL, set()), *[(1.0, rows)] * bool(rows)]:
        network.states = frozenset(states)
        randomise(network, scale=scale, same=rows)
        for hidden in hidden_sizes(network):
            recording = record(network, hidden)
            match = find_match(recording)
            cost = match.cost if match else UNKNOWN
            if best is None or cost < best[0]:
                best = cost, scale, network.states, recording, match
            if cost == 0:
                break
        if best and best[0] <= 2:
            break
    assert best is not None
    _, scale, network.states, recording, match = best
    randomise(network, scale=scale, same=rows)
    return recording, match


def layers_of(match: Match, recording: Recording) -> tuple[list[Match], Map]:
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


def hidden_sizes(network: Network) -> list[int]:
    """How many units there may be: what was asked for, else what the shapes suggest."""
    if "hidden" in network.took and network.way.hidden:
        return [network.way.hidden]
    sizes = [size for tensor in network.tensors for size in tensor["shape"] if size > 1]
    guesses = {size // k for size in sizes for k in (1, 3, 4) if size % k == 0}
    guesses -= {1, 2, 3, 10}
    score = {g: sum(s % g == 0 for s in sizes) * g**0.01 for g in guesses}
    return sorted(score, key=lambda g: -score[g])[:3] or [HIDDEN]


def random_inputs(
    network: Network, batch: int, steps: int, count: int, seed: int = 0
) -> list[Tensor]:
    """Batches of real inputs where the network reads such, else of digits."""
    rng = torch.Generator().manual_seed(seed)
    if network.way.input_dim and network.real:
        shape = (batch, steps, network.way.input_dim)
        return [torch.randn(shape, generator=rng) for _ in range(count)]
    return [network.digits(batch, steps, seed + k) for k in range(count)]


def features(x: Tensor) -> Tensor:
    """An input as real numbers (B, L, D)."""
    return x if x.is_floating_point() else F.one_hot(x, 10).float()


def record(network: Network, hidden: int, rows: int | None = None) -> Recording:
    """What is computed over known inputs."""
    way = network.way
    rows = rows or (max(ROWS, 2 * hidden) if way.batch != ROWS or hidden <= ROWS else ROWS)
    count = math.ceil(rows / way.batch)
    xs = random_inputs(network, way.batch, way.steps, count)
    inputs = [network.encode(x) for x in xs]

    def reader(answer: dict[str, Any]) -> Recording:
        picked = [
            last_logits(tensors, *x.shape[:2]).logits
            for tensors, x in zip(answer["outputs"], xs, strict=True)
        ]
        x = torch.cat([features(x) for x in xs])
        return read(answer, x, reference.normalised(torch.cat(picked)))

    asked: dict[str, Any] = {"inputs": inputs, "batch": way.batch, "hidden": hidden}
    recording: Recording = network.student.ask("record", reader=reader, **asked)
    return recording


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
        again = find_match(record(network, match.h.size(-1)))
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
