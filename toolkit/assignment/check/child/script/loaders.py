"""Tells a trace which loaders are made, and which batches they give."""

import sys
from typing import Any

from torch.utils.data import IterableDataset, RandomSampler, SequentialSampler

from toolkit.assignment.check.child.places import within
from toolkit.assignment.check.child.script.trace import Trace
from toolkit.assignment.check.child.script.values import tensors_in

MNIST = 60_000  # items of its training data
LARGE = 2500  # numbers of an image, of which a network needs long
LARGE_BATCH, SMALL_BATCH = 64, 32
INFINITE = 10**7  # items; more are not stored but drawn


def made_loader(
    trace: Trace, function: Any, loader: Any, /, dataset: Any, *args: Any, **kwargs: Any
) -> None:
    """Add each DataLoader that is made to the trace, without processes of its own."""
    for name in ("prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout"):
        kwargs.pop(name, None)
    if trace.brisk:
        args, kwargs = _fewer(dataset, args, kwargs)
    kwargs |= {"num_workers": 0, "pin_memory": False}
    collate = {"collate_fn": args[5]} if len(args) > 5 else {}
    function(loader, dataset, *args[:4], **collate, **kwargs)  # the fifth would be num_workers
    if trace.on:
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


def _fewer(
    dataset: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a loader with a smaller batch, where its last one would be smaller too."""
    size = args[0] if args else kwargs.get("batch_size")
    if not isinstance(size, int) or kwargs.get("drop_last") or len(args) > 7 or not MNIST % size:
        return args, kwargs
    try:
        item = next(tensors_in([*dataset[0]]), None)
    except Exception:  # whatever a student's code raises
        return args, kwargs
    few = LARGE_BATCH if item is None or item.numel() < LARGE else SMALL_BATCH
    if size <= few:
        return args, kwargs
    return (few, *args[1:]) if args else args, kwargs if args else kwargs | {"batch_size": few}


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
