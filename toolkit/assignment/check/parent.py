"""The check of one submission: what can be read, then each part in a process of its own."""

import contextlib
import importlib
import os
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

import torch

from toolkit.assignment.check.experiments import proved
from toolkit.assignment.check.findings import Finding, Report
from toolkit.assignment.check.host import Gone, Host, StudentError, plain_host
from toolkit.assignment.check.packages import excused
from toolkit.assignment.check.static import Reading
from toolkit.assignment.check.submission import Located, Submission, prepare
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.parts import PARTS, Part
from toolkit.assignment.records.doubts import judge_records
from toolkit.assignment.records.files import read_folder

JUDGES: dict[Part, str] = {
    "dataset": "toolkit.assignment.check.dataset",
    "lstm": "toolkit.assignment.check.lstm.checks",
    "train": "toolkit.assignment.check.train.checks",
    "gan": "toolkit.assignment.check.gan.checks",
}
Progress = Callable[[str], None]


def import_judges() -> None:
    """Be ready to judge, before a fork of this process reads what a stranger wrote."""
    for module in JUDGES.values():
        importlib.import_module(module)
    torch.set_num_threads(1)  # a second thread costs more than it saves on tensors this small


def check(
    path: Path,
    progress: Progress = lambda sentence: None,
    parts: Collection[Part] = PARTS,
    host: Host | None = None,
) -> Report:
    """Check a student's folder: the data set, the LSTM, its training, and the GAN.

    Which file is which is found out by what they contain (`toolkit.assignment.locate`).

    A copy of their code runs in processes of its own, each with a limit of CPU time, and none of
    them knows what it should answer. They are not a sandbox: run code that you do not trust in one,
    as `grade` does.

    Args:
        path: the folder that has the files, at any depth.
        progress: called with a sentence when a new piece of work begins.
        parts: what to check.
        host: where their code runs; by default in one that is started here.

    Raises:
        UsageError: `path` is not a folder, or has none of the files.
    """
    import_judges()
    with tempfile.TemporaryDirectory(prefix="check-", ignore_cleanup_errors=True) as scratch:
        submission = prepare(Path(os.path.realpath(path)), Path(scratch).resolve())  # a loop, too
        with contextlib.nullcontext(host) if host else plain_host() as running:
            return judge(submission, running, str(submission.root), progress, parts)


def judge(
    submission: Submission,
    host: Host,
    root: str,
    progress: Progress = lambda sentence: None,
    parts: Collection[Part] = PARTS,
    packages: Collection[str] = (),
) -> Report:
    """Judge a submission whose code runs in `host`.

    Args:
        submission: what the judge reads.
        root: where the child has its copy.
        progress: called with a sentence when a new piece of work begins.
        parts: what to check.
        packages: what the course allows besides the usual; where one is missing, nobody is at
            fault.
    """
    records = read_folder(submission.root)  # before their code runs, which may write there
    reached = None
    no_fault = excused(submission.missing, packages)
    findings = [_not_there(part, submission) for part in parts if part not in submission.parts]
    reading = Reading(submission)
    facts: set[str] = set()
    for part, located in submission.parts.items():
        if part not in parts:
            continue
        found = reading.findings[part]
        if part not in reading.unreadable:
            verdicts = Verdicts(part, located.file, progress, no_fault)
            judge_part(host, root, located, verdicts)
            facts |= verdicts.facts
            reached = verdicts.reached if part == "lstm" else reached
            settled = [
                _settled(finding, submission, reading)
                for finding in verdicts.findings
                if not _seen_already(finding, found)
            ]
            found += [proved(finding, submission, host, root) for finding in settled]
        findings += found
    if "gives-probabilities" in facts and "saw-loss" not in facts:
        message = (
            "The model returns probabilities, and the loss was not seen. Make sure that the loss "
            "takes their logarithm, and no second softmax."
        )
        findings.append(
            Finding(verdict="not seen", part="lstm", id="softmax-before-loss", message=message)
        )
    findings += (f for f in judge_records(records, findings, reached) if f.part in parts)
    return Report.of(
        [submission.in_notebook(finding) for finding in findings],
        {part: submission.original(where.file) for part, where in submission.parts.items()},
    )


def judge_part(host: Host, root: str, located: Located, verdicts: Verdicts) -> None:
    """Judge one part; whatever happens to it, the others keep theirs."""
    try:
        judge = importlib.import_module(JUDGES[verdicts.part])
        with host.student(verdicts.part, root) as student:
            judge.check(student, located, verdicts)
    except Gone as gone:
        verdicts.gone(gone)
    except StudentError as error:
        verdicts.error(error)
    except MemoryError:  # all of it has a limit of its own
        raise
    except Exception as error:  # a fault of the judge's own must not cost anybody a point
        verdicts.not_seen(
            f"The check itself failed during this: {verdicts.work} ({type(error).__name__}: "
            f"{error}). This is not a verdict on your code."
        )


def _not_there(part: Part, submission: Submission) -> Finding:
    """A part that is missing, or that more than one file could be."""
    if part in submission.unclear:
        return Finding(verdict="not seen", part=part, message=submission.unclear[part])
    message = submission.missing[part]
    return Finding(verdict="wrong", part=part, id="missing-file", message=message)


def _seen_already(finding: Finding, findings: list[Finding]) -> bool:
    """Whether a forbidden module was seen in the file already, which has the better line."""
    return finding.id == "forbidden-module" and any(
        known.id == finding.id and known.part == finding.part for known in findings
    )


def _settled(finding: Finding, submission: Submission, reading: Reading) -> Finding:
    """A finding, or what it comes down to: another part's gap, or a file that was not copied."""
    message = None
    if finding.id == "not-written" and any(
        known.id == finding.id and (known.file, known.line) == (finding.file, finding.line)
        for part, others in reading.findings.items()
        for known in others
        if part != finding.part
    ):
        message = "This stops at something that is still to be written, and was not looked at."
    if "FileNotFound" in finding.message:
        for name in submission.left_out:
            if Path(name).name in finding.message:
                message = f"{name} is too large for the check to copy, and the code reads it."
    if message is None:
        return finding
    return finding.model_copy(update={"verdict": "not seen", "id": None, "message": message})
