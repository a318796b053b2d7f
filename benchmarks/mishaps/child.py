"""Runs the command line in a process of its own, with jobs small enough for hundreds of mishaps.

Each process is forked from one that has imported torch and has computed nothing yet. There are 500
images for training, 500 for tests, two draws of 200 generated images, and few training steps. No
palindromes far beyond the training lengths are measured. This saves time and makes no difference to
the mishaps.
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

# Every optimiser imports torch._dynamo, which takes longer than a training run here.
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
# When a process starts, multiprocessing asks all other processes for their exit codes. Only one
# thread at a time may ask: if two threads read the exit code of one process, one thread gets 255.
ASKING = threading.Lock()
VARIES = re.compile(rb'"seconds": [\d.]+|"crc32": "\w+"')


class Attempt(NamedTuple):
    """The outcome of one process."""

    code: int | None  # None if the process still ran when the time was up
    text: str  # from both outputs
    error: str  # from standard error alone


class Started(NamedTuple):
    """A process, and the pipes from which its two outputs are read."""

    process: Any
    output: Connection
    error: Connection


def attempt(
    arguments: list[str], directory: Path, kill_after: float | None = None, **mishap: Any
) -> Attempt:
    """Run a command in a directory, and kill it if it still runs after `kill_after` seconds.

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
    """Wait for a command, and kill it if it still runs after `kill_after` seconds."""
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
    """Read what is in a pipe, without waiting for the command's children, which share the pipe."""
    data = bytearray()
    while pipe.poll():
        part = os.read(pipe.fileno(), 1 << 16)
        if not part:
            break
        data += part
    pipe.close()
    return data.decode(errors="replace")


def contents(directory: Path) -> dict[str, bytes]:
    """Return the files of the runs except checkpoints, without "seconds" and the checksums that
    depend on it.

    Further seeds are logged in the order in which they end. This order does not matter, so these
    logs are sorted.
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
        arguments: the words after `python -m toolkit.train` or `python -m toolkit.assignment`.
        directory: where the command runs.
        module: "train" or, for the other command line, "assignment".
        last_write: the rename before which the process is killed: its number, or the end of its
            target path.
        full_from: the number of the first file that finds the disk full; files opened for writing
            are counted.
        formats: True to make .onnx and .pt2 files as well, which takes most of the time.
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
    """Simulate a full disk: from the `write`-th file that this process opens for writing, no file
    can grow any more.

    A limit of the kernel on the size of files replaces the full disk, because making a full disk
    needs special rights. If `write` is odd, files can still have 100 bytes.
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
