"""What a student's LSTM learns: its parameters, their gradients, and what should be among them."""

from collections.abc import Sequence
from typing import Any

import torch

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.weights import is_state, randomise, unlearnt
from toolkit.assignment.check.verdicts import Verdicts, listed

WIDTH = 2e-3  # how far a weight is moved to measure a slope
MAX_ERROR = 0.05  # of autograd's slope, relative to the measured one


def check_filled(network: Network, verdicts: Verdicts) -> None:
    """No weight is memory that nobody has written to."""
    unfilled = [t for t in network.tensors if t["unfilled"]]
    if empty := [t["name"] for t in unfilled if t["name"] in network.counting]:
        _report("uninitialised-weight.empty", empty, network, verdicts)
        zeros = {t["name"]: torch.zeros(t["shape"]) for t in unfilled}
        network.student.ask("put", values=zeros)


def check_repeats(
    drawn: Sequence[list[Any]], remade: Sequence[str], network: Network, verdicts: Verdicts
) -> bool:
    """The same input gives the same answer twice: nothing is drawn, no state is kept, and no
    parameter is replaced.

    Args:
        drawn: what is drawn at random in a forward pass.
        remade: the parameters that it replaces.
    """
    if remade and not verdicts.has("parameter-not-learnable"):
        _report("parameter-not-learnable.remade", remade, network, verdicts, "self.")
    x = network.digits(network.way.batch, network.way.steps)
    first, second = network.run([x, x], seeds=[0, 1])
    if torch.allclose(first, second, atol=1e-5):
        return True
    seen: dict[str, Any] = {"difference": float((first - second).abs().max())}
    kept = [t["name"] for t in network.tensors if t["name"] in remade and is_state(t)]
    if len(kept) == len(remade):  # else weights that are made anew account for it
        kept += network.kept
    shape, line = next(((shape, line) for _, shape, _, line in drawn if shape), ([], None))
    if shape and not remade:
        states = network.way.batch in shape or 1 in shape or len(shape) < 2
        rule = "nonzero-initial-state.drawn" if states else "parameter-not-learnable.drawn"
        verdicts.fault(rule, line=line, proof={**seen, "cause": tuple(shape)})
    elif verdicts.has("nonzero-initial-state"):
        return False
    elif kept:
        at, seen["cause"] = network.written.get(kept[0]) or network.made(kept[0]), kept[0]
        verdicts.fault("nonzero-initial-state.kept", at=at, proof=seen)
    elif not verdicts.has("parameter-not-learnable"):
        at, seen["cause"] = next((place for place, _, _ in network.new if place.line), None), ""
        verdicts.fault("nonzero-initial-state.differs", at=at, proof=seen)
    return False


def check_registered(network: Network, verdicts: Verdicts) -> None:
    """Every weight and bias is one of model.parameters(), and wants a gradient."""
    parameters = [t for t in network.tensors if t["kind"] == "parameter"]
    loose = [t for t in network.tensors if t["kind"] == "loose"]
    if used := unlearnt(network):
        learnt = [t["name"] for t in parameters]
        _report("parameter-not-learnable.loose", used, network, verdicts, "self.", learnt)
    often, size = network.way.steps - 1, network.way.hidden or 128
    frozen = [t for t in parameters if t["uses"] and not t["grad"]]
    frozen = [t for t in frozen if not t["zero"] or t["uses"] >= often]  # else it is a state
    names = [t["name"] for t in frozen]
    of_units = [[n % size == 0 for n in t["shape"] or [1]] for t in frozen]
    if any(map(all, of_units)):
        learnt = [t["name"] for t in parameters if t["grad"]]
        _report("parameter-not-learnable.frozen", names, network, verdicts, "", learnt)
    elif any(map(any, of_units)):  # it may encode the input, as others do
        verdicts.not_seen("frozen", at=network.made(names[0]), names=listed(names))
    begun = [t for t in loose if t["name"] in network.counting and not t["zero"]]
    states = [t["name"] for t in begun if is_state(t)]
    if states and not verdicts.has("nonzero-initial-state"):
        _report("nonzero-initial-state.begins", states, network, verdicts)


def check_gradients(network: Network, verdicts: Verdicts) -> None:
    """Autograd's gradient is the slope that is measured, for every parameter."""
    network.build(hidden=network.way.hidden)
    randomise(network)
    x = network.digits(network.way.batch, network.way.steps, seed=3)
    pick = network.outputs([x])[0].index
    try:
        slopes = network.student.ask("slopes", x=network.encode(x), pick=pick, width=WIDTH)
    except StudentError as error:
        verdicts.fault(
            "does-not-run.backward",
            at=error if error.line else network.cut,
            proof={"said": str(error), "where": [error.file, error.line]},
            kind=error.types[0],
            problem=error.text.partition(". ")[0][:200].rstrip("."),
        )
        return
    wanted = {t["name"] for t in network.tensors if t["kind"] == "parameter" and t["grad"]}
    _judge_slopes({name: slopes[name] for name in wanted & slopes.keys()}, network, verdicts)


def _judge_slopes(
    slopes: dict[str, list[float | None]], network: Network, verdicts: Verdicts
) -> None:
    found, largest = {}, max((abs(near or 0.0) for _, _, near in slopes.values()), default=0.0)
    dead, cut, is_clear = [], [], True
    for name, (autograds, wide, near) in sorted(slopes.items()):
        said, there = found[name] = [float(autograds or 0.0), float(near or 0.0)]
        # Near a kink, as a ReLU has, the slope depends on the width.
        unsure = 3 * abs(there - float(wide or 0.0))
        error, most = abs(said - there), MAX_ERROR * abs(there) + 0.01 * largest + 1e-3
        if abs(there) < 1e-4 * largest + 1e-3 and not said:
            dead.append(name)
        elif error > max(most, unsure):
            cut.append(name)
        is_clear &= error <= most
    names = cut or dead
    proof = {"slopes": [found[name] for name in names], "largest": largest}
    if cut:
        how = "cut" if any(said for said, _ in found.values()) else "none"
        verdicts.fault(f"broken-gradient.{how}", at=network.cut, proof=proof, names=listed(names))
    elif dead and any(f.proof and f.proof.kind == "reproduced" for f in verdicts.faults):
        verdicts.also("no-gradient", names=listed(names))
    elif dead:
        at = network.made(names[0])
        verdicts.fault("dead-parameter.unused", at=at, proof=proof, names=listed(names))
    elif is_clear and not verdicts.has("parameter-not-learnable"):
        verdicts.right("gradients")


def _report(
    rule: str,
    names: Sequence[str],
    network: Network,
    verdicts: Verdicts,
    prefix: str = "",
    those: Sequence[str] = (),
) -> None:
    """These tensors are not among those where they belong."""
    at = network.written.get(names[0]) or network.made(names[0])
    proof = {"these": names, "those": those}
    verdicts.fault(rule, at=at, proof=proof, names=listed([prefix + name for name in names]))
