"""Equations (1) to (7) of a student's LSTM: measured first, and explained where they deviate."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.cell import explain, reference
from toolkit.assignment.check.lstm.cell.affine import Map, affine
from toolkit.assignment.check.lstm.cell.formulas import NO_MEMORY
from toolkit.assignment.check.lstm.cell.matching import Match, find_match
from toolkit.assignment.check.lstm.cell.recording import Recording, read
from toolkit.assignment.check.lstm.network import HIDDEN, Network, WrongOutput
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.lstm.weights import is_state, randomise
from toolkit.assignment.check.verdicts import Verdicts

ROWS = 41  # sequences in a recording, at least
SMALL = 0.3  # of the usual size of weights
MAX_ERROR = 2e-3  # of the logits, in float32


def check_equations(network: Network, source: Source, verdicts: Verdicts) -> None:
    """Compare the network's numbers with equations (1) to (7), and report what deviates."""
    network.build(hidden=network.way.hidden)
    randomise(network)
    network.find_real()
    if _without_last(network, source, verdicts):
        return
    recording, match = _find(network)
    if match is None:  # perhaps the numbers grow until nothing can be told from them
        randomise(network, scale=SMALL)
        recording, match = _find(network)
    if match is None:
        explain.unmatched(recording, network, source, verdicts)
        return
    readout = affine(recording.logits, None, match.h[-1])
    astray = match.cell.mistake == NO_MEMORY and bool(match.output.mistake)
    if (match.cost > 3 or astray) and not readout.exact:  # too far away to be explained by it
        explain.unmatched(recording, network, source, verdicts)
        return
    count = len(verdicts.faults)
    explain.check_match(match, recording, readout, source, verdicts)
    started = not verdicts.has("nonzero-initial-state") and _check_start(
        match, network, source, verdicts
    )
    seen = len(verdicts.faults) == count and not verdicts.has("wrong-equation")
    if started and seen and readout.exact:
        _check_equivalence(match, readout, network, source, verdicts)


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
    if "hidden" in network.took and network.way.hidden:
        return [network.way.hidden]
    sizes = [size for tensor in network.tensors for size in tensor["shape"] if size > 1]
    guesses = {size // k for size in sizes for k in (1, 3, 4) if size % k == 0}
    guesses -= {1, 2, 3, 10}
    score = {g: sum(s % g == 0 for s in sizes) * g**0.01 for g in guesses}
    return sorted(score, key=lambda g: -score[g])[:3] or [HIDDEN]


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


def _check_start(match: Match, network: Network, source: Source, verdicts: Verdicts) -> bool:
    """h(0) = c(0) = 0, judged by the first step."""
    what = explain.nonzero_start(match)
    if what is None:
        return True
    kept = [t for t in network.tensors if t["zero"] and t["kind"] == "parameter"]
    if kept and match.cost == 0:  # perhaps a learnt state that starts at zero
        randomise(network, frozenset(t["name"] for t in kept))
        again = find_match(_record(network, match.h.size(-1)))
        if again is None or explain.nonzero_start(again) is None:
            kept.sort(key=lambda t: (not is_state(t), t["uses"]))
            explain.learnt_start(what, kept[0]["name"], source, verdicts)
            return False
    made = [t["name"] for t in network.tensors if t["kind"] != "parameter" and is_state(t)]
    explain.start(what, match, made, source, verdicts)
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
    verdicts.fault(
        "loss-not-last-step",
        "The last digit that is given is never read: another one gives the same answer. How many "
        "steps does the loop over time take?",
        equation=9,
        line=source.loop_line(),
    )
    return True


def _check_equivalence(
    match: Match, readout: Map, network: Network, source: Source, verdicts: Verdicts
) -> None:
    """The equations with the student's weights give the same answers, whatever is read."""
    gates = {name: gate.map for name, gate in match.gates.items() if gate.map is not None}
    if len(gates) < 4:
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
                line=source.line_of_first_step("c") or source.loop_line(),
            )
            return
    verdicts.right(
        "Equations (1) to (7): with your weights, the reference computes the same logits, to "
        f"within {max(worst, 1e-7):.0e}."
    )
