"""Finds the student's functions that may draw images from latent points, and calls them."""

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from toolkit.assignment.asking.host import GANChild
from toolkit.assignment.handin.syntax import words_in
from toolkit.assignment.judging.gan.drawing.stand_ins import Artist, Drawn, digits
from toolkit.assignment.judging.gan.game import Game
from toolkit.assignment.judging.gan.lines import Lines, called
from toolkit.assignment.running.names import NAMES, meaning
from toolkit.assignment.running.places import Place
from toolkit.assignment.running.replies import ErrorDescription, FileLine

TRAINS = {"backward", "step", "zero_grad", "grad"}  # calls; `grad` is for a gradient penalty
ENDS = [pair.split() for pair in NAMES["ends"]["pairs"].split("|")]


@dataclass(frozen=True)
class Function:
    """A function or a method in a student's code."""

    name: str  # "Class.method" for a method
    place: Place
    node: ast.FunctionDef

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters in lower case, without `self` or `cls`."""
        arguments = [*self.node.args.posonlyargs, *self.node.args.args, *self.node.args.kwonlyargs]
        names = [argument.arg for argument in arguments]
        return [name.lower() for name in names if name not in ("self", "cls")]

    @property
    def names(self) -> set[str]:
        """The names and attributes that occur in the function, in lower case."""
        return {word.lower() for word in words_in(self.node)}

    @property
    def trains(self) -> bool:
        """True if the function takes a training step, or if its name is `forward` or `__init__`; in
        either case, `of_kind` leaves it out.
        """
        if self.node.name in ("forward", "__init__"):
            return True
        return any(called(node) in TRAINS for node in ast.walk(self.node))

    def mentions(self, pattern: str) -> bool:
        """True if a name that occurs in the function matches the regular expression `pattern`."""
        names = self.names - {"walk"}  # this name is about folders
        return any(re.search(pattern, name) for name in names)

    def reads_points(self) -> bool:
        """True if the function has parameters for latent points or for an interpolation weight, so
        that its images depend on what the caller passes.
        """
        meant = {meaning(name, "drawing") for name in self.parameters}
        return self.ends() is not None or not meant.isdisjoint(("points", "weight"))

    def has(self, file: str, line: int) -> bool:
        """True if the function contains the given line of the given file."""
        last = self.node.end_lineno or self.node.lineno
        return file == self.place.file and self.node.lineno <= line <= last

    def ends(self) -> tuple[str, str] | None:
        """Return the names of the two parameters for the ends of an interpolation, or None."""
        arguments = [argument.arg for argument in self.node.args.args]
        networks = {name.lower() for name in arguments if name.isupper()}  # as G, D
        names = [name for name in self.parameters if name not in networks]
        for k, first in enumerate(names):
            for second in names[k + 1 :]:
                if _are_ends(first, second):
                    return first, second
        return None


def _are_ends(first: str, second: str) -> bool:
    """True if two parameter names can stand for the ends of an interpolation. This is the case if a
    word in the first name, such as `start`, can be replaced by its counterpart, such as `end`, to
    give the second name.
    """
    return any(first.replace(start, stop) == second != first for start, stop in ENDS)


@dataclass(frozen=True)
class Tried:
    """The outcome of calling a function."""

    draws: list[Drawn]  # calls of the generator
    noise: list[Tensor]  # made of nothing
    returned: list[Tensor]
    error: ErrorDescription | None
    unknown: str | None  # the parameter that nothing is known about


class Functions:
    """The functions in the files of a submission.

    Args:
        child: the process that ran the student's script.
        lines: of the submission.
        game: the generator and the discriminator that were found in the run, with their steps and
            calls.
        artist: draws the images.
    """

    def __init__(self, child: GANChild, lines: Lines, game: Game, artist: Artist) -> None:
        self._child, self.lines, self._game = child, lines, game
        self.artist = artist
        self.modes: set[bool] = set()  # of the generator when a function drew
        self.untried: str | None = None  # why a function could not be called
        self.drew: set[tuple[str, int]] = set()  # file and line where a function
        # that returned drew points of its own
        self.entered = game.trace.entered  # those that the script called
        self.latent = _latent_shape(game)
        self.latent_dim = torch.Size(self.latent).numel()

    def of_kind(self, kind: str) -> list[Function]:
        """Return the functions that take no training step and contain at least one name that
        matches the pattern for `kind`, where `kind` is, for example, "line".

        Functions whose own name matches this pattern come first in the list; they are followed by
        those that only contain another name that matches it.
        """
        pattern = NAMES["functions"][kind]
        named, mentioning = [], []
        for function in self._all():
            if function.trains or not function.mentions(pattern):
                continue
            if re.search(pattern, function.node.name.lower()):
                named.append(function)
            else:
                mentioning.append(function)
        return [*named, *mentioning]

    def with_nodes(self, nodes: Collection[ast.FunctionDef]) -> list[Function]:
        """Return the functions whose syntax trees are in `nodes`."""
        return [function for function in self._all() if function.node in nodes]

    def call(
        self,
        function: Function,
        ends: Tensor,
        seed: int,
        count: int = 7,
        known_to_end: bool = False,
    ) -> Tried:
        """Call a function with stand-ins for the generator, the classifier and the digits.

        Args:
            ends: the two latent points, (2, latent_dim). If the function has one parameter for each
                point and fails, the function is called again with a batch dimension added to each
                point.
            seed: the seed of the random number generator.
            count: the value that is passed as the number of steps.
            known_to_end: True if the function has already returned from an earlier call; its calls
                to networks are then not recorded, and it is not stopped after too many training
                steps.
        """
        tried = self._call(function, ends.reshape(2, *self.latent), seed, count, known_to_end)
        if tried.error is not None and function.ends():
            batches = ends.reshape(2, 1, *self.latent)
            tried = self._call(function, batches, seed, count, known_to_end)
        return tried

    def _call(
        self, function: Function, points: Tensor, seed: int, count: int, known_to_end: bool
    ) -> Tried:
        """Call a function with the two latent points in `points`, and record the result."""
        self.artist.drawn.clear()
        values = {
            "latent_dim": self.latent_dim,
            "steps": count,
            "images": 9,
            "batch": 25,
            "weight": 0.3,
            "path": "out.png",
            "epoch": 1,
            "points": points,
        }
        artist, file = self.artist, function.place.file
        assert file is not None  # it has been read
        with self._child.helping(draw=artist.draw, classify=artist.classify, digits=digits):
            answer = self._child.ask.try_function(
                name=function.name,
                file=file,
                generator=self._game.generator.id,
                pixels=torch.Size(artist.like).numel(),
                values=values,
                own=dict(zip(function.ends() or (), points, strict=False)),
                seed=seed,
                known_to_end=known_to_end,
            )
        self.modes |= {drawn.training for drawn in self.artist.drawn}
        tried = Tried(
            list(self.artist.drawn),
            answer["noise"],
            answer["returned"],
            answer["error"],
            answer["unknown"],
        )
        if tried.unknown:
            self.untried = f"the check could not run {function.name}"
        if tried.error is None and tried.draws and not tried.unknown:
            self._note_lines(function, answer["lines"])
        return tried

    def _note_lines(self, function: Function, lines: Iterable[FileLine]) -> None:
        """Record the lines on which a function called the generator, unless the function received
        the latent points from its caller.
        """
        if function.reads_points():
            return
        for file, line in lines:
            if file and line and function.has(file, line):
                self.drew.add((file, line))

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


def _latent_shape(game: Game) -> tuple[int, ...]:
    """Return the shape of one latent point in the generator's first batch, or (100,) if there is no
    batch.
    """
    for call in game.draws:
        if call.inputs and len(call.inputs[0].shape) > 1:
            return call.inputs[0].shape[1:]
    return (100,)
