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


def check_data(student: Student, trace: Trace, verdicts: Verdicts) -> None:
    """Look at the DataLoaders, or at what the model was called with if there are none."""
    loads = {load["load"]: load for load in trace.all("load")}
    if not trace.all("batch"):
        _check_calls(trace, verdicts)
        return
    training, testing = _used(trace)
    different: dict[tuple[int, int | None], Event] = {}
    for load in sorted(loads.values(), key=lambda e: (e["load"] not in training, e.index)):
        key = (load["dataset"], load["load"] if load["sampled"] else None)
        different.setdefault(key, load)
    if len(different) == 1:
        (load,) = different.values()
        _check_only_one(student, load, testing, verdicts)
        return
    rows: list[tuple[Event, set[bytes]]] = []
    for load in list(different.values())[:MAX_SETS]:
        count = NUM_DRAWN if load["stream"] else NUM_ITEMS
        found = _items(student, load, count)
        if found is None or not len(found["rows"]):
            verdicts.not_seen(
                "The items of a data set were not understood.", id="split-leak", at=load
            )
            return
        rows.append((load, {row.tobytes() for row in found["rows"].numpy()}))
    for k, (load, later) in enumerate(rows):
        for _, earlier in rows[:k]:
            if shared := earlier & later:
                verdicts.fault(
                    "split-leak",
                    f"{len(shared) / len(later):.0%} of the distinct palindromes that you test on "
                    "are in the training data as well. There are only 1,000 palindromes of 5 "
                    "digits, so random ones coincide. What decides which data set a palindrome "
                    "belongs to?",
                    at=load,
                )
                return
    verdicts.right("Training data and test data share no palindrome.")


def _used(trace: Trace) -> tuple[set[int], dict[int, Event]]:
    """The loaders whose batches a step follows; and those that a network only reads, each with its
    first such batch."""
    training: set[int] = set()
    testing: dict[int, Event] = {}
    batches = trace.all("batch")
    ends = [batch.index for batch in batches[1:]] + [len(trace.events)]
    for batch, end in zip(batches, ends, strict=True):
        if trace.between(batch.index, end, "step", "backward"):
            training.add(batch["load"])
        elif any(not call["grad"] or not call["training"] for call in
                 trace.between(batch.index, end, "call")):  # fmt: skip
            testing.setdefault(batch["load"], batch)
    return training, testing


def _check_only_one(
    student: Student, load: Event, testing: Mapping[int, Event], verdicts: Verdicts
) -> None:
    """All loaders have the same data: that is right only if it is drawn anew each time."""
    if not testing or load["stream"]:
        return
    found = _items(student, load, 20)
    if found is None or found["redrawn"]:
        return
    batch = next(iter(testing.values()))
    verdicts.fault(
        "tests-on-training-data",
        "The accuracy is measured on the data set that the model was trained on, and on no other. "
        "What does that say about palindromes that it has never read?",
        at=batch,
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
            "tests-on-training-data",
            "The accuracy is measured on the palindromes that the model was trained on, and on no "
            "others. What does that say about palindromes that it has never read?",
            at=repeated[0],
        )
        return
    read = {row for call in trained for row in _rows(call, trace)}
    for call in tested:
        rows = _rows(call, trace)
        if call not in repeated and (shared := rows & read):
            verdicts.fault(
                "split-leak",
                f"{len(shared) / len(rows):.0%} of the distinct palindromes that you test on were "
                "in the first batches of the training. There are only 1,000 palindromes of 5 "
                "digits, so random ones coincide. What decides where a palindrome belongs?",
                at=call,
            )
            return
    verdicts.right("No palindrome of the first batches is in the test data.")


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
