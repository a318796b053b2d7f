"""What a student's LSTM learns: its parameters, their gradients, and what should be among them."""

from collections.abc import Sequence
from typing import Any

import torch

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.weights import is_state, randomise, unlearnt
from toolkit.assignment.check.verdicts import Verdicts

WIDTH = 2e-3  # how far a weight is moved to measure a slope
ANSWERS = "parameter-not-learnable dead-parameter broken-gradient"
MAX_ERROR = 0.05  # of autograd's slope, relative to the measured one


def check_filled(network: Network, verdicts: Verdicts) -> None:
    """No weight is memory that nobody has written to."""
    empty = [t["name"] for t in network.tensors if t["unfilled"] and t["name"] in network.counting]
    if empty:
        verdicts.fault(
            "uninitialised-weight",
            f"{_list(empty)}: this memory is reserved and never filled, so it starts with whatever "
            "was there before, nan and 1e38 included. Where do its first values come from?",
            at=network.made(empty[0]),
            proof={"these": empty, "those": []},
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
        batch = network.way.batch
        if batch in shape or 1 in shape or len(shape) < 2:
            verdicts.fault(
                "nonzero-initial-state",
                "The states are drawn at random in forward. h(0) and c(0) should be zero in every "
                "call.",
                line=line,
                proof={"difference": network.away, "cause": shape},
            )
        else:
            verdicts.fault(
                "parameter-not-learnable",
                f"Weights of shape {tuple(shape)} are made anew each time forward is called, so "
                "nothing that was learnt is kept. Where do the weights of a network belong?",
                line=line,
                proof={"difference": network.away, "cause": shape},
            )
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
            "nonzero-initial-state",
            f"self.{kept[0]} is a state that is kept from one call to the next, so a sequence "
            "starts with the memory of another one. Where does each start with zeros?",
            at=network.written.get(kept[0]) or network.made(kept[0]),
            proof={"difference": network.away, "cause": kept[0]},
        )
    elif not verdicts.has("nonzero-initial-state", "parameter-not-learnable"):
        verdicts.fault(
            "nonzero-initial-state",
            "The same input gives another answer the second time. h(0) and c(0) should be zero in "
            "every call, neither random nor left over from the last batch.",
            at=next((place for place, _, _ in network.new if place.line), None),
            proof={"difference": network.away, "cause": ""},
        )


def check_memory(network: Network, verdicts: Verdicts) -> None:
    """Whether anything but the last digit counts, where the equations cannot be followed."""
    x = network.digits(network.way.batch, network.way.steps)
    other = torch.cat([(x[:, :-1] + 1) % 10, x[:, -1:]], 1)
    if x.size(1) > 1 and torch.equal(*network.run([x, other])):
        verdicts.fault(
            "state-not-carried",
            "The answer depends on the last digit only: neither h(t-1) nor c(t-1) reaches the next "
            "step. Where are they set to zero, and what does the next step read?",
            at=network.reset(),
            proof={"changed": "all digits but the last", "difference": 0},
        )


def check_remade(names: list[str], network: Network, verdicts: Verdicts) -> None:
    """No parameter is replaced in a forward pass."""
    if names and not verdicts.has("parameter-not-learnable"):
        verdicts.fault(
            "parameter-not-learnable",
            f"{_list([f'self.{name}' for name in names])}: made anew each time forward is called, "
            "so nothing that was learnt is kept. Where do the weights of a network belong?",
            at=network.written.get(names[0]) or network.made(names[0]),
            proof={"these": names, "those": []},
        )


def check_registered(network: Network, verdicts: Verdicts) -> None:
    """Every weight and bias is one of model.parameters(), and wants a gradient."""
    loose = [t for t in network.tensors if t["kind"] == "loose"]
    learnt = [t["name"] for t in network.tensors if t["kind"] == "parameter"]
    idle = unlearnt(network)
    frozen = [name for name in idle if name in learnt]
    if used := [name for name in idle if name not in learnt]:
        verdicts.fault(
            "parameter-not-learnable",
            f"{_list([f'self.{name}' for name in used])}: not among model.parameters(), so no "
            "optimiser changes it. Which kinds of attribute does nn.Module make parameters of, and "
            "which (plain tensors, buffers, lists, dictionaries) not?",
            at=network.made(used[0]),
            proof={"these": used, "those": learnt},
        )
    if frozen and network.fixed != []:  # else what is learnt makes every weight of the equations
        verdicts.fault(
            "parameter-not-learnable",
            f"requires_grad is False, so this is never learnt: {_list(frozen)}.",
            at=network.made(frozen[0]),
            proof={"fixed": network.fixed or [], "idle": frozen},
        )
    begun = [t for t in loose if t["name"] in network.counting and not t["zero"]]
    states = [t["name"] for t in begun if is_state(t)]
    if states and not verdicts.has("nonzero-initial-state"):
        verdicts.fault(
            "nonzero-initial-state",
            f"{_list(states)} is not zero, but every sequence starts with an empty memory.",
            at=network.made(states[0]),
            proof={"these": states, "those": []},
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
            "does-not-run",
            f"The backward pass stops with {error.types[0]}: {error.text.splitlines()[0][:200]} Is "
            "anything changed in place that is still needed for the gradient?",
            at=error if error.line else network.cut,
            proof={"said": str(error), "where": [error.file, error.line]},
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
    if cut:
        none = all(not slopes[name][0] for name in learnt)
        verdicts.fault(
            "broken-gradient",
            (
                "No gradient reaches the weights. "
                if none
                else f"The gradient of {_list(sorted(cut))} is not the slope that is measured when "
                "it is moved a little: the path through time is cut. "
            )
            + "Look for .detach(), .data, .item(), numpy or no_grad in forward.",
            at=network.cut,
            proof={
                "slopes": [[float(x or 0.0) for x in slopes[name]] for name in sorted(cut)],
                "largest": largest,
            },
        )
    elif dead and any(f.proof and f.proof.kind == "reproduced" for f in verdicts.faults):
        verdicts.also(f"This is also why no gradient reaches {_list(sorted(dead))}.", ANSWERS)
    elif dead:
        dead.sort()
        verdicts.fault(
            "dead-parameter",
            f"No gradient reaches {_list(dead)}, because the output does not depend on it. Is it "
            "used in forward?",
            at=network.made(dead[0]),
            proof={
                "slopes": [[float(x or 0.0) for x in slopes[name]] for name in dead],
                "largest": largest,
            },
        )
    elif not verdicts.has("parameter-not-learnable"):
        sentence = "The gradient of every parameter is the slope that is measured."
        verdicts.right(sentence, ANSWERS)


def _list(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" (and {len(names) - 3} more)" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
