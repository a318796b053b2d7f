"""The record of a run of a script; `running/record/script` creates the record, and the child
process sends it to the process that checks the submission.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from torch import Tensor

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.running.places import Place

PIXELS = 784  # of an image of MNIST
MOST_MADE = 100  # values of one event among which another is recognised
OF_CLASSES = ("cross_entropy", "nll_loss")  # losses with one target for a row of outputs
Ids = frozenset[int]
# Call -> (batch,): by how much a larger output raises the loss.
Gradients = Annotated[dict[int, Tensor], BeforeValidator(dict)]
E = TypeVar("E", bound="Event")


class Record(BaseModel):
    """Base class for the data that the process running the script sends; the process sends some
    fields under other names.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


class Value(Record):
    """A tensor that took part in a recorded event, for example as an input or an output of a call
    to a network.
    """

    id: int
    shape: tuple[int, ...]
    least: float = Field(alias="min")
    largest: float = Field(alias="max")
    mean: float
    numbers: Tensor | None = Field(alias="values")  # unless they were too many to send
    source: int | None = Field(alias="from")  # the call, or the batch, whose numbers it has
    networks: Ids  # networks that the value's gradient would reach
    rows_from: list[tuple[int, Tensor]]  # calls and batches, and which rows are theirs
    made: Place  # the call that returned it
    drawn: Place  # the call that made its numbers of nothing

    @model_validator(mode="after")
    def _fits(self) -> Self:
        mark_sizes = {len(mark) for _, mark in self.rows_from}
        has_other_rows = bool(mark_sizes - {*self.shape[:1]})
        has_other_shape = self.numbers is not None and self.shape != self.numbers.shape
        if has_other_rows or has_other_shape:
            raise ValueError("numbers of another shape")
        return self

    @property
    def rows(self) -> Tensor | None:
        """The numbers as float64 (batch, size of one item), or None if there are no numbers."""
        if self.numbers is None or not self.shape or not self.shape[0]:
            return None
        return self.numbers.reshape(self.shape[0], -1).double()

    @property
    def size(self) -> int:
        """The number of entries in one item of the batch, that is, the product of all dimensions of
        the tensor except the first.
        """
        return math.prod(self.shape[1:])


class Event(Record):
    """An event in a run, with the file and line of the student's code where it happened."""

    index: int
    file: str | None
    line: int | None


class Call(Event):
    """A call to a network, made while no other network call was running."""

    kind: Literal["call"]
    network: int
    training: bool
    grad: bool  # whether gradients were recorded
    inputs: list[Value]
    outputs: list[Value]

    @property
    def output(self) -> Value | None:
        """The first output of the call."""
        return next(iter(self.outputs), None)


class Loss(Event):
    """One call to a torch loss function."""

    kind: Literal["loss"]
    name: str
    input: Value | None
    target: Value | None
    reduction: str | None
    made: Place | None  # where the code made the loss object
    softmax: bool = False  # whether its input has passed through a softmax


class Backward(Event):
    """One backward pass."""

    kind: Literal["backward"]
    value: Value | None  # that it starts from
    parameters: Ids  # on its way, even if their gradient is 0
    changed: Ids  # the parameters that it gave a gradient
    gradients: Gradients
    losses: list[int]
    whole: bool  # whether its calls and losses were recorded
    error: str | None  # the exception that the pass raised

    @property
    def root(self) -> Place:
        """The file and line where the code computed the value that the backward pass starts from,
        if known.
        """
        return self.value.made if self.value else Place(None, None)


class Step(Event):
    """One step of an optimiser."""

    kind: Literal["step"]
    optimiser: int | None  # None: the parameters were moved by hand
    classes: list[str]  # of the optimiser, and those that it derives from
    lr: float | None
    maximize: bool
    parameters: Ids  # that it holds
    moved: Ids  # held parameters that changed
    passes: list[int]  # the backward passes whose sum its gradients are
    stale: Ids  # passes that an earlier step has already used
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
    """The student's code called a function that saves, displays or logs images."""

    kind: Literal["save"]
    value: Value | None


class Note(Event):
    """An event about a single object, such as an optimiser or a folder, with the object's id or
    name.
    """

    kind: Literal["optimiser", "folder", "gpu", "softmax", "recurrent", "gradients"]
    name: str = ""
    folder: str = ""
    optimiser: int | None = None
    output: int | None = None  # id of the value that a softmax gave
    device: Place | None = None  # where the code first named a GPU
    network: int | None = None  # whose call was running


class WatchedNetwork(Record):
    """A network that was called, or whose parameters were updated."""

    id: int
    name: str = Field(alias="class")
    file: str | None
    parameters: dict[int, str]  # id -> name
    kinds: frozenset[str] = Field(alias="classes")  # of all modules in it, and of their bases
    made: Place  # outside of its class
    made_last: Place  # its last layer
    lines: dict[int, Place]  # id of a parameter -> where it was made

    def line_of(self, call: Call) -> Place | Call:
        """Return the line of code that makes the output of a call. This is usually a line of the
        student's `forward`. But if the student did not write the class or there is no output, it is
        the line that creates the network's last layer. If this line is unknown, return the call
        itself, which also has a file and a line.
        """
        made = call.output.made if self.file and call.output else self.made_last
        return made if made.line else call


AnyEvent = Annotated[
    Call | Loss | Backward | Step | Load | Batch | Clip | Saved | Note, Field(discriminator="kind")
]


class Other(Record):
    """The outcome of running another of the student's scripts as a continuation of the first
    script.
    """

    file: str
    ended: str  # as of a trace
    error: dict[str, Any] | None


class Trace(Record):
    """The events of a run, in order, and the networks that took part in it."""

    ended: str
    error: dict[str, Any] | None
    lacking: dict[str, Any] | None  # the exception for a missing folder, which was then made
    unloaded: dict[str, Any] | None  # the same for missing weights; a stand-in replaced them
    passed: dict[str, Any] | None = None  # the first exception after which the script went on
    unfinished: list[Place]
    normalised: list[Place]
    ran: frozenset[str]
    networks: dict[int, WatchedNetwork]
    events: list[AnyEvent]
    noise: list[Tensor] = []  # that was made of nothing, as far as it was kept
    entered: frozenset[Place] = frozenset()  # the student's functions that were called
    others: list[Other] = []  # scripts that ran after the first script
    cpu: float = 0.0  # CPU seconds that the child had used at the end of the run
    numbers: dict[str, int] = {}  # option of the command -> its default, a whole number

    @model_validator(mode="after")
    def _leads_back(self) -> Self:
        """Check that each event refers only to earlier events, and that each step refers to the
        backward passes that computed its gradients.
        """
        known: dict[int, Event] = {}
        for event in self.events:
            _check_references(event, known)
            network = getattr(event, "network", None)
            if network is not None and network not in self.networks:
                raise ValueError("it names a network that is not there")
            known[event.index] = event
        return self

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Build the trace from the reply to a `run`, `run_also` or `run_drawing` request; the reply
        comes from the process that runs the script.

        Raises:
            Exception: the reply is malformed; the class of the exception depends on what is wrong.
        """
        others = [other["error"] for other in answer.get("others", [])]
        errors = [answer[name] for name in ("error", "lacking", "unloaded", "passed")]
        for error in (*errors, *others):
            if error:
                StudentError(error)  # raises if it is malformed
        _complete_events(answer["events"])
        networks = {}
        for network in answer["networks"]:
            parameters = network["parameters"]
            network["lines"] = dict(zip(parameters, network["made_parameters"], strict=True))
            network["parameters"] = dict(zip(parameters, network["names"], strict=True))
            networks[network["id"]] = network
        return cls.model_validate({**answer, "networks": networks})

    def only(self, name: str | None) -> Self:
        """If networks of the class `name` and other networks are trained in separate optimiser
        steps, leave out the events that belong to the training of the other networks.
        """
        left_out = self._foreign_events(name)
        if not left_out:
            return self
        events = [event for event in self.events if event.index not in left_out]
        return self.model_copy(update={"events": events})

    def _foreign_events(self, name: str | None) -> set[int]:
        """Return the indices of the events that belong to the training of networks whose class is
        not `name`.

        Returns:
            The indices of these events; an empty set if no optimiser step updates a network of the
            class `name`, or if every optimiser step updates such a network.
        """
        own_parameters: set[int] = set()
        for network in self.networks.values():
            if network.name == name:
                own_parameters |= network.parameters.keys()
        foreign: set[int] = set()
        foreign_parameters: set[int] = set()
        for event in self.events:
            parameters: Ids = getattr(event, "parameters", Ids())
            if parameters and own_parameters.isdisjoint(parameters):
                foreign.add(event.index)
                foreign_parameters |= parameters
        steps = {event.index for event in self.all(Step)}
        if not steps - foreign or not steps & foreign:
            return set()
        return foreign | self._losses_of(foreign) | self._data_of(foreign_parameters)

    def _losses_of(self, passes: set[int]) -> set[int]:
        """Return the indices of the losses that contribute to the gradients of the given backward
        passes.
        """
        losses: set[int] = set()
        for event in self.all(Backward):
            if event.index in passes:
                losses.update(event.losses)
        return losses

    def _networks_with(self, parameters: set[int]) -> set[int]:
        """Return the ids of the networks that have at least one of these parameters."""
        networks = set()
        for key, network in self.networks.items():
            if parameters & network.parameters.keys():
                networks.add(key)
        return networks

    def _data_of(self, parameters: set[int]) -> set[int]:
        """Return the indices of two kinds of events. The first kind is all calls to networks that
        have any of the parameters, and the notes made during these calls. The second kind concerns
        the DataLoaders that supplied the inputs of these calls: the creation of each loader, and
        its batches.
        """
        networks = self._networks_with(parameters)
        calls = [event for event in self.all(Call) if event.network in networks]
        batches = self.all(Batch)
        read = [batch_of(call, batches) for call in calls if call.inputs]
        loads = {batch.load for batch in read if batch is not None}
        events = {call.index for call in calls}
        events |= {note.index for note in self.all(Note) if note.network in networks}
        for event in self.events:
            if isinstance(event, Load | Batch) and event.load in loads:
                events.add(event.index)
        return events

    def all(self, *kinds: type[E]) -> list[E]:
        """Return all events of the given kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    def between(self, first: int, last: float, *kinds: type[E]) -> list[E]:
        """Return the events of these kinds that lie between two indices."""
        return [event for event in self.all(*kinds) if first < event.index < last]

    def notes(self, kind: str) -> list[Note]:
        """Return all `Note` events of the given `kind`."""
        return [event for event in self.all(Note) if event.kind == kind]

    @property
    def shown(self) -> list[tuple[Event, Value]]:
        """The pictures that were saved or shown."""
        return [(event, event.value) for event in self.all(Saved) if event.value]

    def maker(self, step: Step) -> Event:
        """Return the event that records the creation of a step's optimiser, or the step itself if
        there is no such event.
        """
        for event in self.notes("optimiser"):
            if event.optimiser == step.optimiser and event.line:
                return event
        return step


def batch_of(call: Call, batches: Sequence[Batch]) -> Batch | None:
    """Return the batch that a call has read, which is the batch whose values equal the values of
    the call's input.

    If no batch equals the call's input, the last batch before the call is considered. Return this
    batch if one dimension of the call's input equals the batch's number of rows; otherwise, return
    None.
    """
    read = call.inputs[0]
    before = [batch for batch in batches if batch.index < call.index]
    for batch in before:
        if batch.index == read.source:
            return batch
    if not before:
        return None
    last = before[-1]
    num_rows = {value.shape[0] for value in last.values if value.shape}
    return last if num_rows & {*read.shape} else None


def _check_references(event: AnyEvent, known: Mapping[int, Event]) -> None:
    """Check that an event refers only to earlier events of the correct kind.

    Raises:
        ValueError: an event refers to something that is not an earlier event of the correct kind.
            The error is also raised if a step refers to a backward pass that computed none of the
            step's gradients.
    """
    if isinstance(event, Step):
        for index in event.passes:
            backward = known.get(index)
            if not isinstance(backward, Backward) or not backward.changed & event.parameters:
                raise ValueError("it names a pass that is not there")
    if isinstance(event, Backward):
        _check_kind(event.losses, (Loss,), known)
        _check_kind(event.gradients, (Call,), known)
    for value in _values_of(event):
        sources = [index for index, _ in value.rows_from]
        if value.source is not None:
            sources.append(value.source)
        _check_kind(sources, (Call, Batch), known)


def _check_kind(
    indices: Iterable[int], kinds: tuple[type[Event], ...], known: Mapping[int, Event]
) -> None:
    for index in indices:
        if not isinstance(known.get(index), kinds):
            raise ValueError("it names what is not there")


def _values_of(event: AnyEvent) -> Iterator[Value]:
    """Yield the tensors that an event holds."""
    for field in vars(event).values():
        items = field if isinstance(field, list) else [field]
        for item in items:
            if isinstance(item, Value):
                yield item


def _complete_events(events: Sequence[dict[str, Any]]) -> None:
    """Give each event its index. If the child process did not send the values of a tensor in an
    event, copy them from the earlier call or batch that the tensor came from.
    """
    known: dict[int, list[dict[str, Any]]] = {}
    for index, event in enumerate(events):
        event["index"] = index
        made = [*event.get("outputs", []), *event.get("values", [])][:MOST_MADE]
        single = [event.get(name) for name in ("value", "input", "target")]
        for value in (*event.get("inputs", []), *single, *made):
            if value:
                _complete(value, known.get(value["from"], []))
        known[index] = made


def _complete(value: dict[str, Any], known: Sequence[Mapping[str, Any]]) -> None:
    """If a recorded tensor lacks its numbers, copy them from an earlier tensor that has the same
    statistics and the same number of entries.
    """
    if value["values"] is None:
        for candidate in known:
            if _has_same_numbers(candidate, value):
                value["values"] = candidate["values"].reshape(value["shape"])
    for name in ("min", "max", "mean"):
        value[name] = value[name] or 0.0
    if value["shape"] == [PIXELS]:  # one image, without a batch
        value["shape"] = [1, PIXELS]
        value["rows_from"] = []
        if value["values"] is not None:
            value["values"] = value["values"][None]


def _has_same_numbers(candidate: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """True if the values of the tensor `candidate` were recorded, and `candidate` has the same
    statistics and the same number of entries as `value`.
    """
    for name in ("min", "max", "mean", "std"):
        if candidate[name] != value[name]:
            return False
    numbers = candidate["values"]
    return numbers is not None and numbers.numel() == math.prod(value["shape"])
