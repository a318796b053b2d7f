"""The export of a student's generator and discriminator, each unchanged inside a wrapper from
`own.py`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.export import ExportedProgram

from toolkit.assignment.asking.host import MALFORMED, GANChild, StudentError
from toolkit.assignment.export.own import latent_dim_of, own_files, sizes_of
from toolkit.assignment.export.weights import Missing, Weights
from toolkit.assignment.findings.rules.claims.gan import is_normal
from toolkit.assignment.handin.submission import Located
from toolkit.assignment.judging.gan.checks import MAX_SECONDS, MAX_STEPS, Probe
from toolkit.assignment.judging.gan.game import Game, find_game
from toolkit.assignment.judging.gan.images import Moments, bounds_of, latent_of, real_bounds
from toolkit.assignment.judging.gan.losses import is_probability
from toolkit.assignment.judging.train.ending import watch
from toolkit.assignment.judging.train.trace import Value, WatchedNetwork
from toolkit.assignment.running.replies import FilesMade
from toolkit.common.errors import ToolkitError, first_line
from toolkit.export.formats.program import from_bytes
from toolkit.export.loading import opened
from toolkit.export.manifest import Export, Format
from toolkit.export.saving import film_of, proved, source_with
from toolkit.gan.config import Config
from toolkit.gan.data import load_mnist
from toolkit.gan.film import Film

RANGES = ((-1.0, 1.0), (0.0, 1.0))
NEAR = 0.05  # the tolerance for an end of a range
UNIFORM = 2.0  # a smaller fourth moment counts as uniform; a uniform distribution has 1.8


class Own(NamedTuple):
    """A description of a student's generator or discriminator, with its inputs and outputs; the
    network itself is exported unchanged.
    """

    name: str  # the name in the manifest
    network: WatchedNetwork
    facts: dict[str, Any]  # the inputs and outputs, for the wrapper in `own.py`
    entry: dict[str, Any]  # the inputs and outputs, for the manifest


def look(child: GANChild, located: Located) -> list[Callable[[], Own]]:
    """Run the training script for a few steps, and identify its generator and discriminator.

    Returns:
        two functions without arguments; the first returns the description (`Own`) of the generator,
        and the second the description of the discriminator. The functions raise a ToolkitError if a
        network cannot be exported. The generator must take no inputs other than z and labels. z
        must have been observed on its own, not only in a tensor that also contains labels. If there
        are labels, z must be normally distributed. The discriminator must take only images.
        `sizes_of` must accept the shape of the images.

    Raises:
        Missing: among the networks that the script calls, no pair of a generator and a
            discriminator was found.
    """
    trace = watch(child, located, MAX_STEPS, MAX_SECONDS)
    game = find_game(trace)
    if game is None:
        end = f", before {first_line(StudentError(trace.error))}" if trace.error else ""
        raise Missing(
            "The GAN was not exported: no network was seen that judges another one's images"
            f"{end}. `toolkit check` may say more."
        )
    probe = Probe(child)
    return [partial(_generator, game, probe), partial(_discriminator, game, probe)]


def _generator(game: Game, probe: Probe) -> Own:
    call = next(call for call in game.draws if call.output is not None)
    labels = _labels(call.inputs[1:])
    z_shape = _only("generator", call.inputs[:1] if labels else call.inputs)
    image_shape = call.outputs[0].shape[1:]
    uniform = _uniform_range(game, math.prod(z_shape))
    ends = _near(bounds_of(game, probe.images))
    if ends not in RANGES:  # the generator's output is not bounded
        ends = _near(real_bounds(game) or RANGES[0])
    if labels and uniform:
        raise ToolkitError("The generator was not exported: it has labels, and z is not normal.")
    facts = {
        "z_shape": z_shape,
        "image_shape": image_shape,
        "value_range": ends,
        "uniform": uniform,
        "labels": labels,
    }
    z = f"uniform({uniform[0]:g}, {uniform[1]:g})" if uniform else "normal"
    return Own("generator", game.generator, facts, {"z": z} | _images_entry(ends, image_shape))


def _uniform_range(game: Game, latent_dim: int) -> tuple[float, float] | None:
    """Return the range of z if z is uniformly distributed, or None if z is normally distributed.

    Raises:
        ToolkitError: z was not recorded while the script ran, or was recorded only in a tensor that
            also contains labels.
    """
    noise = list(filter(torch.is_tensor, map(latent_of, game.draws)))
    if not noise or noise[0].size(1) != latent_dim:
        raise ToolkitError("The generator was not exported: z was not seen, or has labels in it.")
    moments = Moments.of(torch.cat(list(map(torch.flatten, noise))))
    if is_normal(*moments) or moments.fourth >= UNIFORM:
        return None
    half = math.sqrt(3) * moments.deviation
    return _near((moments.mean - half, moments.mean + half))


def _discriminator(game: Game, probe: Probe) -> Own:
    shape = _only("discriminator", next(iter(game.judged.values())).call.inputs)
    ends = _near(real_bounds(game) or bounds_of(game, probe.images, scaled=True))
    probabilities = is_probability(game, probe.opinions)
    facts = {"image_shape": shape, "value_range": ends, "probabilities": probabilities}
    returns = "probabilities" if probabilities else "logits"
    entry = {"returns": returns} | _images_entry(ends, shape)
    return Own("discriminator", game.discriminator, facts, entry)


def fits(child: GANChild, network: WatchedNetwork, states: Weights) -> Weights | None:
    """Return the weights if they belong to this network; otherwise return None."""
    shapes = {name: list(tensor.shape) for name, tensor in states.items()}
    if shapes == child.ask.shapes(network=network.id):
        return states
    return None


class Exported(NamedTuple):
    """A student's network that has been written to files."""

    source: Export  # the file with the weights
    made: list[Export]  # the .pt2 and .pt files, if they could be made
    graph: ExportedProgram | None  # the graph in the .pt2 file
    network: nn.Module  # loaded from the first file in `made`
    problems: list[str]  # one sentence for each missing format


def exported(
    child: GANChild, root: Path, own: Own, states: Weights, facts: Mapping[str, Any]
) -> Exported:
    """Write a network to files, and check that the exported network gives the same results as the
    student's code.

    Args:
        root: the folder with the copy of the submission.

    Raises:
        ToolkitError: the network cannot be exported, or a file's results differ from those of the
            student's code.
    """
    try:
        answer = child.ask.export(
            network=own.network.id,
            name=own.name,
            states=dict(states),
            facts=own.facts,
            maker=(own_files.__module__, own_files.__name__),
        )
    except StudentError as error:
        raise ToolkitError(f"The {own.name} was not exported: {first_line(error)}") from error
    with child.reading():
        return _read(answer, root, own, facts)


def _read(answer: FilesMade, root: Path, own: Own, facts: Mapping[str, Any]) -> Exported:
    """Read the files that the child process wrote, and check that they reproduce the golden values,
    which are example outputs of the student's code.
    """
    content = {}
    formats: tuple[Format, ...] = ("safetensors", "pt2", "pt")
    for format_ in formats:
        content[format_] = (root / f"exported-{own.name}.{format_}").read_bytes()
    problems = [problem[:300] for problem in answer["problems"]]
    attributes = {}
    if "z_shape" in own.facts:
        attributes["latent_dim"] = latent_dim_of(own.facts)
    weights = content.pop("safetensors")
    source = source_with(own.name, weights, attributes, facts, answer["golden"])
    made = [proved(source, format_, data) for format_, data in content.items() if data]
    if not made:
        raise ToolkitError(f"The {own.name} was not exported: {' '.join(problems)}")
    graph = from_bytes(content["pt2"]) if content["pt2"] else None
    return Exported(source, made, graph, opened(made[0]), problems)


def film(frames: Sequence[Any], generator: Exported, discriminator: Exported) -> Export:
    """Make a film of a training run from the weights that were saved during the run.

    The docstring of `toolkit.gan.film` lists the arrays (such as weights and logits) that a film
    contains.

    Args:
        frames: the frames that the function `keep_weights` in the assignment's template code has
            written; each frame contains the weights of both networks at one step.

    Raises:
        Missing: there are fewer than two frames.
        ToolkitError: the frames do not fit these two networks, or an array of the film contains a
            number that is not finite.
    """
    if len(frames) < 2:
        raise Missing(
            "No film of the training: for one, call keep_weights with the step every so often, as "
            "the skeleton's my_gan.py has it, and train again."
        )
    networks = {"generator": generator.network, "discriminator": discriminator.network}
    entry = generator.source.entry
    config = Config(loss="non-saturating", latent_dim=entry["attributes"]["latent_dim"])
    try:
        steps = sorted(map(itemgetter("step"), frames))
        film = Film(config, load_mnist().test_images, steps)
        for frame in frames:
            for name, network in networks.items():
                states = {f"module.{key}": tensor for key, tensor in frame[name].items()}
                network.load_state_dict(states)
            film.record(frame["step"], *networks.values())
    except MALFORMED as error:
        raise ToolkitError(
            f"The film was not exported: its frames are not of these networks ({error!r:.200})."
        ) from error
    arrays = film.arrays()
    for array in arrays.values():
        if not np.isfinite(array).all():
            raise ToolkitError("The film was not exported: it has numbers that are not finite.")
    facts = {"config": {"loss": config.loss}, "whose": entry["whose"]}
    return film_of(generator.source, arrays, facts)


def _labels(inputs: list[Value]) -> str:
    """Return a word for the format in which a generator receives its labels (integers or one-hot
    vectors), or "" if it receives no labels.

    The labels are given either as "numbers" or as "one-hot" vectors; see the docstring of
    `OwnGenerator`.
    """
    if len(inputs) != 1:
        return ""
    labels = inputs[0].numbers
    if labels is None or not 0 <= labels.min() <= labels.max() <= 9:
        return ""
    if not labels.is_floating_point() and labels.dim() == 1:
        return "numbers"
    if labels.shape[1:] == (10,) and bool((labels.sum(1) == 1).all()):
        return "one-hot"
    return ""


def _only(name: str, inputs: list[Value]) -> tuple[int, ...]:
    """Return the shape of a network's only input, without the batch axis."""
    if len(inputs) != 1:
        raise ToolkitError(
            f"The {name} was not exported: it is given {len(inputs)} tensors, perhaps labels, but "
            "the exports of this kind take one."
        )
    return inputs[0].shape[1:]


def _near(ends: tuple[float, float]) -> tuple[float, float]:
    """Return (-1, 1) or (0, 1) if `ends`, the two limits of a range, are close to one of these
    pairs; otherwise return `ends`.
    """
    for usual in RANGES:
        if abs(ends[0] - usual[0]) < NEAR and abs(ends[1] - usual[1]) < NEAR:
            return usual
    return ends


def _images_entry(ends: tuple[float, float], shape: tuple[int, ...]) -> dict[str, Any]:
    sizes_of(shape)
    return {"range": f"{ends[0]:g},{ends[1]:g}", "shape": list(shape)}
