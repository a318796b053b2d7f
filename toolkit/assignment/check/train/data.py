"""Judges what a model is tested on: palindromes that it was not trained on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from toolkit.assignment.check.host import Student, StudentError
from toolkit.assignment.check.train.labels import CLASSES, whole
from toolkit.assignment.check.train.trace import Backward, Batch, Call, Load, Step, Trace
from toolkit.assignment.check.verdicts import Verdicts

NUM_ITEMS = 50_000  # of each data set, if that does not take too long
NUM_DRAWN = 2000  # of one that draws its items
SECONDS = 1.0  # of CPU time for each data set
MAX_SETS = 3
SHOWN = 64  # rows, to know what they are
Data = tuple[int, int | None, int | None]


def check_data(student: Student, trace: Trace, verdicts: Verdicts) -> None:
    """No data set is tested that was trained on, nor one that shares palindromes with it."""
    learnt, read = _calls(trace)
    loads = {load.load: load for load in trace.all(Load) if load.whole}
    batches = trace.all(Batch)
    training = {b.load for call in learnt if (b := _batch_of(call, batches))}
    tested = [b for call in read if (b := _batch_of(call, batches)) and b.load in loads]
    trained = {_data_of(loads[key]) for key in training if key in loads}
    if tested and {_data_of(loads[batch.load]) for batch in tested} <= trained:
        load = loads[tested[0].load]
        found = None if load.stream else _items(student, load, 20)
        if found is not None and not found["redrawn"]:  # else it is another one each time
            seen = {"shared": load.size, "of": load.size}
            verdicts.fault("tests-on-training-data.set", at=tested[0], proof=seen)
            return
    _check_leak(student, list(loads.values()), trained, verdicts)


def _calls(trace: Trace) -> tuple[list[Call], list[Call]]:
    """The calls of what learns that a backward pass follows, and those that are only read."""
    moved = {p for step in trace.all(Step) for p in step.moved}
    learn = {k for k, n in trace.networks.items() if moved & n.parameters.keys() or not moved}
    calls = [call for call in trace.all(Call) if call.inputs and call.network in learn]
    trained, tested = [], []
    for call, following in zip(calls, [*calls[1:], None], strict=False):
        end = float("inf") if following is None else following.index
        if call.grad and any(e.changed for e in trace.between(call.index, end, Backward)):
            trained.append(call)
        elif not call.grad or not call.training:
            tested.append(call)
    return trained, tested


def _batch_of(call: Call, batches: Sequence[Batch]) -> Batch | None:
    """The batch that a call has read: by its numbers, or the last one if it was changed."""
    given = call.inputs[0]
    before = [batch for batch in batches if batch.index < call.index]
    for batch in before:
        if batch.index == given.source:
            return batch
    firsts = {value.shape[0] for value in before[-1].values if value.shape} if before else set()
    return before[-1] if firsts & {*given.shape} else None


def _check_leak(
    student: Student, loads: list[Load], trained: set[Data], verdicts: Verdicts
) -> None:
    """No palindrome of a data set that was trained on is in one that was not."""
    first = next((load for load in loads if _data_of(load) in trained), None)
    if first is None:
        return
    others: dict[Data, Load] = {}
    for load in loads:
        if _data_of(load) not in trained:
            others.setdefault(_data_of(load), load)
        elif others and load.index > first.index:
            break  # the script trains once more, on data of its own
    if not others:
        return
    if any(load.dataset == first.dataset and not load.sampled for load in others.values()):
        verdicts.not_seen("switched", at=first)
        return
    read = [(load, _rows_of(student, load)) for load in (first, *others.values())][: MAX_SETS + 1]
    for load, rows in read:
        if not rows:
            verdicts.not_seen("items", at=load)
            return
    sizes = [len(rows) for _, rows in read]
    for load, rows in read[1:]:
        if shared := rows & read[0][1]:
            share = max(0.01, len(shared) / len(rows))
            seen = {"shared": len(shared), "of": len(rows)}
            verdicts.fault("split-leak.sets", at=load, proof=seen, share=share)
            return
    length = _length_of(read[0][1])
    if length is not None:  # else nothing is said
        seen = {"shared": 0, "first": sizes[0], "second": min(sizes[1:]), "length": length}
        verdicts.right("sets", proof=seen)


def _length_of(rows: set[bytes]) -> int | None:
    """T of palindromes of which T - 1 digits are read, bare or one-hot; None for other numbers."""
    shown = [np.frombuffer(row, dtype=np.float32) for row in list(rows)[:SHOWN]]
    numbers = torch.from_numpy(np.stack(shown))
    if numbers.size(1) % CLASSES == 0 and bool(((numbers == 0) | (numbers == 1)).all()):
        for steps in (numbers.reshape(len(numbers), -1, CLASSES),
                      numbers.reshape(len(numbers), CLASSES, -1).transpose(1, 2)):  # fmt: skip
            if bool((steps.sum(2) == 1).all()):
                return steps.size(1) + 1
    return None if whole(numbers) is None else numbers.size(1) + 1


def _rows_of(student: Student, load: Load) -> set[bytes]:
    """The distinct inputs of a data set; none if they were not understood."""
    found = _items(student, load, NUM_DRAWN if load.stream else NUM_ITEMS)
    return set() if found is None else {row.tobytes() for row in found["rows"].numpy()}


def _data_of(load: Load) -> Data:
    """The data that a loader gives: its data set, how many items that has at the time, and which
    of them if it chooses."""
    return load.dataset, load.size, load.load if load.sampled else None


def _items(student: Student, load: Load, count: int) -> Mapping[str, Any] | None:
    asked: dict[str, Any] = {"load": load.load, "count": count, "seconds": SECONDS}
    try:
        found: Mapping[str, Any] = student.ask("items", **asked)
    except StudentError:  # items of an unusual kind
        return None
    return found
