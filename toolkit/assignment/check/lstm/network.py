"""A student's LSTM, whatever its signature, behind one call: digits in, the last logits out."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import dropwhile, islice
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.check.host import Student, StudentError

MORE = ((None, False, False), ("pair", False, True), ("pair", True, True), ("none", False, True))
HIDDEN, BATCH, STEPS = 7, 41, 6  # all different, so that no axis passes for another


class WrongOutput(Exception):
    """What a forward returns is no prediction of the next digit: its shapes, and the right one."""

    def __str__(self) -> str:
        said = ", ".join(map(str, self.args[0])) or "nothing that is a tensor"
        return f"forward should return logits of shape {self.args[1]}, not {said}."


@dataclass(frozen=True)
class Way:
    """How a class is built and called."""

    kind: str  # the class
    layout: str
    input_dim: int  # 10 for one-hot digits, 1 for bare ones, 0 for integers
    batch: int
    steps: int  # the digits that are read
    extra: int = 0  # how much larger its seq_length is
    states: str | None = None
    deep: bool = False  # whether states have an axis more in front
    hidden: int | None = HIDDEN
    told: bool = True  # whether a constructor that asks is told the truth about the first axis

    def sizes(self, **changes: Any) -> dict[str, Any]:
        """What a constructor may ask for."""
        return {
            "steps": self.steps + self.extra,
            "input": self.input_dim or 10,
            "hidden": self.hidden,
            "classes": 10,
            "vocabulary": 10,
            "embedding": 5,
            "batch": self.batch,
            "device": "cpu",
            "first": ("time" not in self.layout) == self.told,
            "layers": 1,
            "directions": False,
            "bias": True,
            "dropout": 0.0,
        } | changes


@dataclass(frozen=True)
class Output:
    """The last logits in what came back, and where they were."""

    logits: Tensor  # (B, 10)
    index: int  # among the tensors that came back
    axis: int | None  # of the steps, where there are several


class Network:
    """A network in the student's process."""

    def __init__(self, student: Student, way: Way) -> None:
        self.student = student
        self.way = way
        self.took: dict[str, Any] = {}
        self.tensors: list[dict[str, Any]] = []
        self.recurrent = ""  # the name of a recurrent module of torch in it
        self.real = False  # whether it computes with real inputs, not only with digits
        self.any_batch = self.any_length = False
        self.uses: dict[str, int] = {}  # of each tensor, in a forward pass
        self.new: list[tuple[str | None, int | None, bool]] = []  # where a forward makes tensors
        self.kept: list[str] = []  # tensors, no parameters, that a forward changes
        self.softmax: list[list[Any]] = []  # name, file and line of each that was seen
        self.states: frozenset[str] = frozenset()  # initial states, in the likeliest reading
        self.fixed: list[str] | None = None  # weights of the equations that nothing learnt makes
        self.away = 0.0  # how far its second answer to the same input is from its first
        self.counting: set[str] = set()  # tensors, no parameters, whose first values count

    def build(self, seed: int = 0, **sizes: Any) -> None:
        """A new network.

        Raises:
            StudentError: it cannot be built.
        """
        answer = self.student.ask(
            "build", kind=self.way.kind, sizes=self.way.sizes(**sizes), seed=seed
        )
        self.took, self.tensors = answer["took"], answer["tensors"]
        self.recurrent = answer["recurrent"]
        self.count_uses()

    def count_uses(self) -> None:
        """Write beside each tensor how often a forward pass uses it."""
        for tensor in self.tensors:
            tensor["uses"] = self.uses.get(tensor["name"], 0)

    def find_real(self) -> None:
        """Find out whether the network computes with real inputs."""
        if not self.way.input_dim:
            return
        x = self.encode(self.digits(self.way.batch, self.way.steps)).float()
        try:
            a, b = self.student.ask("run", inputs=[x, x + 0.01], **self.call(self.way.batch))
        except StudentError:
            return
        self.real = not all(torch.equal(p, q) for p, q in zip(a, b, strict=True))

    def call(self, batch: int) -> dict[str, Any]:
        """What every call of the network needs beside its input."""
        hidden = self.way.hidden or 128
        state = torch.zeros((1, batch, hidden) if self.way.deep else (batch, hidden))
        return {"state": state, "states": self.way.states}

    def encode(self, x: Tensor) -> Tensor:
        """Digits, int64 (B, L), or what stands for them, (B, L, D), as the class reads them."""
        way = self.way
        if not x.is_floating_point() and way.input_dim:
            x = F.one_hot(x, 10).float() if way.input_dim == 10 else x.unsqueeze(-1).float()
        if "flat" in way.layout:
            x = x[:, :, 0]
        return x.transpose(0, 1).contiguous() if "time" in way.layout else x

    def outputs(self, xs: Sequence[Tensor], **how: Any) -> list[Output]:
        """What comes back for each batch-major input; a WrongOutput is raised without logits."""
        inputs = [self.encode(x) for x in xs]
        answers = self.student.ask("run", inputs=inputs, **self.call(len(xs[0])), **how)
        return [last_logits(a, *x.shape[:2]) for a, x in zip(answers, xs, strict=True)]

    def run(self, xs: Sequence[Tensor], **how: Any) -> list[Tensor]:
        """The logits (or probabilities) of the last step, (B, 10), for each of the inputs."""
        return [output.logits for output in self.outputs(xs, **how)]

    def locate(self, x: Tensor, call: dict[str, Any]) -> Output:
        """What comes back for one input, called in a way of its own."""
        answer = self.student.ask("run", inputs=[self.encode(x)], **call)
        return last_logits(answer[0], *x.shape[:2])

    def other_sizes(self) -> list[tuple[int, int]]:
        """(batch, steps) of inputs that it can read, besides its usual ones."""
        batches = [1, 5, 13] if self.any_batch else [self.way.batch] * 3
        steps = [1, 3, 11] if self.any_length else [self.way.steps] * 3
        return list(zip(batches, steps, strict=True))

    def digits(self, batch: int, steps: int, seed: int = 0) -> Tensor:
        """Random digits, int64 (batch, steps)."""
        rng = torch.Generator().manual_seed(seed)
        return torch.randint(10, (batch, steps), generator=rng)


def last_logits(tensors: list[Tensor], batch: int, steps: int) -> Output:
    """The (batch, 10) logits in what a model returns: alone, among others, or at the last step.

    Raises:
        WrongOutput: there are none.
    """
    shapes = [tuple(x.shape) for x in tensors]
    whole = [k for k, shape in enumerate(shapes) if shape == (batch, 10)]
    if whole:  # one for each step: the last
        index = whole[-1] if len(whole) >= steps > 1 else whole[0]
        return Output(tensors[index], index, None)
    for k, shape in enumerate(shapes):
        if shape == (batch, steps, 10):
            return Output(tensors[k][:, -1], k, 1)
        if shape == (steps, batch, 10):
            return Output(tensors[k][-1], k, 0)
    for k, shape in enumerate(shapes):
        if batch == 1 and shape in ((10,), (steps, 10)):
            return Output(tensors[k].reshape(-1, 10)[-1:], k, None if len(shape) == 1 else 0)
        if shape in ((1, batch, 10), (batch, 1, 10)):
            return Output(tensors[k].reshape(batch, 10), k, 0 if shape[0] == 1 else 1)
    raise WrongOutput(shapes, (batch, 10))


def find_network(
    student: Student, kinds: Sequence[str]
) -> tuple[Network | None, StudentError | WrongOutput | None]:
    """Try the likely ways to build and call a class.

    Returns:
        the first that works, or else the best; and what went wrong with the first try.
    """
    first: StudentError | WrongOutput | None = None
    best: Network | None = None  # it runs, but ignores the last step or mixes sequences
    for kind in kinds:
        for way in _ways(kind):
            network = Network(student, way)
            try:
                network.build()
                if not _fits(network):
                    continue
                if network.recurrent:
                    return network, first
                grade = _grade(network)
            except (StudentError, WrongOutput) as error:
                if first is None or (_only_shape(first) and not _only_shape(error)):
                    first = error
                if _hopeless(error):
                    break
                continue
            if grade == 2:
                if way.steps == 1 and best is not None:  # its only step is its last
                    return best, None
                return network, first
            best = best or network
        if best is not None:
            return best, first
    return None, first


def other_ways(network: Network) -> Iterator[Network]:
    """Other encodings and layouts of the input that the same class takes as well."""
    way = network.way
    for other in islice(dropwhile(lambda other: other != way, _ways(way.kind)), 1, None):
        if other == replace(way, layout=other.layout, input_dim=other.input_dim, told=other.told):
            found = Network(network.student, other)
            with suppress(StudentError, WrongOutput):
                found.build()
                if _fits(found) and _grade(found) == 2:
                    yield found


def _ways(kind: str) -> Iterator[Way]:
    """Ways to build and call a class, the likeliest first."""
    inputs = [("batch", 10), ("batch", 1), ("batch", 0), ("time", 10), ("flat", 1), ("time", 1)]
    inputs += [("time", 0), ("flat time", 1)]
    for batch, steps, extra, hidden in [
        (BATCH, STEPS, 0, HIDDEN),
        (BATCH, STEPS, 1, HIDDEN),
        *[(BATCH, steps, 0, HIDDEN) for steps in (4, 9, 5, 3, 8, 10, 1)],
        *[(size, STEPS, extra, HIDDEN) for size in (HIDDEN, 1, 128, 64) for extra in (0, 1)],
        *[(size, 4, 0, HIDDEN) for size in (HIDDEN, 1, 128, 64)],
        (BATCH, STEPS, 0, None),
    ]:
        for layout, dim in inputs:
            yield Way(kind, layout, dim, batch, steps, extra, hidden=hidden)
        if batch == BATCH and steps == STEPS:
            for states, deep, told in MORE:
                for layout, dim in inputs:
                    yield Way(kind, layout, dim, batch, steps, extra, states, deep, hidden, told)


def _fits(network: Network) -> bool:
    """Whether this way is worth a try with this constructor."""
    took, way = network.took, network.way
    if (way.extra and "steps" not in took) or not (way.told or "first" in took):
        return False
    integers = {"vocabulary", "embedding"} & set(took)
    return not (integers and way.input_dim == 10)


def _only_shape(error: StudentError | WrongOutput) -> bool:
    """Whether an error may only come from calling it in an unlikely way."""
    return isinstance(error, WrongOutput) or error.file is None


def _hopeless(error: StudentError | WrongOutput) -> bool:
    """Whether no other way can help."""
    if isinstance(error, WrongOutput):
        return False
    if re.search(r"(super\(\)|before Module)\.__init__\(\)", error.text):
        return True
    return bool({"NotImplementedError", "NameError", "SyntaxError"} & set(error.types))


def _grade(network: Network) -> int:
    """2 if the network reads its last digit and keeps sequences apart, else 1."""
    way = network.way
    x = network.digits(way.batch, way.steps)
    later, other = x.clone(), x.clone()
    later[:, -1] = (x[:, -1] + 1) % 10
    other[0] = (x[0] + 1) % 10
    a, b, c = network.run([x, later, other], fresh=True)
    reads = not torch.equal(a, b)
    return 1 + int(reads and apart(a, c))


def apart(one: Tensor, other: Tensor) -> bool:
    """Whether all rows but the first are the same, perhaps up to a softmax over the batch."""
    if len(one) == 1 or bool((one[1:] - other[1:]).abs().max() < 1e-5):
        return True
    logs = one.clamp_min(1e-30).log(), other.clamp_min(1e-30).log()
    for a, b in ((one, other), logs):
        shift = (a - b)[1:]
        if bool((shift - shift[:1]).abs().max() < 1e-4):
            return True
    return False
