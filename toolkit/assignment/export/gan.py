"""A student's generator and discriminator as they are, with what the check found out about them."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch.export import ExportedProgram

from toolkit.assignment.check.gan.checks import MAX_SECONDS, MAX_STEPS, MAX_USERS, Probe
from toolkit.assignment.check.gan.game import Game, find_games
from toolkit.assignment.check.gan.images import Moments, bounds_of, latent_of, real_bounds
from toolkit.assignment.check.gan.losses import is_probability
from toolkit.assignment.check.host import MALFORMED, Student, StudentError
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.train.trace import Network, Trace, Value
from toolkit.assignment.check.verify import is_normal
from toolkit.assignment.export.weights import Weights
from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256
from toolkit.export.formats import load_pt, through_torch
from toolkit.export.golden import check_golden
from toolkit.export.manifest import SIGNATURES, Export
from toolkit.export.own import sizes_of
from toolkit.export.program import from_bytes

RANGES = ((-1.0, 1.0), (0.0, 1.0))
NEAR = 0.05  # of an end of a range
UNIFORM = 2.0  # the fourth moment of a uniform distribution is 1.8


class Own(NamedTuple):
    """A network that is exported as it is."""

    name: str  # in the manifest
    network: Network
    facts: dict[str, Any]  # how it is wrapped: see `toolkit.export.own`
    found: dict[str, Any]  # the same for the manifest


def find_game(student: Student, located: Located) -> tuple[Game, Probe]:
    """Run the script for a few steps, and see which network is which.

    Raises:
        ToolkitError: no generator and discriminator were seen.
    """
    for file in (located.file, *located.users[:MAX_USERS]):
        answer = student.ask("run", file=file, max_steps=MAX_STEPS, max_seconds=MAX_SECONDS)
        if answer["ended"] != "nothing":
            break
    games = find_games(Trace.of(answer))
    if not games:
        raise ToolkitError(
            "The GAN was not exported: no network was seen that judges what another one draws. "
            "`toolkit check` may say why."
        )
    return games[0], Probe(student)


def generator_of(game: Game, probe: Probe) -> Own:
    """How the generator is called.

    Raises:
        ToolkitError: it needs more than z, or draws no images.
    """
    call = next(call for call in game.draws if call.output is not None)
    shape = _only("generator", call.inputs).shape[1:]
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
    assert call.output is not None
    size = call.output.shape[1:]
    sizes_of(size)
    facts = {"z_shape": shape, "image_shape": size, "value_range": ends, "uniform": uniform}
    found = {"z": f"uniform({uniform[0]:g}, {uniform[1]:g})" if uniform else "normal"}
    return Own("generator", game.generator, facts, found | _said(ends, size))


def discriminator_of(game: Game, probe: Probe) -> Own:
    """How the discriminator is called.

    Raises:
        ToolkitError: it needs more than images.
    """
    judged = next(iter(game.judged.values()))
    shape = _only("discriminator", judged.call.inputs).shape[1:]
    sizes_of(shape)
    ends = _near(real_bounds(game) or bounds_of(game, probe.images, scaled=True))
    probabilities = is_probability(game, probe.opinions)
    facts = {"image_shape": shape, "value_range": ends, "probabilities": probabilities}
    returns = "probabilities" if probabilities else "logits"
    return Own(
        "discriminator", game.discriminator, facts, {"returns": returns, **_said(ends, shape)}
    )


def exported(
    student: Student, own: Own, states: Weights, facts: Mapping[str, Any]
) -> tuple[Export, ExportedProgram | None, str]:
    """The .pt file with its entry, the program that other formats are made from, and why not.

    Raises:
        ToolkitError: it cannot be exported; or the file does not do what their own code does.
    """
    given: dict[str, Any] = {"name": own.name, "states": dict(states), "facts": own.facts}
    try:
        answer = student.ask("export", network=own.network.id, **given)
    except StudentError as error:
        problem = error.text.strip().partition("\n")[0][:200]
        raise ToolkitError(f"The {own.name} was not exported: {problem}") from error
    signature = SIGNATURES[own.name]
    try:
        data = answer["pt"].numpy().tobytes()
        golden = {name: answer["golden"][name] for name in ("tolerance", "cases")}
        check_golden(f"{own.name}.pt", golden, through_torch(load_pt(data)))
        graph = None
        if answer["pt2"] is not None:
            graph = from_bytes(answer["pt2"].numpy().tobytes())
        problem = str(answer["problem"])[:300]
    except (*MALFORMED, RuntimeError) as error:
        raise ToolkitError(f"The {own.name} was not exported: its files are damaged.") from error
    latent_dim = {"latent_dim": math.prod(own.facts["z_shape"])} if "z_shape" in own.facts else {}
    entry = {
        "sha256": sha256(data),
        "bytes": len(data),
        "input": signature.input,
        "output": signature.output,
        "methods": {},
        "attributes": latent_dim,
        "torch": torch.__version__,
        **facts,
        "own": {**facts["own"], **own.found},
        "golden": golden,
    }
    return Export(f"{own.name}.pt", data, entry), graph, problem


def fits(student: Student, network: Network, states: Weights) -> Weights | None:
    """The weights, if they are those of this network."""
    shapes = student.ask("shapes", network=network.id)
    return states if {name: list(x.shape) for name, x in states.items()} == shapes else None


def _only(name: str, inputs: list[Value]) -> Value:
    """What goes into a network, if that is all."""
    if len(inputs) != 1:
        raise ToolkitError(
            f"The {name} was not exported: it is given {len(inputs)} tensors, perhaps labels, and "
            "the exports of this kind take one."
        )
    return inputs[0]


def _near(ends: tuple[float, float]) -> tuple[float, float]:
    """The usual range that these ends are near to, or they themselves."""
    usual = (r for r in RANGES if all(abs(a - b) < NEAR for a, b in zip(ends, r, strict=True)))
    return next(usual, ends)


def _said(ends: tuple[float, float], shape: tuple[int, ...]) -> dict[str, Any]:
    return {"range": f"{ends[0]:g},{ends[1]:g}", "shape": list(shape)}
