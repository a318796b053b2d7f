"""Calling a student's functions of latent points, whatever their parameters are called."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.assignment.check.gan.stand_ins import StandInClassifier, StandInGenerator
from toolkit.assignment.check.student.submission import call

NUM_IMAGES = 9
USUAL_DIM = 100  # of the template
STARTS = ("z_from", "z_start", "z0", "z_0", "z1", "z_1", "z_a", "za", "start", "z_begin", "a")
STOPS = ("z_to", "z_end", "z2", "z_2", "z_b", "zb", "end", "stop", "b")
NETWORKS = ("generator", "gen", "g", "netg", "model", "net")
CLASSIFIERS = ("classifier", "classify", "cnn", "net_c")
DIMENSIONS = ("latent_dim", "z_dim", "nz", "latent_size", "noise_dim", "dim")
Function = Callable[..., Any]


def latent_dim_of(generator: nn.Module) -> int:
    """How many numbers its z has, by an attribute or else by its first layer."""
    for name in DIMENSIONS:
        if isinstance(size := getattr(generator, name, None), int):
            return size
    for layer in generator.modules():
        if isinstance(layer, nn.Linear):
            return layer.in_features
        if isinstance(layer, nn.ConvTranspose2d):
            return layer.in_channels
    return USUAL_DIM


def ends_of(function: Function) -> list[str]:
    """The names of the parameters that stand for latent points, in their order."""
    names = [name.lower() for name in inspect.signature(function).parameters]
    return [name for name in names if name in (*STARTS, *STOPS)]


def takes(function: Function, names: tuple[str, ...]) -> bool:
    """Whether one of the function's parameters has one of these names."""
    return any(name.lower() in names for name in inspect.signature(function).parameters)


def has_own_classifier(function: Function) -> bool:
    """Whether it uses a classifier that is not among its parameters."""
    if takes(function, CLASSIFIERS):
        return False
    used = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    return any(name.lower() in CLASSIFIERS or isinstance(x, nn.Module) for name, x in used.items())


def values_for(
    function: Function, stand_in: StandInGenerator, classifier: StandInClassifier, z: Tensor
) -> dict[str, Any]:
    """Values for the function's parameters; those with a default keep it."""
    parameters = inspect.signature(function).parameters.values()
    defaults = {p.name.lower() for p in parameters if p.default is not p.empty}
    ends = ends_of(function)
    known: dict[str, Any] = dict.fromkeys(NETWORKS, stand_in) | dict.fromkeys(
        CLASSIFIERS, classifier
    )
    known |= dict.fromkeys(DIMENSIONS, stand_in.latent_dim) | {"device": "cpu"}
    known |= dict.fromkeys(("steps", "n_steps", "num_steps", "n", "num"), 7)
    known |= dict.fromkeys(("num_images", "n_images", "count"), NUM_IMAGES)
    known = {name: value for name, value in known.items() if name not in defaults}
    return known | dict(zip(ends, z, strict=False))


def path_of(inner: Function, known: dict[str, Any]) -> Tensor | None:
    """What the function returns, one row for each image or latent point; None if it is neither."""
    try:
        result = call(inner, known)
    except (RuntimeError, IndexError):  # the ends may have to be batches of one
        both = {name: known[name][None] for name in ends_of(inner)}
        result = call(inner, known | both)
    parts = result if isinstance(result, tuple) else (result,)
    for part in parts:
        if isinstance(part, list) and part and isinstance(part[0], Tensor):
            part = torch.stack([x.reshape(-1) for x in part])
        if isinstance(part, Tensor) and part.dim() > 1:
            return part.detach().reshape(len(part), -1).float()
    return None


def two_points(result: Any, latent_dim: int) -> Tensor | None:
    """The two latent points, (2, latent_dim), that a function returned; None if it did not."""
    if isinstance(result, Tensor) and len(result) == 2:
        return result.reshape(2, -1)
    if isinstance(result, list | tuple):
        tensors = [x for x in result if isinstance(x, Tensor) and x.numel() == latent_dim]
        if len(tensors) >= 2:
            return torch.stack([x.reshape(-1) for x in tensors[:2]])
    return None
