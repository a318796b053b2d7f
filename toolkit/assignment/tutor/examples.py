"""The tiny examples that the exercises are tried on, and what an independent reference gives.

Where an exercise is a formula, `exercises.toml` has its examples, and REFERENCES what it should
give. The others are played with tiny networks: each function yields what came out of that.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from toolkit.assignment.check.lstm.cell.affine import Map
from toolkit.assignment.check.lstm.cell.formulas import CELLS, OUTPUTS
from toolkit.assignment.check.lstm.cell.reference import Layer
from toolkit.assignment.check.verify import is_normal
from toolkit.assignment.tutor.exercises import Exercise

Function = Callable[..., Any]
LATENT, BATCH = 100, 64  # so many numbers that it shows whether they are normal
OLD = 1e6  # a gradient that was there before, larger than any of a loss


class Seen(NamedTuple):
    """A result beside the one that is wanted.

    Attributes:
        given: by the names of the parameters.
        what: which result it is, a key of `sentences.toml`.
        mistake: what it looks like where it is wrong, a key of the exercise's `mistakes`; or "".
        ignored: what it does not depend on, and should.
    """

    got: Any
    wanted: Any
    given: Mapping[str, Any] = {}
    what: str = "result"
    mistake: str = ""
    ignored: tuple[str, ...] = ()


def try_out(exercise: Exercise, function: Function) -> Iterator[Seen]:
    """The results of a student's function, one after the other."""
    if exercise.name in PLAYED:
        yield from PLAYED[exercise.name](function)
        return
    reference = REFERENCES[exercise.name]
    for example in exercise.examples:
        given = {name: _value(value) for name, value in example.items()}
        yield _compared(exercise, function, reference, given)


def same(got: Any, wanted: Any) -> bool:
    """Whether two results agree: in shape, in kind of number, and up to rounding."""
    if isinstance(wanted, tuple):
        whole = isinstance(got, tuple | list) and len(got) == len(wanted)
        return whole and all(map(same, got, wanted))
    if isinstance(wanted, Tensor):
        return (
            isinstance(got, Tensor)
            and (got.shape, got.is_floating_point()) == (wanted.shape, wanted.is_floating_point())
            and torch.allclose(got.detach().double(), wanted.double(), atol=1e-4)
        )
    if isinstance(wanted, float):
        fits = isinstance(got, float | int) or (hasattr(got, "item") and math.prod(got.shape) == 1)
        return fits and abs(float(got) - wanted) < 1e-4
    return bool(got == wanted)


def _value(value: Any) -> Any:
    """A number or a tensor of the table; `step` is the one below."""
    return torch.tensor(value) if isinstance(value, list) else _step if value == "step" else value


def _compared(
    exercise: Exercise, function: Function, reference: Function, given: Mapping[str, Any]
) -> Seen:
    def call(of: Function, **more: Any) -> Any:
        inputs = {**given, **more}.values()
        return of(*(x.clone() if isinstance(x, Tensor) else x for x in inputs))

    got, wanted = call(function), call(reference)
    if same(got, wanted):
        return Seen(got, wanted)
    names = {"torch": torch, "right": reference, **given}
    mistakes = [
        key for key, one in exercise.mistakes.items() if same(got, eval(one["looks"], names))
    ]
    ignored = []
    for name, value in given.items():
        if isinstance(value, Tensor) and got is not None:
            other = value + 0.25 if value.is_floating_point() else (value + 1) % 10
            moves = not same(call(reference, **{name: other}), wanted)
            if moves and same(call(function, **{name: other}), got):
                ignored.append(name)
    return Seen(got, wanted, given, "result", (mistakes or [""])[0], tuple(ignored))


def _step(x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """c(t) = c(t-1) / 2 + x(t), h(t) = c(t) + h(t-1) / 4"""
    c = c / 2 + x
    return c + h / 4, c


def _gates(*given: Tensor, kind: str) -> list[Tensor]:
    """Each gate from x, h and its W_x, W_h and b, by the check's reference."""
    (x, h), weights = given[:2], given[2:]
    names = "gifo"[: len(weights) // 3]
    maps = {
        name: Map(0.0, weights[3 * k].t(), weights[3 * k + 1].t(), weights[3 * k + 2])
        for k, name in enumerate(names)
    }
    layer = Layer(maps, dict.fromkeys(maps, kind), start=(h, h))
    (step,) = layer.steps(x[:, None], None)
    return [step[name] for name in names]


def _loop(x: Tensor, step: Function, size: int, start: float = 0.0, gives: str = "h") -> Any:
    h, c = torch.full((2, len(x), size), start)
    states = [h]
    for t in range(x.size(1)):
        h, c = step(x[:, t], h, c)
        states.append(h)
    return {"h": h, "c": c, "all": torch.stack(states[1:] or states, 1)}[gives]


def _cross_entropy(p: Tensor, labels: Tensor) -> Tensor:
    last = (p[:, -1] - p[:, -1].amax(1, keepdim=True)).double()
    chosen = torch.stack([row[label] for row, label in zip(last, labels, strict=True)])
    return (last.exp().sum(1).log() - chosen).mean().float()


REFERENCES: dict[str, Function] = {
    "dataset.palindromes": lambda left, length: torch.stack(
        [left[:, min(k, length - 1 - k)] for k in range(length)], dim=1
    ),
    "dataset.inputs_and_label": lambda p: (p[:, :-1], p[:, -1]),
    "dataset.one_hot": lambda digits: (digits[..., None] == torch.arange(10)).float(),
    "lstm.equation_1": lambda *given, kind="tanh": _gates(*given, kind=kind)[0],
    "lstm.equations_2_to_4": lambda *given, kind="sigmoid": tuple(_gates(*given, kind=kind)),
    "lstm.equation_5": lambda g, i, f, c: CELLS[0].compute(g, i, f, c, c),
    "lstm.equation_6": lambda c, o: OUTPUTS[0].compute(c, o, c, c),
    "lstm.loop": _loop,
    "train.loss": _cross_entropy,
}


class _Last(nn.Module):
    """Logits by the last of the inputs (batch, T-1, 2): a linear map."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 20).reshape(10, 2))

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -1] @ self.weight.t()


def train_step(function: Function) -> Iterator[Seen]:
    """Updates of plain gradient descent and of RMSProp, beside the same by hand."""
    inputs = torch.tensor([[[0.0, 0.0], [1.0, 0.5]], [[1.0, 1.0], [-0.5, 1.0]]])
    labels = torch.tensor([9, 4])
    x, y = inputs[:, -1].double(), (labels[:, None] == torch.arange(10)).double()
    begin = _Last().weight.detach().double()
    sgd, rms = partial(torch.optim.SGD, lr=1.0), partial(torch.optim.RMSprop, lr=0.1)

    def gradient(weight: Tensor) -> Tensor:
        return ((x @ weight.t()).softmax(1) - y).t() @ x / len(x)

    def after(steps: int, max_norm: float = 1e9, kind: Function = sgd) -> tuple[Tensor, Any]:
        model = _Last()
        optimizer = kind(model.parameters())
        said = [function(model, optimizer, inputs, labels, max_norm) for _ in range(steps)]
        return model.weight.detach(), said[0]

    g, logits = gradient(begin), x @ begin.t()
    once = begin - g
    loss = float((logits.logsumexp(1) - (logits * y).sum(1)).mean())
    share = float((logits.argmax(1) == labels).double().mean())
    got, said = after(1)
    given = {"inputs": inputs, "labels": labels, "max_norm": 1e9, "optimizer": "SGD(lr=1)"}
    yield Seen(said, (loss, share), given)
    yield Seen(got, once.float(), given, "weights", "still" if same(got, begin.float()) else "")
    got, wanted = after(2)[0], once - gradient(once)
    yield Seen(
        got, wanted.float(), given, "again", "clear" if same(got, (wanted - g).float()) else ""
    )
    got, wanted = after(1, max_norm=0.1)[0], begin - g * 0.1 / g.norm()
    given |= {"max_norm": 0.1}
    yield Seen(got, wanted.float(), given, "weights", "clip" if same(got, once.float()) else "")
    wanted = begin - 0.1 * g / (0.1 * g.abs() + 1e-8)  # the mean of the squares begins at 0
    given |= {"max_norm": 1e9, "optimizer": "RMSprop(lr=0.1)"}
    yield Seen(after(1, kind=rms)[0], wanted.float(), given, "weights")


class _Repeats(nn.Module):
    """Predicts the first digit of inputs (batch, T-1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, 0] == torch.arange(10)).float() * self.scale


def accuracy(function: Function) -> Iterator[Seen]:
    """Nine samples in batches of 4, 4 and 1; then others."""
    digits = torch.tensor([3, 1, 4, 1, 5, 9, 2, 6, 5])
    for labels in (torch.tensor([3, 1, 4, 1, 5, 9, 0, 0, 0]), digits, digits * 0):
        right = int((digits == labels).sum())
        data = TensorDataset(digits[:, None, None].float(), labels)
        got = function(_Repeats(), DataLoader(data, batch_size=4))
        looks = {"batches": 0.5, "percent": 100 * right / 9, "count": float(right)}
        mistake = next((key for key, value in looks.items() if same(got, value)), "")
        given = {"predicted": digits, "labels": labels, "batch_size": 4}
        yield Seen(got, right / 9, given, "result", mistake)


def _shape(images: Any, *wanted: int) -> Seen:
    shape = tuple(images.shape) if isinstance(images, Tensor) else images
    flat = isinstance(shape, tuple) and shape[1:] == (784,)
    return Seen(shape, wanted, {}, "shape", "flat" if flat else "")


def generator(function: Function) -> Iterator[Seen]:
    """Shapes of two batches, and pixels of z that are far from zero."""
    model = function(LATENT)
    for count in (7, 2):
        yield _shape(model(torch.randn(count, LATENT)), count, 1, 28, 28)
    images = model(100 * torch.randn(50, LATENT)).detach()
    ends = (float(images.min()), float(images.max()))
    got = "-1 ... 1" if max(map(abs, ends)) <= 1 else f"{ends[0]:.1f} ... {ends[1]:.1f}"
    yield Seen(got, "-1 ... 1", {}, "range", "range")
    yield Seen(float(images.std(0).max()) > 0, True, {}, "differ", "same")


class _Generator(nn.Module):
    """Draws (n, 1, 28, 28), and keeps what it was asked for and what it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.latent_dim = LATENT
        self.weight = nn.Parameter(torch.randn(LATENT, 784) / 10)
        self.asked, self.drawn, self.trains = [torch.zeros(0, LATENT)], [torch.zeros(0, 784)], False

    def forward(self, z: Tensor) -> Tensor:
        images = (z.reshape(len(z), LATENT) @ self.weight).tanh()
        self.asked.append(z.detach().reshape(len(z), LATENT))
        self.drawn.append(images.detach())
        self.trains |= self.training
        return images.reshape(-1, 1, 28, 28)

    def noise(self, rows: int) -> Iterator[Seen]:
        """Whether all z together have so many rows and are standard normal."""
        z = torch.cat(self.asked)
        yield Seen(len(z), rows, {}, "rows", "noise")
        moments = (float(x) for x in (z.mean(), z.std(), (z**4).mean()))
        yield Seen(is_normal(z.numel(), *moments), True, {}, "noise", "noise")


class _Discriminator(nn.Module):
    """Answers between 0.2 and 0.8, which may be a logit, a probability, or any other mark."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(784, 1) / 784)
        self.said: list[tuple[Tensor, Tensor]] = []  # the images, and the answers

    def forward(self, images: Tensor) -> Tensor:
        answers = 0.2 + 0.6 * (images.reshape(-1, 784) @ self.weight).sigmoid()
        if answers.requires_grad:
            answers.retain_grad()
        self.said.append((images.detach().reshape(-1, 784), answers))
        return answers

    def push(self, images: Tensor, wanted: str, mistake: str) -> Seen:
        """Where a step moves the answers to these images: up, down, or neither."""
        signs: set[float] = set()
        for seen, answers in self.said:
            if answers.grad is not None:
                theirs = (seen[:, None] == images.reshape(-1, 784)[None]).all(2).any(1)
                signs |= set((-answers.grad[theirs]).sign().flatten().tolist())
        got = "up" if signs == {1.0} else "down" if signs == {-1.0} else "-"
        return Seen(got, wanted, {}, mistake, mistake)


def _play(step: Function, trained: str) -> tuple[_Generator, _Discriminator, Iterator[Seen]]:
    """One step of the student's; and what it moves, with which loss and gradients."""
    g, d = _Generator(), _Discriminator()
    weights = {"generator": g.weight, "discriminator": d.weight}
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    weights[trained].grad = torch.full_like(weights[trained], OLD)
    reached: list[bool] = []
    g.weight.register_hook(lambda gradient: reached.append(bool(gradient.any())))
    said = step(g, d, torch.optim.SGD([weights[trained]], lr=1.0))
    moved = {k: float((weights[k].detach() - before[k]).abs().max()) for k in weights}
    names = ", ".join(name for name, distance in moved.items() if distance > 0)

    def seen() -> Iterator[Seen]:
        finite = said if said is None else same(said - said, 0.0)
        yield Seen(finite, True, {}, "finite")
        mistake = "cut" if trained == "generator" else "detach"
        yield Seen(any(reached), trained == "generator", {}, "reached", mistake)
        yield Seen(moved[trained] > OLD / 2, False, {}, "cleared", "clear")
        yield Seen(names or "-", trained, {}, "moved", "other" if "," in names else "still")

    return g, d, seen()


def discriminator_step(function: Function) -> Iterator[Seen]:
    """Where it pushes the answers, and what it moves."""
    real = torch.rand(BATCH, 1, 28, 28) * 2 - 1
    g, d, seen = _play(lambda *three: function(*three, real), "discriminator")
    yield next(seen)
    yield d.push(real, "up", "real")
    yield d.push(torch.cat(g.drawn), "down", "drawn")
    yield from seen
    yield from g.noise(BATCH)


def generator_step(function: Function) -> Iterator[Seen]:
    """Where it pushes the answers, and what it moves."""
    g, d, seen = _play(lambda *three: function(*three, BATCH), "generator")
    yield next(seen)
    yield next(seen)
    yield d.push(torch.cat(g.drawn), "up", "direction")
    yield from seen
    yield from g.noise(BATCH)


def sample(function: Function) -> Iterator[Seen]:
    """The count by default, and another; the mode, the graph and the noise."""
    for more in ((), (30,)):
        model, count = _Generator(), (*more, 25)[0]
        images = function(model, *more)
        yield Seen(None, True) if images is None else _shape(images, count, 1, 28, 28)
        yield Seen(model.trains, False, {}, "mode", "mode")
        yield Seen(images.requires_grad, False, {}, "graph", "gradient")
        yield from model.noise(count)


def interpolation(function: Function) -> Iterator[Seen]:
    """The points, in their order."""
    model, ends = _Generator().eval(), torch.randn(2, LATENT)
    images = function(model, *ends.clone())
    z = torch.cat(model.asked)
    steps = (z[1:] - z[:-1]).norm(dim=1)
    yield Seen(images if images is None else int((steps < 1e-4).sum()), 0, {}, "repeats", "repeats")
    yield Seen(len(z), 9, {}, "points", "steps")
    yield Seen(same(z[[0, -1]], ends), True, {}, "ends", "ends")
    equal = float(steps.max()) <= 3 * float(steps.min())  # along an arc they are not quite so
    yield Seen(equal, True, {}, "equal", "steps")
    yield _shape(images, 9, 1, 28, 28)


PLAYED: dict[str, Callable[[Function], Iterator[Seen]]] = {
    "train.step": train_step,
    "train.accuracy": accuracy,
    "gan.generator": generator,
    "gan.discriminator_step": discriminator_step,
    "gan.generator_step": generator_step,
    "gan.sample": sample,
    "gan.interpolation": interpolation,
}
