"""What a program does, seen without the check."""

import os
import random
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader
from torchvision import datasets

SECONDS = 60  # of CPU time for a run


class Enough(BaseException):
    """A run has shown what it does."""


class Pictures(datasets.MNIST):
    """192 pictures from nowhere in place of MNIST."""

    def __init__(self, root: Any = None, train: bool = True, transform: Any = None, **_: Any):
        rng = torch.Generator().manual_seed(int(train))
        self.data = torch.randint(0, 256, (192, 28, 28), generator=rng, dtype=torch.uint8)
        self.targets = torch.randint(0, 10, (192,), generator=rng)
        self.transform, self.target_transform, self.train = transform, None, train


def run(file: Path, steps: int) -> list[Any]:
    """Run a script for a few optimiser steps, in this process, and list what happened."""
    trace: list[Any] = []

    def called(module: nn.Module, given: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple | list) else output
        if isinstance(first, torch.Tensor) and not isinstance(module, nn.Sequential | nn.Linear):
            value = first.detach().double()
            mode = (type(module).__name__, module.training, torch.is_grad_enabled())
            trace.append((*mode, value.mean().item(), value.abs().mean().item()))

    def stepped(optimizer: Any, *_: Any) -> None:
        values = [p.detach().double() for g in optimizer.param_groups for p in g["params"]]
        sums = [(p.sum() + p.abs().sum()).item() for p in values]
        trace.append((type(optimizer).__name__, sums))
        if sum(isinstance(t[1], list) for t in trace) >= steps:
            raise Enough

    torch.nn.modules.module.register_module_forward_hook(called)
    register_optimizer_step_post_hook(stepped)
    torch.manual_seed(0)
    random.seed(0)
    begin = DataLoader.__init__
    DataLoader.__init__ = lambda self, *a, **k: begin(self, *a, **k | {"num_workers": 0})
    datasets.MNIST = datasets.mnist.MNIST = Pictures
    sys.path.insert(0, str(file.parent))
    sys.argv = [str(file)]
    try:
        runpy.run_path(str(file), run_name="__main__")
    except Enough:
        pass
    except BaseException as error:  # whatever a mutant raises
        trace.append(("raises", type(error).__name__))
    return trace


def behaviour(root: Path, file: str, steps: int) -> str:
    """What `run` lists, from a process of its own."""
    read, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.alarm(4 * SECONDS)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        try:
            os.chdir(root)
            text = repr(run(root / file, steps))
            with os.fdopen(write_end, "w") as pipe:
                pipe.write(text)
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    if not text:
        raise RuntimeError(f"a run of {file} has no trace")
    return text
