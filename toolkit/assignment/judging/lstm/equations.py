"""Judges whether a student's LSTM follows equations (1) to (7), and explains any deviations."""

import contextlib
import math
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.rules.claims.lstm import EXACT
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.lstm.cell import explain, reference, start
from toolkit.assignment.judging.lstm.cell.affine import Map, affine
from toolkit.assignment.judging.lstm.cell.candidates import close
from toolkit.assignment.judging.lstm.cell.formulas import NO_MEMORY
from toolkit.assignment.judging.lstm.cell.matching import Match, find_match
from toolkit.assignment.judging.lstm.cell.recording import MAX_LAYERS, Recording, read
from toolkit.assignment.judging.lstm.network import HIDDEN, Network, WrongOutput, last_logits
from toolkit.assignment.judging.lstm.reach import compare_far
from toolkit.assignment.judging.lstm.source import Source
from toolkit.assignment.judging.lstm.weights import is_state, randomise
from toolkit.assignment.running.places import Place

ROWS = 41  # sequences in a recording, at least
UNKNOWN = 100  # more than any reading costs
SMALL = 0.3  # of the usual size of weights
LARGE = (4.0, 2.0)  # times the usual size, the largest first
FEW_STEPS = 3  # in so few steps, no c(t) exceeds this number
FRESH = 1000  # the first seed of inputs that no recording uses
FAR_OFF = 5 * EXACT  # an error of the logits at the limits that is no rounding


class Attempt(NamedTuple):
    """One attempt to find the gates and states among the network's values."""

    cost: int  # grows with the number of deviations
    scale: float  # of the weights
    states: frozenset[str]  # tensors that count as initial states
    recording: Recording
    match: Match | None


def check_equations(network: Network, source: Source, verdicts: Verdicts) -> None:
    """Compare the network's values with equations (1) to (7), and report the deviations."""
    network.build(hidden=network.usage.hidden)
    randomise(network)
    network.find_real()
    is_blind = _is_blind(network)
    recording, match = _read(network)
    layers, readout = layers_of(match, recording) if match else ([], None)
    if is_blind and (readout is None or readout.exact):  # else the readout uses an earlier h(t)
        proof = claims.lstm.last_digit_is_not_read(changed="the last digit", difference=0)
        verdicts.fault("loss-not-last-step.unread", line=source.loop_line(), proof=proof)
        return
    if match is None or readout is None or _is_far(match, readout):
        explain.unmatched(recording, network, _fresh(network), verdicts)
        return
    count = len(verdicts.findings)
    trial = reference.Trial(explain.model(layers, readout, recording), _fresh(network))
    _check_layers(layers, trial, recording, network, verdicts)
    start_at_zero = _check_starts(layers, trial, network, verdicts)
    is_clean = len(verdicts.findings) == count and not verdicts.has("wrong-equation")
    if start_at_zero and is_clean and readout.exact:
        _check_equivalence(trial, network, source, verdicts)


def _is_blind(network: Network) -> bool:
    """True if the network's output does not depend on the last digit of its input, but depends on
    the digit before it.
    """
    steps = network.usage.steps
    return steps >= 4 and not network.reads(steps) and network.reads(steps, step=-2)


def _check_layers(
    layers: list[Match],
    trial: reference.Trial,
    recording: Recording,
    network: Network,
    verdicts: Verdicts,
) -> None:
    """Judge the equations of each layer, and the readout of the last layer."""
    for number, layer in enumerate(layers):
        explain.LayerJudge(number, layer, trial, recording, network, verdicts).check()
    explain.check_readout(layers[-1], trial, recording, verdicts)


def _is_far(match: Match, readout: Map) -> bool:
    """True if a match deviates too far from the equations for the network to be an LSTM."""
    if readout.exact:
        return False
    return match.cost > 3 or (match.cell.mistake == NO_MEMORY and bool(match.output.mistake))


def _fresh(network: Network, most: int | None = None) -> list[tuple[Tensor, Tensor]]:
    """Return pairs, each with a new input and the network's logits for it, up to a constant in each
    row. These inputs were not used in the search for the gates and states. Where the network allows
    this, the batch sizes and lengths also differ from those in the search.

    Args:
        most: the maximum number of steps; if it is None, some sequences may be longer than those
            used in the search for the gates and states.
    """
    fresh = []
    for number, (batch, steps) in enumerate(network.other_sizes()):
        steps = steps if most is None else min(steps, most)
        x = random_inputs(network, batch, steps, 1, seed=FRESH + number)[0]
        with contextlib.suppress(StudentError, WrongOutput):
            fresh.append((features(x), reference.normalised(network.run([x])[0])))
    return fresh


def _read(network: Network) -> tuple[Recording, Match | None]:
    """Record a forward pass of the network, and match the recorded values to the variables in the
    equations with as few deviations as possible.

    When the function returns, the network has the weights that gave the best match. If there is no
    good match, smaller weights are tried, because the usual weights may make the values too large
    to be matched. A tensor of zeros with one row per sequence may be a bias or an initial state; it
    is tried first as a bias.
    """
    rows = _tensors_with_rows(network)
    attempts: list[tuple[float, frozenset[str]]] = [(1.0, frozenset()), (SMALL, frozenset())]
    if rows:
        attempts.append((1.0, rows))
    best: Attempt | None = None
    for scale, states in attempts:
        network.states = states
        randomise(network, scale=scale, same=rows)
        for hidden in hidden_sizes(network):
            recording = record(network, hidden)
            match = find_match(recording)
            cost = match.cost if match else UNKNOWN
            if best is None or cost < best.cost:
                best = Attempt(cost, scale, states, recording, match)
            if cost == 0:
                break
        if best and best.cost <= 2:
            break
    assert best is not None
    network.states = best.states
    randomise(network, scale=best.scale, same=rows)
    return best.recording, best.match


def _tensors_with_rows(network: Network) -> frozenset[str]:
    """Return the names of the network's tensors that are all zero and have one row for each
    sequence in the batch.
    """
    names = set()
    for tensor in network.tensors:
        shape = tensor["shape"]
        if tensor["zero"] and network.usage.batch in shape and len(shape) > 1:
            names.add(tensor["name"])
    return frozenset(names)


def layers_of(match: Match, recording: Recording) -> tuple[list[Match], Map]:
    """Return the layers, from the first to the last, and the readout of the last layer; each layer
    but the first reads the h(t) of the layer below.
    """
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
    """Return candidates for the number of units: the requested number if the class accepts one, or
    else numbers that the tensor shapes suggest.
    """
    if "hidden" in network.took and network.usage.hidden:
        return [network.usage.hidden]
    sizes: list[int] = []
    for tensor in network.tensors:
        sizes += [size for size in tensor["shape"] if size > 1]
    guesses = set()
    for size in sizes:
        guesses |= {size // count for count in (1, 3, 4) if size % count == 0}
    guesses -= {1, 2, 3, 10}

    def score(guess: int) -> float:
        num_multiples = [size % guess for size in sizes].count(0)
        preference: float = guess**0.01  # of equally good guesses, the larger one
        return num_multiples * preference

    return sorted(guesses, key=score, reverse=True)[:3] or [HIDDEN]


def random_inputs(
    network: Network, batch: int, steps: int, count: int, seed: int = 0
) -> list[Tensor]:
    """Return batches of real numbers if the network can read them, or else batches of digits."""
    rng = torch.Generator().manual_seed(seed)
    if network.usage.input_dim and network.real:
        shape = (batch, steps, network.usage.input_dim)
        return [torch.randn(shape, generator=rng) for _ in range(count)]
    return [network.digits(batch, steps, seed + k) for k in range(count)]


def features(x: Tensor) -> Tensor:
    """Return a network's input as floats (B, L, D); integer digits become one-hot vectors."""
    return x if x.is_floating_point() else F.one_hot(x, 10).float()


def record(
    network: Network, hidden: int, rows: int | None = None, steps: int | None = None
) -> Recording:
    """Record the values of a forward pass over known inputs.

    Args:
        hidden: the function looks for gates and states with this number of units.
        rows: the minimum number of sequences; by default, enough to fit affine maps of a state with
            `hidden` units.
        steps: the number of digits to read in each sequence; by default, the number in
            `network.usage`.
    """
    usage = network.usage
    rows = rows or _num_rows(usage.batch, hidden)
    count = math.ceil(rows / usage.batch)
    xs = random_inputs(network, usage.batch, steps or usage.steps, count)
    inputs = [network.encode(x) for x in xs]
    answer = network.child.ask.record(inputs=inputs, batch=usage.batch, hidden=hidden)
    logits = []
    with network.child.reading():
        for tensors, x in zip(answer["outputs"], xs, strict=True):
            logits.append(last_logits(tensors, *x.shape[:2]).logits)
        x = torch.cat([features(x) for x in xs])
        return read(dict(answer), x, reference.normalised(torch.cat(logits)))


def _num_rows(batch: int, hidden: int) -> int:
    """Return the minimum number of sequences that a recording must contain."""
    if batch == ROWS and hidden > ROWS:
        return ROWS
    return max(ROWS, 2 * hidden)


def _check_starts(
    layers: list[Match], trial: reference.Trial, network: Network, verdicts: Verdicts
) -> bool:
    """Judge h(0) and c(0) of each layer, up to the first layer that does not start at zero.

    Returns:
        True if h(0) and c(0) are zero in all layers.
    """
    if verdicts.has("nonzero-initial-state"):
        return False
    for number, layer in enumerate(layers):
        beginning = start.nonzero(layer)
        if beginning is not None:
            _report_start(number, layer, beginning, trial, network, verdicts)
            return False
    return True


def _report_start(
    number: int,
    match: Match,
    beginning: start.Beginning,
    trial: reference.Trial,
    network: Network,
    verdicts: Verdicts,
) -> None:
    """Report a layer whose initial hidden or cell state, h(0) or c(0), is not zero.

    If the layer is not the first one, the message for the student says that the layer starts with
    the final state of another layer.
    """
    rule, name, made = "passed-on", None, None
    if number == 0:
        rule, name = "learnt", _learnt_state(match, network)
        if name is None:
            rule, name = beginning.state, _state_named(beginning.state, network)
        made = network.made(name) if name else _filled(match.h.size(-1), network)
    place = match.h_made if beginning.state == "h" else match.c_made
    verdicts.fault(
        f"nonzero-initial-state.{rule}",
        at=made or place,
        proof=beginning.proof(number, trial),
        state=beginning.state,
        name=name,
    )


def _learnt_state(match: Match, network: Network) -> str | None:
    """Return the name of a parameter that is a learnt initial state and starts at zero, or None."""
    zeros = [t for t in network.tensors if t["zero"] and t["kind"] == "parameter"]
    if not zeros or match.cost:
        return None
    randomise(network, frozenset(tensor["name"] for tensor in zeros))
    kept_at_zero = find_match(record(network, match.h.size(-1)))
    if kept_at_zero is not None and start.nonzero(kept_at_zero) is not None:
        return None
    likeliest = min(zeros, key=lambda tensor: (not is_state(tensor), tensor["uses"]))
    name: str = likeliest["name"]
    return name


def _state_named(letter: str, network: Network) -> str | None:
    """Return the name of a tensor that, going by its name, is h(0) or c(0), or None if there is no
    such tensor; `letter` is h or c.
    """
    for tensor in network.tensors:
        name: str = tensor["name"]
        if is_state(tensor) and letter in name.split(".")[-1].lower():
            return name
    return None


def _filled(size: int, network: Network) -> Place | None:
    """Return the location in the code where forward creates a tensor that is not all zero and has a
    dimension of length `size`.
    """
    for place, shape, is_zero in network.new:
        if place.line and not is_zero and size in shape:
            return place
    return None


def _check_equivalence(
    trial: reference.Trial, network: Network, source: Source, verdicts: Verdicts
) -> None:
    """Check on new inputs that the network gives the same logits as the equations with the
    network's weights.
    """
    if _lacks_gates(trial.model) or not trial.fresh:
        verdicts.not_seen("gates")
        return
    worst = trial.error()
    if worst > EXACT:
        proof = claims.lstm.some_step_differs(inputs=len(trial.fresh), worst=min(worst, 1e9))
        verdicts.fault("wrong-equation.some-step", line=source.loop_line(), proof=proof)
        return
    far = compare_far(network, trial.model if network.real else _larger(network, trial.model))
    if far.inputs and far.error > FAR_OFF:
        proof = claims.lstm.some_step_differs(inputs=far.inputs, worst=min(far.error, 1e9))
        line = source.loop_line()
        verdicts.fault("wrong-equation.far", line=line, proof=proof, state=far.state)
        return
    lengths = sorted({*far.steps, *(x.size(1) for x, _ in trial.fresh)})
    digits = network.digits(network.usage.batch, network.usage.steps)
    output, _ = reference.kind_of(network.run([digits])[0])
    proof = claims.lstm.follows_equations(
        inputs=far.inputs + sum(len(x) for x, _ in trial.fresh),
        lengths=lengths,
        state=far.state,
        worst=max(worst, far.error if far.inputs else 0.0, 1e-7),
        output=output,
    )
    same = "the same logits"
    if output != "logits":
        same += ", once the softmax is undone"
    verdicts.right("equations", proof=proof, same=same)


def _lacks_gates(model: reference.Model) -> bool:
    """True if a layer has no weights for at least one of the four gates."""
    return min(len(layer.maps) for layer in model.layers) < 4


def _larger(network: Network, usual: reference.Model) -> reference.Model:
    """Give large weights to a network that reads digits (whose inputs cannot be made large), so
    that its gates saturate; the network's values must still match the equations.

    The values over the usual number of steps may not match the equations, for example because the
    code clips the states. In this case, shorter sequences are tried if the network accepts them.

    Returns:
        a model of the network with its new, large weights, if the values that the network computes
        with them match the equations. If there is no match, the network's usual weights are
        restored, and the result is `usual`, the model with these weights.
    """
    rows = _tensors_with_rows(network)
    for few in (None, FEW_STEPS) if network.any_length else (None,):
        for scale in LARGE:
            randomise(network, scale=scale, same=rows)
            larger = _clean_model(network, usual.readout.weight_h.size(0), few)
            if larger is not None:
                return larger
    _read(network)
    return usual


def _clean_model(network: Network, hidden: int, most: int | None) -> reference.Model | None:
    """Return a model that computes the equations with the network's weights, or None if the network
    deviates from the equations.

    Args:
        hidden: the number of units.
        most: the number of steps to record; the inputs on which the model is then tested have at
            most this many steps, too. If it is None, the network's usual number of steps is
            recorded, and the test inputs may have any number of steps.
    """
    recording = record(network, hidden, steps=most)
    match = find_match(recording)
    if match is None or match.cost:
        return None
    layers, readout = layers_of(match, recording)
    model = explain.model(layers, readout, recording)
    if _lacks_gates(model):
        return None
    is_verified = reference.Trial(model, _fresh(network, most)).error() <= EXACT
    return model if readout.exact and is_verified else None
