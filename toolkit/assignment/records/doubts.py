"""Judge a student's records: impossible values, and accuracies beside the check's own.

A doubt is a finding that costs no points. It is for what no training can give, not for what is
merely good: a network that overfits, a bad run, or accuracies in percent are none.
"""

import math
from collections.abc import Collection, Iterator
from itertools import pairwise

from toolkit.assignment.check.findings import Finding, Id
from toolkit.assignment.check.verify import proof_of
from toolkit.assignment.parts import Part
from toolkit.assignment.records.files import PICTURES, SAMPLES, Log, Records, part_of

SURE = 0.9  # an accuracy that no network has by chance
FLAT = 3.0  # a cross-entropy that stays below it is a mean over the batch: it begins at ln 10
CHANCE = 0.15  # at most what guessing reaches; 0.1 on average
ROUNDED = 1e-6
NOT_THEIRS = "The toolkit made this file, not you: a record is of a training of your own."
BROKEN: tuple[Id, ...] = ("does-not-learn", "not-written")


def doubtful(log: Log) -> Iterator[tuple[int, str]]:
    """The line of a training's CSV, from 1, and what in it cannot be true."""
    for line, ((before, *_), (step, *_)) in enumerate(pairwise(log.rows), start=3):
        if not step > before:
            yield (
                line,
                f"Step {step:g} comes after step {before:g}. Count the steps on, epoch by epoch.",
            )
            break
    for line, (share, row) in enumerate(zip(log.shares, log.rows, strict=True), start=2):
        if not -ROUNDED <= share <= 1 + ROUNDED:
            yield line, f"An accuracy of {row[2]:g} cannot be: it goes from 0 to 1."
            break
    for line, row in enumerate(log.rows, start=2):
        if row[1] < -ROUNDED:
            yield line, f"A loss of {row[1]:g} cannot be: a cross-entropy is never below 0."
            break
    losses = [row[1] for row in log.rows]
    if len(losses) > 2 and max(losses) < FLAT and log.accuracy > 0.99 and losses[-1] > math.log(10):
        yield (
            len(log.rows) + 1,
            f"An accuracy of {log.accuracy:.0%} and a loss of {losses[-1]:g} do not go together. A "
            "digit that is predicted right has the largest of ten probabilities, so more than 0.1, "
            "and -ln 0.1 is 2.303.",
        )


def judge_records(
    records: Records, findings: Collection[Finding], reached: float | None
) -> list[Finding]:
    """What there is to say about the records of a submission; nothing if there are none.

    Args:
        records: read before any of their code ran, which may write there.
        findings: what the check found in the code.
        reached: the accuracy on unseen palindromes of 5 digits after the check's own short training
            of their LSTM; None if there was none.
    """
    forgets = reached is not None and reached <= CHANCE
    broken = [
        f
        for f in findings
        if f.part in ("lstm", "train")
        and (f.id in BROKEN or (f.id == "state-not-carried" and forgets))
    ]
    found: list[Finding] = []
    shown: list[str] = []
    for log in records.trainings:
        doubts = sorted(doubtful(log))
        if broken and not doubts and log.network == "LSTM" and log.accuracy >= SURE:
            doubts.append((len(log.rows) + 1, _not_this_code(log, broken[0], reached)))
        found += [_doubt("train", str(log.path), line, text) for line, text in doubts]
        if not doubts and log.accuracy > CHANCE:  # else there is nothing to call right
            shown.append(f"{log.path.stem} ({log.accuracy:.1%} after {log.rows[-1][0]:,.0f} steps)")
    if shown:
        beside = ""
        if reached is not None and reached >= SURE:
            beside = f" The check's own short training of this LSTM reaches {reached:.0%} at T = 5."
        found.append(_right("train", f"Records of trainings: {', '.join(shown)}.{beside}"))
    found += [_doubt(part_of(path), str(path), None, NOT_THEIRS) for path in records.foreign]
    found += _pictures(records)
    return found


def _not_this_code(log: Log, finding: Finding, reached: float | None) -> str:
    measured = "" if reached is None else f" ({reached:.0%} at T = 5 after the check's training)"
    what = "is still to be written" if finding.id == "not-written" else f"does not learn{measured}"
    return (
        f"This record says {log.accuracy:.1%} at T = {log.length}, and the code for it {what}. Was "
        "the record made by this code? Train again."
    )


def _pictures(records: Records) -> Iterator[Finding]:
    """The samples at three times differ; and which pictures there are."""
    known: dict[bytes, str] = {}
    for name in SAMPLES:
        if name in records.pictures:
            path, data = records.pictures[name]
            if data in known:
                text = (
                    f"This is the same picture as {known[data]}, and it should be of another time."
                )
                yield _doubt("gan", str(path), None, text)
            known.setdefault(data, name)
    there = [name for name in PICTURES if name in records.pictures]
    if there:
        yield _right("gan", f"Records of the GAN: {', '.join(there)}.")


def _doubt(part: Part, file: str, line: int | None, message: str) -> Finding:
    proof = proof_of("doubtful-record", {"text": message})
    return Finding(
        verdict="wrong",
        part=part,
        id="doubtful-record",
        file=file,
        line=line,
        message=message,
        proof=proof,
    )


def _right(part: Part, message: str) -> Finding:
    return Finding(verdict="right", part=part, message=message)
