"""Runs a student's files: imports one to find a class, records the first steps of another."""

import contextlib
import http.client
import runpy
import socket
import sys
import urllib.error
from pathlib import Path

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.student.submission import (
    UnknownParameter,
    call,
    classes,
    import_file,
    pick,
)
from toolkit.assignment.check.student.training import EnoughSteps, TrainingRecorder, recording

NETWORK = (
    urllib.error.URLError,
    http.client.HTTPException,
    socket.gaierror,
    ConnectionError,
    TimeoutError,
)


def find_class(file: Path, base: type, channel: Channel, name: str, *words: str) -> type | None:
    """Import a student's file and find a class in it, or report why that does not work.

    Args:
        base: what the class derives from.
        name: what it should be called; `words` are parts of names that are accepted as well.
    """
    channel.doing(f"importing {file.name}")
    try:
        module = import_file(file)
    except (Exception, SystemExit) as error:
        channel.error(error, importing=True)
        return None
    kind: type | None = pick(classes(module, base), name.lower(), *words)
    if kind is None:
        kind_of = "" if base is object else f" derived from {base.__name__}"
        channel.fault("does-not-run", f"This file has no class {name}{kind_of}.")
    return kind


def record_training(
    file: Path, max_steps: int, max_seconds: float, channel: Channel
) -> TrainingRecorder:
    """Run a student's file for a few optimiser steps, and report what keeps it from training.

    Args:
        max_seconds: of CPU time.
    """
    recorder = TrainingRecorder(channel.root, max_steps, max_seconds)
    try:
        run_script(file, recorder)
    except SystemExit as error:
        if not recorder.updates:
            channel.fault(
                "not-watched",
                f"{file.name} called exit({error.code}) before it trained. It is run without "
                "arguments, so each of them needs a default.",
            )
    except NETWORK as error:
        channel.fault(
            "not-watched",
            f"{file.name} needs something from the network ({error}), and the grader has no "
            "network. Put it into the archive. torchvision.datasets.MNIST is always there.",
        )
    except Exception as error:  # whatever a student's code raises
        begun = recorder.losses or recorder.outputs
        channel.error(error, importing=isinstance(error, ImportError) and not begun)
    if recorder.gpu:
        message = "Tensors are put on the GPU, whether there is one or not. What should decide?"
        channel.fault("fixed-device", message, at=recorder.gpu[0])
    if not (channel.faults or recorder.updates or recorder.losses or recorder.num_backward):
        channel.fault(
            "not-watched",
            f"{file.name} trained nothing, neither when it was run nor when its main or train was "
            f"called, so nothing can be said about it. Make sure that `python {file.name}` trains.",
        )
    return recorder


def run_script(file: Path, recorder: TrainingRecorder) -> None:
    """Run a student's file as `python FILE` would, until `recorder` has seen enough.

    If that trains nothing, its `main` or `train` is called, if it needs no arguments.

    Raises:
        whatever the file raises.
    """
    sys.argv = [file.name]
    sys.path.insert(0, str(file.parent))
    with contextlib.suppress(EnoughSteps), recording(recorder):
        defined = runpy.run_path(str(file), run_name="__main__")
        for name in ("main", "train"):
            if not (recorder.outputs or recorder.losses) and callable(defined.get(name)):
                with contextlib.suppress(UnknownParameter):
                    call(defined[name], {})
