"""Tests that compare a student's functions with an independent reference on tiny examples.

If an exercise is tested on fixed inputs, `exercises.toml` contains these inputs, and the dictionary
`REFERENCES` contains a function that computes the correct result. For any other exercise, a
function in this module runs the student's code with tiny networks and tests the results.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from toolkit.assignment.findings.rules.claims.gan import is_normal
from toolkit.assignment.judging.gan.images import Moments
from toolkit.assignment.judging.lstm.cell.affine import Map
from toolkit.assignment.judging.lstm.cell.formulas import CELLS, OUTPUTS
from toolkit.assignment.judging.lstm.cell.reference import Layer
from toolkit.assignment.tutor.exercises import Exercise

Function = Callable[..., Any]
LATENT, BATCH = 100, 64  # large enough for a test of the distribution
OLD = 1e6  # an earlier gradient, larger than the gradient of any loss


class Comparison(NamedTuple):
    """The result of a student's function, and the correct result."""

    got: Any
    wanted: Any
    result: str = "result"  # the name of the result, a key of `sentences.toml`
    mistake: str = ""  # the likely mistake if the result is wrong; "" if unknown
    inputs: Mapping[str, Any] = {}
    ignored: tuple[str, ...] = ()  # inputs on which the result should depend but does not


def same(got: Any, wanted: Any) -> bool:
    """Return True if two results have the same kind and shape, and nearly equal values."""
    if isinstance(wanted, tuple | list):
        same_length = isinstance(got, tuple | list) and len(got) == len(wanted)
        return same_length and all(map(same, got, wanted))
    if isinstance(wanted, Tensor):
        return isinstance(got, Tensor) and _same_tensor(got, wanted)
    if isinstance(wanted, float):
        return _is_number(got) and abs(float(got) - wanted) < 1e-4
    return isinstance(wanted, int | str) and bool(got == wanted)


def _same_tensor(got: Tensor, wanted: Tensor) -> bool:
    if got.shape != wanted.shape or got.is_floating_point() != wanted.is_floating_point():
        return False
    return torch.allclose(got.detach().double(), wanted.double(), atol=1e-4)


def _is_number(value: Any) -> bool:
    """Return True if a value is a single Python, numpy or torch number."""
    is_item = hasattr(value, "item") and math.prod(value.shape) == 1
    return isinstance(value, float | int) or is_item


def try_out(exercise: Exercise, function: Function) -> Iterator[Comparison]:
    """Yield the comparisons of a student's function with the reference, one by one."""
    if exercise.name in PLAYED:
        yield from PLAYED[exercise.name](function)
    for example in exercise.examples:
        inputs = dict(example)
        for name, value in example.items():
            if isinstance(value, list):
                inputs[name] = torch.tensor(value)
        if "step" in inputs:
            inputs["step"] = _step
        yield _compared(exercise, function, inputs)


def _compared(exercise: Exercise, function: Function, inputs: Mapping[str, Any]) -> Comparison:
    """Compare a student's function with the reference on the same inputs."""
    reference = REFERENCES[exercise.name]
    got, wanted = _call(function, inputs.values()), _call(reference, inputs.values())
    if got is None:
        return Comparison(got, wanted)
    if not same(got, wanted):
        mistake = _likely_mistake(exercise, got, inputs)
        ignored = tuple(_ignored_inputs(function, got, reference, wanted, inputs))
        return Comparison(got, wanted, "result", mistake, inputs, ignored)
    gradients, right_gradients = _gradients(function, inputs), _gradients(reference, inputs)
    if same(gradients, right_gradients):
        return Comparison(got, wanted)
    cut = []
    names = [name for name, value in inputs.items() if _is_float(value)]
    for name, gradient, right in zip(names, gradients, right_gradients, strict=True):
        if right.any() and not gradient.any():
            cut.append(name)
    return Comparison(gradients, right_gradients, "gradients", "cut", inputs, tuple(cut))


def _call(function: Function, inputs: Iterable[Any]) -> Any:
    """Call a function on clones of its input tensors, so that it cannot change the originals."""
    return function(*map(_clone, inputs))


def _clone(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _likely_mistake(exercise: Exercise, got: Any, inputs: Mapping[str, Any]) -> str:
    """Return the key of the first known mistake that explains the result `got`, or ""."""
    names = {"torch": torch, "right": REFERENCES[exercise.name], **inputs}
    for key, mistake in exercise.mistakes.items():
        if "looks" in mistake and same(got, eval(mistake["looks"], names)):
            return key
    return ""


def _ignored_inputs(
    function: Function, got: Any, reference: Function, wanted: Any, inputs: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the names of tensors that affect the reference's result but not the student's result.

    Args:
        got, wanted: the result of `function` and the result of `reference` for `inputs`.
    """
    for name, value in inputs.items():
        if not isinstance(value, Tensor):
            continue
        changed = value + torch.linspace(0.25, 0.5, value.numel()).view_as(value)
        if value.dtype == torch.int64:
            changed = (value + 1) % 10
        values = {**inputs, name: changed}.values()
        if same(_call(reference, values), wanted):
            continue
        if same(_call(function, values), got):
            yield name


def _gradients(function: Function, inputs: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Return the gradient, with respect to each floating-point input, of the sum of the squares of
    everything that the function returns.
    """
    leaves = list(map(_clone, inputs.values()))
    floats = [leaf.requires_grad_() for leaf in leaves if _is_float(leaf)]
    results = _call(function, leaves)
    if not isinstance(results, tuple | list):
        results = [results]
    total = torch.stack([result.square().sum() for result in results]).sum()
    if not floats or not total.requires_grad:
        return tuple(map(torch.zeros_like, floats))
    return torch.autograd.grad(total, floats, allow_unused=True, materialize_grads=True)


def _step(x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Compute a step of a simple cell: h(t) = c(t) + h(t-1) / 4 and c(t) = c(t-1) / 2 + x(t)."""
    return c / 2 + x + h / 4, c / 2 + x


def _gates(x: Tensor, h: Tensor, *weights: Tensor, kind: str) -> tuple[Tensor, ...]:
    """Compute each gate from its own W_x, W_h and b, using the code that checks submitted LSTMs."""
    maps = {}
    triples = zip(weights[0::3], weights[1::3], weights[2::3], strict=True)
    for name, (weight_x, weight_h, bias) in zip("gifo", triples, strict=False):
        maps[name] = Map(0.0, weight_x.t(), weight_h.t(), bias)
    layer = Layer(maps, dict.fromkeys(maps, (kind,)), start=(h, h))
    step = layer.steps(x[:, None])[0]
    return tuple(step[name] for name in maps)


def _palindromes(left: Tensor, T: int) -> Tensor:
    columns = [min(k, T - 1 - k) for k in range(T)]
    return left[:, columns]


def _inputs_and_label(palindromes: Tensor) -> tuple[Tensor, Tensor]:
    return palindromes[:, :-1], palindromes[:, -1]


def _one_hot(digits: Tensor) -> Tensor:
    return (digits[..., None] == torch.arange(10)).float()


def _equation_1(*tensors: Tensor, kind: str = "tanh") -> Tensor:
    return _gates(*tensors, kind=kind)[0]


def _equations_2_to_4(*tensors: Tensor, kind: str = "sigmoid") -> tuple[Tensor, ...]:
    return _gates(*tensors, kind=kind)


def _equation_5(g: Tensor, i: Tensor, f: Tensor, c: Tensor) -> Tensor:
    return CELLS[0].compute(g, i, f, c, c)


def _equation_6(c: Tensor, o: Tensor) -> Tensor:
    return OUTPUTS[0].compute(c, o, c, c)


def _loop(x: Tensor, step: Function, size: int, start: float = 0.0, gives: str = "h") -> Any:
    h, c = torch.full((2, len(x), size), start)
    states = []
    for t in range(x.size(1)):
        h, c = step(x[:, t], h, c)
        states.append(h)
    if gives == "all" and states:
        return torch.stack(states, 1)
    return c if gives == "c" else h


def _loss(p: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(p[:, -1], labels)


REFERENCES: dict[str, Function] = {
    "dataset.palindromes": _palindromes,
    "dataset.inputs_and_label": _inputs_and_label,
    "dataset.one_hot": _one_hot,
    "lstm.equation_1": _equation_1,
    "lstm.equations_2_to_4": _equations_2_to_4,
    "lstm.equation_5": _equation_5,
    "lstm.equation_6": _equation_6,
    "lstm.loop": _loop,
    "train.loss": _loss,
}


def _linear(size: int) -> nn.Sequential:
    """Return a network with fixed parameters, which maps inputs of shape (batch, ...) to logits."""
    layer = nn.Linear(size, 10)
    layer.weight.data = torch.linspace(-1, 1, 10 * size).sin().reshape(10, size)
    layer.bias.data = torch.linspace(-1, 1, 10)
    return nn.Sequential(nn.Flatten(), layer)


def _weights_and_bias(model: nn.Sequential) -> Tensor:
    """Return the parameters of `_linear(size)` as one matrix, (10, size + 1), in double
    precision; its last column is the bias.
    """
    weight, bias = model.parameters()
    return torch.cat([weight, bias[:, None]], 1).detach().double()


def train_step(function: Function) -> Iterator[Comparison]:
    """Compare a student's updates by gradient descent and by RMSProp with the correct updates."""
    inputs, labels = torch.tensor([[[1.0, 0.5]], [[-0.5, 1.0]]]), torch.tensor([9, 4])
    x = torch.cat([inputs.flatten(1), torch.ones(2, 1)], 1).double()  # the bias multiplies the ones
    y = _one_hot(labels).double()
    begin = _weights_and_bias(_linear(2))
    shown = {"inputs": inputs, "labels": labels, "max_norm": 1e9, "optimizer": "SGD(lr=1)"}

    def gradient(weight: Tensor) -> Tensor:
        return ((x @ weight.t()).softmax(1) - y).t() @ x / len(x)

    def update(times: int, max_norm: float = 1e9, kind: str = "SGD", rate: float = 1.0) -> Any:
        model = _linear(2)
        optimizer = getattr(torch.optim, kind)(model.parameters(), lr=rate)
        returned = [function(model, optimizer, inputs, labels, max_norm) for _ in range(times)]
        return _weights_and_bias(model), returned[0]

    g, logits = gradient(begin), x @ begin.t()
    loss = float((logits.logsumexp(1) - (logits * y).sum(1)).mean())
    share = float((logits.argmax(1) == labels).double().mean())
    once, twice = begin - g, begin - g - gradient(begin - g)
    got, returned = update(1)
    yield Comparison(returned, (loss, share), inputs=shown)
    yield Comparison(got, once, "weights", "still" if same(got, begin) else "", shown)
    got, _ = update(2)
    yield Comparison(got, twice, "again", "clear" if same(got, twice - g) else "", shown)
    got, _ = update(1, max_norm=0.1)
    clipped = begin - g * 0.1 / g.norm()
    each = [0.1 * part / part.norm() for part in (g[:, :-1], g[:, -1:])]
    mistakes = {"clip": once, "each": begin - torch.cat(each, 1)}
    mistake = next((key for key, value in mistakes.items() if same(got, value)), "")
    shown |= {"max_norm": 0.1}
    yield Comparison(got, clipped, "weights", mistake, shown)
    got, _ = update(1, kind="RMSprop", rate=0.1)
    shown |= {"max_norm": 1e9, "optimizer": "RMSprop(lr=0.1)"}
    yield Comparison(got, begin - 0.1 * g / (0.1 * g.abs() + 1e-8), "weights", "", shown)


def accuracy(function: Function) -> Iterator[Comparison]:
    """Test the accuracy function on nine samples in batches of 4, 4 and 1.

    The model makes 6, 9 and 0 correct predictions in the three tests.
    """
    model, x = _linear(4), torch.linspace(-3, 5, 36).cos().reshape(9, 4, 1)
    predicted = model(x).argmax(1)
    for right in (6, 9, 0):
        labels = torch.where(torch.arange(9) < right, predicted, (predicted + 1) % 10)
        got = function(model, DataLoader(TensorDataset(x, labels), batch_size=4))
        mistake = ""
        for key, value in (("batches", 0.5), ("percent", 100 * right / 9), ("count", float(right))):
            if not mistake and same(got, value):
                mistake = key
        inputs = {"predicted": predicted, "labels": labels, "batch_size": 4}
        yield Comparison(got, right / 9, "result", mistake, inputs)


def _shape(images: Any, *wanted: int) -> Comparison:
    shape = tuple(images.shape) if isinstance(images, Tensor) else images
    return Comparison(shape, wanted, "shape", "flat" if shape == (wanted[0], 784) else "")


def generator(function: Function) -> Iterator[Comparison]:
    """Test that a generator's images have the right shape, stay between -1 and 1, and depend on
    z.
    """
    model = function(LATENT)
    for count in (7, 2):
        yield _shape(model(torch.randn(count, LATENT)), count, 1, 28, 28)
    images = model(100 * torch.randn(50, LATENT)).detach()
    low, high = float(images.min()), float(images.max())
    pixel_range = f"{low:.1f} ... {high:.1f}"
    if max(-low, high) <= 1:
        pixel_range = "-1 ... 1"
    yield Comparison(pixel_range, "-1 ... 1", "range", "range")
    yield Comparison(float(images.std(0).max()) > 0, True, "differ", "same")


class _Generator(nn.Module):
    """A generator that stores every z and every image; its images have shape (n, 1, 28, 28)."""

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

    def noise(self, rows: int) -> Iterator[Comparison]:
        """Test that the generator received `rows` vectors z from a standard normal distribution."""
        z = torch.cat(self.asked)
        yield Comparison(len(z), rows, "rows", "noise")
        yield Comparison(is_normal(*Moments.of(z)), True, "noise", "noise")


class _Discriminator(nn.Module):
    """A discriminator whose outputs lie between 0.2 and 0.8, so that a loss can treat them as
    logits or as probabilities.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(784, 1) / 784)
        self.answered: list[tuple[Tensor, Tensor]] = []  # the images, and the answers

    def forward(self, images: Tensor) -> Tensor:
        answers = 0.2 + 0.6 * (images.reshape(-1, 784) @ self.weight).sigmoid()
        if answers.requires_grad:
            answers.retain_grad()
        self.answered.append((images.detach().reshape(-1, 784), answers))
        return answers

    def push(self, images: Tensor, wanted: str, mistake: str) -> Comparison:
        """Test that gradient descent would move D's outputs for `images` in the direction `wanted`.

        `wanted` is "up" or "down". The direction in the result is "up" or "down" if a step of
        gradient descent would move all of D's outputs for `images` that way. Otherwise, the
        direction is "-".
        """
        directions: set[float] = set()
        for batch, answers in self.answered:
            if answers.grad is not None:
                is_image = (batch[:, None] == images.reshape(-1, 784)[None]).all(2).any(1)
                directions |= set((-answers.grad[is_image]).sign().flatten().tolist())
        got = "-"
        if directions == {1.0}:
            got = "up"
        elif directions == {-1.0}:
            got = "down"
        return Comparison(got, wanted, mistake, mistake)


class _Step:
    """One training step of the generator or of the discriminator.

    Args:
        trained: "generator" or "discriminator".
        function: the student's function, which performs the training step.
    """

    def __init__(self, trained: str, function: Function) -> None:
        self.trained, self.function = trained, function
        self.generator, self.discriminator = _Generator(), _Discriminator()
        self.weights = {
            "generator": self.generator.weight,
            "discriminator": self.discriminator.weight,
        }
        self.weight = self.weights[trained]
        # The generator's backward pass also leaves a gradient in D before each of D's steps.
        self.weight.grad = torch.full_like(self.weight, OLD)
        self.reached = False  # a gradient that is not zero reached the generator
        self.generator.weight.register_hook(self._reach)
        self.real = torch.rand(BATCH, 1, 28, 28) * 2 - 1
        self.optimizer = torch.optim.SGD([self.weight], lr=1.0)

    def _reach(self, gradient: Tensor) -> None:
        self.reached = self.reached or bool(gradient.any())

    def make(self) -> tuple[Any, dict[str, float]]:
        """Call the student's function; return the loss and each network's largest weight change.

        Networks whose weights did not change are left out.
        """
        before = {name: weight.detach().clone() for name, weight in self.weights.items()}
        batch = BATCH if self.trained == "generator" else self.real
        loss = self.function(self.generator, self.discriminator, self.optimizer, batch)
        moved = {}
        for name, weight in self.weights.items():
            distance = float((weight.detach() - before[name]).abs().max())
            if distance > 0:
                moved[name] = distance
        return loss, moved


def _compared_loss(loss: Any) -> Comparison:
    """Test that a loss is finite; `loss - loss` is 0 for a finite loss and NaN otherwise."""
    return Comparison(loss if loss is None else same(loss - loss, 0.0), True, "finite")


def _compared_moves(moved: Mapping[str, float], trained: str) -> Comparison:
    names = ", ".join(moved)
    return Comparison(names or "-", trained, "moved", "other" if names else "still")


def discriminator_step(function: Function) -> Iterator[Comparison]:
    """Test a training step of D: the loss, the gradients, which weights change, and the noise
    vectors z.
    """
    step = _Step("discriminator", function)
    loss, moved = step.make()
    yield _compared_loss(loss)
    yield step.discriminator.push(step.real, "up", "real")
    yield step.discriminator.push(torch.cat(step.generator.drawn), "down", "drawn")
    yield Comparison(step.reached, False, "reached", "detach")
    yield Comparison(moved.get("discriminator", 0.0) > OLD / 2, False, "cleared", "clear")
    yield _compared_moves(moved, "discriminator")
    yield from step.generator.noise(BATCH)


def generator_step(function: Function) -> Iterator[Comparison]:
    """Test two training steps of G; the second starts with the gradients left by the first."""
    step = _Step("generator", function)
    loss, moved = step.make()
    yield _compared_loss(loss)
    yield Comparison(step.reached, True, "reached", "cut")
    yield step.discriminator.push(torch.cat(step.generator.drawn), "up", "direction")
    yield _compared_moves(moved, "generator")
    yield from step.generator.noise(BATCH)
    # Nothing else leaves gradients in G, so a step may also clear the gradients at its end.
    _, moved = step.make()
    yield Comparison(moved.get("generator", 0.0) > OLD / 2, False, "cleared", "clear")


def sample(function: Function) -> Iterator[Comparison]:
    """Test that a student's sampling function returns images of the right shape that do not require
    gradients, and that it uses evaluation mode and standard normal noise.
    """
    for count in (25, 30):
        model = _Generator()
        images = function(model) if count == 25 else function(model, count)
        yield _shape(images, count, 1, 28, 28)
        yield Comparison(model.trains, False, "mode", "mode")
        yield Comparison(images.requires_grad, False, "graph", "gradient")
        yield from model.noise(count)


def interpolation(function: Function) -> Iterator[Comparison]:
    """Test an interpolation: the number and the spacing of its points, and both end points."""
    model, ends = _Generator().eval(), torch.randn(2, LATENT)
    images = function(model, *ends.clone())
    z = torch.cat(model.asked)
    steps = (z[1:] - z[:-1]).norm(dim=1)
    repeats = None if images is None else int((steps < 1e-4).sum())
    yield Comparison(repeats, 0, "repeats", "repeats")
    yield Comparison(len(z), 9, "points", "steps")
    yield Comparison(same(z[[0, -1]], ends), True, "ends", "ends")
    equal = float(steps.max()) <= 3 * float(steps.min())  # steps along an arc are not quite equal
    yield Comparison(equal, True, "equal", "steps")
    yield _shape(images, 9, 1, 28, 28)


PLAYED: dict[str, Callable[[Function], Iterator[Comparison]]] = {
    "train.step": train_step,
    "train.accuracy": accuracy,
    "gan.generator": generator,
    "gan.discriminator_step": discriminator_step,
    "gan.generator_step": generator_step,
    "gan.sample": sample,
    "gan.interpolation": interpolation,
}
