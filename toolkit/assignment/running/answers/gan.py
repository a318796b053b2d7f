"""Replies to the questions that the judge (the process that checks the submission) asks about a
student's GAN.
"""

import importlib
import inspect
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FunctionType, MethodType
from typing import Any, cast
from unittest.mock import patch

import torch
from torch import Tensor, nn

from toolkit.assignment.running.answering import Back, described
from toolkit.assignment.running.importing.files import unpickled
from toolkit.assignment.running.names import UnknownParameter, call, meaning
from toolkit.assignment.running.places import within
from toolkit.assignment.running.record.origins import Sources
from toolkit.assignment.running.record.script.drawing import (
    Drawing,
    classify,
    draw,
    shapes_of,
)
from toolkit.assignment.running.record.script.running import Runs
from toolkit.assignment.running.record.script.tracer import EnoughSteps
from toolkit.assignment.running.record.script.values import are_tensors, stacked, tensors_in
from toolkit.assignment.running.record.script.watching import watching
from toolkit.assignment.running.replies import (
    FileLine,
    FilesMade,
    FunctionTried,
    ScriptRun,
    Shape,
    StateDict,
)

MAX_NOISE = 100_000  # numbers created without an input tensor in one call
MAX_TEXT = 200_000  # characters of a file


class GANAnswers(Runs):
    """The replies to questions about one script that trains a generator against a discriminator."""

    _brisk = True

    def run_drawing(self, *, max_seconds: float, generator: int, pixels: int) -> ScriptRun | None:
        """Run the script a second time; from a certain training step on, replace the generator's
        images with images from the judge (the process that checks the submission).

        The images are replaced as soon as the second run has taken as many training steps as the
        first.

        During the second run, this process requests images from the checking process with
        back("draw", z, training), and logits with back("classify", images).

        Args:
            max_seconds: as for `run`.
            generator: the id of the generator network.
            pixels: the number of pixels in one of the generator's images.

        Returns:
            what `run` returns for the script's second run, or None if the second run neither
            finished nor made enough training steps. If the result is None, the results of the first
            run remain in use.
        """
        first = self.script
        shapes = shapes_of(first.tracer.networks[generator])
        drawing = Drawing(self.back, shapes, pixels, first.tracer.steps)
        file = first.file.relative_to(self.root).as_posix()
        answer = self.run(
            file=file,
            max_steps=first.tracer.max_steps,
            max_seconds=max_seconds,
            drawing=drawing,
        )
        self.script.tracer.drawing = None
        if answer["ended"] in ("finished", "enough"):
            return answer
        self.script = first
        return None

    def run_also(self, *, file: str, max_seconds: float, until: float) -> ScriptRun:
        """Run another script as if it continued the first script; see `Script.run_also`.

        Args:
            max_seconds: the limit in seconds of CPU time.
            until: the total CPU time of this process, in seconds, at which the script must stop.
        """
        return self.script.run_also(file, min(max_seconds, until - time.process_time()))

    def outputs(self, *, network: int, inputs: list[Tensor]) -> Tensor | None:
        """Return the output that a network in evaluation mode computes for new inputs, or None if
        the call fails.
        """
        module = self.script.tracer.networks[network]
        modes = {part: part.training for part in module.modules()}
        for part in modes:  # `eval` might call a student's method `train`, which trains
            part.training = False
        try:
            with torch.no_grad():
                return next(tensors_in(module(*inputs)), None)
        except Exception:  # whatever a student's code raises
            return None
        finally:
            for part, mode in modes.items():
                part.training = mode

    def unpickle(self, *, file: str) -> list[StateDict]:
        """Return the weights of the networks in a file that contains whole pickled networks."""
        return unpickled(self.root / file, vars(self.script.module))

    def shapes(self, *, network: int) -> dict[str, Shape]:
        """Return the shape of each tensor in a network's state_dict, by name."""
        states = self.script.tracer.networks[network].state_dict()
        return {name: list(value.shape) for name, value in states.items()}

    def export(
        self,
        *,
        network: int,
        name: str,
        states: dict[str, Tensor],
        facts: dict[str, Any],
        maker: tuple[str, str],
    ) -> FilesMade:
        """Load the weights `states` into a network, and write this network to the submission's
        folder in the toolkit's file formats.

        Args:
            maker: the name of a module, and the name of a function in it that creates the exported
                files. `toolkit export` passes the name of the module that defines `own_files`, and
                the name of `own_files` itself. The module is passed by name because it lies outside
                the package `running`, the only part of the toolkit that a sandbox contains.

        Returns:
            two entries of the dictionary that `own_files` returns: `golden` (reference inputs and
            outputs, with a tolerance) and `problems` (the reasons why some files could not be
            made).
        """
        home, function = maker
        own_files = getattr(importlib.import_module(home), function)
        module = self.script.tracer.networks[network]
        module.load_state_dict(states)
        for part in module.modules():  # without `eval`, as in `outputs`
            part.training = False
        made: dict[str, Any] = own_files(name, module, facts)
        for ending in ("safetensors", "pt2", "pt"):
            (self.root / f"exported-{name}.{ending}").write_bytes(made.pop(ending))
        return cast(FilesMade, made)

    def texts(self) -> dict[str, str]:
        """Return the source of the student's .py files, by path relative to the root.

        The code of notebooks is part of the result, because it has been copied to .py files.
        """
        texts = {}
        for path in sorted(self.root.rglob("*")):
            if path.suffix == ".py" and path.is_file():
                text = path.read_text(encoding="utf-8-sig", errors="replace")
                texts[path.relative_to(self.root).as_posix()] = text[:MAX_TEXT]
        return texts

    def try_function(
        self,
        *,
        name: str,
        file: str,
        generator: int,
        pixels: int,
        values: dict[str, Any],
        own: dict[str, Any],
        seed: int,
        known_to_end: bool,
    ) -> FunctionTried:
        """Call one of the student's functions or methods; during the call, the judge (the process
        that checks the submission) supplies the generator's images.

        While the student's function runs, the generator calls back("draw", z, training) to request
        images from the judge. The generator then returns the images that it receives. Similarly, a
        digit classifier calls back("classify", images) to request logits from the judge, and
        returns the logits that it receives.

        Args:
            name: the name of the function, or "Class.method" for a method.
            file: the file that defines the function.
            generator: the id of the generator network.
            pixels: the number of pixels in one of the generator's images.
            values: values for parameters that have no default; each key, such as "latent_dim", is
                the standard name under which `names.toml` groups students' names for the same
                parameter.
            own: values for particular parameters, with precedence over `values`; the keys are the
                parameters' names in lower case.
            seed: the seed of the random number generator.
            known_to_end: True if the function is known to return. In this case, its calls to
                networks are not recorded. The function is not stopped at such a call either,
                however many training steps it has made.

        Returns:
            `returned` (the tensors that the function returned), `noise` (the tensors that the call
            created without an input tensor, such as random noise), `lines` (the file and line of
            each network call), `error` (the exception), and `unknown` (why the call was not
            completed). If a parameter has no known value, `unknown` is the name of this parameter.
            If the function was not found, `unknown` is the name of the function. If the function
            trained for too long, `unknown` is "training".
        """
        tracer = self.script.tracer
        network = tracer.networks[generator]
        function = self._function(name, file, network)
        answer: FunctionTried = {
            "returned": [],
            "noise": [],
            "lines": [],
            "error": None,
            "unknown": None,
        }
        if function is None:
            answer["unknown"] = name
            return answer
        classifier = Classifier(self.back)
        known = {"generator": network, "classifier": classifier, "device": torch.device("cpu")}
        by_name = self._names_without(known | values) | own
        torch.manual_seed(seed)
        tracer.steps = 0
        num_events = len(tracer.events)
        tracer.origins.numbers_came = Sources(MAX_NOISE)
        tracer.drawing = Drawing(self.back, shapes_of(network), pixels, steps=0)
        tracer.depth = int(known_to_end)  # at depth 1, nothing is recorded
        try:
            with (
                self._standing_in(network, classifier),
                self.script.weights.standing_in(for_all=True),
                watching(tracer),
            ):
                result = call(function, ("drawing",), known, values, by_name)
            answer["returned"] = [t.detach() for t in tensors_in([*_stacked(result)])]
        except UnknownParameter as error:
            answer["unknown"] = str(error)
        except EnoughSteps:
            answer["unknown"] = "training"
        except (Exception, SystemExit) as error:  # whatever a student's code raises
            answer["error"] = described(error, self.root)
        finally:
            tracer.drawing, tracer.depth = None, 0
        answer["lines"] = _lines_of_calls(tracer.events[num_events:])
        answer["noise"] = list(tracer.origins.numbers_came)
        return answer

    def _names_without(self, words: Container[str]) -> dict[str, Any]:
        """Return the values of the script's variables, keyed by their names in lower case, except
        variables to whose names `names.toml` gives one of the meanings in `words`.

        Args:
            words: the meanings.
        """
        values = {}
        for name, value in vars(self.script.module).items():
            if meaning(name.lower(), "drawing") not in words:
                values[name.lower()] = value
        return values

    def _function(self, name: str, file: str, network: nn.Module) -> Callable[..., Any] | None:
        """Find one of the student's functions or methods by name, for `try_function`."""
        names = vars(self.script.module)
        class_name, _, method = name.rpartition(".")
        if class_name:
            owners = self.script.loops.owners
            for value in [*names.values(), network, *owners.values()]:
                if type(value).__name__ == class_name:
                    bound = getattr(value, method, None)
                    if isinstance(bound, MethodType):
                        return bound
        functions = {key: f for key, f in names.items() if isinstance(f, FunctionType)}
        if name in functions:
            return functions[name]
        for function in functions.values():
            is_theirs = within(function.__code__.co_filename, str(self.root)) is not None
            if is_theirs and function.__name__ == name:
                return function
        return self.script.function_in(file, name)

    @contextmanager
    def _standing_in(self, network: nn.Module, classifier: "Classifier") -> Iterator[None]:
        """Inside the `with` block, let the judge compute the outputs of some of the student's
        networks: instead of the generator and its copies, the judge (the process that checks the
        submission) computes the images, and instead of the digit classifiers, it computes the
        logits.
        """

        def forward(generator: nn.Module, z: Tensor, *ignored: Any, **named: Any) -> Tensor:
            return draw(self.back, z, generator.training)

        networks = [network]
        called = self.script.tracer.networks.values()
        for value in (*vars(self.script.module).values(), *called):
            if isinstance(value, nn.Module) and value not in networks:
                networks.append(value)
        with ExitStack() as stack:
            for module in networks:
                if shapes_of(module) == shapes_of(network):
                    stack.enter_context(patch.object(module, "forward", partial(forward, module)))
                elif _classifies(module):
                    stack.enter_context(patch.object(module, "forward", classifier.forward))
            yield


class Classifier(nn.Module):
    """A network that classifies images by asking the judge, the process that checks the submission,
    for their logits (batch, 10).
    """

    def __init__(self, back: Back) -> None:
        super().__init__()
        self._back = back

    def forward(self, images: Tensor, *ignored: Any) -> Tensor:
        """Return the logits (batch, 10) of images, as computed by the judge, the process that
        checks the submission.
        """
        return classify(self._back, images)


def _classifies(network: nn.Module) -> bool:
    """Return True if the last linear layer of a network has ten outputs."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return bool(layers) and layers[-1].out_features == 10


def _lines_of_calls(events: Iterable[dict[str, Any]]) -> list[FileLine]:
    """Return the file and line of each recorded call of a neural network, without duplicates."""
    places: dict[FileLine, None] = {}
    for event in events:
        if event["kind"] == "call":
            places[event["file"], event["line"]] = None
    return list(places)


def _stacked(result: Any) -> Iterator[Any]:
    """Yield the values in a function's result; a list of tensors with the same shape is stacked
    into one tensor.
    """
    values = result if isinstance(result, tuple) else (result,)
    for value in values:
        if inspect.isgenerator(value):
            yield list(value)
        elif isinstance(value, list) and are_tensors(value):
            together = stacked(value)
            yield value if together is None else together
        else:
            yield value
