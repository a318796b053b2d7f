"""A student's LSTM, whatever its signature, behind one call: digits in, the last logits out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.check.findings import Place
from toolkit.assignment.check.host import Student, StudentError

HIDDEN, BATCH, STEPS = 7, 41, 6  # all different, so that no axis passes for another


class WrongOutput(Exception):
    """What a forward returns is no prediction of the next digit: its shapes, and the right one."""

    def __str__(self) -> str:
        return ", ".join(map(str, self.args[0])) or "nothing that is a tensor"


@dataclass(frozen=True)
class Way:
    """How a class is built and called."""

    kind: str  # the class
    layout: str  # axes of its input: b sequences, t time steps, d dimensions; "bf": t and d in one
    input_dim: int  # 10 for one-hot digits, 1 for bare ones, 0 for integers
    batch: int
    steps: int  # the digits that are read
    extra: int = 0  # how much larger its seq_length is
    hidden: int | None = HIDDEN
    as_seen: bool = False  # whether their training builds and calls it so, but for the sizes

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
            "first": self.layout[0] == "b",
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
        self.recurrent: list[Place] = []  # where recurrent modules of torch in it were made
        self.real = False  # whether it computes with real inputs, not only with digits
        self.any_batch = self.any_length = False
        self.uses: dict[str, int] = {}  # of each tensor, in a forward pass
        self.new: list[tuple[Place, list[int], bool]] = []  # what a forward makes of nothing:
        # where, its shape, and whether it is zero
        self.cut: Place | None = None  # where a forward first ends a gradient
        self.written: dict[str, Place] = {}  # where it assigns attributes that are tensors
        self.kept: list[str] = []  # tensors, no parameters, that a forward changes
        self.softmax: list[list[Any]] = []  # name, file and line of each that was seen
        self.states: frozenset[str] = frozenset()  # initial states, in the likeliest reading
        self.counting: set[str] = set()  # tensors, no parameters, whose first values count

    def build(self, **sizes: Any) -> None:
        """A new network.

        Raises:
            StudentError: it cannot be built.
        """
        way = self.way
        answer = self.student.ask(
            "build", kind=way.kind, sizes=way.sizes(**sizes), as_seen=way.as_seen
        )
        self.took, self.tensors = answer["took"], answer["tensors"]
        self.recurrent = [Place(*place) for place in answer["recurrent"]]
        self.count_uses()

    def count_uses(self) -> None:
        """Write beside each tensor how often a forward pass uses it."""
        for tensor in self.tensors:
            tensor["uses"] = self.uses.get(tensor["name"], 0)

    def made(self, name: str) -> Place | None:
        """Where one of its tensors came into being."""
        found = next((Place(*t["made"]) for t in self.tensors if t["name"] == name), None)
        return found if found and found.line else None

    def reset(self) -> Place | None:
        """Where zeros are made in every step."""
        zeros = Counter(place for place, _, zero in self.new if zero and place.line)
        return next((place for place, n in zeros.items() if n >= self.way.steps - 1), None)

    def find_real(self) -> None:
        """Find out whether the network computes with real inputs."""
        if not self.way.input_dim:
            return
        x = self.encode(self.digits(self.way.batch, self.way.steps)).float()
        try:
            self.real = self.student.ask(
                "run",
                reader=lambda two: not all(torch.equal(a, b) for a, b in zip(*two, strict=True)),
                inputs=[x, x + 0.01],
            )
        except StudentError:
            return

    def encode(self, x: Tensor) -> Tensor:
        """Digits, int64 (B, L), or what stands for them, (B, L, D), as the class reads them."""
        way = self.way
        if not x.is_floating_point() and way.input_dim:
            x = F.one_hot(x, 10).float() if way.input_dim == 10 else x.unsqueeze(-1).float()
        if way.layout == "bf":
            return x.flatten(1)
        if "d" not in way.layout and x.dim() == 3:
            x = x[:, :, 0]
        elif "d" in way.layout and x.dim() == 2:
            x = x.unsqueeze(-1)
        return x.permute([*map("btd".index, way.layout)]).contiguous()

    def outputs(self, xs: Sequence[Tensor], **how: Any) -> list[Output]:
        """What comes back for each batch-major input; a WrongOutput is raised without logits."""
        found: list[Output] = self.student.ask(
            "run",
            reader=lambda answers: [
                last_logits(a, *x.shape[:2]) for a, x in zip(answers, xs, strict=True)
            ],
            inputs=[self.encode(x) for x in xs],
            **how,
        )
        return found

    def run(self, xs: Sequence[Tensor], **how: Any) -> list[Tensor]:
        """The logits (or probabilities) of the last step, (B, 10), for each of the inputs."""
        return [output.logits for output in self.outputs(xs, **how)]

    def reads(self, steps: int, which: int = -1, fresh: bool = False) -> bool:
        """Whether another digit makes a difference, the last of so many or an earlier one."""
        x = self.digits(self.way.batch, steps)
        other = x.clone()
        other[:, which] = (x[:, which] + 1) % 10
        return not torch.equal(*self.run([x, other], fresh=fresh))

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
    shapes, tensors = [tuple(x.shape) for x in tensors], [x.double() for x in tensors]
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
