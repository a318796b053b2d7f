"""Finds lines that call the generator to draw samples but did not run during the check."""

import ast
import re
from collections.abc import Iterator, Set
from typing import NamedTuple

from toolkit.assignment.judging.gan.game import Game
from toolkit.assignment.judging.gan.lines import Lines, called
from toolkit.assignment.judging.train.trace import Call, Loss
from toolkit.assignment.running.names import meaning
from toolkit.assignment.running.places import Place


class Site(NamedTuple):
    """A line of code that may draw samples but did not run during the check."""

    place: Place
    function: ast.FunctionDef | None  # the function that contains the line


def sampling_sites(
    game: Game, lines: Lines, drew: Set[tuple[str, int]] = frozenset()
) -> list[Site] | None:
    """Find the lines that may draw samples but did not run during the check.

    Args:
        drew: the file and the line of each generator call in the functions that the check called.

    Returns:
        None if the name that the code uses to call the generator cannot be determined. The result
        is also None if a function whose name begins with `test` may draw samples with a generator
        that it does not create itself. (A test that creates its own generator is ignored.)
    """
    names = _names(game, lines)
    if not names:
        return None
    ran = drew | _lines_that_ran(game)
    scripts = [lines.file, *(script.file for script in game.trace.others)]
    sites = []
    for file in dict.fromkeys((*lines.reached, *scripts)):
        for node, function in _calls(lines.trees.get(file, ast.Module([], []))):
            if called(node) == game.generator.name:
                continue  # this call makes the generator
            if not _may_draw(node, function, names) or _has_run(node, file, ran):
                continue
            if function is None and file not in scripts:
                continue  # this code runs only if the file is a script of its own
            if function is not None and _is_test(function):
                if not _makes_network(function, game):
                    return None
                continue
            sites.append(Site(Place(file, node.lineno), function))
    return sites


def _lines_that_ran(game: Game) -> set[tuple[str | None, int | None]]:
    """Return the file and the line of each call to a network or a loss function."""
    return {(event.file, event.line) for event in game.trace.all(Call, Loss)}


def _may_draw(node: ast.Call, function: ast.FunctionDef | None, names: Set[str]) -> bool:
    """True if a call may run the generator. Such a call is not inside a `forward` or `__init__`.
    The function called is either one of `names` or a parameter of the surrounding function.

    Args:
        function: the function that contains the call.
    """
    if function is not None and function.name in ("forward", "__init__"):
        return False  # of a part, or for a test of its shapes
    return called(node) in names or _is_parameter(node.func, function)


def _has_run(node: ast.Call, file: str, ran: Set[tuple[str | None, int | None]]) -> bool:
    """True if one of the lines of a call has run."""
    last = node.end_lineno or node.lineno
    return any((file, line) in ran for line in range(node.lineno, last + 1))


def _is_test(function: ast.FunctionDef) -> bool:
    return function.name.lower().startswith("test")


def _makes_network(function: ast.FunctionDef, game: Game) -> bool:
    """True if a function creates its own generator network, for example in order to test the shapes
    of the generator's outputs.
    """
    return any(called(node) == game.generator.name for node in ast.walk(function))


def _is_parameter(called: ast.expr, function: ast.FunctionDef | None) -> bool:
    """True if `called` is the name of a parameter of `function`; such a parameter may be a
    generator that is passed in.
    """
    if function is None or not isinstance(called, ast.Name):
        return False
    return called.id in [argument.arg for argument in function.args.args]


def unsearched(
    game: Game, lines: Lines, drew: Set[tuple[str, int]]
) -> tuple[str | None, Place | None]:
    """Return the reason why the check may have missed an interpolation, and the line or file to
    which this reason refers (None if it refers to neither).

    Both values are None if the check finds no reason why it may have missed an interpolation.

    Args:
        drew: as in `sampling_sites`.
    """
    if game.trace.ended != "finished":
        return "the check did not see the end of the code", None
    for script in game.trace.others:
        if script.ended not in ("finished", "nothing"):
            return "this file stopped before its end", Place(script.file, None)
    sites = sampling_sites(game, lines, drew)
    if sites is None:
        return "the check could not search all the code", None
    for site in sites:
        return "the check does not know whether this line draws such images", site.place
    for file in unrun(game, lines):
        return "this file did not run", Place(file, None)
    return None, None


def unrun(game: Game, lines: Lines) -> Iterator[str]:
    """Yield each file that did not run during the check but may contain code that generates
    images.
    """
    stem = lines.file.rpartition("/")[2].removesuffix(".py")
    uses = re.compile(rf"\b({re.escape(stem)}|{re.escape(game.generator.name)})\b", re.I)
    for file, text in lines.texts.items():
        if file in game.trace.ran:
            continue
        if uses.search(text) or _loads(text, lines.trees.get(file)):
            yield file


def _loads(text: str, tree: ast.Module | None) -> bool:
    """True if a file may load a network when it runs.

    The top-level statements are searched for a call to `load`; if the file could not be parsed, its
    whole text is searched.
    """
    statements = text
    if tree is not None:
        apart = ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
        run = [node for node in tree.body if not isinstance(node, apart)]
        statements = "\n".join(map(ast.unparse, run))
    return re.search(r"\bload\(", statements) is not None


def _names(game: Game, lines: Lines) -> set[str]:
    """Return the names by which the code calls the generator.

    A statement that calls the generator may call other functions too, so the result contains only
    the names that suggest a generator, such as `netG`. If no called name suggests a generator, the
    result contains the names that are called in every statement that calls the generator.
    """
    called_in: list[set[str]] = []
    for call in game.all_draws:
        statement = lines.statement(call)
        if statement is not None:
            called_in.append({called(node) for node in ast.walk(statement)} - {""})
    if not called_in:
        return set()
    every_name = set.union(*called_in)
    telling = {name for name in every_name if meaning(name, "called")}
    return telling or set.intersection(*called_in)


def _calls(
    node: ast.AST, function: ast.FunctionDef | None = None
) -> Iterator[tuple[ast.Call, ast.FunctionDef | None]]:
    """Yield every call in the syntax tree rooted at `node`, each with the function that contains
    the call.
    """
    if isinstance(node, ast.Call):
        yield node, function
    if isinstance(node, ast.FunctionDef):
        function = node
    for part in ast.iter_child_nodes(node):
        yield from _calls(part, function)
