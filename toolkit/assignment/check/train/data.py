"""Judges what a model is tested on: palindromes that it was not trained on."""

from collections.abc import Mapping
from typing import Any

from toolkit.assignment.check.host import Student, StudentError
from toolkit.assignment.check.train.trace import Event, Trace
from toolkit.assignment.check.verdicts import Verdicts

NUM_ITEMS = 50_000  # of each data set, if that does not take too long
NUM_DRAWN = 2000  # of one that draws its items
SECONDS = 1.0  # of CPU time for each data set
MAX_SETS = 3
Data = tuple[int, int | None, int | None]


def check_data(student: Student, trace: Trace, verdicts: Verdicts) -> None:
    """Look at the DataLoaders, or at what the model was called with if there are none."""
    loads = {load["load"]: load for load in trace.all("load") if load["whole"]}
    if not trace.all("batch"):
        _check_calls(trace, verdicts)
        return
    training, testing = _used(trace)
    trained = {_data_of(loads[k]) for k in training if k in loads}
    tested = {_data_of(loads[k]) for k in testing if k in loads}
    if tested and tested <= trained:
        _check_only_trained(student, loads, testing, verdicts)
    if not verdicts.has("tests-on-training-data"):
        _check_leak(student, list(loads.values()), trained, verdicts)


def _check_leak(
    student: Student, loads: list[Event], trained: set[Data], verdicts: Verdicts
) -> None:
    """No palindrome of a data set that was trained on is in one that was not."""
    first = next((load for load in loads if _data_of(load) in trained), None)
    if first is None:
        return
    others: dict[Data, Event] = {}
    for load in loads:
        if _data_of(load) not in trained:
            others.setdefault(_data_of(load), load)
        elif others and load.index > first.index:
            break  # the script trains once more, on data of its own
    if not others:
        return
    if any(load["dataset"] == first["dataset"] and not load["sampled"] for load in others.values()):
        verdicts.not_seen("switched", at=first)
        return
    read = [(load, _rows_of(student, load)) for load in (first, *others.values())][: MAX_SETS + 1]
    for load, rows in read:
        if not rows:
            verdicts.not_seen("items", at=load)
            return
    for load, rows in read[1:]:
        if shared := rows & read[0][1]:
            verdicts.fault(
                "split-leak.sets",
                at=load,
                proof={"shared": len(shared), "of": len(rows)},
                share=max(0.01, len(shared) / len(rows)),
            )
            return
    verdicts.right("sets")


def _rows_of(student: Student, load: Event) -> set[bytes]:
    """The distinct inputs of a data set; none if they were not understood."""
    found = _items(student, load, NUM_DRAWN if load["stream"] else NUM_ITEMS)
    return set() if found is None else {row.tobytes() for row in found["rows"].numpy()}


def _data_of(load: Event) -> Data:
    """The data that a loader gives: its data set, how many items that has at the time, and which
    of them if it chooses."""
    return load["dataset"], load["size"], load["load"] if load["sampled"] else None


def _used(trace: Trace) -> tuple[set[int], dict[int, Event]]:
    """What loaders are for.

    Returns:
        those whose batches a step follows; and those that a network only reads, each with its first
        such batch.
    """
    training: set[int] = set()
    testing: dict[int, Event] = {}
    batches = {batch.index: batch for batch in trace.all("batch")}
    calls = [call for call in trace.all("call") if call["inputs"]]
    for call, following in zip(calls, [*calls[1:], None], strict=False):
        end = len(trace.events) if following is None else following.index
        source = call["inputs"][0]["from"]
        if source not in batches:  # it was changed on its way: take the last one
            source = max((index for index in batches if index < call.index), default=None)
            if source is None or not _of_one_size(call, batches[source]):
                continue
        if call["grad"] and trace.between(call.index, end, "backward"):
            training.add(batches[source]["load"])
        elif not call["grad"] or not call["training"]:
            testing.setdefault(batches[source]["load"], batches[source])
    return training, testing


def _of_one_size(call: Event, batch: Event) -> bool:
    """Whether a network may have read a batch: the number of its items is among its axes."""
    shapes = [value["shape"] for value in batch["values"] if value["shape"]]
    given = call["inputs"][0]["shape"]
    return any(shape[0] in given for shape in shapes)


def _check_only_trained(
    student: Student, loads: Mapping[int, Event], testing: Mapping[int, Event], verdicts: Verdicts
) -> None:
    """All that was tested was trained on: that is right only if it is drawn anew each time."""
    load = loads[next(key for key in testing if key in loads)]
    if load["stream"]:
        return
    found = _items(student, load, 20)
    if found is None or found["redrawn"]:
        return
    batch = next(iter(testing.values()))
    verdicts.fault(
        "tests-on-training-data.set", at=batch, proof={"shared": load["size"], "of": load["size"]}
    )


def _check_calls(trace: Trace, verdicts: Verdicts) -> None:
    """Batches that are made by hand: compare what a network read in training with the rest."""
    moved = {p for step in trace.all("step") for p in step["moved"]}
    networks = {k for k, n in trace.networks.items() if moved & set(n["parameters"])}
    calls = [e for e in trace.all("call") if e["network"] in networks and e["inputs"]]
    passes = [e.index for e in trace.all("backward") if e["changed"]]
    trained = [c for c in calls if c["grad"] and _followed(c, calls, passes)]
    tested = [c for c in calls if not c["grad"]]
    if not trained or not tested:
        return
    same = {c["inputs"][0]["id"] for c in trained}
    repeated = [c for c in tested if c["inputs"][0]["id"] in same]
    if len(repeated) == len(tested):
        verdicts.fault(
            "tests-on-training-data.batches",
            at=repeated[0],
            proof={"shared": len(repeated), "of": len(tested)},
        )
        return
    read = {row for call in trained for row in _rows(call, trace)}
    for call in tested:
        rows = _rows(call, trace)
        if call not in repeated and (shared := rows & read):
            verdicts.fault(
                "split-leak.batches",
                at=call,
                proof={"shared": len(shared), "of": len(rows)},
                share=len(shared) / len(rows),
            )
            return
    verdicts.right("batches")


def _followed(call: Event, calls: list[Event], passes: list[int]) -> bool:
    """Whether a backward pass comes after a call and before the next one."""
    following = next((c.index for c in calls if c.index > call.index), None)
    return any(call.index < p and (following is None or p < following) for p in passes)


def _rows(call: Event, trace: Trace) -> set[bytes]:
    """The distinct rows of what a network read; a batch is the first axis."""
    given: Any = trace.numbers(call["inputs"][0])
    if given is None or given.dim() < 2:
        return set()
    return {row.tobytes() for row in given.float().reshape(len(given), -1).numpy()}


def _items(student: Student, load: Event, count: int) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = student.ask(
            "items", load=load["load"], count=count, seconds=SECONDS
        )
    except StudentError:  # items of an unusual kind
        return None
    return found
