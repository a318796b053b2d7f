"""Checks of the interpolation in a student's `my_gan.py`, with toolkit networks standing in."""

import inspect
from pathlib import Path

import torch
from torch import Tensor, nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.gan.latent_functions import (
    NETWORKS,
    NUM_IMAGES,
    Function,
    ends_of,
    has_own_judge,
    latent_dim_of,
    path_of,
    takes,
    two_points,
    values_for,
)
from toolkit.assignment.check.gan.stand_ins import Judge, StandIn
from toolkit.assignment.check.student.lines import line_of, line_of_call, parse
from toolkit.assignment.check.student.submission import UnknownParameter, call, import_file
from toolkit.assignment.check.student.training import EnoughSteps, TrainingRecorder, watching
from toolkit.assignment.parts import list_files

NUM_TRIES = 60  # of choosing two ends: any two are surely of one class in every twelfth, or so
SURE = 0.9
WORDS = ("interpol", "lerp", "walk")
WORDS_ENDS = ("ends", "pair", "different", "choose", "pick", "select", "endpoint", "two_")


def check_interpolation(file: Path, generator: nn.Module, image: Tensor, channel: Channel) -> None:
    """Find the functions that interpolate and choose the ends, and try them.

    Args:
        image: one that the student's generator drew.
    """
    functions = _functions(file, channel)
    if functions is None:
        return
    inner = next((f for name, f in functions.items() if _speaks_of_it(name)), None)
    if inner is None:
        _look_elsewhere(file, channel)
        return
    signed = float(image.min()) < -0.01
    stand_in, judge = StandIn(image, signed, latent_dim_of(generator)), Judge(signed)
    try:
        _check_path(inner, stand_in, judge, file, generator, channel)
        _check_ends(inner, functions, stand_in, judge, channel)
    except UnknownParameter as error:
        channel.not_seen(
            f"The interpolation was not tried: its argument {error} has an unknown meaning."
        )


def _look_elsewhere(file: Path, channel: Channel) -> None:
    """Task 3 may be done in the notebook, or in another file."""
    for where in list_files(channel.root):
        path = channel.root / where
        readable = path != file and path.suffix in (".py", ".ipynb")
        if readable and _speaks_of_it(path.read_text(errors="replace")):
            channel.not_seen(f"The interpolation is in {where}, it seems, and was not looked at.")
            return
    channel.fault(
        "missing-interpolation",
        "There is no function with interpolate in its name, and no other file or notebook speaks "
        "of it. Task 3 wants 9 images between two samples.",
    )


def _functions(file: Path, channel: Channel) -> dict[str, Function] | None:
    recorder = TrainingRecorder(channel.root, 1, 5.0)
    try:
        with watching(recorder):
            module = import_file(file)
    except (EnoughSteps, SystemExit):
        channel.not_seen(
            "It trains when it is imported, so its interpolation was not tried. Put the training "
            'under if __name__ == "__main__".'
        )
        return None
    except Exception as error:  # whatever a student's code raises
        channel.error(error, importing=True)
        return None
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }


def _speaks_of_it(text: str) -> bool:
    return any(word in text.lower() for word in WORDS)


def _check_path(
    inner: Function,
    stand_in: StandIn,
    judge: Judge,
    file: Path,
    generator: nn.Module,
    channel: Channel,
) -> None:
    torch.manual_seed(0)
    line = line_of(inner)
    z = torch.randn(2, stand_in.latent_dim)
    stand_in.train()
    path = path_of(inner, values_for(inner, stand_in, judge, z))
    if path is None:
        channel.not_seen("The interpolation returns no images, so they were not looked at.")
        return
    tree = parse(file)
    has_norm = any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in generator.modules())
    if stand_in.drew_in_training and has_norm and line_of_call(tree, "eval") is None:
        channel.fault(
            "batchnorm-mode",
            "The interpolation is drawn in training mode, so each image depends on the others. "
            "Which mode is for drawing?",
            line=line,
        )
    same = (path[1:] - path[:-1]).abs().amax(dim=1) < 1e-5
    if bool(same.any()):
        channel.fault(
            "interpolation-repeats-ends",
            f"{int(same.sum())} of the {len(path)} images are the same as the one before. Both "
            "ends belong to the 9 images: how many points does linspace give, and which are ends?",
            line=line,
        )
    elif len(path) != NUM_IMAGES:
        channel.fault(
            "wrong-interpolation",
            f"It gives {len(path)} images. 7 steps between two ends and both ends make 9.",
            line=line,
        )
    elif ends_of(inner) and not _has_ends(path, z, inner, stand_in):
        message = "The first and the last of the 9 images are not the two samples themselves."
        channel.fault("wrong-interpolation", message, line=line)
    else:
        channel.right("The interpolation has 9 different images.")


def _has_ends(path: Tensor, z: Tensor, inner: Function, stand_in: StandIn) -> bool:
    """Whether both ends are there, as latent points or as images, as far as can be told."""
    ends = path[[0, -1]]
    if ends.shape != z.shape and not takes(inner, NETWORKS):
        return True  # images from a generator of its own
    wanted = z if ends.shape == z.shape else stand_in(z).reshape(2, -1)
    return ends.shape == wanted.shape and bool((ends - wanted).abs().max() < 1e-3)


def _check_ends(
    inner: Function,
    functions: dict[str, Function],
    stand_in: StandIn,
    judge: Judge,
    channel: Channel,
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
    if chooses is None and ends_of(inner):
        channel.not_seen(
            "Which two ends you take is not in a function, so their classes were not seen."
        )
        return
    if not takes(chooses or inner, NETWORKS) or has_own_judge(chooses or inner):
        channel.not_seen(
            "The ends are chosen with networks of its own, so their classes were not seen."
        )
        return
    for seed in range(NUM_TRIES):
        torch.manual_seed(seed)
        known = values_for(chooses or inner, stand_in, judge, torch.randn(2, stand_in.latent_dim))
        if chooses is not None:
            ends = two_points(call(chooses, known), stand_in.latent_dim)
            images = None if ends is None else stand_in(ends)
        else:
            path = path_of(inner, known)
            images = None if path is None else path[[0, -1]]
            if images is not None and images.size(1) != 784:
                images = stand_in(images)
        if images is None:
            channel.not_seen(
                "The function that chooses the ends does not return two latent points."
            )
            return
        confidence, digit = judge(images).softmax(1).max(1)
        if digit[0] == digit[1] and bool((confidence > SURE).all()):
            channel.fault(
                "same-class-ends",
                f"Both ends can be of the same class: in try {seed + 1} both were a "
                f"{int(digit[0])}. What makes sure that they differ?",
                line=line_of(chooses or inner),
            )
            return
    channel.right(f"The ends were of different classes in {NUM_TRIES} of {NUM_TRIES} tries.")
