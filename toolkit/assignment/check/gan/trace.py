"""What ran of a student's GAN, as the child recorded it: calls, losses, backward passes, steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.check.verdicts import Place, Placed

PIXELS = 784  # of an image of MNIST
_Place = tuple[int, str | None, int | None]
NOWHERE = Place(None, None)


@dataclass(frozen=True)
class Value:
    """A tensor that went into a network or came out of one."""

    shape: tuple[int, ...]
    least: float
    largest: float
    numbers: Tensor | None  # all of them, unless they were too many to send
    source: int | None  # the call, or the batch of data, whose numbers it has
    networks: frozenset[int]  # those that its gradient would reach
    rows_from: tuple[tuple[int, Tensor], ...] = ()  # calls and batches -> which rows are theirs
    made: Place = NOWHERE  # the call that returned it
    drawn: Place = NOWHERE  # the call that made its numbers of nothing

    @property
    def rows(self) -> Tensor | None:
        """Its numbers as float64 (batch, size of one item)."""
        if self.numbers is None or not self.shape or not self.shape[0]:
            return None
        return self.numbers.reshape(self.shape[0], -1).double()

    @property
    def size(self) -> int:
        """How many numbers one item has."""
        return torch.Size(self.shape[1:]).numel()


@dataclass(frozen=True)
class Event:
    """Something that ran, at a line of a student's file."""

    number: int  # its place in the trace
    file: str | None
    line: int | None


@dataclass(frozen=True)
class Call(Event):
    """One call of a network."""

    network: int
    training: bool
    grad: bool  # whether gradients were recorded
    inputs: list[Value]
    output: Value | None


@dataclass(frozen=True)
class Loss(Event):
    """One call of a loss function."""

    name: str
    input: Value | None
    target: Value | None
    made: Place | None  # where the object was made that was called


@dataclass(frozen=True)
class Backward(Event):
    """One backward pass."""

    root: Place  # where the loss was made that it starts from
    reaches: frozenset[int]  # the parameters that it gave a gradient
    gradients: dict[int, Tensor]  # call -> (batch,): by how much a larger output raises the loss
    failed: bool = False  # it raised something on its way
    passes: frozenset[int] = frozenset()  # the parameters on its way, even if theirs is 0


@dataclass(frozen=True)
class Step(Event):
    """One step of an optimiser."""

    optimizer: int | None  # None: the parameters were moved by hand
    holds: frozenset[int]  # parameters
    moved: frozenset[int]  # those of them that changed
    passes: list[int]  # the backward passes whose sum its gradients are
    stale: frozenset[int]  # those of them that an earlier step used already
    maximize: bool


@dataclass(frozen=True)
class Network:
    """A network that was called."""

    id: int
    kind: str  # the name of its class
    file: str | None
    line: int | None  # of its forward
    parameters: dict[int, str]  # id -> name
    kinds: frozenset[str]  # names of the classes of all modules in it, and of their bases
    made: Place  # outside of its class
    made_last: Place  # its last layer
    lines: dict[int, Place]  # id of a parameter -> where it was made

    def line_of(self, call: Call) -> Placed:
        """Where a call computes its output at last: in its forward, or in a layer of torch's."""
        made = call.output.made if self.file and call.output else self.made_last
        return made if made.line else call


@dataclass(frozen=True)
class Trace:
    """All that ran, in its order."""

    networks: dict[int, Network]
    calls: list[Call]
    losses: list[Loss]
    passes: dict[int, Backward]
    steps: list[Step]
    shown: list[tuple[Event, Value]]  # pictures that were saved or shown
    batches: dict[int, Value]  # what a loader gave, the first of its tensors
    made: dict[int, Event]  # optimiser -> where it was made
    modes: list[tuple[Event, int, bool]]  # a network's id, and whether it is to train from here
    ended: str  # how, in the words of the child's trace
    ran: frozenset[str]  # the files of theirs that did
    normalised: list[Place]  # where transforms that normalise were made


def read(trace: Mapping[str, Any]) -> Trace:
    """The trace of `toolkit.assignment.check.child.script.trace` with types."""
    events: dict[str, list[tuple[_Place, Mapping[str, Any]]]] = {}
    known: dict[int, list[Tensor]] = {}  # what a call or a batch gave
    for number, event in enumerate(trace["events"]):
        place = (number, event["file"], event["line"])
        events.setdefault(event["kind"], []).append((place, event))
        made = [*event.get("outputs", []), *event.get("values", [])]
        for v in [*event.get("inputs", []), event.get("value"), *made]:
            if v and v["values"] is None:
                size = torch.Size(v["shape"]).numel()
                same = [x for x in known.get(v["from"], []) if x.numel() == size]
                v["values"] = same[0].reshape(v["shape"]) if same else None
        known[number] = [v["values"] for v in made if v["values"] is not None]
    return Trace(
        networks={n["id"]: _network(n) for n in trace["networks"]},
        calls=[_call(place, e) for place, e in events.get("call", [])],
        losses=[_loss(place, e) for place, e in events.get("loss", [])],
        passes={
            place[0]: Backward(
                *place,
                root=Place(*e["value"]["made"]) if e["value"] else NOWHERE,
                reaches=frozenset(e["changed"]),
                gradients={int(call): gradient for call, gradient in e["gradients"]},
                failed=e["error"] is not None,
                passes=frozenset(e["parameters"]),
            )
            for place, e in events.get("backward", [])
        },
        steps=[
            Step(
                *place,
                optimizer=e["optimiser"],
                holds=frozenset(e["parameters"]),
                moved=frozenset(e["moved"]),
                passes=list(e["passes"]),
                stale=frozenset(e["stale"]),
                maximize=bool(e["maximize"]),
            )
            for place, e in events.get("step", [])
            if e["optimiser"] is not None or set(e["passes"]) - set(e["stale"])  # else clipped
        ],
        shown=[
            (Event(*place), _value(e["value"])) for place, e in events.get("save", []) if e["value"]
        ],
        batches={
            place[0]: _value(e["values"][0]) for place, e in events.get("batch", []) if e["values"]
        },
        made={e["optimiser"]: Event(*place) for place, e in events.get("optimiser", [])},
        modes=[(Event(*p), e["network"], e["training"]) for p, e in events.get("mode", [])],
        ended=trace["ended"],
        ran=frozenset(trace["ran"]),
        normalised=[Place(*place) for place in trace["normalised"]],
    )


def _call(place: _Place, e: Mapping[str, Any]) -> Call:
    return Call(
        *place,
        network=e["network"],
        training=e["training"],
        grad=e["grad"],
        inputs=[_value(v) for v in e["inputs"]],
        output=_value(e["outputs"][0]) if e["outputs"] else None,
    )


def _loss(place: _Place, e: Mapping[str, Any]) -> Loss:
    given, target = (_value(e[name]) if e[name] else None for name in ("input", "target"))
    return Loss(*place, e["name"], given, target, Place(*e["made"]) if e["made"] else None)


def _network(n: Mapping[str, Any]) -> Network:
    parameters = dict(zip(n["parameters"], n["names"], strict=True))
    return Network(
        n["id"],
        n["class"],
        n["file"],
        n["forward_line"],
        parameters,
        frozenset(n["classes"]),
        Place(*n["made"]),
        Place(*n["made_last"]),
        {p: Place(*at) for p, at in zip(n["parameters"], n["made_parameters"], strict=True)},
    )


def _value(v: Mapping[str, Any]) -> Value:
    shape, numbers, rows_from = tuple(v["shape"]), v["values"], v["rows_from"]
    if shape == (PIXELS,):  # one image, without a batch
        shape, rows_from = (1, PIXELS), []
        numbers = None if numbers is None else numbers[None]
    return Value(
        shape=shape,
        least=v["min"] if v["min"] is not None else 0.0,
        largest=v["max"] if v["max"] is not None else 0.0,
        numbers=numbers,
        source=v["from"],
        networks=frozenset(v["networks"]),
        rows_from=tuple((int(event), mark) for event, mark in rows_from),
        made=Place(*v["made"]),
        drawn=Place(*v["drawn"]),
    )
