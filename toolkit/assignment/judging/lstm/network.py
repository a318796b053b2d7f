"""A common interface to every student's LSTM, whatever its signature: it takes digits and returns
the logits of the last step.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.asking.host import LSTMChild, StudentError
from toolkit.assignment.running.places import Place
from toolkit.assignment.running.replies import Named

HIDDEN, BATCH, STEPS = 7, 41, 6  # all different, so that no axis passes for another


class WrongOutput(Exception):
    """Raised if no output of forward has the shape of a prediction of the next digit; holds the
    actual shapes and the expected shape.
    """

    def __str__(self) -> str:
        return ", ".join(map(str, self.args[0])) or "nothing that is a tensor"


@dataclass(frozen=True)
class Usage:
    """How a network is built from its class, and how it is called."""

    kind: str  # the class
    layout: str  # axes of its input: b sequences, t time steps, d dimensions; "bf": t and d in one
    input_dim: int  # 10 for one-hot digits, 1 for bare ones, 0 for integers
    batch: int
    steps: int  # the digits that are read
    extra: int = 0  # how much larger its seq_length is
    hidden: int | None = HIDDEN
    as_seen: bool = False  # whether the student's training builds and calls it so

    def sizes(self, **changes: Any) -> dict[str, Any]:
        """Return a dictionary of values for the parameters that a student's constructor may have;
        each key says what the parameter stands for, such as "hidden".
        """
        return {
            "steps": self.steps + self.extra,
            "input": self.input_dim or 10,
            "hidden": self.hidden,
            "classes": 10,
            "vocabulary": 10,
            "embedding": 5,
            "batch": self.batch,
            "device": "cpu",
            "first": self.layout[0] == "b",
            "layers": 1,
            "directions": False,
            "bias": True,
            "dropout": 0.0,
        } | changes


@dataclass(frozen=True)
class Output:
    """The logits of the last step in a network's output, and their position in the output."""

    logits: Tensor  # (B, 10)
    index: int  # of the tensor in the output
    axis: int | None  # of the steps, if there are several


class Network:
    """A student's network, which is built and called in the child process that runs the student's
    code.
    """

    def __init__(self, child: LSTMChild, usage: Usage) -> None:
        self.child = child
        self.usage = usage
        self.took: dict[str, Any] = {}
        self.tensors: list[dict[str, Any]] = []
        self.recurrent: list[Place] = []  # where recurrent modules of torch in it were made
        self.real = False  # whether it computes with real inputs, not only with digits
        self.any_batch = self.any_length = False
        self.uses: dict[str, int] = {}  # of each tensor, in a forward pass
        self.new: list[tuple[Place, list[int], bool]] = []  # new tensors in a forward:
        # place, shape, and whether all numbers are zero
        self.cut: Place | None = None  # where a forward first ends a gradient
        self.written: dict[str, Place] = {}  # where a forward assigns tensors to attributes
        self.kept: list[str] = []  # tensors that a forward changes, except parameters
        self.softmax: list[Named] = []  # each that was seen
        self.states: frozenset[str] = frozenset()  # initial states, in the likeliest reading
        self.counting: set[str] = set()  # non-parameters whose initial numbers matter

    def build(self, **sizes: Any) -> None:
        """Build a new network.

        Raises:
            StudentError: the network cannot be built.
        """
        usage = self.usage
        answer = self.child.ask.build(
            kind=usage.kind, sizes=usage.sizes(**sizes), as_seen=usage.as_seen
        )
        self.took = answer["took"]
        self.tensors = [{**tensor} for tensor in answer["tensors"]]
        self.recurrent = [Place(*place) for place in answer["recurrent"]]
        self.count_uses()

    def count_uses(self) -> None:
        """Record for each tensor how often a forward pass uses it."""
        for tensor in self.tensors:
            tensor["uses"] = self.uses.get(tensor["name"], 0)

    def made(self, name: str) -> Place | None:
        """Return the location in the code where the network's tensor `name` is created."""
        for tensor in self.tensors:
            if tensor["name"] == name:
                place = Place(*tensor["made"])
                return place if place.line else None
        return None

    def reset(self) -> Place | None:
        """Return the location in the code where the network's `forward` creates a tensor of zeros
        at every time step, or at all steps but one. The result is None if there is no such
        location.
        """
        zeros = Counter(place for place, _, is_zero in self.new if is_zero and place.line)
        for place, count in zeros.items():
            if count >= self.usage.steps - 1:
                return place
        return None

    def find_real(self) -> None:
        """Find out whether the network accepts real numbers as inputs."""
        if not self.usage.input_dim:
            return
        x = self.encode(self.digits(self.usage.batch, self.usage.steps)).float()
        try:
            answers = self.child.ask.run(inputs=[x, x + 0.01])
        except StudentError:
            return
        with self.child.reading():
            self.real = not all(map(torch.equal, *answers))

    def encode(self, x: Tensor) -> Tensor:
        """Convert inputs to the form that the student's class expects.

        Args:
            x: digits, int64 (B, L), or one real vector in place of each digit, (B, L, D).
        """
        usage = self.usage
        if not x.is_floating_point() and usage.input_dim == 10:
            x = F.one_hot(x, 10).float()
        elif not x.is_floating_point() and usage.input_dim:
            x = x.unsqueeze(-1).float()
        if usage.layout == "bf":
            return x.flatten(1)
        if "d" not in usage.layout and x.dim() == 3:
            x = x[:, :, 0]
        elif "d" in usage.layout and x.dim() == 2:
            x = x.unsqueeze(-1)
        return x.permute([*map("btd".index, usage.layout)]).contiguous()

    def outputs(
        self, xs: Sequence[Tensor], fresh: bool = False, seeds: list[int] | None = None
    ) -> list[Output]:
        """Call the network with each input in turn; the first axis of every input is the batch
        axis.

        Args:
            xs: the inputs, in the form that `encode` takes.
            fresh, seeds: whether to rebuild the network for each input, and the random seed of each
                call; by default, the seed of every call is 0.

        Raises:
            WrongOutput: the network returns no logits.
        """
        inputs = [self.encode(x) for x in xs]
        answers = self.child.ask.run(inputs=inputs, fresh=fresh, seeds=seeds)
        outputs = []
        with self.child.reading():
            for tensors, x in zip(answers, xs, strict=True):
                outputs.append(last_logits(tensors, *x.shape[:2]))
        return outputs

    def run(
        self, xs: Sequence[Tensor], fresh: bool = False, seeds: list[int] | None = None
    ) -> list[Tensor]:
        """Return the logits or probabilities of the last step, (B, 10), for each input."""
        return [output.logits for output in self.outputs(xs, fresh, seeds)]

    def reads(self, steps: int, step: int = -1, fresh: bool = False) -> bool:
        """True if the output changes when one digit is changed.

        Args:
            steps: the number of digits in each input sequence.
            step: the index of the digit that is changed; by default, the last one.
            fresh: True to use a new network for each input.
        """
        x = self.digits(self.usage.batch, steps)
        changed = x.clone()
        changed[:, step] = (x[:, step] + 1) % 10
        return not torch.equal(*self.run([x, changed], fresh=fresh))

    def other_sizes(self) -> list[tuple[int, int]]:
        """Return three more input sizes, as (batch, steps), to try with the network. If the network
        accepts only one batch size, all three have this batch size. The same holds for the number
        of steps.
        """
        batches = [1, 5, 13] if self.any_batch else [self.usage.batch] * 3
        steps = [1, 3, 11] if self.any_length else [self.usage.steps] * 3
        return list(zip(batches, steps, strict=True))

    def digits(self, batch: int, steps: int, seed: int = 0) -> Tensor:
        """Return random digits, int64 (batch, steps)."""
        rng = torch.Generator().manual_seed(seed)
        return torch.randint(10, (batch, steps), generator=rng)


def last_logits(tensors: list[Tensor], batch: int, steps: int) -> Output:
    """Find the logits, (batch, 10), in a model's output, which may contain only these logits, other
    tensors as well, or logits for each step.

    Raises:
        WrongOutput: there are none.
    """
    shapes = [tuple(tensor.shape) for tensor in tensors]
    whole = [k for k, shape in enumerate(shapes) if shape == (batch, 10)]
    if whole:
        index = whole[0]
        if len(whole) >= steps > 1:  # one for each step: the last
            index = whole[-1]
        return Output(tensors[index].double(), index, None)
    for find in (_at_last_step, _without_axis):
        for index, tensor in enumerate(tensors):
            answer = find(tensor, batch, steps)
            if answer is not None:
                logits, axis = answer
                return Output(logits.double(), index, axis)
    raise WrongOutput(shapes, (batch, 10))


def _at_last_step(tensor: Tensor, batch: int, steps: int) -> tuple[Tensor, int | None] | None:
    """Return the logits of the last step and the index of the time axis, or None if the tensor has
    no time axis.
    """
    if tensor.shape == (batch, steps, 10):
        return tensor[:, -1], 1
    if tensor.shape == (steps, batch, 10):
        return tensor[-1], 0
    return None


def _without_axis(tensor: Tensor, batch: int, steps: int) -> tuple[Tensor, int | None] | None:
    """Return the logits and the index of the time axis, if any, for an output that has no batch
    axis or has only one step. Return None if the output has another shape.
    """
    if batch == 1 and tensor.shape == (10,):
        return tensor.reshape(1, 10), None
    if batch == 1 and tensor.shape == (steps, 10):
        return tensor[-1:], 0
    if tensor.shape == (1, batch, 10):
        return tensor.reshape(batch, 10), 0
    if tensor.shape == (batch, 1, 10):
        return tensor.reshape(batch, 10), 1
    return None
