"""Where a student's files call the generator to draw samples, and did not come to it."""

import ast
import re
from collections.abc import Iterator, Set
from typing import NamedTuple

from toolkit.assignment.check.findings import Place
from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.gan.lines import Lines, called
from toolkit.assignment.check.names import meaning
from toolkit.assignment.check.train.trace import Call, Loss


class Site(NamedTuple):
    """A line that would draw samples."""

    place: Place
    function: ast.FunctionDef | None  # which it is in


def sampling_sites(
    game: Game, lines: Lines, drew: Set[tuple[str, int]] = frozenset()
) -> list[Site] | None:
    """The lines that would draw samples, and were not seen to.

    Args:
        drew: file and line where a function has drawn that was called.

    Returns:
        None if it is not known by what name the generator is called, or what a test is for.
    """
    ran = drew | {(event.file, event.line) for event in game.trace.all(Call, Loss)}
    names = _names(game, lines)
    found, unclear = [], not names
    scripts = [lines.file, *(other.file for other in game.trace.others)]
    for file in dict.fromkeys((*lines.reached, *scripts)):
        for node, function in _calls(lines.trees.get(file, ast.Module([], []))):
            here = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            known = called(node) in names or _is_parameter(node.func, function)
            if not known or any((file, n) in ran for n in here):
                continue
            if called(node) == game.generator.name:
                continue  # it is made here
            if function is not None and function.name in ("forward", "__init__"):
                continue  # of a part, or for a test of its shapes
            if function is None and file not in scripts:
                continue  # what does not run when a file is imported is no part of this one
            if function is not None and function.name.lower().startswith("test"):
                unclear |= not any(called(n) == game.generator.name for n in ast.walk(function))
                continue  # of the shapes, if it makes a network of its own
            found.append(Site(Place(file, node.lineno), function))
    return None if unclear else found


def _is_parameter(called: ast.expr, function: ast.FunctionDef | None) -> bool:
    """Whether a function calls what it is given, which may be a generator."""
    arguments = function.args.args if function is not None else []
    return isinstance(called, ast.Name) and called.id in [a.arg for a in arguments]


def unsearched(
    game: Game, lines: Lines, drew: Set[tuple[str, int]]
) -> tuple[str | None, Place | None]:
    """What may draw with the generator and was not seen to, and where; None if nothing is left.

    Args:
        drew: as of `sampling_sites`.
    """
    if game.trace.ended != "finished":
        return "the check did not see the end of the code", None
    for other in game.trace.others:
        if other.ended not in ("finished", "nothing"):
            return "this file stopped before its end", Place(other.file, None)
    sites = sampling_sites(game, lines, drew)
    if sites is None:
        return "the check could not search all the code", None
    for site in sites:
        return "the check does not know whether this line draws such images", site.place
    for file in unrun(game, lines):
        return "this file did not run", Place(file, None)
    return None, None


def unrun(game: Game, lines: Lines) -> Iterator[str]:
    """The files that may draw with the generator, and that did not run."""
    stem = lines.file.rpartition("/")[2].removesuffix(".py")
    uses = re.compile(rf"\b({re.escape(stem)}|{re.escape(game.generator.name)})\b", re.I)
    for file, text in lines.texts.items():
        if file not in game.trace.ran and (
            uses.search(text) or _loads(text, lines.trees.get(file))
        ):
            yield file


def _loads(text: str, tree: ast.Module | None) -> bool:
    """Whether a file may load a network when it is run; of one that cannot be read, its text."""
    apart = ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    steps = [node for node in tree.body if not isinstance(node, apart)] if tree else []
    run = text if tree is None else "\n".join(map(ast.unparse, steps))
    return re.search(r"\bload\(", run) is not None


def _names(game: Game, lines: Lines) -> set[str]:
    """What the generator is called by: what says so, else what all its calls have in common."""
    statements = [found for call in game.all_draws if (found := lines.statement(call)) is not None]
    names = [{called(node) for node in ast.walk(statement)} - {""} for statement in statements]
    telling = {name for found in names for name in found if meaning(name, "called")}
    return telling or (set.intersection(*names) if names else set())


def _calls(
    node: ast.AST, function: ast.FunctionDef | None = None
) -> Iterator[tuple[ast.Call, ast.FunctionDef | None]]:
    """All calls, and in which function each is."""
    if isinstance(node, ast.Call):
        yield node, function
    function = node if isinstance(node, ast.FunctionDef) else function
    for part in ast.iter_child_nodes(node):
        yield from _calls(part, function)
