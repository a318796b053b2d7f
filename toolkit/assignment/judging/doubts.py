"""Doubts about a student's records: impossible values, and accuracies that contradict the check's
findings.

A doubt is a finding that costs no points. It reports a record that the submitted code is unlikely
to have produced in training. Overfitting, a bad training run and accuracies given as percentages
raise no doubts.
"""

import math
from collections.abc import Collection, Iterator
from itertools import pairwise

from toolkit.assignment.findings.findings import Finding, Id
from toolkit.assignment.findings.rules import claims, rules
from toolkit.assignment.findings.verify import proof_of
from toolkit.assignment.handin.records import PICTURES, SAMPLES, Log, Records, part_of
from toolkit.assignment.running.parts import Part

SURE = 0.9  # an accuracy that no network has by chance
FLAT = 3.0  # a mean cross-entropy starts at ln 10, so it stays below this value
CHANCE = 0.15  # the most that guessing reaches; its mean is 0.1
ROUNDED = 1e-6
NOT_THEIRS = "The toolkit made this file, not you: a record is of a training of your own."
BROKEN: tuple[Id, ...] = ("does-not-learn", "not-written")


def doubtful(log: Log) -> Iterator[tuple[int, str]]:
    """Yield the line number of an impossible value in the CSV file of a training run, and a
    sentence that explains the problem. Only one value is reported for each kind of impossible
    value. Lines are counted from 1.
    """
    steps, losses, accuracies = zip(*log.rows, strict=True)
    for line, (before, step) in enumerate(pairwise(steps), start=3):
        if not step > before:
            text = f"Step {step:g} comes after step {before:g}. Count the steps on, epoch by epoch."
            yield line, text
            break
    for line, (share, accuracy) in enumerate(zip(log.shares, accuracies, strict=True), start=2):
        if not -ROUNDED <= share <= 1 + ROUNDED:
            yield line, f"An accuracy of {accuracy:g} is impossible: it goes from 0 to 1."
            break
    for line, loss in enumerate(losses, start=2):
        if loss < -ROUNDED:
            yield line, f"A loss of {loss:g} is impossible: a cross-entropy is never below 0."
            break
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
    """Return the findings about the records of a submission, or [] if it has no records.

    Args:
        records: the records of the student's training runs and the pictures handed in with them.
            The records and pictures must be read before any of the student's code runs, because
            that code may change them.
        findings: the check's findings about the code.
        reached: the accuracy on unseen palindromes of 5 digits that the student's LSTM reached in
            the check's own short training run; None if there was no such run.
    """
    judged = list(_trainings(records, findings, reached))
    judged += [_doubt(part_of(path), str(path), None, NOT_THEIRS) for path in records.foreign]
    judged += _pictures(records)
    return judged


def _trainings(
    records: Records, findings: Collection[Finding], reached: float | None
) -> Iterator[Finding]:
    """For each training run, yield a finding for each reason to doubt its record. Then consider the
    runs whose records give no reason for doubt and show better-than-chance accuracy. If there are
    any such runs, yield one finding that lists them.
    """
    fault = _fault_of_code(findings, reached)
    believed: list[str] = []
    for log in records.trainings:
        doubts = sorted(doubtful(log))
        if fault and not doubts and log.network == "LSTM" and log.accuracy >= SURE:
            doubts.append((len(log.rows) + 1, _not_this_code(log, fault, reached)))
        for line, text in doubts:
            yield _doubt("train", str(log.path), line, text)
        if not doubts and log.accuracy > CHANCE:  # else there is nothing to call right
            last_step = log.rows[-1][0]
            believed.append(f"{log.path.stem} ({log.accuracy:.1%} after {last_step:,.0f} steps)")
    if believed:
        trainings = ", ".join(believed)
        if reached is not None and reached >= SURE:
            yield _right(
                "train", "records-and-check", trainings=trainings, reached=f"{reached:.0%}"
            )
        else:
            yield _right("train", "records", trainings=trainings)


def _fault_of_code(findings: Collection[Finding], reached: float | None) -> Finding | None:
    """Return the first finding that explains why the student's LSTM cannot learn, or None."""
    forgets = reached is not None and reached <= CHANCE
    ids = {*BROKEN, "state-not-carried"} if forgets else {*BROKEN}
    for finding in findings:
        if finding.part in ("lstm", "train") and finding.id in ids:
            return finding
    return None


def _not_this_code(log: Log, finding: Finding, reached: float | None) -> str:
    fault = "does not learn"
    if finding.id == "not-written":
        fault = "is still to be written"
    elif reached is not None:
        fault += f" ({reached:.0%} at T = 5 after the check's training)"
    return (
        f"This record says {log.accuracy:.1%} at T = {log.length}, but the code for it {fault}. "
        "Was the record made by this code? Train again."
    )


def _pictures(records: Records) -> Iterator[Finding]:
    """Yield a finding for each picture of generated samples that is identical to an earlier
    picture, and a finding that lists all recorded pictures.
    """
    known: dict[bytes, str] = {}
    for name in SAMPLES:
        if name not in records.pictures:
            continue
        path, data = records.pictures[name]
        if data in known:
            text = f"This is the same picture as {known[data]}, but it should be of another time."
            yield _doubt("gan", str(path), None, text)
        known.setdefault(data, name)
    present = [name for name in PICTURES if name in records.pictures]
    if present:
        yield _right("gan", "records", pictures=", ".join(present))


def _doubt(part: Part, file: str, line: int | None, message: str) -> Finding:
    proof = proof_of("wrong", ["doubtful-record"], claims.shared.is_written(message))
    return Finding(
        verdict="wrong",
        part=part,
        id="doubtful-record",
        file=file,
        line=line,
        message=message,
        proof=proof,
    )


def _right(part: Part, name: str, **fields: str) -> Finding:
    """Return a finding with the verdict "right" about recorded training runs or pictures that the
    student handed in; its message comes from the rule `[right.NAME]`, with `fields` inserted.
    """
    rule = f"right.{name}"
    message = rules(part)[rule].says.format(**fields)
    return Finding(verdict="right", part=part, message=message, rule=rule, fields=fields)
