"""Judges a model's test data, which should be palindromes that the model was not trained on."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from toolkit.assignment.asking.host import StudentError, TrainChild
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.train.labels import CLASSES, whole
from toolkit.assignment.judging.train.trace import Backward, Batch, Call, Load, Step, Trace
from toolkit.assignment.running.replies import LoaderItems

NUM_ITEMS = 50_000  # of each data set, if that does not take too long
NUM_DRAWN = 2000  # items of a data set that draws its items
SECONDS = 1.0  # of CPU time for each data set
MAX_SETS = 3
SHOWN = 64  # rows by which the kind of the rows is known
Data = tuple[int, int | None, int | None]


def check_data(child: TrainChild, trace: Trace, verdicts: Verdicts) -> None:
    """Report that the script tests on its training data, or that the training and test data share
    palindromes.
    """
    training_calls, test_calls = _split_calls(trace)
    loads: dict[int, Load] = {}
    for load in trace.all(Load):
        if load.whole:
            loads[load.load] = load
    trained = _trained_data(training_calls, loads, trace)
    test_batches = _test_batches(test_calls, loads, trace)
    tested = {_data_of(loads[batch.load]) for batch in test_batches}
    if tested and tested <= trained:
        first_batch = test_batches[0]
        load = loads[first_batch.load]
        if _has_fixed_items(child, load):
            proof = claims.shared.overlap(shared=load.size or 0, size=load.size or 0)
            verdicts.fault("tests-on-training-data.set", at=first_batch, proof=proof)
            return
    _check_leak(child, list(loads.values()), trained, verdicts)


def _trained_data(calls: list[Call], loads: Mapping[int, Load], trace: Trace) -> set[Data]:
    """Return the data sets whose batches the training calls have read."""
    batches = trace.all(Batch)
    trained: set[Data] = set()
    for call in calls:
        batch = _batch_of(call, batches)
        if batch is not None and batch.load in loads:
            trained.add(_data_of(loads[batch.load]))
    return trained


def _test_batches(calls: list[Call], loads: Mapping[int, Load], trace: Trace) -> list[Batch]:
    """Return the batches that the test calls have read from one of the loaders in `loads`."""
    batches = trace.all(Batch)
    read: list[Batch] = []
    for call in calls:
        batch = _batch_of(call, batches)
        if batch is not None and batch.load in loads:
            read.append(batch)
    return read


def _has_fixed_items(child: TrainChild, load: Load) -> bool:
    """True if a data set has the same items each time that it is read."""
    if load.stream:
        return False
    answer = _items(child, load, 20)
    return answer is not None and not answer["redrawn"]


def _split_calls(trace: Trace) -> tuple[list[Call], list[Call]]:
    """Split the calls to the trained networks into training calls, each followed by a backward
    pass, and test calls.
    """
    learning = _learning_networks(trace)
    calls = [call for call in trace.all(Call) if call.inputs and call.network in learning]
    ends = [float(call.index) for call in calls[1:]]
    ends.append(float("inf"))
    trained, tested = [], []
    for call, end in zip(calls, ends, strict=False):
        passes = trace.between(call.index, end, Backward)
        if call.grad and any(event.changed for event in passes):
            trained.append(call)
        elif not call.grad or not call.training:
            tested.append(call)
    return trained, tested


def _learning_networks(trace: Trace) -> set[int]:
    """Return the networks that an optimiser step has updated, or all networks if none was
    updated.
    """
    moved: set[int] = set()
    for step in trace.all(Step):
        moved |= step.moved
    if not moved:
        return set(trace.networks)
    return {key for key, network in trace.networks.items() if moved & network.parameters.keys()}


def _batch_of(call: Call, batches: Sequence[Batch]) -> Batch | None:
    """Return the batch that a call has read, identified by its values.

    If no batch has the values that the call read, return the last batch before the call, or None if
    the number of rows in that batch does not fit.
    """
    read = call.inputs[0]
    before = [batch for batch in batches if batch.index < call.index]
    for batch in before:
        if batch.index == read.source:
            return batch
    if not before:
        return None
    last = before[-1]
    num_rows = {value.shape[0] for value in last.values if value.shape}
    return last if num_rows & {*read.shape} else None


def _check_leak(
    child: TrainChild, loads: list[Load], trained: set[Data], verdicts: Verdicts
) -> None:
    """Report palindromes that occur both in the training data and in another data set."""
    first = next((load for load in loads if _data_of(load) in trained), None)
    if first is None:
        return
    untrained = _untrained(loads, trained, first)
    if not untrained:
        return
    if _is_switched(first, untrained):
        verdicts.not_seen("switched", at=first)
        return
    palindromes = _palindromes_of(child, [first, *untrained][: MAX_SETS + 1], verdicts)
    if palindromes is None:
        return
    training_rows, *test_rows = palindromes
    for load, rows in zip(untrained, test_rows, strict=False):
        shared = rows & training_rows
        if shared:
            share = max(0.01, len(shared) / len(rows))
            proof = claims.shared.overlap(shared=len(shared), size=len(rows))
            verdicts.fault("split-leak.sets", at=load, proof=proof, share=share)
            return
    length = _length_of(training_rows)
    if length is not None:  # else the check says nothing
        smallest = min(len(rows) for rows in test_rows)
        proof = claims.shared.are_apart(
            shared=0, first=len(training_rows), second=smallest, length=length
        )
        verdicts.right("sets", proof=proof)


def _is_switched(first: Load, untrained: list[Load]) -> bool:
    """True if the script replaced the contents of the training data set, and then read the new
    contents without training on them.
    """
    return any(load.dataset == first.dataset and not load.sampled for load in untrained)


def _palindromes_of(
    child: TrainChild, loads: list[Load], verdicts: Verdicts
) -> list[set[bytes]] | None:
    """Read each loader's palindromes; if a loader yields none, report that loader and return
    None.
    """
    palindromes = [_rows_of(child, load) for load in loads]
    for load, rows in zip(loads, palindromes, strict=True):
        if not rows:
            verdicts.not_seen("items", at=load)
            return None
    return palindromes


def _untrained(loads: list[Load], trained: set[Data], first: Load) -> list[Load]:
    """Return one loader for each data set that the script read, but did not train on, before it
    started another training run.

    Args:
        loads: the loaders, in order of creation.
        trained: the data sets that were trained on.
        first: the first loader of a data set that was trained on.
    """
    untrained: dict[Data, Load] = {}
    for load in loads:
        if _data_of(load) not in trained:
            untrained.setdefault(_data_of(load), load)
        elif untrained and load.index > first.index:
            break  # the script trains once more, on data of its own
    return list(untrained.values())


def _length_of(rows: set[bytes]) -> int | None:
    """Return the length T of palindromes, given rows of T - 1 digits as numbers or as one-hot
    vectors.

    Returns:
        None if the rows contain numbers other than digits.
    """
    shown = [np.frombuffer(row, dtype=np.float32) for row in list(rows)[:SHOWN]]
    numbers = torch.from_numpy(np.stack(shown))
    is_binary = bool(((numbers == 0) | (numbers == 1)).all())
    if is_binary and numbers.size(1) % CLASSES == 0:
        by_step = numbers.reshape(len(numbers), -1, CLASSES)
        by_class = numbers.reshape(len(numbers), CLASSES, -1).transpose(1, 2)
        for steps in (by_step, by_class):
            if bool((steps.sum(2) == 1).all()):
                return steps.size(1) + 1
    if whole(numbers) is None:
        return None
    return numbers.size(1) + 1


def _rows_of(child: TrainChild, load: Load) -> set[bytes]:
    """Return the distinct inputs of a data set, or an empty set if the check cannot read the
    inputs.
    """
    count = NUM_DRAWN if load.stream else NUM_ITEMS
    answer = _items(child, load, count)
    if answer is None:
        return set()
    return {row.tobytes() for row in answer["rows"].numpy()}


def _data_of(load: Load) -> Data:
    """Return a key that identifies a loader's data: the data set, its number of items when the
    loader was created and, if a sampler chooses the items, the loader.
    """
    chosen = load.load if load.sampled else None
    return load.dataset, load.size, chosen


def _items(child: TrainChild, load: Load, count: int) -> LoaderItems | None:
    """Ask the child process for items of a data set, or return None if the process cannot read
    them.
    """
    try:
        return child.ask.items(load=load.load, count=count, seconds=SECONDS)
    except StudentError:
        return None
