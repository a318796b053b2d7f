"""What a script did, as the child recorded it: `check/child/script` says what there is."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from torch import Tensor

from toolkit.assignment.check.findings import Place
from toolkit.assignment.check.host import StudentError

PIXELS = 784  # of an image of MNIST
MOST_MADE = 100  # values of one event that are looked at to know another again
OF_CLASSES = ("cross_entropy", "nll_loss")  # losses with one target for a row of outputs
Ids = frozenset[int]
# Call -> (batch,): by how much a larger output raises the loss.
Gradients = Annotated[dict[int, Tensor], BeforeValidator(dict)]
E = TypeVar("E", bound="Event")


class Record(BaseModel):
    """Something that the child has sent, in its words or in those of the judge."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


class Value(Record):
    """A tensor that went into something or came out of it."""

    id: int
    shape: tuple[int, ...]
    least: float = Field(alias="min")
    largest: float = Field(alias="max")
    mean: float
    numbers: Tensor | None = Field(alias="values")  # unless they were too many to send
    source: int | None = Field(alias="from")  # the call, or the batch, whose numbers it has
    networks: Ids  # those that its gradient would reach
    rows_from: list[tuple[int, Tensor]]  # calls and batches, and which rows are theirs
    made: Place  # the call that returned it
    drawn: Place  # the call that made its numbers of nothing

    @model_validator(mode="after")
    def _fits(self) -> Self:
        sizes = {len(mark) for _, mark in self.rows_from}
        if sizes - {*self.shape[:1]} or self.shape != getattr(self.numbers, "shape", self.shape):
            raise ValueError("numbers of another shape")
        return self

    @property
    def rows(self) -> Tensor | None:
        """Its numbers as float64 (batch, size of one item)."""
        if self.numbers is None or not self.shape or not self.shape[0]:
            return None
        return self.numbers.reshape(self.shape[0], -1).double()

    @property
    def size(self) -> int:
        """How many numbers one item has."""
        return math.prod(self.shape[1:])


class Event(Record):
    """Something that happened, at a line of a student's file."""

    index: int
    file: str | None
    line: int | None


class Call(Event):
    """The outermost call of a network."""

    kind: Literal["call"]
    network: int
    training: bool
    grad: bool  # whether gradients were recorded
    inputs: list[Value]
    outputs: list[Value]

    @property
    def output(self) -> Value | None:
        """The first of its outputs."""
        return next(iter(self.outputs), None)


class Loss(Event):
    """One call of a loss function of torch's."""

    kind: Literal["loss"]
    name: str
    input: Value | None
    target: Value | None
    reduction: str | None
    made: Place | None  # where the object was made that was called
    softmax: bool = False  # whether its input has been through one


class Backward(Event):
    """One backward pass."""

    kind: Literal["backward"]
    value: Value | None  # that it starts from
    parameters: Ids  # on its way, even if their gradient is 0
    changed: Ids  # the parameters that it gave a gradient
    gradients: Gradients
    losses: list[int]
    whole: bool  # whether its calls and losses were recorded
    error: str | None  # that it raised on its way

    @property
    def root(self) -> Place:
        """Where the loss was made that it starts from."""
        return self.value.made if self.value else Place(None, None)


class Step(Event):
    """One step of an optimiser."""

    kind: Literal["step"]
    optimiser: int | None  # None: the parameters were moved by hand
    classes: list[str]  # of the optimiser, and those that it derives from
    lr: float | None
    maximize: bool
    parameters: Ids  # that it holds
    moved: Ids  # those of them that changed
    passes: list[int]  # the backward passes whose sum its gradients are
    stale: Ids  # those of them that an earlier step used already
    given: bool  # whether there were gradients at all


class Load(Event):
    """A DataLoader was made."""

    kind: Literal["load"]
    load: int
    dataset: int
    size: int | None
    stream: bool  # it has no end
    whole: bool
    sampled: bool  # a sampler of its own chooses among the items


class Batch(Event):
    """A DataLoader gave a batch."""

    kind: Literal["batch"]
    load: int
    values: list[Value]


class Clip(Event):
    """Gradients were clipped."""

    kind: Literal["clip"]
    name: str
    fresh: bool  # after a pass whose gradients no step has used
    kept: bool
    parameters: Ids


class Saved(Event):
    """Pictures were saved or shown."""

    kind: Literal["save"]
    value: Value | None


class Note(Event):
    """Something that is about one thing, whose id or name it has."""

    kind: Literal["optimiser", "folder", "gpu", "softmax", "recurrent"]
    name: str = ""
    folder: str = ""
    optimiser: int | None = None
    output: int | None = None  # id of the value that a softmax gave
    device: Place | None = None  # where a GPU was named first


class Network(Record):
    """A network that was called, or whose parameters were moved."""

    id: int
    name: str = Field(alias="class")
    file: str | None
    parameters: dict[int, str]  # id -> name
    kinds: frozenset[str] = Field(alias="classes")  # of all modules in it, and of their bases
    made: Place  # outside of its class
    made_last: Place  # its last layer
    lines: dict[int, Place]  # id of a parameter -> where it was made

    def line_of(self, call: Call) -> Place | Call:
        """Where a call computes its output at last: in its forward, or in a layer of torch's."""
        made = call.output.made if self.file and call.output else self.made_last
        return made if made.line else call


AnyEvent = Annotated[
    Call | Loss | Backward | Step | Load | Batch | Clip | Saved | Note, Field(discriminator="kind")
]


class Trace(Record):
    """All that happened, in its order, and the networks that were seen."""

    ended: str
    error: dict[str, Any] | None
    lacking: dict[str, Any] | None  # what it raised for want of a folder, which was made then
    unfinished: list[Place]
    normalised: list[Place]
    ran: frozenset[str]
    networks: dict[int, Network]
    events: list[AnyEvent]
    noise: list[Tensor] = []  # that was made of nothing, as far as it was kept
    entered: frozenset[Place] = frozenset()  # functions of theirs that were called

    @model_validator(mode="after")
    def _leads_back(self) -> Self:
        """What an event names was there before it; a step uses what passes have made for it."""
        known: dict[int, Event] = {}
        for event in self.events:
            fields: dict[str, Any] = vars(event)
            parts = (x if isinstance(x, list) else [x] for x in fields.values())
            values = [v for part in parts for v in part if isinstance(v, Value)]
            named: dict[Any, Any] = {
                Backward: fields.get("passes", ()),
                Loss: fields.get("losses", ()),
                Call: fields.get("gradients", ()),
                Call | Batch: {k for v in values for k in (v.source, *dict(v.rows_from))} - {None},
            }
            fits = all(isinstance(known.get(k), kind) for kind in named for k in named[kind])
            made = [getattr(known.get(k), "changed", Ids()) for k in named[Backward]]
            if not (fits and all(changed & fields["parameters"] for changed in made)):
                raise ValueError("it names what is not there")
            if fields.get("network") not in {None, *self.networks}:
                raise ValueError("it names a network that is not there")
            known[event.index] = event
        return self

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """What the child's `run` returned; any exception: that is none."""
        for error in filter(None, (answer["error"], answer["lacking"])):
            StudentError(error)
        known: dict[int, list[dict[str, Any]]] = {}  # what a call or a batch gave
        for index, event in enumerate(answer["events"]):
            event["index"] = index
            made = [*event.get("outputs", []), *event.get("values", [])][:MOST_MADE]
            single = [event.get(name) for name in ("value", "input", "target")]
            for value in filter(None, [*event.get("inputs", []), *single, *made]):
                _complete(value, known.get(value["from"], []))
            known[index] = made
        for network in answer["networks"]:
            parameters = network["parameters"]
            network["lines"] = dict(zip(parameters, network["made_parameters"], strict=True))
            network["parameters"] = dict(zip(parameters, network["names"], strict=True))
        return cls.model_validate(
            {
                **answer,
                "networks": {network["id"]: network for network in answer["networks"]},
            }
        )

    def only(self, name: str | None) -> Self:
        """Of several trainings, the one of the networks of this class."""
        own = {p for n in self.networks.values() if n.name == name for p in n.parameters}
        held = {e.index: p for e in self.events if (p := getattr(e, "parameters", Ids()))}
        others = {index for index, parameters in held.items() if own.isdisjoint(parameters)}
        theirs = {e.index for e in self.all(Step)}
        if not theirs - others or not theirs & others:
            return self
        moved = {p for index in others for p in held[index]}
        used = {k for e in self.all(Backward) if e.index in others for k in e.losses}
        foreign = {k for k, n in self.networks.items() if moved & n.parameters.keys()}
        calls = [e for e in self.all(Call) if e.network in foreign]
        read = {value.source for call in calls for value in call.inputs}
        loads = {e.load for e in self.all(Batch) if e.index in read}
        data = {e.index for e in self.events if isinstance(e, Load | Batch) and e.load in loads}
        left_out = others | used | data | {call.index for call in calls}
        return self.model_copy(
            update={"events": [e for e in self.events if e.index not in left_out]}
        )

    def all(self, *kinds: type[E]) -> list[E]:
        """The events of these kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    def between(self, first: int, last: float, *kinds: type[E]) -> list[E]:
        """The events of these kinds after one index and before another."""
        return [event for event in self.all(*kinds) if first < event.index < last]

    def notes(self, kind: str) -> list[Note]:
        """The events that are about one thing, of this kind."""
        return [event for event in self.all(Note) if event.kind == kind]

    @property
    def shown(self) -> list[tuple[Event, Value]]:
        """The pictures that were saved or shown."""
        return [(event, event.value) for event in self.all(Saved) if event.value]

    def maker(self, step: Step) -> Event:
        """Where the optimiser of a step was made, if that was seen."""
        made = [e for e in self.notes("optimiser") if e.optimiser == step.optimiser]
        return next((e for e in made if e.line), step)


def _complete(value: dict[str, Any], known: Sequence[Mapping[str, Any]]) -> None:
    """Give a value the numbers that are known from an earlier event."""
    size = math.prod(value["shape"])
    for other in known if value["values"] is None else ():
        same = all(other[name] == value[name] for name in ("min", "max", "mean", "std"))
        if same and other["values"] is not None and other["values"].numel() == size:
            value["values"] = other["values"].reshape(value["shape"])
    value |= {name: value[name] or 0.0 for name in ("min", "max", "mean")}
    if value["shape"] == [PIXELS]:  # one image, without a batch
        value |= {"shape": [1, PIXELS], "rows_from": []}
        value["values"] = None if value["values"] is None else value["values"][None]
