"""Functions that report a script's data loaders and their batches to a tracer."""

import inspect
import sys
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler

from toolkit.assignment.running.places import within
from toolkit.assignment.running.record.script.tracer import Tracer
from toolkit.assignment.running.record.script.values import tensors_in

SIGNATURE = inspect.signature(DataLoader.__init__)
PROCESSES = ("self", "num_workers", "pin_memory", "prefetch_factor", "persistent_workers",
             "multiprocessing_context", "timeout")  # arguments that are not passed on  # fmt: skip
MNIST = 60_000  # items in the training data
LARGE = 2500  # numbers in an image that makes a network slow
LARGE_BATCH, SMALL_BATCH = 64, 32
INFINITE = 10**7  # items; larger data sets draw their items


def made_loader(tracer: Tracer, function: Any, loader: Any, /, *args: Any, **kwargs: Any) -> None:
    """Create a DataLoader without worker processes, and add it to the trace."""
    try:
        arguments = dict(SIGNATURE.bind(loader, *args, **kwargs).arguments)
    except TypeError:
        function(loader, *args, **kwargs)  # raises the error about the arguments
        raise
    for name in PROCESSES:
        arguments.pop(name, None)
    if tracer.brisk:
        _shrink_batch(arguments)
    if tracer.batch and arguments.get("batch_size", 1) and not arguments.get("batch_sampler"):
        arguments["batch_size"] = tracer.batch
    function(loader, **arguments)
    if tracer.on:
        dataset = arguments["dataset"]
        load = tracer.values.id_of(loader)
        size = _size(dataset)
        tracer.loads[load] = loader
        tracer.add(
            "load",
            load=load,
            dataset=tracer.values.id_of(dataset),
            size=size,
            stream=size is None,
            whole=not tracer.full(),
            sampled=not isinstance(loader.sampler, RandomSampler | SequentialSampler),
        )


def _shrink_batch(arguments: dict[str, Any]) -> None:
    """To shorten the run, limit the batch size to 64 (32 for large images), but only if the
    student's batch size would leave MNIST's last batch incomplete.
    """
    size = arguments.get("batch_size")
    if not isinstance(size, int) or not size:
        return
    if MNIST % size == 0 or arguments.get("drop_last"):
        return
    try:
        item = next(tensors_in([*arguments["dataset"][0]]), None)
    except Exception:  # whatever a student's code raises
        return
    smaller = LARGE_BATCH
    if item is not None and item.numel() >= LARGE:
        smaller = SMALL_BATCH
    if smaller < size:
        arguments["batch_size"] = smaller


def _size(dataset: Any) -> int | None:
    """Return the number of items in a data set, or None if the number is unknown or very large."""
    if isinstance(dataset, IterableDataset):
        return None
    try:
        size = len(dataset)
    except Exception:  # it has none
        return None
    if size > INFINITE:
        return None
    return size


def next_batch(tracer: Tracer, function: Any, batches: Any, /) -> Any:
    """Return the next batch of a loader, and add the batch to the trace.

    A loop outside the student's files, such as one in a library's Trainer class, cannot be left
    early. The loader of such a loop therefore stops yielding batches after enough optimiser steps.
    """
    load = _load_of(tracer, batches)
    steps = tracer.steps - tracer.begun.setdefault(load, tracer.steps)
    if steps >= tracer.max_steps and _is_read_elsewhere(tracer):
        raise StopIteration
    batch = function(batches)
    if not tracer.full():
        index = tracer.add("batch", load=load, values=tracer.all_values(batch))
        for tensor in tensors_in(batch):
            tracer.values.keep(index, tensor)
    return batch


def _load_of(tracer: Tracer, batches: Any) -> int | None:
    """Return the id of a batch iterator's loader, or None if the loader is unknown."""
    for load, loader in tracer.loads.items():
        if loader._index_sampler is batches._index_sampler:
            return load
    return None


def _is_read_elsewhere(tracer: Tracer) -> bool:
    """Return True if the loop over a loader is in neither a student's file nor this package."""
    frame = sys._getframe(4)  # skips the frames of the watching code
    if frame.f_globals.get("__name__", "").startswith(__package__):
        return False
    return within(frame.f_code.co_filename, tracer.root) is None
