"""Runs a student's script as `python FILE` would, and reports what happened."""

import _thread
import ast
import builtins
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from torch import nn

from toolkit.assignment.running.answering import Back, described
from toolkit.assignment.running.importing.files import compiled, forget_imports, prepare_imports
from toolkit.assignment.running.importing.plain import run_as_main
from toolkit.assignment.running.places import NOWHERE, place_of_class
from toolkit.assignment.running.process.weights import Weights
from toolkit.assignment.running.record.script.drawing import Drawing
from toolkit.assignment.running.record.script.loops import NETWORK, Loops, going_on
from toolkit.assignment.running.record.script.reading import (
    modes,
    uncalled_training,
    unfinished,
    whole_numbers,
)
from toolkit.assignment.running.record.script.tracer import EnoughSteps, Tracer
from toolkit.assignment.running.record.script.watching import watching
from toolkit.assignment.running.replies import ErrorDescription

MAX_MODES = 4  # modes of a script that are tried


class End(NamedTuple):
    """How a run ended; the docstring of the package `script` explains the values."""

    ended: str
    error: ErrorDescription | None = None


class Script:
    """A student's script, its tracer, and the names that the script defines.

    Args:
        root: the folder of the submission.
        file: the path of the script, relative to `root`.
        max_steps: the number of optimiser steps in any one loop after which that loop is ended
            early.
        max_seconds: the CPU time, in seconds, after which the script is stopped.
        brisk: as for a `Tracer`.
        arguments: the command-line arguments of the script.

    Attributes:
        weights: the weight files that the script tries to load but that are not in the submission.
    """

    def __init__(
        self,
        root: Path,
        file: str,
        max_steps: int,
        max_seconds: float,
        brisk: bool = False,
        arguments: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.file = root / file
        self.arguments = arguments
        self.weights = Weights()
        # The end of the script, and the errors for a missing folder or missing weights.
        self._end: dict[str, Any] = dict.fromkeys(("ended", "error", "lacking", "unloaded"))
        self._others: list[dict[str, Any]] = []  # scripts that ran afterwards, and their ends
        self._begin(Tracer(root, max_steps, max_seconds, brisk))

    def _begin(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.loops = Loops(tracer)
        self.module = ModuleType("__main__")
        self._lacks: str | None = None  # a path that was not found
        self._ran: dict[str, list[int]] = {}  # file -> its unfinished lines

    def run(self, begin: bool = False) -> dict[str, Any]:
        """Run the script until it ends, has taken enough optimiser steps or reaches its time limit.

        Args:
            begin: True to call the training function that the script defines but never calls, if
                running the script trains nothing.

        Returns:
            the record of the run, as described in the docstring of the package `script`.
        """
        with _alarm(self):
            end = self._attempt(self._run_main)
            end = self._provide_files(end)
            if end.ended != "error" and not self._is_it and self.tracer.parsers:
                end = self._attempt_in_modes() or end
            if begin and end.ended == "finished" and not self.trained:
                end = self._begin_training()
        self._end |= self._as_recorded(end)._asdict()
        return self._answer()

    def _as_recorded(self, end: End) -> End:
        """Return how a run ended, where a run does not count as finished if it trained nothing or
        if its last part is not in the record.
        """
        if end.ended == "error" and self.loops.passed is not None:
            return End("error", self.loops.passed)  # the first exception may be the cause
        if end.ended != "finished":
            return end
        if not self.trained:
            return End("nothing")
        return End("enough") if self.tracer.full() else end

    def _provide_files(self, end: End) -> End:
        """Provide the folder and the weight files whose absence stops the script. If a missing
        folder stopped the script, this method creates the folder and runs the script again. Then,
        for each missing weight file that stops the script, it provides a stand-in and runs the
        script again.

        Args:
            end: how the first run ended.
        """
        if self._make_folder():
            self._end["lacking"] = end.error
            end = self._attempt_again()
        while self.weights.provide(self._lacks):
            self._end["unloaded"] = self._end["unloaded"] or end.error
            end = self._attempt_again()
        return end

    def run_also(self, file: str, max_seconds: float) -> dict[str, Any]:
        """Run another of the student's scripts as if it were a continuation of this one.

        Args:
            max_seconds: the limit in seconds of CPU time.

        Returns:
            a single record of both scripts, in the form that the package `script` documents.
        """
        path = self.root / file
        self.tracer.go_on(max_seconds)
        main = partial(self._run_main, path=path, module=ModuleType("__main__"))
        with _alarm(self):
            end = self._attempt(main, path.parent)
            while self.weights.provide(self._lacks):
                end = self._attempt(main, path.parent)
        sys.modules["__main__"] = self.module
        os.chdir(self.file.parent)
        self._others.append({"file": file, **self._as_recorded(end)._asdict()})
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        self.tracer.see_moves_by_hand()
        unfinished_places: list[tuple[str, int]] = []
        for file, lines in self._ran.items():
            unfinished_places += [(file, line) for line in lines]
        networks = []
        for key, network in self.tracer.networks.items():
            networks.append(_network(key, network, self.tracer))
        return {
            **self._end,
            "passed": self.loops.passed,
            "others": self._others,
            "ran": list(self._ran),
            "unfinished": unfinished_places,
            "networks": networks,
            "normalised": list(self.tracer.origins.all_modules("Normalize")),
            "events": self.tracer.events,
            "noise": list(self.tracer.origins.numbers_came),
            "entered": self.loops.entered,
            "cpu": time.process_time(),
            "numbers": whole_numbers(self.tracer.parsers[-1]) if self.tracer.parsers else {},
        }

    @property
    def trained(self) -> bool:
        """True if the trace contains a step, a backward pass or a loss."""
        kinds = ("step", "backward", "loss")
        return any(event["kind"] in kinds for event in self.tracer.events)

    @property
    def _is_it(self) -> bool:
        """True if the script has trained, and the number of optimisers that it used is right for
        the training that it is expected to do.

        GAN training must use at least two optimisers, and any other training at most one.
        """
        optimizers = {e["optimiser"] for e in self.tracer.events if e["kind"] == "step"}
        return self.trained and (len(optimizers) > 1) == self.tracer.brisk

    def function_in(self, file: str, name: str) -> FunctionType | None:
        """Run a file that the script did not import, and return the function `name` from it, or
        None if the file has no such function.
        """
        path = self.root / file
        if path.suffix != ".py" or path == self.file:
            return None
        module = ModuleType(path.stem)
        module.__file__ = str(path)

        def run() -> None:
            prepare_imports(self.root, path.parent, self._change)
            exec(compiled(path, self._change), vars(module))

        self._attempt(run)
        function = getattr(module, name, None)
        if not isinstance(function, FunctionType):
            return None
        return function

    def _attempt(self, call: Callable[[], Any], folder: Path | None = None) -> End:
        """Run some of the student's code, and return how the run ended.

        Args:
            folder: the folder from which the code imports; by default the folder of the script.
        """
        self._lacks = None
        prepare_imports(self.root, folder or self.file.parent, self._change)
        try:
            with watching(self.tracer), self.weights.standing_in():
                call()
        except EnoughSteps:
            return self._end_of_steps()
        except SystemExit as error:
            ended = "finished"
            if error.code:
                ended = "exit"
            return End(ended, described(error, self.root))
        except NETWORK as error:
            self._lacks = getattr(error, "filename", None)
            return End("network", described(error, self.root))
        except Exception as error:  # whatever a student's code raises
            return End("error", described(error, self.root))
        return End("finished")

    def _end_of_steps(self) -> End:
        """Return how a run ended that the tracer has stopped."""
        if self.tracer.met_uncertain:
            return End("error", self.loops.passed)
        return End("slow" if self.tracer.slow else "enough")

    def _make_folder(self) -> bool:
        """Create the folder that the script did not find; an empty folder may be all it needs.

        Returns:
            True if the folder was made.
        """
        if not self._lacks:
            return False
        folder = Path(os.path.abspath(self._lacks))
        if folder.exists() or folder.suffix or not folder.is_relative_to(self.root):
            return False
        folder.mkdir(parents=True)
        return True

    def _attempt_again(self, *arguments: str) -> End:
        """Run the script from its beginning, as if nothing had run before."""
        forget_imports(self.root)
        self._begin(self.tracer.another())
        return self._attempt(partial(self._run_main, *arguments))

    def _attempt_in_modes(self) -> End | None:
        """Run the script in each mode that its command-line parser allows, such as training or
        sampling. The modes are tried one after another until the script trains as expected. Only
        the first few modes are tried.

        Returns:
            how the successful run ended, or None if the script did not train as expected in any of
            the modes tried. If the result is None, the results of the script's first run are
            restored.
        """
        first = (self.tracer, self.loops, self.module, self._ran)
        tree = ast.parse(self.file.read_bytes())
        for mode in modes(self.tracer.parsers[-1], tree)[:MAX_MODES]:
            end = self._attempt_again(*mode)
            if self._is_it:
                return end
        self.tracer, self.loops, self.module, self._ran = first
        return None

    def _begin_training(self) -> End:
        """Call the training function that the script itself never calls, if there is one."""
        name = uncalled_training(ast.parse(self.file.read_bytes()))
        function = vars(self.module).get(name or "")
        if not callable(function):
            return End("finished")
        return self._attempt(function)

    def _run_main(
        self, *arguments: str, path: Path | None = None, module: ModuleType | None = None
    ) -> None:
        """Run the file `path` as the main module with the command-line arguments `arguments`. If no
        path is given, run the student's script instead, with its own arguments followed by
        `arguments`.
        """
        if path is None:
            path, arguments = self.file, (*self.arguments, *arguments)
        builtins.input = lambda *prompt: "1"
        code = compiled(path, self._change)
        run_as_main(module or self.module, path, self.root, code, *arguments)

    def _change(self, tree: ast.Module, file: str) -> ast.Module:
        """Rewrite the syntax tree of a student's file so that its loops can be left early and, if
        it is the script itself, so that it can go on after a failed statement. Also
        record the line number of each `pass` or `...` that is the whole body of a function or loop.
        """
        self._ran[Path(file).relative_to(self.root).as_posix()] = list(unfinished(tree))
        tree = self.loops.change(tree, file)
        if Path(file) == self.file:
            tree = going_on(tree)
        return tree


class Runs:
    """Answers questions from the checking process about one script; each question is a method call,
    and `run` must be called first.
    """

    script: Script
    _brisk = False  # as for a `Tracer`

    def __init__(self, root: Path, back: Back) -> None:
        self.root = root
        self.back = back

    def run(
        self,
        *,
        file: str,
        max_steps: int,
        max_seconds: float,
        drawing: Drawing | None = None,
        begin: bool = False,
        arguments: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Run the script until it ends, has taken enough optimiser steps or reaches its time limit.

        Args:
            max_seconds: the limit on CPU time, in seconds, which applies even before the first
                step.
            drawing: the object that replaces the networks' images and logits with those from the
                checking process; None keeps the networks' own results.
            begin: True to call the training function that the script defines but never calls, if
                running the script trains nothing.
            arguments: the command-line arguments of the script.

        Returns:
            the record of the run, as described in the docstring of the package `script`.
        """
        forget_imports(self.root)
        self.script = Script(self.root, file, max_steps, max_seconds, self._brisk, arguments)
        self.script.tracer.drawing = drawing
        return self.script.run(begin)


@contextmanager
def _alarm(script: Script) -> Iterator[None]:
    """Stop a script at its deadline even if its training has not completed a step. This function is
    needed because the code that records the training compares the time with the deadline only after
    the first step.
    """

    def stop(*_: object) -> None:
        if script.tracer.on:
            script.tracer.slow = True
            raise EnoughSteps

    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            if time.process_time() > script.tracer.deadline:
                _thread.interrupt_main()  # calls `stop` there; Windows has no timer of CPU time

    watcher = threading.Thread(target=watch, daemon=True)
    before = signal.signal(signal.SIGINT, stop)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        signal.signal(signal.SIGINT, before)


def _network(key: int, network: nn.Module, tracer: Tracer) -> dict[str, Any]:
    """Describe a network's classes and parameters, and the places in the code where the network and
    its parameters were created.
    """
    kind, origins = type(network), tracer.origins
    file, _ = place_of_class(kind, tracer.root) or NOWHERE
    classes: set[str] = set()
    for module in network.modules():
        classes.update(base.__name__ for base in type(module).__mro__[:-2])
    layers = [module for module in network.modules() if not list(module.children())]
    names = [name for name, _ in network.named_parameters()]
    return {
        "id": key,
        "parameters": list(map(tracer.values.id_of, network.parameters())),
        "class": kind.__name__,
        "file": file,
        "names": names,
        "classes": sorted(classes),
        "made": origins.of_module(network),
        "made_last": origins.of_module(layers[-1]),
        "made_parameters": [origins.of(network, name) for name in names],
    }
