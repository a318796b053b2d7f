"""Judges a model's test data, which should be palindromes that the model was not trained on."""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch

from toolkit.assignment.asking.host import StudentError, TrainChild
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.submission import Located
from toolkit.assignment.judging.train.ending import watch
from toolkit.assignment.judging.train.labels import CLASSES, whole
from toolkit.assignment.judging.train.trace import (
    Backward,
    Batch,
    Call,
    Load,
    Step,
    Trace,
    batch_of,
)
from toolkit.assignment.running.replies import LoaderItems

NUM_ITEMS = 50_000  # of each data set, if that does not take too long
NUM_DRAWN = 2000  # items of a data set that draws its items
SECONDS = 1.0  # of CPU time for each data set
MAX_SETS = 3
SHOWN = 64  # rows by which the kind of the rows is known
EARLY = 8.0  # CPU seconds; a run that took longer is not repeated with shorter palindromes
FEW_STEPS = 1  # of the repeated run
MORE_SECONDS = 4.0  # of CPU time for the repeated run
Data = tuple[int, int | None, int | None]


class Items(NamedTuple):
    """The distinct inputs that were read from a data set, and the number of items that its loader
    uses (0 if unknown).
    """

    rows: set[bytes]
    total: int
    redrawn: bool  # whether an item changes when it is read again


def check_data(child: TrainChild, located: Located, trace: Trace, verdicts: Verdicts) -> None:
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
    chosen = _loads_to_compare(list(loads.values()), trained, verdicts)
    if chosen:
        _check_leak(child, located, trace, chosen, verdicts)


def _trained_data(calls: list[Call], loads: Mapping[int, Load], trace: Trace) -> set[Data]:
    """Return the keys of the data sets from which the networks' inputs in the given training calls
    came, leaving out data sets whose loader is not in `loads`.
    """
    batches = trace.all(Batch)
    trained: set[Data] = set()
    for call in calls:
        batch = batch_of(call, batches)
        if batch is not None and batch.load in loads:
            trained.add(_data_of(loads[batch.load]))
    return trained


def _test_batches(calls: list[Call], loads: Mapping[int, Load], trace: Trace) -> list[Batch]:
    """Return the batches that the networks received as input in the given test calls, leaving out
    batches whose loader is not in `loads`.
    """
    batches = trace.all(Batch)
    read: list[Batch] = []
    for call in calls:
        batch = batch_of(call, batches)
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
    """Return two lists of calls to the trained networks: the training calls, each of which is
    followed by a backward pass, and the test calls.
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


def _loads_to_compare(loads: list[Load], trained: set[Data], verdicts: Verdicts) -> list[Load]:
    """Return a loader of the training data, followed by one loader for each other data set.

    Returns:
        the loaders, or an empty list if there is no other data set with which the training data can
        be compared.
    """
    first = next((load for load in loads if _data_of(load) in trained), None)
    if first is None:
        return []
    untrained = _untrained(loads, trained, first)
    if not untrained:
        return []
    if _is_switched(first, untrained):
        verdicts.not_seen("switched", at=first)
        return []
    return [first, *untrained[:MAX_SETS]]


def _check_leak(
    child: TrainChild, located: Located, trace: Trace, loads: list[Load], verdicts: Verdicts
) -> None:
    """Report palindromes that occur both in the training data and in another data set.

    Long palindromes are so numerous that even independent data sets rarely share one. If the
    palindromes are so long that a shared one would be unlikely in any case, the script is run again
    with shorter ones where possible.
    """
    sets = [_items_of(child, load) for load in loads]
    for load, items in zip(loads, sets, strict=True):
        if not items.rows:
            verdicts.not_seen("items", at=load)
            return
    if _report_shared(loads, sets, verdicts):
        return
    length = _length_of(sets[0].rows)
    if length is None:  # the check says nothing
        return
    apart = _apart(sets, length)
    if not apart.claim.holds(**apart.seen) and trace.cpu < EARLY:
        for option, value, shorter in _shorter(trace, sets, length):
            again = watch(child, located, FEW_STEPS, MORE_SECONDS, (option, str(value)))
            new_loads = _same_loads(loads, trace, again)
            new_sets = [_items_of(child, load) for load in new_loads]
            if not _are_of_length(shorter, new_sets):
                continue
            if _report_shared(new_loads, new_sets, verdicts, f"{option} {value}", length):
                return
            apart = _apart(new_sets, shorter)
            break
    verdicts.right("sets", proof=apart)


def _report_shared(
    loads: list[Load],
    sets: list[Items],
    verdicts: Verdicts,
    arguments: str = "",
    length: int = 0,
) -> bool:
    """Report the first data set that shares palindromes with the training data.

    Args:
        loads, sets: the data loaders and, in the same order, the items of each loader's data set;
            the training data comes first.
        arguments: the command-line arguments of the run; "" for none.
        length: the length of the palindromes when the script is run without command-line arguments.

    Returns:
        True if a data set that shares palindromes with the training data was found and reported.
    """
    training_rows = sets[0].rows
    for load, items in zip(loads[1:], sets[1:], strict=True):
        shared = items.rows & training_rows
        if shared:
            share = max(0.01, len(shared) / len(items.rows))
            proof = claims.shared.overlap(shared=len(shared), size=len(items.rows))
            if arguments:
                verdicts.fault(
                    "split-leak.shorter",
                    at=load,
                    proof=proof,
                    share=share,
                    arguments=arguments,
                    length=length,
                )
            else:
                verdicts.fault("split-leak.sets", at=load, proof=proof, share=share)
            return True
    return False


def _apart(sets: list[Items], length: int) -> claims.Evidence:
    """Return evidence that data sets without a common palindrome were not drawn independently; the
    caller has to test whether this evidence is strong enough.
    """
    training, *others = sets
    smallest = min(len(items.rows) for items in others)
    return claims.shared.are_apart(
        shared=0, first=len(training.rows), second=smallest, length=length
    )


def _shorter(trace: Trace, sets: list[Items], length: int) -> Iterator[tuple[str, int, int]]:
    """Yield the options that may set the length of the palindromes, each with a value that should
    shorten them.

    With each value, there are still at least four times as many different palindromes as the data
    sets have items. Data sets without a common palindrome therefore remain possible. Nothing is
    yielded if one of the data sets draws new items each time that it is read.

    Args:
        sets: the items of the data sets; each item is a palindrome of `length` digits.

    Yields:
        the option, its value, and the length of the palindromes that this value should give.
    """
    if any(items.redrawn for items in sets):
        return
    num_items = sum(items.total for items in sets)
    half = math.ceil(math.log10(4 * num_items))
    shorter = 2 * half - length % 2  # odd lengths stay odd
    if shorter >= length:
        return
    for option, default in trace.numbers.items():
        if default in (length, length - 1):  # T, or the T - 1 digits of an input
            yield option, default - (length - shorter), shorter


def _are_of_length(length: int, sets: list[Items]) -> bool:
    """True if all data sets contain palindromes of `length` digits."""
    if not sets or not all(items.rows for items in sets):
        return False
    return all(_length_of(items.rows) == length for items in sets)


def _same_loads(loads: list[Load], trace: Trace, again: Trace) -> list[Load]:
    """For each data loader in `loads`, return its counterpart in a second run. If the loader was
    the n-th to be created in the first run, its counterpart is the n-th to be created in the second
    run.

    Returns:
        the corresponding loaders of the second run, or an empty list if that run created too few
        loaders.
    """
    made, made_again = trace.all(Load), again.all(Load)
    positions = [made.index(load) for load in loads]
    if max(positions) >= len(made_again):
        return []
    return [made_again[position] for position in positions]


def _is_switched(first: Load, untrained: list[Load]) -> bool:
    """True if the script replaced the contents of the training data set, and then read the new
    contents without training on them.
    """
    return any(load.dataset == first.dataset and not load.sampled for load in untrained)


def _untrained(loads: list[Load], trained: set[Data], first: Load) -> list[Load]:
    """Return one loader for each data set that was not trained on; loaders created after a second
    training run begins are ignored.

    Args:
        loads: the loaders, in order of creation.
        trained: the data sets that were used for training.
        first: the first loader whose data set was trained on.
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


def _items_of(child: TrainChild, load: Load) -> Items:
    """Return the items of a data set; the result contains no rows if the check cannot read the
    inputs.
    """
    count = NUM_DRAWN if load.stream else NUM_ITEMS
    answer = _items(child, load, count)
    if answer is None:
        return Items(set(), 0, redrawn=False)
    rows = {row.tobytes() for row in answer["rows"].numpy()}
    return Items(rows, answer["total"] or 0, answer["redrawn"])


def _data_of(load: Load) -> Data:
    """Return a key that identifies the data of a loader. The key contains the id of the data set
    and its size when the loader was created. The last entry of the key is the loader's id if the
    loader uses a custom sampler, and None otherwise.
    """
    chosen = load.load if load.sampled else None
    return load.dataset, load.size, chosen


def _items(child: TrainChild, load: Load, count: int) -> LoaderItems | None:
    """Return items of a data set, as read by the child process, or None if the process cannot read
    them.
    """
    try:
        return child.ask.items(load=load.load, count=count, seconds=SECONDS)
    except StudentError:
        return None
