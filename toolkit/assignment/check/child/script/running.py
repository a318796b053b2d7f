"""Runs a student's script as `python FILE` would, and says what happened."""

import ast
import builtins
import copy
import http.client
import inspect
import re
import socket
import sys
import urllib.error
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from toolkit.assignment.check.child.answering import described
from toolkit.assignment.check.child.importing import (
    UnknownParameter,
    compiled,
    prepare_imports,
)
from toolkit.assignment.check.child.places import line_of
from toolkit.assignment.check.child.plain import run_as_main
from toolkit.assignment.check.child.script.digits import Digits, replace_mnist
from toolkit.assignment.check.child.script.files import watching_files
from toolkit.assignment.check.child.script.guesses import Guesses
from toolkit.assignment.check.child.script.loops import Loops
from toolkit.assignment.check.child.script.networks import describe_networks
from toolkit.assignment.check.child.script.reading import (
    Smaller,
    discarded_gradients,
    switch,
    unfinished,
)
from toolkit.assignment.check.child.script.trace import EnoughSteps, Trace
from toolkit.assignment.check.child.script.watching import watching
from toolkit.assignment.check.child.stand_ins import StandIns

MAX_FLAGS = 2  # switches of a script that are tried
TRIALS = 4  # times that functions which make one step each are called
NETWORK = (
    urllib.error.URLError,
    http.client.HTTPException,
    socket.gaierror,
    ConnectionError,
    TimeoutError,
    FileNotFoundError,  # what was not handed in is nothing to judge by
)


class Script:
    """A student's script, its trace, and what it defines.

    Args:
        root: of the submission.
        file: relative to it.
        max_steps: optimiser steps after which a loop is left.
        max_seconds: CPU time after which a training is stopped.
        smaller: whether sizes that have a name are made smaller.
        brisk: as of a trace.
    """

    def __init__(
        self,
        root: Path,
        file: str,
        max_steps: int,
        max_seconds: float,
        smaller: bool = False,
        brisk: bool = False,
    ) -> None:
        self.root = root
        self.smaller = smaller
        self.file = root / file
        self.trace = Trace(root, max_steps, max_seconds, brisk)
        self.loops = Loops(self.trace)
        self.module = ModuleType("__main__")
        self._trees: dict[str, ast.Module] = {}  # what was run, as they wrote it
        self.called: list[str] = []  # functions that the check called itself

    def run(
        self,
        more: Mapping[str, Callable[[], Any]] = {},
        digits: Digits | None = None,
    ) -> dict[str, Any]:
        """Run it until it ends, or has trained enough. If it trains nothing, call its functions.

        Args:
            more: what makes arguments for parameters of these names, where functions are called.
            digits: gives the images (uint8, n x 28 x 28) and labels (int64) of MNIST for training
                (True) or for testing, in a dictionary, when a data set of torchvision wants them.

        Returns:
            what this package describes.
        """
        if digits is not None:
            replace_mnist(digits)
        ended, error = self._attempt(self._run_main)
        if ended == "finished" and not self.trained and self.trace.brisk:
            ended, error = self._attempt_with_flags() or (ended, error)
        if ended == "finished" and not self.trained:
            tried, failed = self._attempt(lambda: self._call_functions(more))
            if self.trained or tried == "error":
                ended, error = tried, failed
            elif not self.trained:
                ended, error = "nothing", failed
        self.trace.finish()
        return {
            "ended": ended,
            "error": error,
            "ran": [Path(file).relative_to(self.root).as_posix() for file in self._trees],
            "discarded": self._places(discarded_gradients),
            "unfinished": self._places(unfinished),
            "moves": list(dict.fromkeys(self.trace.moves)),
            "called": list(dict.fromkeys(self.called)),
            "callers": self._callers(),
            "networks": describe_networks(self.trace),
            "normalised": list(self.trace.origins.all_modules("Normalize")),
            "events": self.trace.events,
            "functions": [self._described(function) for function in self.functions()],
        }

    @property
    def trained(self) -> bool:
        """Whether anything was seen that belongs to a training."""
        kinds = ("step", "backward", "loss")
        return any(event["kind"] in kinds for event in self.trace.events)

    def watched(self) -> ExitStack:
        """A context in which what their code does is added to the trace."""
        stack = ExitStack()
        finder = next(f for f in sys.meta_path if isinstance(f, StandIns))
        stack.enter_context(watching_files(self.trace, self.root, finder))
        stack.enter_context(watching(self.trace))
        return stack

    def functions(self) -> list[FunctionType]:
        """The functions in the script, also those that it imports from files of theirs."""
        return [
            value
            for value in vars(self.module).values()
            if isinstance(value, FunctionType)
            and Path(value.__code__.co_filename).is_relative_to(self.root)
        ]

    def function_in(self, file: str, name: str) -> FunctionType | None:
        """A function in another file of theirs, which the script did not import."""
        path = self.root / file
        if path.suffix != ".py" or path == self.file:
            return None
        module = ModuleType(path.stem)
        module.__file__ = str(path)

        def run() -> None:
            prepare_imports(self.root, path.parent, self._change)
            exec(compiled(path, self._change), vars(module))

        self._attempt(run)
        found = getattr(module, name, None)
        return found if isinstance(found, FunctionType) else None

    def _attempt(self, work: Callable[[], None]) -> tuple[str, dict[str, Any] | None]:
        """Do something with their code.

        Returns:
            how it ended, and what it raised.
        """
        prepare_imports(self.root, self.file.parent, self._change)
        try:
            with self.watched():
                work()
        except EnoughSteps:
            return "slow" if self.trace.slow else "enough", None
        except SystemExit as error:
            return "exit" if error.code else "finished", described(error, self.root)
        except UnknownParameter as error:
            return "unknown", described(error, self.root)
        except NETWORK as error:
            return "network", described(error, self.root)
        except Exception as error:  # whatever a student's code raises
            return "error", described(error, self.root)
        return "finished", None

    def _attempt_with_flags(self) -> tuple[str, dict[str, Any] | None] | None:
        """Run it with its switches, one at a time, until it trains.

        Returns:
            as `_attempt`; None if it does not train.
        """
        tree = ast.parse(self.file.read_bytes())
        found = [option for node in ast.walk(tree) if (option := switch(node))]
        for option in sorted(found, key=lambda option: "train" not in option)[:MAX_FLAGS]:
            tried = self._attempt(partial(self._run_main, option))
            if self.trained:
                return tried
        return None

    def _run_main(self, *arguments: str) -> None:
        builtins.input = lambda *prompt: "1"
        code = compiled(self.file, self._change)
        run_as_main(self.module, self.file, self.root, code, *arguments)

    def _call_functions(self, more: Mapping[str, Callable[[], Any]]) -> None:
        """Call what trains: a main function, else one that trains, else those that make a step."""
        unknown: UnknownParameter | None = None
        functions = {f.__name__.lower(): f for f in self.functions()}
        guesses = Guesses(vars(self.module), more)
        for group in ([f] for f in guesses.mains(functions)), [[*guesses.steps(functions)]]:
            for functions_of_group in group:
                for _ in range(TRIALS):
                    for function in functions_of_group:
                        try:
                            guesses.call(function)
                            self.called.append(function.__name__)
                        except UnknownParameter as error:
                            unknown = unknown or error
                    if not self.trained or self.trace.steps > TRIALS:
                        break
                if self.trained:
                    return
        for method in guesses.methods():
            guesses.call(method)
            self.called.append(method.__name__)
            if self.trained:
                return
        if unknown is not None:
            raise unknown

    def _change(self, tree: ast.Module, file: str) -> ast.Module:
        """What is done to each of their files that is run."""
        self._trees[file] = copy.deepcopy(tree)
        tree = Smaller().visit(tree) if self.smaller else tree
        return self.loops.change(tree, file)

    def _places(self, find: Callable[[ast.Module], Iterable[int]]) -> list[dict[str, Any]]:
        return [
            {"file": Path(file).relative_to(self.root).as_posix(), "line": line}
            for file, tree in self._trees.items()
            for line in find(tree)
        ]

    def _callers(self) -> list[str]:
        """The other files of theirs in which the name of this one is imported."""
        pattern = re.compile(rf"(from|import)\s.*\b{re.escape(self.file.stem)}\b")
        return [
            path.relative_to(self.root).as_posix()
            for path in sorted(self.root.rglob("*"))
            if path.suffix in (".py", ".ipynb")
            and path != self.file
            and pattern.search(path.read_text(encoding="utf-8-sig", errors="replace"))
        ]

    def _described(self, function: FunctionType) -> dict[str, Any]:
        path = Path(function.__code__.co_filename)
        return {
            "name": function.__name__,
            "parameters": list(inspect.signature(function).parameters),
            "file": path.relative_to(self.root).as_posix(),
            "line": line_of(function),
        }
