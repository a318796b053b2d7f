"""Records the behaviour of a program without the check, so that two programs can be compared.

Two programs that behave alike are taken to mean the same. The trace of a run contains the loss at
every backward pass, sums over the parameters after every optimiser step, statistics of the saved
pictures, and the decimal numbers that are printed. Training is cut short: after a few steps it gets
no more batches, so the program goes on to the code after the training, such as the interpolation.
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

SECONDS = 15  # the limit on the processor time of a run
EVENTS = 150  # the largest number of events in a trace
NUMBER = re.compile(r"-?\d+\.\d+")
STARVED = "raises without batches"
Trace = list[tuple[str, list[float]]]


class Enough(BaseException):
    """The exception that ends a run early, such as when its trace is long enough."""


class Pictures(datasets.MNIST):
    """A data set of 192 random pictures that replaces MNIST."""

    def __init__(self, root: Any = None, train: bool = True, transform: Any = None, **_: Any):
        rng = torch.Generator().manual_seed(int(train))
        self.data = torch.randint(0, 256, (192, 28, 28), generator=rng, dtype=torch.uint8)
        self.targets = torch.randint(0, 10, (192,), generator=rng)
        self.transform, self.target_transform, self.train = transform, None, train


class Watch:
    """Records one run, in a process that does nothing else.

    Args:
        steps: the number of optimiser steps after which training gets no more batches.
        mirrored: if True, the last layer of a discriminator begins with the opposite sign.
    """

    def __init__(self, steps: int, mirrored: bool) -> None:
        self.steps = steps
        self.mirrored = mirrored
        self.trace: Trace = []
        self.count = 0  # optimiser steps so far
        self.num_late_readers = 0  # how often a loader was read after the last step

    def add(self, event: str, *numbers: float) -> None:
        self.trace.append((event, [float(number) for number in numbers]))
        if len(self.trace) >= EVENTS:
            raise Enough

    def after_step(self, optimizer: Any, *_: Any) -> None:
        size = 0
        total = 0.0
        squares = 0.0
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.requires_grad:
                    values = parameter.detach().double()
                    size += values.numel()
                    total += values.abs().sum().item()
                    squares += values.square().sum().item()
        self.add(type(optimizer).__name__, size, total, squares)
        self.count += 1
        if self.count > self.steps + 30:  # the training does not read a loader
            raise Enough

    def batches(self, loader: Any, original_iter: Any) -> Iterator[Any]:
        """Yield a loader's batches.

        After the last optimiser step, a loader that was used for training yields nothing. Other
        loaders still yield batches, but only the first 12 times that any loader is read after this
        step.
        """
        is_over = self.count >= self.steps
        if is_over:
            self.num_late_readers += 1
        if self.num_late_readers > 400:  # the program waits for batches
            raise Enough
        if is_over and (getattr(loader, "_trains", False) or self.num_late_readers > 12):
            return
        before = self.count
        for batch in original_iter(loader):
            yield batch
            if self.count > before:
                loader.__dict__["_trains"] = True
                if self.count >= self.steps:
                    return

    def patch(self) -> None:
        """Patch torch, NumPy and Python so that the run is recorded and can be reproduced."""
        register_optimizer_step_post_hook(self.after_step)
        self._patch_loaders()
        self._patch_clock_and_seed()
        self._patch_outputs()
        self._patch_optimizers()

    def _patch_loaders(self) -> None:
        original_init = DataLoader.__init__
        original_iter = DataLoader.__iter__

        def init_without_workers(loader: Any, *arguments: Any, **options: Any) -> None:
            options["num_workers"] = 0
            original_init(loader, *arguments, **options)

        def recorded_iter(loader: Any) -> Iterator[Any]:
            return self.batches(loader, original_iter)

        DataLoader.__init__ = init_without_workers
        DataLoader.__iter__ = recorded_iter
        datasets.MNIST = datasets.mnist.MNIST = Pictures

    def _patch_clock_and_seed(self) -> None:
        clock = itertools.count(1e9, 0.01)  # so that printed speeds are reproduced, too
        original_rng = np.random.default_rng

        def seeded_rng(seed: Any = None) -> Any:
            return original_rng(0 if seed is None else seed)

        time.time = time.perf_counter = clock.__next__
        np.random.default_rng = seeded_rng

    def _patch_outputs(self) -> None:
        original_backward = torch.Tensor.backward
        original_print = builtins.print

        def recorded_backward(tensor: torch.Tensor, *arguments: Any, **options: Any) -> Any:
            self.add("loss", tensor.item() if tensor.numel() == 1 else float("nan"))
            return original_backward(tensor, *arguments, **options)

        def recorded_save_image(images: Any, *arguments: Any, **options: Any) -> None:
            listed = images if isinstance(images, list | tuple) else [images]
            values = torch.cat([image.detach().double().flatten() for image in listed])
            self.add("drawn", values.numel(), values.mean(), values.abs().mean(), values.std())

        def recorded_print(*words: Any, **options: Any) -> None:
            numbers = NUMBER.findall(" ".join(map(str, words)))
            if numbers:
                self.add("printed", *map(float, numbers))
            original_print(*words, **options)

        torch.Tensor.backward = recorded_backward
        torchvision.utils.save_image = recorded_save_image
        builtins.print = recorded_print

    def _patch_optimizers(self) -> None:
        original_init = torch.optim.Optimizer.__init__

        def init(optimizer: Any, parameters: Any, *arguments: Any, **options: Any) -> None:
            parameters = list(parameters)
            if self.mirrored:
                mirror([p for p in parameters if isinstance(p, nn.Parameter)])
            original_init(optimizer, parameters, *arguments, **options)

        torch.optim.Optimizer.__init__ = init

    def run(self, file: Path) -> Trace:
        """Run a script or a notebook's code, to its end or until `Enough`, and return the trace."""
        self.patch()
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 students' programs draw from it
        sys.path.insert(0, str(file.parent))
        sys.argv = [str(file)]
        text = file.read_text()
        if file.suffix == ".ipynb":
            text = code_of_notebook(text)
        try:
            module = type(sys)("__main__")
            module.__file__ = str(file)
            sys.modules["__main__"] = module
            exec(compile(text, str(file), "exec"), module.__dict__)
        except (Enough, SystemExit):
            pass
        except BaseException as error:  # a program may raise anything
            if self.count >= self.steps:
                self.trace.append((STARVED, []))  # because we gave it no batches
            else:
                self.trace.append(("raises " + type(error).__name__, []))
        return self.trace


def mirror(weights: list[nn.Parameter]) -> None:
    """Flip the signs of the last two parameters if they are the weight and bias of a layer with one
    output.
    """
    if len(weights) > 1 and weights[-2].shape[0] == weights[-1].numel() == 1:
        for weight in weights[-2:]:
            weight.data.neg_()


def code_of_notebook(text: str) -> str:
    """Return the code of a notebook; lines that only IPython understands become `pass`."""
    cells = []
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "code":
            cells.append("".join(cell["source"]))
    return re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", "\n".join(cells))


def behaviour(root: Path, file: str, steps: int, mirrored: bool = False) -> Trace:
    """Run a program in a process of its own, and return its trace, which is empty if the process
    had to be killed.

    The process is forked from a process that has imported torch but has computed nothing, because
    autograd does not work in a fork of a process that has used it.

    Args:
        steps, mirrored: see `Watch`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "torchvision"])
    receiver, sender = context.Pipe(duplex=False)
    watch = Watch(steps, mirrored)
    process = context.Process(target=_run_alone, args=(sender, root, file, watch))
    process.start()
    sender.close()
    try:
        trace: Trace = receiver.recv()
    except EOFError:
        trace = []
    process.join()
    return trace


def _run_alone(sender: Connection, root: Path, file: str, watch: Watch) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    signal.alarm(8 * SECONDS)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir(root)
    sender.send(watch.run(root / file))
    os._exit(0)  # even if some of the program's threads still run


def same(first: Trace, second: Trace, tolerance: float = 2e-4) -> bool:
    """Return True if two traces agree up to rounding, as far as both runs had batches."""
    if is_starved(first) or is_starved(second):
        length = min(length_with_batches(first), length_with_batches(second))
        first = first[:length]
        second = second[:length]
    if len(first) != len(second):
        return False
    for (event, numbers), (second_event, second_numbers) in zip(first, second, strict=True):
        if event != second_event or len(numbers) != len(second_numbers):
            return False
        rtol = 2e-2 if event == "printed" else tolerance
        if not np.allclose(numbers, second_numbers, rtol=rtol, atol=2e-3, equal_nan=True):
            return False
    return True


def is_starved(trace: Trace) -> bool:
    """Return True if the run ended because it got no more batches."""
    return trace[-1:] == [(STARVED, [])]


def length_with_batches(trace: Trace) -> int:
    """Return the number of events in a trace, without the event `STARVED` at its end."""
    return len(trace) - 1 if is_starved(trace) else len(trace)
