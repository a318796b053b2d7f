"""A student's functions that may draw from latent points, found by reading and tried by calling."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.check.gan.drawing.stand_ins import Artist, Drawn, digits
from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.gan.lines import Lines
from toolkit.assignment.check.host import Student
from toolkit.assignment.check.verdicts import Place

WORDS = ("interpol", "lerp", "linspace", "walk", "morph", "traverse", "transition")
CHOOSES = ("argmax", "classif", "digit", "ends", "pair", "different", "choose", "pick", "select")
SAMPLES = ("sample", "draw", "generate", "save", "show", "plot", "picture", "image", "visual")
TRAINS = {"backward", "step", "zero_grad", "grad"}  # the last one in a gradient penalty
STARTS = ("z_from", "z_start", "z0", "z_0", "z1", "z_1", "z_a", "za", "start", "z_begin", "a",
          "start_z", "first", "noise1", "latent1", "x0", "p0", "v0", "low", "source",
          "start_point", "begin", "from_z")  # fmt: skip
STOPS = ("z_to", "z_end", "z2", "z_2", "z_b", "zb", "end", "stop", "b", "z1", "end_z", "last",
         "second", "noise2", "latent2", "x1", "p1", "v1", "high", "target", "end_point",
         "to_z")  # fmt: skip
ENDS = (("start", "end"), ("start", "stop"), ("from", "to"), ("first", "last"), ("first", "second"),
        ("left", "right"), ("begin", "end"), ("source", "target"), ("src", "dst"), ("0", "1"),
        ("1", "2"), ("_a", "_b"), ("a", "b"))  # fmt: skip
BOTH = ("ends", "points", "pair", "zs", "endpoints")
STEPS = ("steps", "n_steps", "num_steps", "n", "num", "n_interp", "num_interp",
         "interpolation_steps")  # fmt: skip
IMAGES = ("num_images", "n_images", "count", "frames", "total", "num_points", "n_points", "k")
DIMENSIONS = ("latent_dim", "z_dim", "nz", "latent_size", "noise_dim", "dim", "zdim", "z_size")


@dataclass(frozen=True)
class Function:
    """A function, or a method, of a student's."""

    name: str  # "Class.method" for a method
    place: Place
    node: ast.FunctionDef

    @property
    def parameters(self) -> list[str]:
        """Their names in lower case, without `self`."""
        arguments = [*self.node.args.posonlyargs, *self.node.args.args, *self.node.args.kwonlyargs]
        return [a.arg.lower() for a in arguments if a.arg not in ("self", "cls")]

    @property
    def names(self) -> set[str]:
        """All names, attributes and texts in it, in lower case."""
        found = {self.node.name.lower()}
        for node in ast.walk(self.node):
            for field in ("id", "attr", "arg"):
                if isinstance(word := getattr(node, field, None), str):
                    found.add(word.lower())
        return found

    def ends(self) -> tuple[str, str] | None:
        """The parameters for the two latent points, if there are any."""
        networks = {a.arg.lower() for a in self.node.args.args if a.arg.isupper()}  # as G, D
        names = [name for name in self.parameters if name not in networks]
        for k, first in enumerate(names):
            for second in names[k + 1 :]:
                if (first in STARTS and second in STOPS) or _are_ends(first, second):
                    return first, second
        return None


def _are_ends(first: str, second: str) -> bool:
    """Whether two names are the same but for words that are a beginning and an end."""
    for start, stop in ENDS:
        if first != start and first.replace(start, stop) == second and start in first:
            return True
    return False


@dataclass(frozen=True)
class Tried:
    """What came of calling a function."""

    draws: list[Drawn]  # calls of the generator
    returned: list[Tensor]
    error: dict[str, Any] | None
    unknown: str | None  # the parameter that nothing is known about


class Functions:
    """The functions in the files of a submission.

    Args:
        student: the process that has run the script.
        lines: of the submission.
        game: what was seen in it.
        artist: draws the images.
    """

    def __init__(self, student: Student, lines: Lines, game: Game, artist: Artist) -> None:
        self._student, self.lines, self._game = student, lines, game
        self.artist = artist
        self._called: dict[str, dict[str, Any]] = {}
        shape = next(
            (c.inputs[0].shape for c in game.draws if c.inputs and len(c.inputs[0].shape) > 1),
            (1, 100),
        )
        self.latent = shape[1:]
        self.latent_dim = torch.Size(self.latent).numel()

    def that(self, *words: str) -> list[Function]:
        """Those in which one of these words is, and that do not train; the shortest names last."""
        found = []
        for function in self._all():
            names = function.names - {"walk"}  # of folders
            if names & TRAINS or function.node.name in ("forward", "__init__"):
                continue
            if any(word in name for name in names for word in words):
                found.append(function)
        own = [f for f in found if any(word in f.node.name.lower() for word in words)]
        return [*own, *(f for f in found if f not in own)]

    def call(
        self, function: Function, ends: Tensor, seed: int, count: int = 7, again: bool = False
    ) -> Tried:
        """Call a function with stand-ins.

        Args:
            ends: the two latent points, (2, latent_dim), in whatever shape it wants them.
            seed: of the random numbers.
            count: for a number of steps.
            again: it was called before, and came back.
        """
        attempts = [ends.reshape(2, *self.latent), ends.reshape(2, 1, *self.latent)]
        tried = None
        for points in attempts if function.ends() else attempts[:1]:
            self.artist.drawn.clear()
            answer = self._student.ask(
                "try_function",
                helps={
                    "draw": self.artist.draw,
                    "classify": self.artist.classify,
                    "digits": digits,
                },
                name=function.name,
                file=function.place.file,
                generator=self._game.generator.id,
                values=self._values(function, points, count),
                seed=seed,
                known_to_end=again,
            )
            tried = Tried(
                list(self.artist.drawn),
                answer["returned"],
                answer["error"],
                answer["unknown"],
            )
            if tried.error is None:
                return tried
        assert tried is not None
        return tried

    def _values(self, function: Function, ends: Tensor, count: int) -> dict[str, Any]:
        defaults = function.node.args.defaults
        arguments = [*function.node.args.posonlyargs, *function.node.args.args]
        given = {a.arg.lower() for a in arguments[len(arguments) - len(defaults) :] if defaults}
        given |= {
            a.arg.lower()
            for a, d in zip(
                function.node.args.kwonlyargs, function.node.args.kw_defaults, strict=True
            )
            if d is not None
        }
        known: dict[str, Any] = dict.fromkeys(DIMENSIONS, self.latent_dim)
        known |= dict.fromkeys(STEPS, count) | dict.fromkeys(IMAGES, 9)
        known |= dict.fromkeys(("t", "alpha", "val", "weight", "w", "ratio", "mu"), 0.3)
        known |= dict.fromkeys(("path", "filename", "file", "name", "save_path", "out"), "out.png")
        known |= dict.fromkeys(("epoch", "step", "i", "idx", "iteration"), 1)
        known |= dict.fromkeys(BOTH, ends) | {"z": ends, "noise": ends, "fixed_noise": ends}
        known |= dict.fromkeys(("batch_size", "num_samples", "n_samples", "size"), 25)
        known = {name: value for name, value in known.items() if name not in given}
        if pair := function.ends():
            known |= dict(zip(pair, ends, strict=True))
        return known | self._as_called(function)

    def _as_called(self, function: Function) -> dict[str, Any]:
        """The numbers that the submission itself passes to the function."""
        if function.name in self._called:
            return self._called[function.name]
        found = self._called[function.name] = {}
        for tree in self.lines.trees.values():
            for node in ast.walk(tree):
                name = (
                    getattr(node.func, "attr", getattr(node.func, "id", ""))
                    if isinstance(node, ast.Call)
                    else ""
                )
                if not isinstance(node, ast.Call) or name != function.node.name:
                    continue
                pairs = [*zip(function.parameters, node.args, strict=False)]
                pairs += [(k.arg.lower(), k.value) for k in node.keywords if k.arg]
                for parameter, value in pairs:
                    if isinstance(value, ast.Constant) and isinstance(value.value, int):
                        found[parameter] = value.value
        return found

    def _all(self) -> Iterator[Function]:
        for file, tree in self.lines.trees.items():
            for node in tree.body:
                if isinstance(node, ast.FunctionDef):
                    yield Function(node.name, Place(file, node.lineno), node)
                elif isinstance(node, ast.ClassDef):
                    for inner in node.body:
                        if isinstance(inner, ast.FunctionDef):
                            name = f"{node.name}.{inner.name}"
                            yield Function(name, Place(file, inner.lineno), inner)
