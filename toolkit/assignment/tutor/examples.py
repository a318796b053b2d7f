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

from toolkit.assignment.check.gan.images import Moments
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

    `what` names it in `sentences.toml`, `mistake` is the exercise's if this is wrong ("" for any),
    and `ignored` are inputs that it should depend on, and does not.
    """

    got: Any
    wanted: Any
    what: str = "result"
    mistake: str = ""
    given: Mapping[str, Any] = {}
    ignored: tuple[str, ...] = ()


def same(got: Any, wanted: Any) -> bool:
    """Whether two results agree: in shape, in kind of number, and up to rounding."""
    if isinstance(wanted, tuple | list):
        whole = isinstance(got, tuple | list) and len(got) == len(wanted)
        return whole and all(map(same, got, wanted))
    if isinstance(wanted, Tensor):
        return (
            isinstance(got, Tensor)
            and (got.shape, got.is_floating_point()) == (wanted.shape, wanted.is_floating_point())
            and torch.allclose(got.detach().double(), wanted.double(), atol=1e-4)
        )
    if isinstance(wanted, float):
        one = isinstance(got, float | int) or (hasattr(got, "item") and math.prod(got.shape) == 1)
        return one and abs(float(got) - wanted) < 1e-4
    return isinstance(wanted, int | str) and bool(got == wanted)


def try_out(exercise: Exercise, function: Function) -> Iterator[Seen]:
    """The results of a student's function, one after the other."""
    if exercise.name in PLAYED:
        yield from PLAYED[exercise.name](function)
    for example in exercise.examples:
        given = {k: torch.tensor(v) if isinstance(v, list) else v for k, v in example.items()}
        if "step" in given:
            given["step"] = _step
        yield _compared(exercise, function, given)


def _compared(exercise: Exercise, function: Function, given: Mapping[str, Any]) -> Seen:
    def call(of: Function, **more: Any) -> Any:
        inputs = {**given, **more}.values()
        return of(*(x.clone() if isinstance(x, Tensor) else x for x in inputs))

    right = REFERENCES[exercise.name]
    got, wanted = call(function), call(right)
    if got is None:
        return Seen(got, wanted)
    if same(got, wanted):
        flows = _gradients(function, given), _gradients(right, given)
        floats = [k for k, x in given.items() if isinstance(x, Tensor) and x.is_floating_point()]
        cut = tuple(k for k, a, b in zip(floats, *flows, strict=True) if b.any() and not a.any())
        return Seen(got, wanted) if same(*flows) else Seen(*flows, "gradients", "cut", given, cut)
    names = {"torch": torch, "right": right, **given}
    looks = ((k, one["looks"]) for k, one in exercise.mistakes.items() if "looks" in one)
    mistakes = (key for key, code in looks if same(got, eval(code, names)))
    ignored = []
    for name, x in given.items():
        if isinstance(x, Tensor):
            more = torch.linspace(0.25, 0.5, x.numel()).view_as(x)
            other = {name: (x + 1) % 10 if x.dtype == torch.int64 else x + more}
            if not same(call(right, **other), wanted) and same(call(function, **other), got):
                ignored.append(name)
    return Seen(got, wanted, "result", next(mistakes, ""), given, tuple(ignored))


def _gradients(of: Function, given: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """What flows back to each input of floats from the sum of the squares of the result."""
    inputs = [x.clone() if isinstance(x, Tensor) else x for x in given.values()]
    floats = [x.requires_grad_() for x in inputs if isinstance(x, Tensor) and x.is_floating_point()]
    # Of clones, since an input may be changed in place.
    results = of(*(x.clone() if isinstance(x, Tensor) else x for x in inputs))
    results = results if isinstance(results, tuple | list) else [results]
    total = torch.stack([x.square().sum() for x in results]).sum()
    if not floats or not total.requires_grad:
        return tuple(map(torch.zeros_like, floats))
    return torch.autograd.grad(total, floats, allow_unused=True, materialize_grads=True)


def _step(x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """c(t) = c(t-1) / 2 + x(t), h(t) = c(t) + h(t-1) / 4"""
    return c / 2 + x + h / 4, c / 2 + x


def _gates(x: Tensor, h: Tensor, *weights: Tensor, kind: str) -> tuple[Tensor, ...]:
    """Each gate from its W_x, W_h and b, by the check's reference."""
    gates = "gifo"[: len(weights) // 3]
    maps = {
        name: Map(0.0, weights[3 * k].t(), weights[3 * k + 1].t(), weights[3 * k + 2])
        for k, name in enumerate(gates)
    }
    layer = Layer(maps, dict.fromkeys(maps, kind), start=(h, h))
    return tuple(layer.steps(x[:, None])[0][name] for name in gates)


def _loop(x: Tensor, step: Function, size: int, start: float = 0.0, gives: str = "h") -> Any:
    h, c = torch.full((2, len(x), size), start)
    states = []
    for t in range(x.size(1)):
        h, c = step(x[:, t], h, c)
        states.append(h)
    return {"h": h, "c": c, "all": torch.stack(states, 1) if states else h}[gives]


REFERENCES: dict[str, Function] = {
    "dataset.palindromes": lambda left, T: left[:, [min(k, T - 1 - k) for k in range(T)]],
    "dataset.inputs_and_label": lambda p: (p[:, :-1], p[:, -1]),
    "dataset.one_hot": lambda digits: (digits[..., None] == torch.arange(10)).float(),
    "lstm.equation_1": lambda *given, kind="tanh": _gates(*given, kind=kind)[0],
    "lstm.equations_2_to_4": lambda *given, kind="sigmoid": _gates(*given, kind=kind),
    "lstm.equation_5": lambda g, i, f, c: CELLS[0].compute(g, i, f, c, c),
    "lstm.equation_6": lambda c, o: OUTPUTS[0].compute(c, o, c, c),
    "lstm.loop": _loop,
    "train.loss": lambda p, labels: nn.functional.cross_entropy(p[:, -1], labels),
}


def _linear(size: int) -> nn.Module:
    """Logits from inputs (batch, ...) of so many numbers, always with the same weights."""
    layer = nn.Linear(size, 10, bias=False)
    layer.weight.data = torch.linspace(-1, 1, 10 * size).sin().reshape(10, size)
    return nn.Sequential(nn.Flatten(), layer)


def train_step(function: Function) -> Iterator[Seen]:
    """Updates of plain gradient descent and of RMSProp, beside the same by hand."""
    inputs, labels = torch.tensor([[[1.0, 0.5]], [[-0.5, 1.0]]]), torch.tensor([9, 4])
    x, y = inputs.flatten(1).double(), (labels[:, None] == torch.arange(10)).double()
    (begin,) = (weight.detach().double() for weight in _linear(2).parameters())
    given = {"inputs": inputs, "labels": labels, "max_norm": 1e9, "optimizer": "SGD(lr=1)"}

    def gradient(weight: Tensor) -> Tensor:
        return ((x @ weight.t()).softmax(1) - y).t() @ x / len(x)

    def update(times: int, max_norm: float = 1e9, kind: str = "SGD", rate: float = 1.0) -> Any:
        model = _linear(2)
        optimizer = getattr(torch.optim, kind)(model.parameters(), lr=rate)
        said = [function(model, optimizer, inputs, labels, max_norm) for _ in range(times)]
        return next(model.parameters()).detach().double(), said[0]

    g, logits = gradient(begin), x @ begin.t()
    loss = float((logits.logsumexp(1) - (logits * y).sum(1)).mean())
    share = float((logits.argmax(1) == labels).double().mean())
    once, twice = begin - g, begin - g - gradient(begin - g)
    got, said = update(1)
    yield Seen(said, (loss, share), given=given)
    yield Seen(got, once, "weights", "still" if same(got, begin) else "", given)
    got, _ = update(2)
    yield Seen(got, twice, "again", "clear" if same(got, twice - g) else "", given)
    got, _ = update(1, max_norm=0.1)
    clipped = begin - g * 0.1 / g.norm()
    given |= {"max_norm": 0.1}
    yield Seen(got, clipped, "weights", "clip" if same(got, once) else "", given)
    got, _ = update(1, kind="RMSprop", rate=0.1)
    given |= {"max_norm": 1e9, "optimizer": "RMSprop(lr=0.1)"}
    yield Seen(got, begin - 0.1 * g / (0.1 * g.abs() + 1e-8), "weights", "", given)


def accuracy(function: Function) -> Iterator[Seen]:
    """Nine samples in batches of 4, 4 and 1, of which 6, 9 and 0 are right."""
    model, x = _linear(4), torch.linspace(-3, 5, 36).cos().reshape(9, 4, 1)
    predicted = model(x).argmax(1)
    for right in (6, 9, 0):
        labels = torch.where(torch.arange(9) < right, predicted, (predicted + 1) % 10)
        got = function(model, DataLoader(TensorDataset(x, labels), batch_size=4))
        looks = {"batches": 0.5, "percent": 100 * right / 9, "count": float(right)}
        mistake = next((key for key, value in looks.items() if same(got, value)), "")
        given = {"predicted": predicted, "labels": labels, "batch_size": 4}
        yield Seen(got, right / 9, "result", mistake, given)


def _shape(images: Any, *wanted: int) -> Seen:
    shape = tuple(images.shape) if isinstance(images, Tensor) else images
    return Seen(shape, wanted, "shape", "flat" if shape == (wanted[0], 784) else "")


def generator(function: Function) -> Iterator[Seen]:
    """Shapes of two batches, and pixels of z that are far from zero."""
    model = function(LATENT)
    for count in (7, 2):
        yield _shape(model(torch.randn(count, LATENT)), count, 1, 28, 28)
    images = model(100 * torch.randn(50, LATENT)).detach()
    low, high = float(images.min()), float(images.max())
    inside = max(-low, high) <= 1
    yield Seen("-1 ... 1" if inside else f"{low:.1f} ... {high:.1f}", "-1 ... 1", "range", "range")
    yield Seen(float(images.std(0).max()) > 0, True, "differ", "same")


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
        yield Seen(len(z), rows, "rows", "noise")
        yield Seen(is_normal(*Moments.of(z)), True, "noise", "noise")


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
        return Seen(got, wanted, mistake, mistake)


def _step_of(trained: str, function: Function) -> Iterator[Seen]:
    """One step of a network: where it pushes the answers, and what it moves."""
    g, d = _Generator(), _Discriminator()
    weights = {"generator": g.weight, "discriminator": d.weight}
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    weights[trained].grad = torch.full_like(weights[trained], OLD)
    reached: list[bool] = []
    g.weight.register_hook(lambda gradient: reached.append(bool(gradient.any())))
    real, draws = torch.rand(BATCH, 1, 28, 28) * 2 - 1, trained == "generator"
    optimizer = torch.optim.SGD([weights[trained]], lr=1.0)
    said = function(g, d, optimizer, BATCH if draws else real)
    yield Seen(said if said is None else same(said - said, 0.0), True, "finite")
    if draws:
        yield Seen(any(reached), True, "reached", "cut")
        yield d.push(torch.cat(g.drawn), "up", "direction")
    else:
        yield d.push(real, "up", "real")
        yield d.push(torch.cat(g.drawn), "down", "drawn")
        yield Seen(any(reached), False, "reached", "detach")
    moved = {k: float((weights[k].detach() - before[k]).abs().max()) for k in weights}
    names = ", ".join(name for name, distance in moved.items() if distance > 0)
    yield Seen(moved[trained] > OLD / 2, False, "cleared", "clear")
    yield Seen(names or "-", trained, "moved", "other" if names else "still")
    yield from g.noise(BATCH)


def sample(function: Function) -> Iterator[Seen]:
    """The count by default, and another; the mode, the graph and the noise."""
    for count in (25, 30):
        model = _Generator()
        images = function(model) if count == 25 else function(model, count)
        yield _shape(images, count, 1, 28, 28)
        yield Seen(model.trains, False, "mode", "mode")
        yield Seen(images.requires_grad, False, "graph", "gradient")
        yield from model.noise(count)


def interpolation(function: Function) -> Iterator[Seen]:
    """The points, in their order."""
    model, ends = _Generator().eval(), torch.randn(2, LATENT)
    images = function(model, *ends.clone())
    z = torch.cat(model.asked)
    steps = (z[1:] - z[:-1]).norm(dim=1)
    yield Seen(None if images is None else int((steps < 1e-4).sum()), 0, "repeats", "repeats")
    yield Seen(len(z), 9, "points", "steps")
    yield Seen(same(z[[0, -1]], ends), True, "ends", "ends")
    equal = float(steps.max()) <= 3 * float(steps.min())  # along an arc they are not quite so
    yield Seen(equal, True, "equal", "steps")
    yield _shape(images, 9, 1, 28, 28)


PLAYED: dict[str, Callable[[Function], Iterator[Seen]]] = {
    "train.step": train_step,
    "train.accuracy": accuracy,
    "gan.generator": generator,
    "gan.discriminator_step": partial(_step_of, "discriminator"),
    "gan.generator_step": partial(_step_of, "generator"),
    "gan.sample": sample,
    "gan.interpolation": interpolation,
}
