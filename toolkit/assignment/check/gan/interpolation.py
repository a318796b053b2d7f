"""Checks of the interpolation in a student's `my_gan.py`, with toolkit networks standing in."""

import inspect
from pathlib import Path

import torch
from torch import Tensor, nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.gan.images import PIXELS
from toolkit.assignment.check.gan.latent_functions import (
    NETWORKS,
    NUM_IMAGES,
    Function,
    ends_of,
    has_own_classifier,
    latent_dim_of,
    path_of,
    takes,
    two_points,
    values_for,
)
from toolkit.assignment.check.gan.stand_ins import StandInClassifier, StandInGenerator
from toolkit.assignment.check.student.lines import line_of, line_of_call, parse
from toolkit.assignment.check.student.submission import UnknownParameter, call, import_file
from toolkit.assignment.check.student.training import EnoughSteps, TrainingRecorder, recording
from toolkit.assignment.parts import list_files

NUM_TRIES = 60  # of choosing two ends: two random ones are clearly of one class 1 time in 12
SURE = 0.9
WORDS = ("interpol", "lerp", "walk")
WORDS_ENDS = ("ends", "pair", "different", "choose", "pick", "select", "endpoint", "two_")


def check_interpolation(file: Path, generator: nn.Module, image: Tensor, channel: Channel) -> None:
    """Find the function that interpolates and the one that chooses the ends, and try them.

    Args:
        image: one that the student's generator made.
    """
    functions = _functions(file, channel)
    if functions is None:
        return
    interpolate = next((f for name, f in functions.items() if _mentions_it(name)), None)
    if interpolate is None:
        _look_elsewhere(file, channel)
        return
    signed = float(image.min()) < -0.01
    stand_in, classifier = (
        StandInGenerator(image, signed, latent_dim_of(generator)),
        StandInClassifier(signed),
    )
    try:
        _check_path(interpolate, stand_in, classifier, file, generator, channel)
        _check_ends(interpolate, functions, stand_in, classifier, channel)
    except UnknownParameter as error:
        channel.not_seen(
            f"The interpolation was not tried: the check does not know what to pass for {error}."
        )


def _look_elsewhere(file: Path, channel: Channel) -> None:
    """Task 3 may be solved in the notebook, or in another file."""
    for where in list_files(channel.root):
        path = channel.root / where
        readable = path != file and path.suffix in (".py", ".ipynb")
        if readable and _mentions_it(path.read_text(errors="replace")):
            channel.not_seen(f"The interpolation seems to be in {where}, which was not looked at.")
            return
    channel.fault(
        "missing-interpolation",
        "No function has interpolate in its name, and no other file or notebook mentions it. Task "
        "3 asks for 9 images: 7 steps between two samples, and both samples.",
    )


def _functions(file: Path, channel: Channel) -> dict[str, Function] | None:
    recorder = TrainingRecorder(channel.root, 1, 5.0)
    try:
        with recording(recorder):
            module = import_file(file)
    except (EnoughSteps, SystemExit):
        channel.not_seen(
            "The file trains when it is imported, so its interpolation was not tried. Put the "
            'training under if __name__ == "__main__".'
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


def _mentions_it(text: str) -> bool:
    return any(word in text.lower() for word in WORDS)


def _check_path(
    interpolate: Function,
    stand_in: StandInGenerator,
    classifier: StandInClassifier,
    file: Path,
    generator: nn.Module,
    channel: Channel,
) -> None:
    torch.manual_seed(0)
    line = line_of(interpolate)
    z = torch.randn(2, stand_in.latent_dim)
    stand_in.train()
    path = path_of(interpolate, values_for(interpolate, stand_in, classifier, z))
    if path is None:
        channel.not_seen("The interpolation returns no images, so they were not seen.")
        return
    tree = parse(file)
    has_norm = any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in generator.modules())
    if stand_in.ran_in_training_mode and has_norm and line_of_call(tree, "eval") is None:
        channel.fault(
            "batchnorm-mode",
            "The interpolation runs the generator in training mode, so each image depends on the "
            "others. Which mode is for sampling?",
            line=line,
        )
    same = (path[1:] - path[:-1]).abs().amax(dim=1) < 1e-5
    if bool(same.any()):
        channel.fault(
            "interpolation-repeats-ends",
            f"{int(same.sum())} of the {len(path)} images repeat the one before. Both ends belong "
            "to the 9 images. How many points does linspace return, and are the ends among them?",
            line=line,
        )
    elif len(path) != NUM_IMAGES:
        channel.fault(
            "wrong-interpolation",
            f"There are {len(path)} images. 7 steps between two ends and both ends make 9.",
            line=line,
        )
    elif ends_of(interpolate) and not _has_ends(path, z, interpolate, stand_in):
        message = "The first and the last of the 9 images are not the two samples themselves."
        channel.fault("wrong-interpolation", message, line=line)
    else:
        channel.right("The interpolation has 9 different images.")


def _has_ends(path: Tensor, z: Tensor, interpolate: Function, stand_in: StandInGenerator) -> bool:
    """Whether the path has both ends, as latent points or as images; True if that is unknown."""
    ends = path[[0, -1]]
    if ends.shape != z.shape and not takes(interpolate, NETWORKS):
        return True  # images from a generator of its own
    wanted = z if ends.shape == z.shape else stand_in(z).reshape(2, -1)
    return ends.shape == wanted.shape and bool((ends - wanted).abs().max() < 1e-3)


def _check_ends(
    interpolate: Function,
    functions: dict[str, Function],
    stand_in: StandInGenerator,
    classifier: StandInClassifier,
    channel: Channel,
) -> None:
    """The two ends are of different classes every time, not by luck."""
    choose = next(
        (
            f
            for name, f in functions.items()
            if f is not interpolate and any(word in name.lower() for word in WORDS_ENDS)
        ),
        None,
    )
    if choose is None and ends_of(interpolate):
        message = "The two ends are not chosen in a function, so their classes were not seen."
        channel.not_seen(message)
        return
    if not takes(choose or interpolate, NETWORKS) or has_own_classifier(choose or interpolate):
        channel.not_seen(
            "The ends are chosen with the file's own networks, so their classes were not seen."
        )
        return
    for seed in range(NUM_TRIES):
        torch.manual_seed(seed)
        images = _ends(interpolate, choose, stand_in, classifier)
        if images is None:
            channel.not_seen(
                "The function that chooses the ends does not return two points in latent space."
            )
            return
        confidence, digit = classifier(images).softmax(1).max(1)
        if digit[0] == digit[1] and bool((confidence > SURE).all()):
            channel.fault(
                "same-class-ends",
                f"Both ends can be of the same class: in try {seed + 1} both were a "
                f"{int(digit[0])}. What makes sure that their classes differ?",
                line=line_of(choose or interpolate),
            )
            return
    channel.right(f"The ends were of different classes in {NUM_TRIES} of {NUM_TRIES} tries.")


def _ends(
    interpolate: Function,
    choose: Function | None,
    stand_in: StandInGenerator,
    classifier: StandInClassifier,
) -> Tensor | None:
    """Images of two ends as the student's functions choose them, (2, ...), or None."""
    z = torch.randn(2, stand_in.latent_dim)
    known = values_for(choose or interpolate, stand_in, classifier, z)
    if choose is not None:
        ends = two_points(call(choose, known), stand_in.latent_dim)
        return None if ends is None else stand_in(ends)
    path = path_of(interpolate, known)
    if path is None:
        return None
    images: Tensor = path[[0, -1]]
    return images if images.size(1) == PIXELS else stand_in(images)
