"""What a student's LSTM learns: its parameters, their gradients, and what should be among them."""

from collections.abc import Sequence
from typing import Any

import torch

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.weights import is_state, randomise, unlearnt
from toolkit.assignment.check.verdicts import Verdicts

WIDTH = 2e-3  # how far a weight is moved to measure a slope
MAX_ERROR = 0.05  # of autograd's slope, relative to the measured one


def check_filled(network: Network, verdicts: Verdicts) -> None:
    """No weight is memory that nobody has written to."""
    empty = [t["name"] for t in network.tensors if t["unfilled"] and t["name"] in network.counting]
    if empty:
        verdicts.fault(
            "uninitialised-weight.empty",
            at=network.made(empty[0]),
            proof={"these": empty, "those": []},
            names=_list(empty),
        )
        network.student.ask(
            "put",
            values={t["name"]: torch.zeros(t["shape"]) for t in network.tensors if t["unfilled"]},
        )


def check_random(drawn: list[list[Any]], network: Network, verdicts: Verdicts) -> None:
    """Nothing is drawn in a forward pass: neither states nor weights."""
    for _, shape, _, line in drawn:
        if not shape:
            continue
        states = network.way.batch in shape or 1 in shape or len(shape) < 2
        rule = "nonzero-initial-state.drawn" if states else "parameter-not-learnable.drawn"
        proof = {"difference": network.away, "cause": tuple(shape)}
        verdicts.fault(rule, line=line, proof=proof)
        return


def repeats(network: Network) -> bool:
    """Whether the same input gives the same answer twice."""
    x = network.digits(network.way.batch, network.way.steps)
    first, second = network.run([x, x], seeds=[0, 1])
    network.away = float((first - second).abs().max())
    return torch.allclose(first, second, atol=1e-5)


def check_kept(network: Network, verdicts: Verdicts, remade: Sequence[str]) -> None:
    """Why the same input gives another answer; `remade` is what the forward replaces."""
    kept = [t["name"] for t in network.tensors if t["name"] in remade and is_state(t)]
    kept += network.kept
    if kept and not verdicts.has("nonzero-initial-state"):
        verdicts.fault(
            "nonzero-initial-state.kept",
            at=network.written.get(kept[0]) or network.made(kept[0]),
            proof={"difference": network.away, "cause": kept[0]},
        )
    elif not verdicts.has("nonzero-initial-state", "parameter-not-learnable"):
        verdicts.fault(
            "nonzero-initial-state.differs",
            at=next((place for place, _, _ in network.new if place.line), None),
            proof={"difference": network.away, "cause": ""},
        )


def check_memory(network: Network, verdicts: Verdicts) -> None:
    """Whether anything but the last digit counts, where the equations cannot be followed."""
    x = network.digits(network.way.batch, network.way.steps)
    other = torch.cat([(x[:, :-1] + 1) % 10, x[:, -1:]], 1)
    if x.size(1) > 1 and torch.equal(*network.run([x, other])):
        verdicts.fault(
            "state-not-carried.last-only",
            at=network.reset(),
            proof={"changed": "all digits but the last", "difference": 0},
        )


def check_remade(names: list[str], network: Network, verdicts: Verdicts) -> None:
    """No parameter is replaced in a forward pass."""
    if names and not verdicts.has("parameter-not-learnable"):
        verdicts.fault(
            "parameter-not-learnable.remade",
            at=network.written.get(names[0]) or network.made(names[0]),
            proof={"these": names, "those": []},
            names=_list([f"self.{name}" for name in names]),
        )


def check_registered(network: Network, verdicts: Verdicts) -> None:
    """Every weight and bias is one of model.parameters(), and wants a gradient."""
    loose = [t for t in network.tensors if t["kind"] == "loose"]
    learnt = [t["name"] for t in network.tensors if t["kind"] == "parameter"]
    idle = unlearnt(network)
    frozen = [name for name in idle if name in learnt]
    if used := [name for name in idle if name not in learnt]:
        verdicts.fault(
            "parameter-not-learnable.loose",
            at=network.made(used[0]),
            proof={"these": used, "those": learnt},
            names=_list([f"self.{name}" for name in used]),
        )
    if frozen and network.fixed != []:  # else what is learnt makes every weight of the equations
        verdicts.fault(
            "parameter-not-learnable.frozen",
            at=network.made(frozen[0]),
            proof={"fixed": network.fixed or [], "idle": frozen},
            names=_list(frozen),
        )
    begun = [t for t in loose if t["name"] in network.counting and not t["zero"]]
    states = [t["name"] for t in begun if is_state(t)]
    if states and not verdicts.has("nonzero-initial-state"):
        verdicts.fault(
            "nonzero-initial-state.begins",
            at=network.made(states[0]),
            proof={"these": states, "those": []},
            names=_list(states),
        )


def check_gradients(network: Network, verdicts: Verdicts) -> None:
    """Autograd's gradient is the slope that is measured, for every parameter."""
    network.build(hidden=network.way.hidden)
    randomise(network)
    way = network.way
    x = network.digits(way.batch, way.steps, seed=3)
    output = network.outputs([x])[0]
    rng = torch.Generator().manual_seed(2)
    shape = network.student.ask("run", inputs=[network.encode(x)], **network.call(way.batch))[0]
    weight = torch.randn(shape[output.index].shape, generator=rng)
    names = [t for t in network.tensors if t["kind"] == "parameter"]
    directions = {t["name"]: torch.randn(t["shape"], generator=rng) for t in names}
    try:
        slopes = network.student.ask(
            "slopes",
            x=network.encode(x),
            pick=output.index,
            weight=weight,
            directions=directions,
            width=WIDTH,
            **network.call(way.batch),
        )
    except StudentError as error:
        verdicts.fault(
            "does-not-run.backward",
            at=error if error.line else network.cut,
            proof={"said": str(error), "where": [error.file, error.line]},
            kind=error.types[0],
            problem=error.text.splitlines()[0][:200],
        )
        return
    _judge_slopes(slopes, names, network, verdicts)


def _judge_slopes(
    slopes: dict[str, list[float | None]],
    parameters: list[dict[str, Any]],
    network: Network,
    verdicts: Verdicts,
) -> None:
    learnt = {t["name"] for t in parameters if t["grad"]}
    largest = max((abs(there or 0.0) for _, there in slopes.values()), default=0.0)
    dead, cut = [], []
    for name in learnt & set(slopes):
        said, there = slopes[name]
        there = there or 0.0
        if abs(there) < 1e-4 * largest + 1e-3 and not said:
            dead.append(name)
        elif abs((said or 0.0) - there) > MAX_ERROR * abs(there) + 0.01 * largest + 1e-3:
            cut.append(name)
    names = sorted(cut or dead)
    seen = [[float(x or 0.0) for x in slopes[name]] for name in names]
    proof = {"slopes": seen, "largest": largest}
    if cut:
        how = "cut" if any(slopes[name][0] for name in learnt) else "none"
        verdicts.fault(f"broken-gradient.{how}", at=network.cut, proof=proof, names=_list(names))
    elif dead and any(f.proof and f.proof.kind == "reproduced" for f in verdicts.faults):
        verdicts.also("no-gradient", names=_list(names))
    elif dead:
        at = network.made(names[0])
        verdicts.fault("dead-parameter.unused", at=at, proof=proof, names=_list(names))
    elif not verdicts.has("parameter-not-learnable"):
        verdicts.right("gradients")


def _list(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" (and {len(names) - 3} more)" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
