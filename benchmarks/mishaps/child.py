"""The command line in a process of its own, small enough for hundreds of mishaps.

Processes are forked from one that has imported torch and computed nothing yet. There are 500 images
for training, 500 for tests and two draws of 200 generated ones, few steps, and no palindromes far
beyond the training, which saves time and changes nothing about mishaps.
"""

import multiprocessing
import os
import re
import resource
import signal
import sys
import threading
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

# Every optimiser imports torch._dynamo, which takes more time than the trainings here.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "toolkit.train.app",
        "toolkit.train.recurrent",
        "toolkit.train.gan",
        "toolkit.train.classifier",
        "toolkit.assignment.app",
        "torch._dynamo",
        "torch.onnx",
        "matplotlib.pyplot",
        "onnx",
        "onnxscript",
    ]
)
# Starting a process makes multiprocessing ask every other one for its exit code. Only one thread at
# a time may ask: if two read the code of one process, one of them gets 255.
ASKING = threading.Lock()
VARIES = re.compile(rb'"seconds": [\d.]+|"crc32": "\w+"')


class Attempt(NamedTuple):
    """The outcome of one process."""

    code: int | None  # None: it was still running when the time was up
    text: str  # on both its outputs
    error: str  # on its standard error alone


class Started(NamedTuple):
    """A process, and the read ends of the pipes for its two outputs."""

    process: Any
    output: Connection
    error: Connection


def attempt(
    arguments: list[str], directory: Path, kill_after: float | None = None, **mishap: Any
) -> Attempt:
    """Give a command in a directory; `kill_after` seconds later it is killed if it still runs.

    Args:
        mishap: see `give`.
    """
    return finish(start(arguments, directory, **mishap), kill_after)


def start(arguments: list[str], directory: Path, **mishap: Any) -> Started:
    """Start a command; `finish` waits for it."""
    output, output_of_child = FORKS.Pipe(duplex=False)
    error, error_of_child = FORKS.Pipe(duplex=False)
    parameters = (arguments, directory, output_of_child, error_of_child)
    process = FORKS.Process(target=give, args=parameters, kwargs=mishap)
    with ASKING:
        process.start()
    output_of_child.close()
    error_of_child.close()
    return Started(process, output, error)


def finish(started: Started, kill_after: float | None = None) -> Attempt:
    """Wait for a command for at most the given number of seconds."""
    process, output, error = started
    wait([process.sentinel], kill_after)
    with ASKING:
        code = process.exitcode
    if code is None:
        process.kill()
        wait([process.sentinel])
        with ASKING:
            process.join()
    text, error_text = _written(output), _written(error)
    return Attempt(code, text + error_text, error_text)


def _written(pipe: Connection) -> str:
    """Read what is there, without waiting for children of a command, which have the same pipe."""
    data = bytearray()
    while pipe.poll():
        part = os.read(pipe.fileno(), 1 << 16)
        if not part:
            break
        data += part
    pipe.close()
    return data.decode(errors="replace")


def contents(directory: Path) -> dict[str, bytes]:
    """The files except checkpoints, without "seconds" and the checksums that depend on it.

    Further seeds are logged in the order in which they end, which is of no consequence.
    """
    files = {}
    for path in sorted((directory / "runs").rglob("*")):
        if path.is_file() and path.name != "checkpoint.pt":
            data = VARIES.sub(b"", path.read_bytes())
            if path.parent.name.startswith("seeds-"):
                lines = re.sub(rb'"step": \d+, ', b"", data).splitlines(keepends=True)
                data = b"".join(sorted(lines))
            files[str(path.relative_to(directory))] = data
    return files


def give(
    arguments: list[str],
    directory: Path,
    output: Connection,
    error: Connection,
    *,
    module: str = "train",
    last_write: int | str | None = None,
    full_from: int | None = None,
    formats: bool = True,
) -> None:
    """Run the command line in this process.

    Args:
        arguments: the words after `python -m toolkit.train`.
        directory: where.
        module: "assignment" for the other command line.
        last_write: the rename that the process does not live to see: its number, or the end of its
            path.
        full_from: the file opened for writing from which on the disk is full.
        formats: whether .onnx and .pt2 files are made too, which takes most of the time.
    """
    os.chdir(directory)
    os.dup2(output.fileno(), 1)
    os.dup2(error.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    _make_small(formats)
    if last_write is not None:
        _die_at(last_write)
    if full_from is not None:
        fill_disk_at(full_from)
    if module == "train":
        from toolkit.train.app import app
    else:
        from toolkit.assignment.app import app
    app(arguments, prog_name=f"python -m toolkit.{module}")


def _make_small(formats: bool) -> None:
    from toolkit.export import saving
    from toolkit.gan.config import ClassifierConfig
    from toolkit.gan.config import Config as GANConfig
    from toolkit.gan.data import MNIST, load_mnist
    from toolkit.gan.measure.evaluation import Evaluator
    from toolkit.train import classifier, gan, presets, recurrent

    def load_little(data_dir: Path | None) -> MNIST:
        return MNIST(*(data[:500] for data in load_mnist(data_dir)))

    classifier.load_mnist = gan.load_mnist = load_little  # type: ignore[attr-defined]
    classifier.Evaluator = partial(Evaluator, num_draws=2)  # type: ignore
    presets.NUM_IMAGES["smoke"] = 200
    recurrent.FAR = recurrent.NEAR = (5, 36)  # type: ignore[attr-defined]
    presets.CLASSIFIER["smoke"] = ClassifierConfig(num_epochs=2, num_images=500, num_threads=1)
    presets.GAN["smoke"] = GANConfig(num_steps=42, eval_every=400, save_every=40, num_threads=1)
    saving.rehearse = lambda: None  # type: ignore[assignment]
    if not formats:
        saving.convert = lambda *_: []  # type: ignore[attr-defined]


def _die_at(last_write: int | str) -> None:
    replace, writes = os.replace, 0

    def replace_or_die(*paths: Any) -> None:
        nonlocal writes
        writes += 1
        if isinstance(last_write, str):
            is_last = str(paths[1]).endswith(last_write)
        else:
            is_last = writes == last_write
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*paths)

    os.replace = replace_or_die  # type: ignore[assignment]


def fill_disk_at(write: int) -> None:
    """From the `write`-th file on that this process opens to write, no file can grow any more.

    A limit of the kernel on the size of files stands for the full disk: to make one needs rights.
    Every second time some bytes still fit.
    """
    writes = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal writes
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            writes += 1
            if writes == write:
                resource.setrlimit(resource.RLIMIT_FSIZE, (100 * (write % 2),) * 2)

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sys.addaudithook(count)
