"""The check of one submission: what can be read, then each part in a process of its own."""

import contextlib
import importlib
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from toolkit.assignment.check.findings import Finding, Report, unanswered
from toolkit.assignment.check.gan.drawing.stand_ins import digits
from toolkit.assignment.check.host import Gone, Host, StudentError, Unwatched
from toolkit.assignment.check.names import NAMES
from toolkit.assignment.check.static import Reading
from toolkit.assignment.check.submission import Located, Submission, prepare
from toolkit.assignment.check.verdicts import STOPS, Verdicts
from toolkit.assignment.check.verify import is_pending, is_proved, proof_of
from toolkit.assignment.parts import FILES, PARTS, Part
from toolkit.assignment.records.doubts import judge_records
from toolkit.assignment.records.files import read_folder
from toolkit.common.errors import UsageError, is_out_of_memory
from toolkit.common.scratch.directory import scratch_directory

JUDGES: dict[Part, str] = {
    "dataset": "toolkit.assignment.check.dataset",
    "lstm": "toolkit.assignment.check.lstm.checks",
    "train": "toolkit.assignment.check.train.checks",
    "gan": "toolkit.assignment.check.gan.checks",
}
TRAINS: tuple[Part, ...] = ("train", "gan")
MAX_RUNS = 3  # of a module and the scripts that use it, each as long as a training may take
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
    """Check a student's folder, or a file of it: data set, LSTM, its training, and the GAN.

    Which file is which is found out by what they contain (`toolkit.assignment.locate`).

    A copy of their code runs in processes of its own, each with a limit of CPU time, and none of
    them knows what it should answer. They are not a sandbox: run code that you do not trust in one,
    as `grade` does.

    Args:
        path: the folder that has the files, at any depth; or one of the files: then the others
            beside it are there for it, and not checked.
        progress: called with a sentence when a new piece of work begins.
        parts: what to check.
        host: where their code runs; by default in one that is started here.

    Raises:
        UsageError: `path` is not a folder, or has none of the files; or is none of them.
    """
    path = Path(os.path.realpath(path))  # a loop, too
    folder, chosen = (path.parent, path.name) if path.is_file() else (path, None)
    import_judges()
    with scratch_directory("check") as scratch:
        submission = prepare(folder, scratch, chosen)
        if chosen is not None:
            there = submission.parts.items()
            own = {part for part, where in there if submission.original(where.file) == chosen}
            if not own.intersection(parts):
                names = ", ".join(FILES[part] for part in parts)
                raise UsageError(
                    f"{path} is none of {names}, by its content or by its name. Give such a file, "
                    "or the folder that has it."
                )
            parts = own.intersection(parts)
        with contextlib.nullcontext(host) if host else Host() as running:
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
    host.helps["digits"] = digits
    records = read_folder(submission.root)  # before their code runs, which may write there
    no_fault = dict.fromkeys((*NAMES["packages"]["usual"].split(), *packages), "")
    no_fault |= {FILES[part].removesuffix(".py"): FILES[part] for part in submission.missing}
    files = {part: located.file for part, located in submission.parts.items()}
    read = {part: Verdicts(part, files.get(part, "")) for part in PARTS}
    unreadable = Reading(submission, read).unreadable
    how = (progress, no_fault, host.walls, submission.notebooks)
    told = {part: Verdicts(part, files.get(part, ""), *how) for part in PARTS}
    told = {part: verdicts for part, verdicts in told.items() if part in parts}
    for part, verdicts in told.items():
        if part not in submission.parts:
            _not_there(submission, verdicts)
        elif part not in unreadable:
            judge_part(host, root, submission.parts[part], verdicts)
    _leave_one_stop(told)
    for part, verdicts in told.items():
        if part in submission.parts and part not in unreadable:
            settled = [_settled(f, verdicts, submission, read) for f in verdicts.findings]
            verdicts.findings = [
                _tried_again(finding, verdicts, submission, host, root) for finding in settled
            ]
    facts = set[str]().union(*(verdicts.facts for verdicts in told.values()))
    if "gives-probabilities" in facts and "saw-loss" not in facts:
        told["lstm"].not_seen("probabilities")
    _name_one_cause(told)
    findings = [f for part in told for f in (*read[part].findings, *told[part].findings)]
    reached = told["lstm"].reached if "lstm" in told else None
    findings += (f for f in judge_records(records, findings, reached) if f.part in parts)
    return Report.of(
        (submission.in_notebook(submission.placed(finding)) for finding in findings),
        {part: submission.original(file) for part, file in files.items()},
    )


def _leave_one_stop(told: Mapping[Part, Verdicts]) -> None:
    """Take a stop away from a part that was judged by then, where it ends another part, too."""
    for part, verdicts in told.items():
        for stop in list(verdicts.faults):
            place = (stop.id, stop.file, stop.line)
            elsewhere = any(
                (fault.id, fault.file, fault.line) == place
                for other in told.values()
                if other is not verdicts
                for fault in other.faults
            )
            if stop.id in STOPS and elsewhere and not unanswered(part, verdicts.findings):
                verdicts.findings.remove(stop)


def _name_one_cause(told: Mapping[Part, Verdicts]) -> None:
    """Take away a stop of the training that another finding explains, and say so there.

    That is one about the data set or the LSTM, and quotes the same exception, numbers aside.
    """

    def words(text: str) -> str:
        return re.sub(r"\d+", "", text)

    others = [verdicts for part, verdicts in told.items() if part not in TRAINS]
    for verdicts in told.values():
        for stop in list(verdicts.faults):
            if stop.id != "does-not-run" or verdicts in others or not stop.proof:
                continue
            said = words(str(stop.proof.seen.get("said", "")).partition(": ")[2])
            for other in others:
                for cause in other.faults:
                    if said and said in words(cause.message) and stop in verdicts.findings:
                        verdicts.findings.remove(stop)
                        other.also("stops", cause)


def judge_part(host: Host, root: str, located: Located, verdicts: Verdicts) -> None:
    """Judge one part; whatever happens to it, the others keep theirs."""
    try:
        judge = importlib.import_module(JUDGES[verdicts.part])
        with host.student(verdicts.part, root) as student:
            judge.check(student, located, verdicts)
            verdicts.unanswered()
    except Unwatched:
        judge_part(host, root, replace(located, witnesses=()), verdicts)
    except Gone as gone:
        verdicts.gone(gone)
    except StudentError as error:
        verdicts.error(error)
    except Exception as error:  # a fault of the judge's own must not cost anybody a point
        if is_out_of_memory(error):  # all of it has a limit of its own
            raise MemoryError from error
        kind = type(error).__name__
        verdicts.not_seen("failed", work=verdicts.work, kind=kind, error=error)


def _not_there(submission: Submission, verdicts: Verdicts) -> None:
    """A part that is missing, or that more than one file could be."""
    part = verdicts.part
    if part in submission.unclear:
        name, seen = submission.unclear[part]
        verdicts.not_seen(name, **seen)
    else:
        name, seen = submission.missing[part]
        verdicts.fault(name, proof={"these": [part], "those": list(submission.parts)}, **seen)


def _settled(
    finding: Finding, verdicts: Verdicts, submission: Submission, read: Mapping[Part, Verdicts]
) -> Finding:
    """A finding, or what it comes down to: another part's gap, or a file that was not copied."""
    if "FileNotFound" in finding.message:
        for name in submission.left_out:
            if Path(name).name in finding.message:
                return verdicts.instead(finding, "left-out", name=name)
    file = verdicts.file
    sharing = [part for part, where in submission.parts.items() if where.file == file]
    if finding.id == "time-limit" and finding.part not in TRAINS and {*sharing} & {*TRAINS}:
        return verdicts.instead(finding, "trains", file=file)
    if finding.id == "not-written" and any(
        known.id == finding.id and (known.file, known.line) == (finding.file, finding.line)
        for part, others in read.items()
        for known in others.findings
        if part != finding.part
    ):
        return verdicts.instead(finding, "to-write")
    return finding


def _tried_again(
    finding: Finding, verdicts: Verdicts, submission: Submission, host: Host, root: str
) -> Finding:
    """A finding; "not seen" if it is about a failure that only the check has met.

    It shortens loops, replaces packages and sets limits: their file runs once more as it is, and
    is asked which limits it meets.
    """
    if not (is_pending(finding) or _ended(finding)):
        return finding
    located = submission.parts[finding.part]
    is_script = finding.part in ("train", "gan")
    for file in (located.file, *(() if is_script else located.users))[:MAX_RUNS]:
        error, walls = _run_plainly(file, submission, host, root)
        if (wall := verdicts.wall(walls)) is not None:
            return verdicts.instead(finding, "wall", wall=wall, problem=finding.message)
        if is_pending(finding) and error is not None and finding.proof and finding.id:
            again = {"again": error["text"], "there": [error["file"], error["line"]]}
            proof = proof_of(finding.id, {**finding.proof.seen, **again})
            proved = finding.model_copy(update={"proof": proof})
            if is_proved(proved):
                return proved
    if not is_pending(finding):
        return finding
    id = None if finding.id == "does-not-run" else finding.id
    return verdicts.instead(finding, "watched-only", id=id)


def _ended(finding: Finding) -> bool:
    """Whether the code has ended by itself and said nothing, as a library may that met a limit."""
    by_itself = finding.proof is not None and "happened" in finding.proof.seen
    ids = ("does-not-import", "time-limit")
    return finding.id == "not-watched" or (by_itself and finding.id in ids)


def _run_plainly(
    file: str, submission: Submission, host: Host, root: str
) -> tuple[dict[str, Any] | None, list[str]]:
    """Run a file as it is.

    Returns:
        what it raised, if it came to an end, and the names of the walls that it met.
    """
    error: dict[str, Any] | None = None
    try:
        with host.student("train", root) as student:
            error = student.ask("plainly", file=file, there=submission.there)
    except Gone as gone:  # it goes on for too long, or ends the process
        return None, gone.walls
    except StudentError:
        return None, []
    walls = list((student.ended or {}).get("walls", []))
    return error, [*(error["walls"] if error else []), *walls]
