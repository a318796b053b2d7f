"""The behaviour of a program, seen without the check: programs that behave alike mean the same.

A trace has every loss, the parameters after every step of an optimiser, the pictures, and the
numbers that are printed. A training is short: after a few steps there are no more batches for it,
so a program goes on to what comes after, such as the interpolation.
"""

import builtins
import itertools
import json
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader
from torchvision import datasets

SECONDS = 15  # of processor time for a run
EVENTS = 150  # in a trace
NUMBER = re.compile(r"-?\d+\.\d+")
STARVED = "raises without batches"
Trace = list[tuple[str, list[float]]]


class Enough(BaseException):
    """A run has shown what it does."""


class Pictures(datasets.MNIST):
    """192 pictures from nowhere in place of MNIST."""

    def __init__(self, root: Any = None, train: bool = True, transform: Any = None, **_: Any):
        rng = torch.Generator().manual_seed(int(train))
        self.data = torch.randint(0, 256, (192, 28, 28), generator=rng, dtype=torch.uint8)
        self.targets = torch.randint(0, 10, (192,), generator=rng)
        self.transform, self.target_transform, self.train = transform, None, train


class Watch:
    """Sees one run, in a process that does nothing else.

    Args:
        steps: of optimisers, until a training is given no more.
        mirrored: the last layer of a discriminator begins with the opposite sign.
    """

    def __init__(self, steps: int, mirrored: bool) -> None:
        self.steps, self.mirrored = steps, mirrored
        self.trace: Trace = []
        self.count = self.read = 0

    def add(self, what: str, *numbers: float) -> None:
        self.trace.append((what, [float(n) for n in numbers]))
        if len(self.trace) >= EVENTS:
            raise Enough

    def stepped(self, optimizer: Any, *_: Any) -> None:
        weights = (p for g in optimizer.param_groups for p in g["params"] if p.requires_grad)
        values = [p.detach().double() for p in weights]
        size = sum(p.numel() for p in values)
        total = sum(p.abs().sum().item() for p in values)
        self.add(
            type(optimizer).__name__, size, total, sum(p.square().sum().item() for p in values)
        )
        self.count += 1
        if self.count > self.steps + 30:  # a training that does not read a loader
            raise Enough

    def batches(self, loader: Any, begin: Any) -> Iterator[Any]:
        """A loader's batches; one that a training reads, or the fourth after it, is empty."""
        over = self.count >= self.steps
        self.read += over
        if self.read > 400:  # it waits for batches
            raise Enough
        if over and (getattr(loader, "_trains", False) or self.read > 12):
            return
        before = self.count
        for batch in begin(loader):
            yield batch
            if self.count > before:
                loader.__dict__["_trains"] = True
                if self.count >= self.steps:
                    return

    def patch(self) -> None:
        """Put what is watched in the place of torch's own."""
        register_optimizer_step_post_hook(self.stepped)
        init, begin = DataLoader.__init__, DataLoader.__iter__
        DataLoader.__init__ = lambda s, *a, **k: init(s, *a, **k | {"num_workers": 0})
        DataLoader.__iter__ = lambda loader: self.batches(loader, begin)
        datasets.MNIST = datasets.mnist.MNIST = Pictures
        clock = itertools.count(1e9, 0.01)  # what a program prints about its speed is the same too
        time.time = time.perf_counter = lambda: next(clock)
        unseeded = np.random.default_rng
        np.random.default_rng = lambda seed=None: unseeded(0 if seed is None else seed)
        backward, say = torch.Tensor.backward, builtins.print
        made = torch.optim.Optimizer.__init__

        def lost(tensor: torch.Tensor, *given: Any, **more: Any) -> Any:
            self.add("loss", tensor.item() if tensor.numel() == 1 else float("nan"))
            return backward(tensor, *given, **more)

        def drawn(images: Any, *given: Any, **more: Any) -> None:
            listed = images if isinstance(images, list | tuple) else [images]
            values = torch.cat([i.detach().double().flatten() for i in listed])
            self.add("drawn", values.numel(), values.mean(), values.abs().mean(), values.std())

        def printed(*words: Any, **more: Any) -> None:
            numbers = NUMBER.findall(" ".join(map(str, words)))
            if numbers:
                self.add("printed", *map(float, numbers))
            say(*words, **more)

        def built(optimizer: Any, parameters: Any, *given: Any, **more: Any) -> None:
            parameters = list(parameters)
            weights = [p for p in parameters if isinstance(p, nn.Parameter)]
            if (
                self.mirrored
                and len(weights) > 1
                and weights[-2].shape[0] == weights[-1].numel() == 1
            ):
                for weight in weights[-2:]:
                    weight.data.neg_()
            made(optimizer, parameters, *given, **more)

        torch.Tensor.backward = lost
        torchvision.utils.save_image = drawn
        builtins.print = printed
        torch.optim.Optimizer.__init__ = built

    def run(self, file: Path) -> Trace:
        """Run a script, or a notebook's cells, to its end or to what is enough."""
        self.patch()
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 their programs draw from it
        sys.path.insert(0, str(file.parent))
        sys.argv = [str(file)]
        text = file.read_text()
        if file.suffix == ".ipynb":
            cells = [c["source"] for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
            text = "\n".join("".join(c) for c in cells)
            text = re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", text)
        try:
            module = type(sys)("__main__")
            module.__file__ = str(file)
            sys.modules["__main__"] = module
            exec(compile(text, str(file), "exec"), module.__dict__)
        except (Enough, SystemExit):
            pass
        except BaseException as error:  # whatever a program raises; without batches, that is ours
            starved = self.count >= self.steps
            self.trace.append((STARVED if starved else "raises " + type(error).__name__, []))
        return self.trace


def behaviour(root: Path, file: str, steps: int, mirrored: bool = False) -> Trace:
    """The trace of a program, run in a process of its own; empty where that had to be ended.

    It is a fork of one that has imported torch and computed nothing, since autograd cannot be used
    in a fork of a process that has used it.
    """
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload(["torch", "torchvision"])
    answer, told = fresh.Pipe(duplex=False)
    process = fresh.Process(target=_run_alone, args=(told, root, file, Watch(steps, mirrored)))
    process.start()
    told.close()
    try:
        trace: Trace = answer.recv()
    except EOFError:
        trace = []
    process.join()
    return trace


def _run_alone(told: Connection, root: Path, file: str, watch: Watch) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    signal.alarm(8 * SECONDS)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir(root)
    told.send(watch.run(root / file))
    os._exit(0)  # whatever threads a program has left


def same(one: Trace, two: Trace, tolerance: float = 2e-4) -> bool:
    """True if two runs did the same, apart from rounding, as far as both had batches."""
    if any(t[-1:] == [(STARVED, [])] for t in (one, two)):
        length = min(len(t) - (t[-1:] == [(STARVED, [])]) for t in (one, two))
        one, two = one[:length], two[:length]
    return [what for what, _ in one] == [what for what, _ in two] and all(
        len(a) == len(b)
        and np.allclose(
            a, b, rtol=2e-2 if what == "printed" else tolerance, atol=2e-3, equal_nan=True
        )
        for (what, a), (_, b) in zip(one, two, strict=True)
    )
