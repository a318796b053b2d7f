"""Tells a trace which loaders are made, and which batches they give."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler

from toolkit.assignment.check.child.places import within
from toolkit.assignment.check.child.script.trace import Trace
from toolkit.assignment.check.child.script.values import tensors_in

SIGNATURE = inspect.signature(DataLoader.__init__)
PROCESSES = ("self", "num_workers", "pin_memory", "prefetch_factor", "persistent_workers",
             "multiprocessing_context", "timeout")  # arguments that are not passed on  # fmt: skip
MNIST = 60_000  # items of its training data
LARGE = 2500  # numbers of an image, of which a network needs long
LARGE_BATCH, SMALL_BATCH = 64, 32
INFINITE = 10**7  # items; more are not stored but drawn


def made_loader(trace: Trace, function: Any, loader: Any, /, *args: Any, **kwargs: Any) -> None:
    """Add each DataLoader that is made to the trace, without processes of its own."""
    try:
        given = SIGNATURE.bind(loader, *args, **kwargs).arguments
    except TypeError:
        function(loader, *args, **kwargs)  # says what is wrong with them
        raise
    given = {name: value for name, value in given.items() if name not in PROCESSES}
    if trace.brisk:
        given |= _fewer(given)
    if trace.batch and given.get("batch_size", 1) and not given.get("batch_sampler"):
        given["batch_size"] = trace.batch
    function(loader, **given)
    if trace.on:
        dataset = given["dataset"]
        load, size = trace.values.id_of(loader), _size(dataset)
        trace.loads[load] = loader
        trace.add(
            "load",
            load=load,
            dataset=trace.values.id_of(dataset),
            size=size,
            stream=size is None,
            whole=not trace.full(),
            sampled=not isinstance(loader.sampler, RandomSampler | SequentialSampler),
        )


def _fewer(given: Mapping[str, Any]) -> dict[str, int]:
    """A smaller batch for a loader, where its last one would be smaller too."""
    size = given.get("batch_size")
    if not (isinstance(size, int) and size and MNIST % size) or given.get("drop_last"):
        return {}
    try:
        item = next(tensors_in([*given["dataset"][0]]), None)
    except Exception:  # whatever a student's code raises
        return {}
    few = LARGE_BATCH if item is None or item.numel() < LARGE else SMALL_BATCH
    return {"batch_size": few} if few < size else {}


def _size(dataset: Any) -> int | None:
    """How many items a data set has; None if it draws them anew for ever."""
    if isinstance(dataset, IterableDataset):
        return None
    try:
        size = len(dataset)
    except Exception:  # it has none
        return None
    return size if size <= INFINITE else None


def next_batch(trace: Trace, function: Any, batches: Any, /) -> Any:
    """Add each batch that a loader gives to the trace.

    A loop that is not in a file of theirs, as a Trainer's, is not left, but runs out of batches.
    """
    sampler = batches._index_sampler
    loader = next((k for k, v in trace.loads.items() if v._index_sampler is sampler), None)
    steps = trace.steps - trace.begun.setdefault(loader, trace.steps)
    if steps >= trace.max_steps and _is_read_elsewhere(trace):
        raise StopIteration
    batch = function(batches)
    if not trace.full():
        index = trace.add("batch", load=loader, values=trace.all_values(batch))
        for tensor in tensors_in(batch):
            trace.values.keep(index, tensor)
    return batch


def _is_read_elsewhere(trace: Trace) -> bool:
    """Whether the loop over a loader is neither in a file of theirs nor one of those in `loops`."""
    frame = sys._getframe(4)  # past what watches it
    ours = frame.f_globals.get("__name__", "").startswith(__package__)
    return not ours and within(frame.f_code.co_filename, trace.root) is None
