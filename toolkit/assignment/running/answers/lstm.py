"""Answers about a student's LSTM: it is built, called, watched, changed and trained as asked."""

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
    """The networks of one file, and one instance of one of them."""

    def __init__(self, root: Path, back: Back) -> None:
        self.root = root
        self.file = root
        self.kinds: dict[str, type] = {}
        self.seen: dict[str, Seen] = {}  # how their training builds and calls a class
        self.recorder = Recorder(self._heard)
        self.heard: dict[str, list[Named]] = {"gpu": [], "recurrent": [], "device": []}
        self.origins = Origins(str(root))
        self.network: Any = None
        self.kind = ""
        self.sizes: Mapping[str, Any] = {}
        self.as_seen = False
        self.first: dict[str, Tensor] = {}  # what each tensor was when the network was built
        self.optimizer: torch.optim.Optimizer | None = None

    def watch(self, *, files: Sequence[str], name: str | None, existing: Sequence[str]) -> None:
        """See how a training builds and calls its networks.

        Args:
            files: scripts, of which the first that trains is the witness.
            name: as of a `Witness`.
            existing: all that the folder is to have, before and afterwards.
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
        """Import the file, and name the networks in it, the likeliest first.

        Returns:
            `classes`: of each its `name`, the lines of the class and of its `forward`, and how it
            was `seen`: see `Seen.said`.
        """
        self.file = self.root / file
        if "ScriptModule" not in self.source(file=file):
            torch.jit._state.disable()  # what Python runs has lines
        with self.recorder:
            kinds = classes(import_briefly(self.file, self.root, name), nn.Module)
        for kind, network in self.seen.items():
            if kind in kinds:
                kinds[kind] = network.kind
        self.kinds = _by_likelihood(kinds, name)
        return {"classes": list(map(self._described, self.kinds))}

    def _described(self, name: str) -> NetworkClass:
        """Describe a class, as `load` returns it."""
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
        """The text of a file; empty for a file that is not in the folder."""
        path = (self.root / file).resolve()
        if not path.is_relative_to(self.root):
            return ""
        return path.read_text(encoding="utf-8-sig", errors="replace")

    def build(self, *, kind: str, sizes: dict[str, Any], as_seen: bool) -> Built:
        """Make a network, which the next questions are about.

        Args:
            sizes: what a parameter is -> its value; None where its default is to be kept.
            as_seen: whether it is built and called as their training does; else its constructor
                and its forward get what the names of their parameters ask for.

        Returns:
            `took`, the sizes that its constructor asks for, and their defaults; `recurrent`,
            the places of recurrent modules of torch in it, of their class or else where they were
            made; and its `tensors`: parameters, buffers, and loose ones.
        """
        self.kind, self.sizes, self.as_seen, self.optimizer = kind, sizes, as_seen, None
        torch.manual_seed(0)
        deterministic = torch._C._set_deterministic_algorithms  # the public one imports a lot more
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
        with torch.no_grad():  # what was never filled must not hide the rest
            for x in self._all().values():
                if x.is_floating_point() and bool(x.isnan().any()):
                    x.copy_(torch.randn_like(x) * 0.1)
        self.first = {name: x.detach().clone() for name, x in self._all().items()}
        return {"took": took, "recurrent": self._recurrent(), "tensors": tensors}

    def _recurrent(self) -> list[FileLine]:
        """The places of recurrent modules of torch in the network, as of `build`."""
        places: list[FileLine] = []
        for name, module in self.network.named_modules():
            if isinstance(module, nn.RNNBase | nn.RNNCellBase):
                made = place_of_class(type(module), self.root)
                places.append(made or self.origins.of(self.network, name))
        return places

    def put(self, *, values: Mapping[str, Tensor | None]) -> None:
        """Give tensors of the network other values; None is the first that they had."""
        tensors = self._all()
        with torch.no_grad():
            for name, value in values.items():
                if name in tensors:
                    tensor = tensors[name]
                    if value is None:
                        value = self.first[name]
                    tensor.copy_(value.reshape(tensor.shape))

    def unpickle(self, *, file: str) -> list[StateDict]:
        """The weights in a file that has whole networks."""
        return unpickled(self.root / file, self.kinds)

    def run(
        self, *, inputs: list[Tensor], fresh: bool = False, seeds: list[int] | None = None
    ) -> list[list[Tensor]]:
        """Call the network with each of the inputs.

        Args:
            fresh: build the network anew for each input.
            seeds: of the random numbers drawn in each call.

        Returns:
            for each input the tensors that come back.
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
        """Call the network in training mode, or in evaluation mode."""
        self.network.train(training)
        torch.manual_seed(0)
        with WithoutDropout():
            return _detached(self._call(x))

    def record(self, *, inputs: list[Tensor], batch: int, hidden: int) -> Recorded:
        """Call the network with each input, and tell what it computes.

        Returns:
            what `operations.pieces`, `operations.notable` and `tensors.changed` do; the `outputs`;
            and where the forward has `written` to attributes, by name.
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
        """Call the network in double precision; afterwards it has to be built anew.

        Args:
            numbers: of pieces, in the order in which `record` has `seen` them.

        Returns:
            these `pieces`, (n, batch, hidden), and the `outputs`.
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
        """Return what a call makes of nothing until it stops: `new`, as of `operations.notable`."""
        operations = self._operations()
        with contextlib.suppress(Exception), operations:  # whatever a student's code raises
            self._call(x)
        return operations.new

    def _operations(self) -> Operations:
        return Operations(self.root, self._all())

    def slopes(self, *, x: Tensor, pick: int, width: float) -> dict[str, Slopes]:
        """Measure the slopes of a weighted sum of the output: see `learning.slopes`.

        Args:
            pick: which of the tensors that come back.
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
        """Train with RMSProp on batches, from where the last call stopped.

        Args:
            inputs: (n, ...), a batch each. labels: (n, batch).
            pick: which of the tensors that come back is trained.
            axis: of it, whose last item counts, if it has all steps.
            integers: whether the network reads integers.

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
        """Call a network that was moved to another device, as if to a GPU.

        Args:
            sizes: of the network, its `device` a "cuda".
            again: import the file once more, for what it decides when it is imported.
            moved: names of tensors that are no parameters, but are there as well.

        Returns:
            `left`: the [file, line, name] of what was used and is not on that device, if anything.
        """
        gpu = Elsewhere(self.root)
        with pretend_gpu(self.root, again), gpu:
            kinds = self.kinds
            with contextlib.suppress(Exception):  # a training that it begins then, and no model
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
        """The calls so far that should not have been: of each [name, file, line]."""
        heard = self.heard
        return {
            "gpu": heard["gpu"],
            "recurrent": heard["recurrent"],
            "device": heard["device"],
        }

    def _heard(self, kind: str, name: str) -> None:
        file, line = place(str(self.root))
        self.heard[kind].append((name, file, line))

    def _all(self) -> dict[str, Tensor]:
        """Every tensor of the network, by name."""
        return all_tensors(self.network)

    def _call(self, x: Tensor) -> list[Tensor]:
        """The floating tensors that come back, in their order."""
        with self.recorder:
            result = self._result(self.network, x)
        return [tensor for tensor in tensors_in(result) if tensor.is_floating_point()]

    def _result(self, network: Any, x: Tensor) -> Any:
        if self.as_seen:
            return self.seen[self.kind].call(network, x, self.sizes["hidden"])
        return network(x, **self._more(network, x))

    def _more(self, network: Any, x: Tensor) -> dict[str, Any]:
        """The arguments of a forward after its input: initial states, in a tuple or one by one."""
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
        """An instance, and which sizes its constructor asks for, with their defaults.

        Which axis comes first is left as it is where that has a default: each order is tried.
        """
        if self.as_seen:
            return self.seen[self.kind].build(kind, sizes)
        known, needed = {**sizes, "first": None}, {"first": sizes["first"]}
        positional, named, took = arguments(kind, ("network",), known, needed, positions=POSITIONS)
        return kind(*positional, **named), took


def _by_likelihood(kinds: Mapping[str, type], name: str | None) -> dict[str, type]:
    """The classes by name: the likeliest network first, then those with the longest names."""
    words = NAMES["classes"]["lstm"].split("|")
    if name:
        words.insert(0, name.lower())
    best = pick(kinds, *words)
    by_length = sorted(kinds.items(), key=lambda item: -len(item[0]))
    likeliest = {kind: value for kind, value in by_length if value is best}
    return likeliest | dict(by_length)


def _detached(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The same numbers without their history."""
    return [tensor.detach() for tensor in tensors]
