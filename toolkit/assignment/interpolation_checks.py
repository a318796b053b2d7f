"""Checks of the interpolation in a student's `my_gan.py`, with the toolkit's networks standing in.

A student's own generator is hardly trained when it is checked, so their functions are given one
that draws digits, and a classifier that names them.
"""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.assignment.sink import Sink
from toolkit.assignment.static_checks import first_call
from toolkit.assignment.submission import call, import_file
from toolkit.assignment.training_watch import EnoughSteps, TrainingWatch, watching
from toolkit.export import EXPORTS_DIR, load

LATENT_DIM = 100
NUM_IMAGES = 9
NUM_TRIES = 25  # of choosing two ends
SURE = 0.9
WORDS_ENDS = ("ends", "pair", "different", "choose", "pick", "select", "endpoint", "two_")
STARTS = ("z_from", "z_start", "z0", "z_0", "z1", "z_1", "z_a", "za", "start", "z_begin", "a")
STOPS = ("z_to", "z_end", "z2", "z_2", "z_b", "zb", "end", "stop", "b")
NETWORKS = ("generator", "gen", "g", "netg", "model", "net")
CLASSIFIERS = ("classifier", "classify", "cnn", "net_c")
DIMENSIONS = ("latent_dim", "z_dim", "nz", "latent_size", "noise_dim", "dim")
Function = Callable[..., Any]


class StandIn(nn.Module):
    """The toolkit's generator with the face of a student's: their shape and range.

    Args:
        like: one of their images, which has the shape to give.
        signed: whether their images lie in -1..1 rather than 0..1.
        exports_dir: where the toolkit's networks are.
    """

    def __init__(self, like: Tensor, signed: bool, exports_dir: Path) -> None:
        super().__init__()
        self.latent_dim = LATENT_DIM
        self.shape = like.shape
        self.signed = signed
        self.network = load("generator", exports_dir)
        self.norm = nn.BatchNorm1d(1)  # so that it has the two modes
        self.drew_in_training = False

    def forward(self, z: Tensor) -> Tensor:
        """Images for z, (batch, LATENT_DIM) or (batch, LATENT_DIM, 1, 1)."""
        self.drew_in_training |= self.training
        z = z.reshape(len(z), -1)
        if z.size(1) < self.network.latent_dim:
            z = torch.nn.functional.pad(z, (0, self.network.latent_dim - z.size(1)))
        with torch.no_grad():
            images: Tensor = self.network(z[:, : self.network.latent_dim].float().contiguous())
        if self.signed:
            images = 2 * images - 1
        return images.reshape(len(z), *self.shape)


class Judge(nn.Module):
    """The toolkit's classifier on a student's images: logits (batch, 10)."""

    def __init__(self, signed: bool, exports_dir: Path) -> None:
        super().__init__()
        self.signed = signed
        self.network = load("classifier", exports_dir)

    def forward(self, images: Tensor) -> Tensor:
        """From images of any shape with 784 numbers each."""
        images = images.reshape(-1, 1, 28, 28).float()
        if self.signed:
            images = (images + 1) / 2
        with torch.no_grad():
            logits: Tensor = self.network(images.clamp(0, 1).contiguous())
        return logits


def check_interpolation(file: Path, generator: nn.Module, sink: Sink) -> None:
    """Find the functions that interpolate and choose the ends, and try them."""
    functions = _functions(file, sink)
    if functions is None:
        return
    generator.eval()
    inner = next((f for name, f in functions.items() if _interpolates(name)), None)
    if inner is None:
        sink.note("There is no function with interpolate in its name, so it was not looked at.")
        return
    generator.eval()
    with torch.no_grad():
        z = torch.randn(8, _latent_dim(generator))
        try:
            images = generator(z)
        except Exception:  # conv generators may want (batch, latent_dim, 1, 1)
            images = generator(z[:, :, None, None])
    exports_dir = Path(__file__).parents[2] / EXPORTS_DIR
    signed = float(images.min()) < -0.01
    stand_in = StandIn(images[0], signed, exports_dir)
    judge = Judge(signed, exports_dir)
    try:
        _check_path(inner, stand_in, judge, file, generator, sink)
        _check_ends(inner, functions, stand_in, judge, sink)
    except LookupError as error:
        sink.note(f"The interpolation was not tried: its argument {error} has an unknown meaning.")
    except Exception as error:  # whatever a student's code raises
        sink.error(error)


def _functions(file: Path, sink: Sink) -> dict[str, Function] | None:
    watch = TrainingWatch(sink.root, 1, 5.0)
    try:
        with watching(watch):
            module = import_file(file)
    except (EnoughSteps, SystemExit):
        sink.note(
            "It trains when it is imported, so its interpolation was not tried. Put the training "
            'under if __name__ == "__main__".'
        )
        return None
    except Exception as error:  # whatever a student's code raises
        sink.error(error, importing=True)
        return None
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }


def _interpolates(name: str) -> bool:
    return any(word in name.lower() for word in ("interpol", "lerp", "walk"))


def _latent_dim(generator: nn.Module) -> int:
    for name in DIMENSIONS:
        if isinstance(size := getattr(generator, name, None), int):
            return size
    first = next(m for m in generator.modules() if isinstance(m, nn.Linear | nn.ConvTranspose2d))
    return first.in_features if isinstance(first, nn.Linear) else first.in_channels


def _ends(function: Function) -> list[str]:
    """The parameters that stand for latent points, in their order."""
    names = [name.lower() for name in inspect.signature(function).parameters]
    return [name for name in names if name in (*STARTS, *STOPS)]


def _known(function: Function, stand_in: StandIn, judge: Judge, z: Tensor) -> dict[str, Any]:
    """Values for the function's parameters; those with a default keep it."""
    parameters = inspect.signature(function).parameters.values()
    defaults = {p.name.lower() for p in parameters if p.default is not p.empty}
    ends = _ends(function)
    known: dict[str, Any] = dict.fromkeys(NETWORKS, stand_in) | dict.fromkeys(CLASSIFIERS, judge)
    known |= dict.fromkeys(DIMENSIONS, LATENT_DIM) | {"device": "cpu"}
    known |= dict.fromkeys(("steps", "n_steps", "num_steps", "n", "num"), 7)
    known |= dict.fromkeys(("num_images", "n_images", "count"), NUM_IMAGES)
    known = {name: value for name, value in known.items() if name not in defaults}
    return known | dict(zip(ends, z, strict=False))


def _path(inner: Function, known: dict[str, Any]) -> Tensor | None:
    """What the function returns, as one row for each image or latent point."""
    try:
        result = call(inner, known)
    except (RuntimeError, IndexError):  # the ends may be wanted as batches of one
        both = {name: known[name][None] for name in _ends(inner)}
        result = call(inner, known | both)
    parts = result if isinstance(result, tuple) else (result,)
    for part in parts:
        if isinstance(part, list) and part and isinstance(part[0], Tensor):
            part = torch.stack([x.reshape(-1) for x in part])
        if isinstance(part, Tensor) and part.dim() > 1:
            return part.detach().reshape(len(part), -1).float()
    return None


def _check_path(
    inner: Function,
    stand_in: StandIn,
    judge: Judge,
    file: Path,
    generator: nn.Module,
    sink: Sink,
) -> None:
    torch.manual_seed(0)
    line = inner.__code__.co_firstlineno
    z = torch.randn(2, LATENT_DIM)
    stand_in.train()
    path = _path(inner, _known(inner, stand_in, judge, z))
    if path is None:
        sink.note("The interpolation returns no images, so they were not looked at.")
        return
    tree = ast.parse(file.read_text(errors="replace"))
    has_norm = any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in generator.modules())
    if stand_in.drew_in_training and has_norm and first_call(tree, "eval") is None:
        sink.fault(
            "batchnorm-mode",
            "The interpolation is drawn in training mode, so each image depends on the others. "
            "Which mode is for drawing?",
            line=line,
        )
    same = (path[1:] - path[:-1]).abs().amax(dim=1) < 1e-5
    if bool(same.any()):
        sink.fault(
            "interpolation-repeats-ends",
            f"{int(same.sum())} of the {len(path)} images are the same as the one before. Both "
            "ends belong to the 9 images: how many points does linspace give, and which are ends?",
            line=line,
        )
    elif len(path) != NUM_IMAGES:
        sink.fault(
            "wrong-interpolation",
            f"It gives {len(path)} images. 7 steps between two ends and both ends make 9.",
            line=line,
        )
    elif _ends(inner) and not _has_ends(path, z, stand_in):
        message = "The first and the last of the 9 images are not the two samples themselves."
        sink.fault("wrong-interpolation", message, line=line)
    else:
        sink.right("The interpolation has 9 different images.")


def _has_ends(path: Tensor, z: Tensor, stand_in: StandIn) -> bool:
    ends = path[[0, -1]]
    wanted = z if ends.shape == z.shape else stand_in(z).reshape(2, -1)
    return ends.shape == wanted.shape and bool((ends - wanted).abs().max() < 1e-3)


def _check_ends(
    inner: Function, functions: dict[str, Function], stand_in: StandIn, judge: Judge, sink: Sink
) -> None:
    """The two ends are of different classes each time, not by luck."""
    chooses = next(
        (
            f
            for name, f in functions.items()
            if f is not inner and any(word in name.lower() for word in WORDS_ENDS)
        ),
        None,
    )
    if chooses is None and _ends(inner):
        sink.note("Which two ends you take is not in a function, so their classes were not seen.")
        return
    for seed in range(NUM_TRIES):
        torch.manual_seed(seed)
        known = _known(chooses or inner, stand_in, judge, torch.randn(2, LATENT_DIM))
        if chooses is not None:
            ends = _two(call(chooses, known))
            images = None if ends is None else stand_in(ends)
        else:
            path = _path(inner, known)
            images = None if path is None else path[[0, -1]]
            if images is not None and images.size(1) != 784:
                images = stand_in(images)
        if images is None:
            sink.note("The function that chooses the ends does not return two latent points.")
            return
        confidence, digit = judge(images).softmax(1).max(1)
        if digit[0] == digit[1] and bool((confidence > SURE).all()):
            sink.fault(
                "same-class-ends",
                f"Both ends can be of the same class: in try {seed + 1} both were a "
                f"{int(digit[0])}. What makes sure that they differ?",
                line=(chooses or inner).__code__.co_firstlineno,
            )
            return
    sink.right(f"The ends were of different classes in {NUM_TRIES} of {NUM_TRIES} tries.")


def _two(result: Any) -> Tensor | None:
    """Two latent points, (2, LATENT_DIM), of what a function returned."""
    if isinstance(result, Tensor) and len(result) == 2:
        return result.reshape(2, -1)
    if isinstance(result, list | tuple):
        tensors = [x for x in result if isinstance(x, Tensor) and x.numel() == LATENT_DIM]
        if len(tensors) >= 2:
            return torch.stack([x.reshape(-1) for x in tensors[:2]])
    return None
