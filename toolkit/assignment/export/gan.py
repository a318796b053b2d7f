"""A student's generator and discriminator as they are, with what the check found out about them."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch.export import ExportedProgram

from toolkit.assignment.check.gan.checks import MAX_SECONDS, MAX_STEPS, Probe
from toolkit.assignment.check.gan.game import Game, find_game
from toolkit.assignment.check.gan.images import Moments, bounds_of, latent_of, real_bounds
from toolkit.assignment.check.gan.losses import is_probability
from toolkit.assignment.check.host import MALFORMED, Student, StudentError
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.train.ending import watch
from toolkit.assignment.check.train.trace import Network, Value
from toolkit.assignment.check.verify import is_normal
from toolkit.assignment.export.weights import Missing, Weights
from toolkit.common.errors import ToolkitError
from toolkit.export.formats import film_of, load_pt
from toolkit.export.golden import check_golden
from toolkit.export.manifest import Export
from toolkit.export.own import sizes_of
from toolkit.export.program import first_line, from_bytes
from toolkit.export.torchscript import entry_of
from toolkit.gan.config import Config
from toolkit.gan.data import load_mnist
from toolkit.gan.film import Film

RANGES = ((-1.0, 1.0), (0.0, 1.0))
NEAR = 0.05  # of an end of a range
UNIFORM = 2.0  # the fourth moment of a uniform distribution is 1.8


class Own(NamedTuple):
    """A network that is exported as it is."""

    name: str  # in the manifest
    network: Network
    facts: dict[str, Any]  # how it is wrapped: see `toolkit.export.own`
    found: dict[str, Any]  # the same for the manifest


def look(student: Student, located: Located) -> list[Callable[[], Own]]:
    """Run the script for a few steps, and see which network is which, and how it is called.

    Returns:
        what describes the generator, and the discriminator, or raises a ToolkitError: it needs more
        than z and labels, or than images, or no images were seen.

    Raises:
        ToolkitError: there are no such two.
    """
    trace = watch(student, located, MAX_STEPS, MAX_SECONDS)
    if (game := find_game(trace)) is None:
        end = f", before {first_line(StudentError(trace.error))}" if trace.error else ""
        raise Missing(
            "The GAN was not exported: no network was seen that judges what another one draws"
            f"{end}. `toolkit check` may say more."
        )
    return [partial(which, game, Probe(student)) for which in (_generator, _discriminator)]


def _generator(game: Game, probe: Probe) -> Own:
    call = next(call for call in game.draws if call.output is not None)
    told = _labels(call.inputs[1:])
    shape = _only("generator", call.inputs[:1] if told else call.inputs)
    drawn = call.outputs[0].shape[1:]
    noise = [z for call in game.draws if (z := latent_of(call)) is not None]
    if not noise or noise[0].size(1) != math.prod(shape):
        raise ToolkitError("The generator was not exported: z was not seen, or has labels in it.")
    moments = Moments.of(torch.cat([z.flatten() for z in noise]))
    uniform = None
    if not is_normal(*moments) and moments.fourth < UNIFORM:
        half = math.sqrt(3) * moments.deviation
        uniform = _near((moments.mean - half, moments.mean + half))
    ends = _near(bounds_of(game, probe.images))
    if ends not in RANGES:  # nothing bounds it
        ends = _near(real_bounds(game) or RANGES[0])
    if told and uniform:
        raise ToolkitError("The generator was not exported: it has labels, and z is not normal.")
    facts: dict[str, Any] = {"z_shape": shape, "image_shape": drawn, "value_range": ends}
    facts |= {"uniform": uniform, "labels": told}
    found = {"z": f"uniform({uniform[0]:g}, {uniform[1]:g})" if uniform else "normal"}
    return Own("generator", game.generator, facts, found | _said(ends, drawn))


def _discriminator(game: Game, probe: Probe) -> Own:
    shape = _only("discriminator", next(iter(game.judged.values())).call.inputs)
    ends = _near(real_bounds(game) or bounds_of(game, probe.images, scaled=True))
    probabilities = is_probability(game, probe.opinions)
    facts = {"image_shape": shape, "value_range": ends, "probabilities": probabilities}
    found = {"returns": "probabilities" if probabilities else "logits"}
    return Own("discriminator", game.discriminator, facts, found | _said(ends, shape))


def fits(student: Student, network: Network, states: Weights) -> Weights | None:
    """The weights, if they are those of this network."""
    shapes = student.ask("shapes", network=network.id)
    return states if {name: list(x.shape) for name, x in states.items()} == shapes else None


def exported(
    student: Student, root: Path, own: Own, states: Weights, facts: Mapping[str, Any]
) -> tuple[Export, ExportedProgram | None, str]:
    """The .pt file with its entry, the program that other formats are made from, or why not.

    Args:
        root: the copy of the hand-in.

    Raises:
        ToolkitError: it cannot be exported; or the file does not do what their own code does.
    """

    def read(answer: Any) -> tuple[Export, ExportedProgram | None, str]:
        data, more = ((root / f"exported-{own.name}.{x}").read_bytes() for x in ("pt", "pt2"))
        golden = answer["golden"]
        check_golden(f"{own.name}.pt", golden, network := load_pt(data))
        attributes = {"latent_dim": network.latent_dim} if "z_shape" in own.facts else {}
        export = Export(f"{own.name}.pt", data, entry_of(own.name, data, attributes, facts, golden))
        return export, from_bytes(more) if more else None, answer["problem"][:300]

    given: dict[str, Any] = {"name": own.name, "states": dict(states), "facts": own.facts}
    try:
        made = student.ask("export", reader=read, network=own.network.id, **given)
    except StudentError as error:
        raise ToolkitError(f"The {own.name} was not exported: {first_line(error)}") from error
    return cast("tuple[Export, ExportedProgram | None, str]", made)


def film(frames: Sequence[Any], generator: Export, discriminator: Export) -> Export:
    """The film of their training, `toolkit.gan.film`, by what was exported.

    Args:
        frames: as the skeleton's `keep_weights` keeps them.

    Raises:
        Missing: there are fewer than two.
        ToolkitError: they are of other networks, or what these say is not finite.
    """
    if len(frames) < 2:
        raise Missing(
            "No film of the training: for one, call keep_weights with the step every so often, as "
            "the skeleton's my_gan.py has it, and train again."
        )
    networks = [load_pt(export.data) for export in (generator, discriminator)]
    config = Config(loss="non-saturating", latent_dim=generator.entry["attributes"]["latent_dim"])
    try:
        steps = sorted(frame["step"] for frame in frames)
        film = Film(config, load_mnist().test_images, steps)
        for frame in frames:
            for name, network in zip(("generator", "discriminator"), networks, strict=True):
                network.module.load_state_dict(frame[name])
            film.record(frame["step"], *networks)
    except MALFORMED as error:
        raise ToolkitError(
            f"The film was not exported: its frames are not of these networks ({error!r:.200})."
        ) from error
    arrays = film.arrays()
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ToolkitError("The film was not exported: it has numbers that are not finite.")
    facts = {"config": {"loss": config.loss}, "whose": generator.entry["whose"]}
    return film_of(generator, arrays, facts)


def _labels(others: list[Value]) -> str:
    """The form in which a generator is told, beside z, the digit to draw: see `OwnGenerator`."""
    x = others[0].numbers if len(others) == 1 else None
    if x is None or not 0 <= x.min() <= x.max() <= 9:
        return ""
    if not x.is_floating_point() and x.dim() == 1:
        return "numbers"
    return "one-hot" if x.shape[1:] == (10,) and bool((x.sum(1) == 1).all()) else ""


def _only(name: str, inputs: list[Value]) -> tuple[int, ...]:
    """The shape of what goes into a network, without the batch, if that is all."""
    if len(inputs) != 1:
        raise ToolkitError(
            f"The {name} was not exported: it is given {len(inputs)} tensors, perhaps labels, and "
            "the exports of this kind take one."
        )
    return inputs[0].shape[1:]


def _near(ends: tuple[float, float]) -> tuple[float, float]:
    """The usual range that these ends are near to, or they themselves."""
    usual = (r for r in RANGES if all(abs(a - b) < NEAR for a, b in zip(ends, r, strict=True)))
    return next(usual, ends)


def _said(ends: tuple[float, float], shape: tuple[int, ...]) -> dict[str, Any]:
    sizes_of(shape)
    return {"range": f"{ends[0]:g},{ends[1]:g}", "shape": list(shape)}
