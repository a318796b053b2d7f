"""The command line in a process that kills itself at one of its writes.

Run by `runpy.run_path` in a forked process, with `task` among its globals: the words after
`python -m toolkit.train`, the directory to run in, and the write that the process does not live to
see: its number, or the end of its path, or None. There are 500 images for training, 500 for tests
and two draws of 200 generated ones, few steps, and no palindromes far beyond the training, which
saves time and changes nothing about kills.
"""

import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.gan.config import ClassifierConfig
from toolkit.gan.config import Config as GANConfig
from toolkit.gan.data import MNIST, load_mnist
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.train import classifier, gan, presets, recurrent
from toolkit.train.app import app

task: tuple[list[str], Path, int | str | None] = globals()["task"]
arguments, directory, last_write = task

replace = os.replace
writes = 0


def replace_or_die(*paths: Any) -> None:
    global writes
    writes += 1
    here = str(paths[1])
    if writes == last_write or (isinstance(last_write, str) and here.endswith(last_write)):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*paths)


def load_little(data_dir: Path | None) -> MNIST:
    return MNIST(*(data[:500] for data in load_mnist(data_dir)))


classifier.load_mnist = gan.load_mnist = load_little  # type: ignore[attr-defined]
classifier.Evaluator = partial(Evaluator, num_images=200, num_draws=2)  # type: ignore
recurrent.FAR = recurrent.NEAR = (5, 36)  # type: ignore[attr-defined]
presets.CLASSIFIER["smoke"] = ClassifierConfig(num_epochs=2, num_images=500, num_threads=1)
presets.GAN["smoke"] = GANConfig(num_steps=42, eval_every=400, save_every=40, num_threads=1)
os.chdir(directory)
with open("output.txt", "ab") as output:
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
os.replace = replace_or_die  # type: ignore[assignment]
app(arguments, prog_name="python -m toolkit.train")
