"""Checks of a student's `my_gan.py`."""

import math
from pathlib import Path

import torch
import torchvision.datasets
from torch import Tensor, nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.gan.images import PIXELS, check_noise, check_range, is_batch
from toolkit.assignment.check.gan.interpolation import check_interpolation
from toolkit.assignment.check.gan.stand_ins import FewDigits
from toolkit.assignment.check.student.scripts import record_training
from toolkit.assignment.check.student.training import Output, TrainingRecorder

MAX_STEPS = 20  # of both optimisers together: two epochs of 64 images at a time, and a few more
MAX_SECONDS = 15.0
NORM = (nn.BatchNorm1d, nn.BatchNorm2d)


def check(file: Path, channel: Channel) -> None:
    """Run the file for a few steps on a few images; look at both networks; interpolate."""
    channel.doing("the first steps of my_gan.py")
    torchvision.datasets.MNIST = FewDigits
    torchvision.datasets.mnist.MNIST = FewDigits
    recorder = record_training(file, MAX_STEPS, MAX_SECONDS, channel)
    generator = _network(recorder, "gen", PIXELS)
    discriminator = _network(recorder, "disc", 1)
    if not channel.faults and (generator is None or discriminator is None):
        message = "No networks called Generator and Discriminator were seen in the training."
        channel.fault("not-watched", message)
    if generator is None:
        return
    generated = [o for o in recorder.outputs if o.network is generator]
    seen = [o for o in recorder.outputs if o.network is discriminator]
    check_noise(generated, channel)
    check_range(generator, generated, seen, channel)
    if discriminator is None:
        return
    _check_logits(recorder, seen, channel)
    _check_gradients(generator, discriminator, recorder, channel)
    _check_mode(generator, generated, channel)
    channel.doing("interpolating")
    image = next((o.output[0] for o in generated if is_batch(o.output)), None)
    if image is not None and image.numel() == PIXELS:
        check_interpolation(file, generator, image, channel)


def _network(recorder: TrainingRecorder, word: str, numbers: int) -> nn.Module | None:
    """The network named by this word or its first letter, else one with so many outputs."""
    for network in recorder.networks:
        name = type(network).__name__.lower()
        if word in name or name in (word[0], "net" + word[0]):
            return network
    for seen in recorder.outputs:
        shape = seen.output.shape if isinstance(seen.output, Tensor) else ()
        if shape and math.prod(shape[1:]) == numbers:
            return seen.network
    return None


def _check_logits(recorder: TrainingRecorder, seen: list[Output], channel: Channel) -> None:
    """BCEWithLogits applies the sigmoid itself; BCE expects that it was applied."""
    outputs = [o.output for o in seen if isinstance(o.output, Tensor)]
    squashed = all(bool((x >= 0).all()) and bool((x <= 1).all()) for x in outputs)
    for loss in recorder.losses:
        if loss.name == "binary_cross_entropy_with_logits" and squashed and len(outputs) > 3:
            channel.fault(
                "sigmoid-twice",
                "The discriminator's outputs all lie between 0 and 1, so it applied a sigmoid, and "
                "this loss applies another. It expects logits.",
                equation=10,
                at=loss,
            )
            return


def _check_gradients(
    generator: nn.Module, discriminator: nn.Module, recorder: TrainingRecorder, channel: Channel
) -> None:
    """Each network's step moves that network, by its own loss, and by nothing older."""
    ids = {id(p) for p in generator.parameters()}
    theirs = {id(p) for p in discriminator.parameters()}
    steps_g = [u for u in recorder.updates if _holds(u.optimizer, ids)]
    steps_d = [u for u in recorder.updates if _holds(u.optimizer, theirs)]
    if not steps_g or not steps_d:
        if recorder.num_backward and not channel.has("does-not-run", "missing-detach"):
            who = "generator" if not steps_g else "discriminator"
            channel.fault("does-not-learn", f"No optimiser moves the {who} in the first steps.")
        return
    if any(_holds(u.optimizer, theirs) for u in steps_g):
        message = (
            "One optimiser holds both networks, so the generator's step moves its opponent too."
        )
        step = steps_g[0]
        channel.fault("wrong-optimiser", message, equation=10, at=step)
        return
    good = True
    if not all(u.passes for u in steps_g):
        good = False
        channel.fault(
            "dead-parameter",
            "No gradient reaches the generator in its own step. Are the generated images cut off "
            "(detach, no_grad, .data) on their way to the discriminator?",
            at=steps_g[0],
        )
    optimizers_d = {id(u.optimizer) for u in steps_d}
    leaked = [p for p in recorder.reached(ids) if recorder.first_user(p) in optimizers_d]
    if leaked:
        good = False
        channel.fault(
            "missing-detach",
            "The discriminator's loss sends gradients into the generator. In the discriminator's "
            "step, the generated images are data. What cuts them off from their network?",
            equation=10,
            at=steps_d[0],
        )
    for who, steps in (("generator", steps_g), ("discriminator", steps_d)):
        stale = next((u for u in steps if u.stale), None)
        if stale is not None and not (leaked and who == "generator"):
            good = False
            channel.fault(
                "gradients-not-cleared",
                f"When the {who} steps, its gradients still contain those of an earlier pass. What "
                "has to happen between that pass and its own backward?",
                at=stale,
            )
    if good:
        channel.right(
            "Each network is moved by its own loss, and the gradient reaches the generator."
        )


def _holds(optimizer: torch.optim.Optimizer, ids: set[int]) -> bool:
    return any(id(p) in ids for group in optimizer.param_groups for p in group["params"])


def _check_mode(generator: nn.Module, generated: list[Output], channel: Channel) -> None:
    """Batch norm: batch statistics while training, running ones while sampling."""
    if not any(isinstance(m, NORM) for m in generator.modules()):
        return
    sampled = [o for o in generated if not o.grad]
    trained = [o for o in generated if o.grad]
    wrong = [o for o in sampled if o.training and not _feeds_training(o, trained)]
    if wrong:
        channel.fault(
            "batchnorm-mode",
            "Samples are generated in training mode, so batch norm mixes the images of a batch. "
            "Which mode is for sampling, and which must be set again before training goes on?",
            at=wrong[0],
        )
    elif trained and not all(o.training for o in trained[1:]):
        late = next(o for o in trained[1:] if not o.training)
        channel.fault(
            "batchnorm-mode",
            "The generator is trained in evaluation mode. After sampling it was not set back to "
            "training mode.",
            at=late,
        )
    elif sampled:
        channel.right("Samples are generated in evaluation mode.")
    else:
        channel.not_seen("No sampling was seen in the first steps, so its mode is not known.")


def _feeds_training(output: Output, trained: list[Output]) -> bool:
    """Whether these are images for the discriminator's step, generated under no_grad."""
    size = len(trained[0].output) if trained else 0
    return len(output.output) == size and size not in (9, 25)
