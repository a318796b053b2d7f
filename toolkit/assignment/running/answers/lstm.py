"""Answers questions about a student's LSTM by building, calling, recording and training it."""

import contextlib
import inspect
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.assignment.running.answering import Back
from toolkit.assignment.running.importing.files import classes, forget_imports, unpickled
from toolkit.assignment.running.importing.plain import clear
from toolkit.assignment.running.names import NAMES, arguments, meaning, pick
from toolkit.assignment.running.places import line_of, place, place_of_class
from toolkit.assignment.running.record.lstm.devices import Elsewhere, pretend_gpu
from toolkit.assignment.running.record.lstm.double import in_double
from toolkit.assignment.running.record.lstm.learning import log_probabilities, slopes
from toolkit.assignment.running.record.lstm.modes import WithoutDropout
from toolkit.assignment.running.record.lstm.operations import Operations, notable, pieces, pieces_of
from toolkit.assignment.running.record.lstm.tensors import all_tensors, changed, described
from toolkit.assignment.running.record.lstm.witness import Seen, Witness
from toolkit.assignment.running.record.origins import Origins
from toolkit.assignment.running.record.script.devices import Recorder
from toolkit.assignment.running.record.script.loops import import_briefly
from toolkit.assignment.running.record.script.values import tensors_in
from toolkit.assignment.running.replies import (
    Built,
    CallsHeard,
    FileLine,
    LeftBehind,
    LookedUp,
    Made,
    Named,
    NetworkClass,
    NetworkClasses,
    NetworkTensor,
    Recorded,
    SeenCall,
    Slopes,
    StateDict,
)

MAX_SECONDS = 5.0  # of CPU time until a training has called its network
POSITIONS = ("input", "hidden", "classes")  # of a constructor's parameters


class LSTMAnswers:
    """Answers questions about the network classes in one file, and about one network built from
    such a class.
    """

    def __init__(self, root: Path, back: Back) -> None:
        self.root = root
        self.file = root
        self.kinds: dict[str, type] = {}
        self.seen: dict[str, Seen] = {}  # how the student's training builds and calls a class
        self.recorder = Recorder(self._heard)
        self.heard: dict[str, list[Named]] = {"gpu": [], "device": []}
        self.recurrent: list[tuple[str, Named]] = []  # the class that was built, and the call
        self.origins = Origins(str(root))
        self.network: Any = None
        self.kind = ""
        self.sizes: Mapping[str, Any] = {}
        self.as_seen = False
        self.first: dict[str, Tensor] = {}  # the initial value of each tensor
        self.optimizer: torch.optim.Optimizer | None = None

    def watch(self, *, files: Sequence[str], name: str | None, existing: Sequence[str]) -> None:
        """Record how a training script builds and calls its networks.

        Args:
            files: the scripts, which are run one after another until one of them shows how it calls
                a network that it trains.
            name: the class name of the network to look for; a script is stopped at its first
                backward pass through a network of this class. If `name` is None, a network of any
                class will do, and the run does not end at the first backward pass.
            existing: the paths to keep in the folder; all others are deleted before the first run
                and after each run.
        """
        clear(self.root, existing)
        for file in files:
            witness = Witness(self.root, file, name, MAX_SECONDS)
            witness.run()
            forget_imports(self.root)
            os.chdir(self.root)
            clear(self.root, existing)
            self.seen = {}
            for kind, network in witness.seen.items():
                if network.said():
                    self.seen[kind] = network
            if self.seen:
                return

    def load(self, *, file: str, name: str | None) -> NetworkClasses:
        """Import the file, and list its network classes, beginning with the class that is most
        likely the student's LSTM.

        Returns:
            `classes`: for each class, its `name`, the lines where the class and its method
            `forward` begin, and `seen`. The entry `seen` describes how the student's training
            called a network of this class (see `Seen.said`).
        """
        self.file = self.root / file
        if "ScriptModule" not in self.source(file=file):
            torch.jit._state.disable()  # code that Python runs has line numbers
        with self.recorder:
            kinds = classes(import_briefly(self.file, self.root, name), nn.Module)
        for kind, network in self.seen.items():
            if kind in kinds:
                kinds[kind] = network.kind
        self.kinds = _by_likelihood(kinds, name)
        return {"classes": list(map(self._described, self.kinds))}

    def _described(self, name: str) -> NetworkClass:
        """Return a network class's name, the lines where the class and its method `forward` begin,
        and a description of how the student's training called a network of this class.
        """
        kind = self.kinds[name]
        call = None
        if name in self.seen:
            call = cast(SeenCall | None, self.seen[name].said())
        return {
            "name": name,
            "line": line_of(kind),
            "forward": line_of(kind, "forward", "__call__"),
            "seen": call,
        }

    def source(self, *, file: str) -> str:
        """Return the text of a file, or an empty string if the file is not in the submission's
        folder.
        """
        path = (self.root / file).resolve()
        if not path.is_relative_to(self.root):
            return ""
        return path.read_text(encoding="utf-8-sig", errors="replace")

    def build(self, *, kind: str, sizes: dict[str, Any], as_seen: bool) -> Built:
        """Build the network that this object's other methods will examine.

        Args:
            sizes: the values for the constructor's parameters; each key states what a parameter
                means, such as "hidden" for `num_hidden`, and the value None keeps the parameter's
                default.
            as_seen: True to build and call the network as the student's training does. Otherwise,
                the values for the constructor and `forward` are chosen according to the names of
                their parameters.

        Returns:
            `took`, a dictionary of the sizes that the constructor accepts; `recurrent`, a list of
            places in the code, each given as a file and a line; and `tensors`, a list of the
            network's floating-point parameters, buffers and other tensors. `took` gives each size
            its default, or None if the default is missing or not an integer. If `as_seen` is True,
            all values in `took` are None. `recurrent` gives one place for each module in the
            network that belongs to one of torch's recurrent classes or to a subclass. If the
            student wrote the module's class, this place is the start of the class. Otherwise, it is
            the place where the module was created.
        """
        self.kind, self.sizes, self.as_seen, self.optimizer = kind, sizes, as_seen, None
        torch.manual_seed(0)
        deterministic = torch._C._set_deterministic_algorithms  # the public name imports more
        deterministic(True, warn_only=True)  # fills empty memory with nan
        try:
            self.origins = Origins(str(self.root))
            with self.origins, self.recorder:
                self.network, took = self._construct(self.kinds[kind], sizes)
        finally:
            deterministic(False)
        tensors = []
        for tensor in described(self.network):
            name = tensor["name"]
            made = self.origins.of(self.network, name, self._all()[name])
            tensors.append(cast(NetworkTensor, {**tensor, "made": made}))
        with torch.no_grad():  # an unfilled value must not hide other faults
            for x in self._all().values():
                if x.is_floating_point() and bool(x.isnan().any()):
                    x.copy_(torch.randn_like(x) * 0.1)
        self.first = {name: x.detach().clone() for name, x in self._all().items()}
        return {"took": took, "recurrent": self._recurrent(), "tensors": tensors}

    def _recurrent(self) -> list[FileLine]:
        """For each module in the network that is one of torch's recurrent modules, return a file
        and a line. If the student wrote the module's class, they give the place where the class
        begins. Otherwise, they give the place where the module was created.
        """
        places: list[FileLine] = []
        for name, module in self.network.named_modules():
            if isinstance(module, nn.RNNBase | nn.RNNCellBase):
                made = place_of_class(type(module), self.root)
                places.append(made or self.origins.of(self.network, name))
        return places

    def put(self, *, values: Mapping[str, Tensor | None]) -> None:
        """Set tensors of the network to new values; None restores the initial values."""
        tensors = self._all()
        with torch.no_grad():
            for name, value in values.items():
                if name in tensors:
                    tensor = tensors[name]
                    if value is None:
                        value = self.first[name]
                    tensor.copy_(value.reshape(tensor.shape))

    def unpickle(self, *, file: str) -> list[StateDict]:
        """Return the weights of the networks in a file that contains whole pickled networks."""
        return unpickled(self.root / file, self.kinds)

    def run(
        self, *, inputs: list[Tensor], fresh: bool = False, seeds: list[int] | None = None
    ) -> list[list[Tensor]]:
        """Call the network in evaluation mode with each of the inputs.

        Args:
            fresh: True to build the network again for each input.
            seeds: the seeds of the random number generator, one for each call.

        Returns:
            for each input, the tensors that the network returns.
        """
        results = []
        for x, seed in zip(inputs, seeds or repeat(0), strict=False):
            if fresh:
                self.build(kind=self.kind, sizes=dict(self.sizes), as_seen=self.as_seen)
            self.network.eval()
            torch.manual_seed(seed)
            results.append(self._call(x))
        return list(map(_detached, results))

    def run_without_dropout(self, *, x: Tensor, training: bool) -> list[Tensor]:
        """Call the network without dropout, in training mode or in evaluation mode."""
        self.network.train(training)
        torch.manual_seed(0)
        with WithoutDropout():
            return _detached(self._call(x))

    def record(self, *, inputs: list[Tensor], batch: int, hidden: int) -> Recorded:
        """Call the network with each input, and record the computation.

        Returns:
            a dictionary with all entries of the dictionaries that `operations.pieces`,
            `operations.notable` and `tensors.changed` return, and two more: `outputs` contains the
            tensors that the network returned for each input. `written` maps the name of each
            changed tensor to the file and line where the student's code assigned it.
        """
        network = self.network.eval()
        before = {name: (id(x), x.detach().clone()) for name, x in self._all().items()}
        written = Origins(str(self.root))
        runs, outputs = [], []
        for x in inputs:
            torch.manual_seed(0)
            with self._operations() as run, written:
                result = self._call(x)
            runs.append(run)
            outputs.append(_detached(result))
        names = changed(before, network)
        places = {}
        for name in (*names["remade"], *names["kept"]):
            places[name] = written.of(network, name)
        recorded = {
            **pieces([run.made for run in runs], batch, hidden),
            **notable(runs[0], outputs[0]),
            **names,
            "outputs": outputs,
            "written": places,
        }
        return cast(Recorded, recorded)

    def look_up(self, *, x: Tensor, batch: int, hidden: int, numbers: list[int]) -> LookedUp:
        """Call the network in double precision; its weights remain float64, so the network must be
        built again before any other use.

        Args:
            numbers: indices into the list `seen` in the reply to `record`; they say which pieces of
                intermediate tensors are returned.

        Returns:
            `pieces` (n, batch, hidden), the requested pieces of intermediate tensors, and
            `outputs`, the tensors that the network returns.
        """
        if x.is_floating_point():
            x = x.double()
        with in_double(self.network.eval()), self._operations() as run:
            outputs = self._call(x)
        taken = [torch.zeros(0)]
        if numbers:
            takers = pieces_of(run.made, batch, hidden)
            taken = [takers[number]() for number in numbers]
        return {"pieces": torch.stack(taken), "outputs": _detached(outputs)}

    def makes(self, *, x: Tensor) -> list[Made]:
        """Return the tensors that a call to the network creates from scratch rather than from an
        input tensor. If the call fails, return the tensors that it had created from scratch by
        then.

        Each tensor is described by the [file, line] of the code that created it, its shape, and a
        flag that is True if all its elements are zero. The entry `new` in the result of
        `operations.notable` has the same format.
        """
        operations = self._operations()
        with contextlib.suppress(Exception), operations:  # whatever a student's code raises
            self._call(x)
        return operations.new

    def _operations(self) -> Operations:
        return Operations(self.root, self._all())

    def slopes(self, *, x: Tensor, pick: int, width: float) -> dict[str, Slopes]:
        """Measure how a randomly weighted sum of the output changes with each of the network's
        parameters; see `learning.slopes`.

        Args:
            pick: the index of the output among the tensors that the network returns.
        """
        self.network.eval()
        rng = torch.Generator().manual_seed(2)
        weight = torch.randn(self._call(x)[pick].shape, generator=rng)

        def total() -> Tensor:
            torch.manual_seed(0)
            return (self._call(x)[pick] * weight).sum()

        measured: Any = slopes(self.network, total, width, rng, str(self.root))  # three of each
        return cast(dict[str, Slopes], measured)

    def learn(
        self,
        *,
        inputs: Tensor,
        labels: Tensor,
        pick: int,
        axis: int | None,
        rate: float,
        integers: bool,
    ) -> list[float]:
        """Train with RMSProp on batches, continuing from the previous call of this method.

        Args:
            inputs: the batches, (n, ...).
            labels: (n, batch).
            pick: the index of the output among the tensors that the network returns.
            axis: the time axis of the output, or None if the output has no time axis; only the last
                step along this axis is used for the loss.
            integers: True if the network reads integers.

        Returns:
            the losses.
        """
        self.network.train()
        if self.optimizer is None:
            self.optimizer = torch.optim.RMSprop(self.network.parameters(), rate)
        inputs = inputs.to(torch.int64 if integers else torch.float32)
        losses = []
        for x, y in zip(inputs, labels.long(), strict=True):
            last = self._call(x)[pick]
            if axis is not None:
                last = last.select(axis, -1)
            loss = F.nll_loss(log_probabilities(last), y)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.optimizer.param_groups[0]["params"], 10.0)
            self.optimizer.step()
            losses.append(float(loss.detach()))
        return losses

    def elsewhere(
        self, *, sizes: dict[str, Any], x: Tensor, again: bool, moved: list[str]
    ) -> LeftBehind:
        """Call the network as if it had been moved to a GPU.

        Args:
            sizes: the values for the constructor's parameters, as for `build`, with "cuda" as the
                `device`.
            again: True to import the file again, in case it chooses its device when it is imported.
            moved: the names of the tensors that are neither parameters nor buffers but are to be
                moved to the GPU as well.

        Returns:
            `left`: the origin of a CPU tensor that was combined with a GPU tensor, or None if there
            was no such tensor. The origin is [file, line, name]. If the tensor comes from the
            network, only its name in the network is known. Otherwise, only the file and line that
            made the tensor are known.
        """
        gpu = Elsewhere(self.root)
        with pretend_gpu(self.root, again), gpu:
            kinds = self.kinds
            with contextlib.suppress(Exception):  # the file may start a training
                if again:
                    kinds = classes(import_briefly(self.file, self.root), nn.Module)
            gpu.left = None
            network = self._construct(kinds[self.kind], sizes)[0].eval()
            gpu.move(network, moved)
            gpu.put(x, True)
            try:
                self._result(network, x)
            except Exception:  # whatever a student's code raises
                if gpu.left is None:
                    raise
        return {"left": gpu.left}

    def calls(self) -> CallsHeard:
        """Return the calls that the student's code has made so far, in three lists. The list `gpu`
        contains the calls that would use a GPU. The list `device` contains the calls that only
        create a device object for a GPU. The list `recurrent` contains the calls that ran one of
        torch's recurrent layers. If a network has been built, these are the calls of its class
        only: a script may compare the LSTM with another network.

        Each call is a list: [name, file, line].
        """
        recurrent = []
        for kind, call in self.recurrent:
            if kind == self.kind:
                recurrent.append(call)
        return {
            "gpu": self.heard["gpu"],
            "recurrent": recurrent,
            "device": self.heard["device"],
        }

    def _heard(self, kind: str, name: str) -> None:
        file, line = place(str(self.root))
        if kind == "recurrent":
            self.recurrent.append((self.kind, (name, file, line)))
        else:
            self.heard[kind].append((name, file, line))

    def _all(self) -> dict[str, Tensor]:
        """Return every tensor of the network, by name."""
        return all_tensors(self.network)

    def _call(self, x: Tensor) -> list[Tensor]:
        """Return the floating-point tensors that the network returns, in order."""
        with self.recorder:
            result = self._result(self.network, x)
        return [tensor for tensor in tensors_in(result) if tensor.is_floating_point()]

    def _result(self, network: Any, x: Tensor) -> Any:
        if self.as_seen:
            return self.seen[self.kind].call(network, x, self.sizes["hidden"])
        return network(x, **self._more(network, x))

    def _more(self, network: Any, x: Tensor) -> dict[str, Any]:
        """Return a dictionary, keyed by parameter name, of the values that `forward` needs in
        addition to its input.

        If only one parameter takes the initial states, its value is a tuple of two zero tensors,
        for the hidden and the cell state. If several parameters take the initial states, the value
        of each is one zero tensor.
        """
        function = network.forward
        if type(network).__call__ is not nn.Module.__call__:
            function = network.__call__
        rows, steps = x.shape[:2]
        if not self.sizes["first"]:
            steps, rows = rows, steps
        zeros = x.new_zeros(rows, self.sizes["hidden"] or 128, dtype=torch.float32)
        names = list(inspect.signature(function).parameters)[1:]
        states = [name for name in names if meaning(name, "forward") == "state"]
        needed: dict[str, Any] = {"device": x.device, "steps": steps, "batch": rows}
        needed |= {"dropout": 0.0, "state": zeros}
        if len(states) == 1:
            needed["state"] = (zeros, zeros)
        _, named, _ = arguments(function, ("forward", "network"), {}, needed, given=1)
        return named

    def _construct(self, kind: type, sizes: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Build a network, and return it together with the sizes that its constructor takes.

        In the returned dictionary, the value for each size is the default of the constructor's
        parameter for that size. The value is None if this default is missing or not an integer. All
        values are None if the network is built with the arguments of the training script. If the
        parameter for the order of the batch and time axes has a default, the default is kept. This
        is possible because the process that checks the network tries inputs in each order.
        """
        if self.as_seen:
            return self.seen[self.kind].build(kind, sizes)
        known, needed = {**sizes, "first": None}, {"first": sizes["first"]}
        positional, named, took = arguments(kind, ("network",), known, needed, positions=POSITIONS)
        return kind(*positional, **named), took


def _by_likelihood(kinds: Mapping[str, type], name: str | None) -> dict[str, type]:
    """Return a dictionary from names to classes: the class whose name suits an LSTM best comes
    first, and the others follow, from the longest name to the shortest.
    """
    words = NAMES["classes"]["lstm"].split("|")
    if name:
        words.insert(0, name.lower())
    best = pick(kinds, *words)
    by_length = sorted(kinds.items(), key=lambda item: -len(item[0]))
    likeliest = {kind: value for kind, value in by_length if value is best}
    return likeliest | dict(by_length)


def _detached(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the given tensors, each detached from its autograd graph."""
    return [tensor.detach() for tensor in tensors]
