"""Checks one submission by reading its files and then running each part in a separate process."""

import contextlib
import importlib
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import torch

from toolkit.assignment.asking.host import Gone, Host, StudentError, Unwatched
from toolkit.assignment.findings.findings import Finding, Id, Raised, Report, unanswered
from toolkit.assignment.findings.placing import in_notebook, placed
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import STOPS, Verdicts
from toolkit.assignment.findings.verify import is_pending, is_proved, proof_of
from toolkit.assignment.handin.records import Records, read_folder
from toolkit.assignment.handin.submission import WHAT, Located, Submission, prepare
from toolkit.assignment.judging.doubts import judge_records
from toolkit.assignment.judging.gan.drawing.stand_ins import digits
from toolkit.assignment.judging.static import Reading
from toolkit.assignment.running.names import NAMES
from toolkit.assignment.running.parts import FILES, PARTS, Part
from toolkit.assignment.running.replies import ErrorDescription
from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.common.errors import UsageError, is_out_of_memory

JUDGES: dict[Part, str] = {
    "dataset": "toolkit.assignment.judging.dataset",
    "lstm": "toolkit.assignment.judging.lstm.checks",
    "train": "toolkit.assignment.judging.train.checks",
    "gan": "toolkit.assignment.judging.gan.checks",
}
TRAINS: tuple[Part, ...] = ("train", "gan")
MAX_RUNS = 3  # of a module and the scripts that use it, each as long as a training may take
Progress = Callable[[str], None]


def import_judges() -> None:
    """Import the modules that check the parts of the assignment, so that these modules are already
    loaded in any process that is forked later to read untrusted files.
    """
    for module in JUDGES.values():
        importlib.import_module(module)
    torch.set_num_threads(1)  # a second thread costs more than it saves on tensors this small


def check(
    path: Path,
    progress: Progress = lambda sentence: None,
    parts: Collection[Part] = PARTS,
    host: Host | None = None,
) -> Report:
    """Check the data set, the LSTM, the LSTM's training and the GAN in a student's folder or in one
    of its files.

    The check recognises each file by its contents (`toolkit.assignment.handin.locate`).

    The check copies the student's code and runs the copy in processes separate from its own. Each
    process has a limit on CPU time, and no process knows the correct answers. The processes are not
    a sandbox, so untrusted code should be run inside one, as `grade` does.

    Args:
        path: the folder that contains the files at any depth, or one of the files. In the latter
            case, the code can use the other files in the same folder, but they are not checked.
        progress: called at the beginning of each step of the check with a short description of the
            step.
        parts: what to check.
        host: the manager of the processes in which the student's code runs; by default, a new
            `Host`.

    Raises:
        UsageError: `path` is neither a file for one of `parts` nor a folder that contains a file
            for at least one part of the assignment.
    """
    path = Path(os.path.realpath(path))  # also resolves a loop of links
    folder, chosen = (path.parent, path.name) if path.is_file() else (path, None)
    import_judges()
    with scratch_directory("check") as scratch:
        submission = prepare(folder, scratch, chosen)
        if chosen is not None:
            chosen_parts = _parts_in(chosen, submission).intersection(parts)
            if not chosen_parts:
                names = ", ".join(FILES[part] for part in parts)
                raise UsageError(
                    f"{path} is none of {names}, by its content or by its name. Give such a file, "
                    "or the folder that has it."
                )
            parts = chosen_parts
        with contextlib.nullcontext(host) if host else Host() as running:
            return judge(submission, running, str(submission.root), progress, parts)


def _parts_in(name: str, submission: Submission) -> set[Part]:
    """Return the parts that a student's file contains."""
    parts = set()
    for part, located in submission.parts.items():
        if submission.original(located.file) == name:
            parts.add(part)
    return parts


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
        submission: the copy of the student's files, with its path as seen by the current process.
        root: the path of the submission's copy, as seen by the processes that run the student's
            code.
        progress: called at the beginning of each step of the check with a short description of the
            step.
        parts: what to check.
        packages: the packages that the course allows in addition to those that are always allowed.
            If such a package is missing, this does not count as a fault.
    """
    host.helps["digits"] = digits
    records = read_folder(submission.root)  # before their code runs, which may write there
    excused = _excused(submission, packages)
    notebooks = {file: submission.original(file) for file in submission.notebooks}
    setting = (progress, excused, host.walls, notebooks)
    chosen: dict[Part, Verdicts] = {}
    for part in parts:
        if part in submission.choices:
            located, chosen[part] = _choose(part, submission, host, root, setting)
            submission = replace(submission, parts={**submission.parts, part: located})
    read = _verdicts_of(PARTS, submission)
    unreadable = Reading(submission, read).unreadable
    verdicts_of = _verdicts_of(parts, submission, *setting) | chosen
    for part, verdicts in verdicts_of.items():
        if part not in submission.parts:
            _not_there(submission, verdicts)
        elif part not in chosen and part not in unreadable:
            judge_part(host, root, submission.parts[part], verdicts)
    _leave_one_stop(verdicts_of)
    for part, verdicts in verdicts_of.items():
        if part in submission.parts and part not in unreadable:
            _settle(verdicts, submission, read, host, root)
    _join_parts(verdicts_of)
    return _report(submission, read, verdicts_of, records)


def _report(
    submission: Submission,
    read: Mapping[Part, Verdicts],
    verdicts_of: Mapping[Part, Verdicts],
    records: Records,
) -> Report:
    """Combine the findings from reading and running the code, and add findings about training
    records that this code is unlikely to have produced.
    """
    findings: list[Finding] = []
    for part, verdicts in verdicts_of.items():
        findings += [*read[part].findings, *verdicts.findings]
    reached = verdicts_of["lstm"].reached if "lstm" in verdicts_of else None
    for doubt in judge_records(records, findings, reached):
        if doubt.part in verdicts_of:
            findings.append(doubt)
    findings = [in_notebook(placed(finding, submission), submission) for finding in findings]
    files = {}
    for part, located in submission.parts.items():
        files[part] = submission.original(located.file)
    return Report.of(findings, files)


def _verdicts_of(
    parts: Collection[Part], submission: Submission, *setting: Any
) -> dict[Part, Verdicts]:
    """Return a `Verdicts` object without findings for each part in `parts`, in the order of
    `PARTS`.

    Args:
        setting: further arguments to `Verdicts`.
    """
    verdicts_of: dict[Part, Verdicts] = {}
    for part in PARTS:
        if part in parts:
            located = submission.parts.get(part)
            verdicts_of[part] = Verdicts(part, located.file if located else "", *setting)
    return verdicts_of


def _excused(submission: Submission, packages: Collection[str]) -> dict[str, str]:
    """Return the modules whose failed import is not reported as a fault, in the form that
    `Verdicts` expects for its argument `excused`.
    """
    excused = dict.fromkeys((*NAMES["packages"]["usual"].split(), *packages), "")
    for part in submission.missing:
        excused[FILES[part].removesuffix(".py")] = FILES[part]
    return excused


def _settle(
    verdicts: Verdicts,
    submission: Submission,
    read: Mapping[Part, Verdicts],
    host: Host,
    root: str,
) -> None:
    """Replace each finding whose cause lies outside this part of the submission with one that names
    the cause. If the check itself may have made the code fail, run the unchanged code again.
    """
    settled = []
    for finding in verdicts.findings:
        finding = _settled(finding, verdicts, submission, read)
        path = _outside(finding, root)
        if path is not None:
            finding = verdicts.instead(finding, "outside", id=finding.id, name=path)
        settled.append(finding)
    verdicts.findings = [
        _tried_again(finding, verdicts, submission, host, root) for finding in settled
    ]


def _join_parts(verdicts_of: Mapping[Part, Verdicts]) -> None:
    """Add or merge findings that depend on the results for more than one part of the submission."""
    facts: set[str] = set()
    for verdicts in verdicts_of.values():
        facts |= verdicts.facts
    if "gives-probabilities" in facts and "saw-loss" not in facts:
        verdicts_of["lstm"].not_seen("probabilities")
    _name_one_cause(verdicts_of)


class _Judged(NamedTuple):
    """A candidate file for a part, and the verdicts on this file."""

    located: Located
    verdicts: Verdicts
    is_named: bool  # other files or the README name it
    num_unanswered: int  # questions without an answer


def _choose(
    part: Part, submission: Submission, host: Host, root: str, setting: tuple[Any, ...]
) -> tuple[Located, Verdicts]:
    """Judge every file that may be the one for this part of the assignment, for example for the
    LSTM. Among these files, choose the one that is mentioned in other files or in the README.

    If other files and the README mention no candidate, choose the file about which the check can
    answer the most questions, such as whether the loss is correct.

    Args:
        setting: further arguments to `Verdicts`.
    """
    judged: list[_Judged] = []
    for located in submission.choices[part]:
        verdicts = Verdicts(part, located.file, *setting)
        judge_part(host, root, located, verdicts)
        seen = [finding for finding in verdicts.findings if finding.verdict != "not seen"]
        is_named = located.file == submission.named.get(part)
        judged.append(_Judged(located, verdicts, is_named, len(unanswered(part, seen))))
    best, *others = sorted(judged, key=lambda entry: (not entry.is_named, entry.num_unanswered))
    summaries = []
    for other in others:
        ids = dict.fromkeys(str(fault.id) for fault in other.verdicts.faults if is_proved(fault))
        name = submission.original(other.located.file)
        summaries.append(f"{name}: {', '.join(ids) or 'nothing'}")
    if submission.named.get(part):
        why = "the other files name it"
    elif best.num_unanswered < others[0].num_unanswered:
        why = "the check could answer most questions about it"
    else:
        why = "it comes first"
    files = [submission.original(located.file) for located in submission.choices[part]]
    best.verdicts.not_seen(
        "chosen",
        which=" and ".join(files),
        what=WHAT[part],
        taken=submission.original(best.located.file),
        why=why,
        others="; ".join(summaries),
        file=FILES[part],
    )
    return best.located, best.verdicts


def _leave_one_stop(verdicts_of: Mapping[Part, Verdicts]) -> None:
    """If several parts stop at the same line with the same error, remove the duplicate findings.

    The finding is kept for every part about which the check could not answer all its questions. If
    there is no such part, the finding is kept for one part only.
    """
    for part, verdicts in verdicts_of.items():
        for stop in list(verdicts.faults):
            if stop.id not in STOPS or unanswered(part, verdicts.findings):
                continue
            further = [entry for entry in verdicts_of.values() if entry is not verdicts]
            if any(_has_same_stop(entry, stop) for entry in further):
                verdicts.findings.remove(stop)


def _has_same_stop(verdicts: Verdicts, stop: Finding) -> bool:
    """True if the faults of a part include one with the same id, file and line as the finding
    `stop`.
    """
    for fault in verdicts.faults:
        if (fault.id, fault.file, fault.line) == (stop.id, stop.file, stop.line):
            return True
    return False


def _name_one_cause(verdicts_of: Mapping[Part, Verdicts]) -> None:
    """If the training stops and another finding has the same cause, remove the finding that reports
    the stop.

    Two findings count as having the same cause under three conditions. One finding reports that the
    training stops. The other finding is about the data set or the LSTM. The first lines of their
    exception messages are the same apart from numbers. A sentence is added to the other finding,
    which is kept, to say that the training stops with the same error.
    """
    causes = [verdicts for part, verdicts in verdicts_of.items() if part not in TRAINS]
    for part, verdicts in verdicts_of.items():
        if part not in TRAINS:
            continue
        for stop in list(verdicts.faults):
            if stop.id == "does-not-run":
                _explain_stop(stop, verdicts, causes)


def _explain_stop(stop: Finding, verdicts: Verdicts, causes: list[Verdicts]) -> None:
    """If a fault in another part has the same exception message as the finding `stop`, remove
    `stop`. In this case, also add to the fault's message that the training stops with the same
    error.
    """
    exception = _without_numbers(stop)
    if not exception:
        return
    for entry in causes:
        for cause in entry.faults:
            if _without_numbers(cause) == exception:
                verdicts.findings.remove(stop)
                entry.also("stops", cause)
                return


def _without_numbers(finding: Finding) -> str:
    """Return the first line of the exception message in a finding, without numbers; "" if there is
    no exception.
    """
    if finding.raised is None:
        return ""
    first_line = finding.raised.message.strip().partition("\n")[0]
    return re.sub(r"\d+", "", first_line)


def judge_part(host: Host, root: str, located: Located, verdicts: Verdicts) -> None:
    """Judge one part; unless memory runs out, a failure to judge it does not affect the verdicts on
    the other parts.
    """
    try:
        judge = importlib.import_module(JUDGES[verdicts.part])
        with host.child(verdicts.part, root) as child:
            judge.check(child, located, verdicts)
            verdicts.unanswered()
    except Unwatched:
        judge_part(host, root, replace(located, witnesses=()), verdicts)
    except Gone as gone:
        verdicts.gone(gone)
    except StudentError as error:
        verdicts.error(error)
    except Exception as error:  # a fault of the judge's own must not cost anybody a point
        if is_out_of_memory(error):  # the whole process has a limit
            raise MemoryError from error
        kind = type(error).__name__
        verdicts.not_seen("failed", work=verdicts.work, kind=kind, error=error)


def _not_there(submission: Submission, verdicts: Verdicts) -> None:
    """Report a part that is missing, or that has several candidate files."""
    part = verdicts.part
    if part in submission.unclear:
        name, fields = submission.unclear[part]
        verdicts.not_seen(name, **fields)
    else:
        name, fields = submission.missing[part]
        proof = claims.shared.none_is_among(items=[part], among=list(submission.parts))
        verdicts.fault(name, proof=proof, **fields)


def _settled(
    finding: Finding, verdicts: Verdicts, submission: Submission, read: Mapping[Part, Verdicts]
) -> Finding:
    """Return the finding itself or, if its cause lies outside this part (for example, in a file
    that was too large to copy), the finding to report instead.
    """
    name = _left_out(finding, submission)
    if name is not None:
        return verdicts.instead(finding, "left-out", name=name)
    if finding.id == "time-limit" and finding.part not in TRAINS and _trains(verdicts, submission):
        return verdicts.instead(finding, "trains", file=verdicts.shown(verdicts.file))
    if finding.id == "not-written" and _is_known(finding, "not-written", read):
        return verdicts.instead(finding, "to-write")
    if finding.id == "does-not-run" and _is_known(finding, "does-not-import", read):
        return verdicts.instead(finding, "cannot-import", file=verdicts.shown(str(finding.file)))
    return finding


def _outside(finding: Finding, root: str) -> str | None:
    """If an exception reports that an absolute path outside the copy of the submission is missing,
    return this path.
    """
    if finding.rule != "not-seen.not-handed-in" or finding.raised is None:
        return None
    path = finding.raised.missing or ""
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(path).is_absolute():
            tops = (root, os.path.realpath(root))
            is_inside = any(kind(path).is_relative_to(top) for top in tops)
            return None if is_inside else path
    return None


def _left_out(finding: Finding, submission: Submission) -> str | None:
    """Return the file that an exception reports as missing, if the file was too large to copy."""
    if finding.raised is None or "FileNotFoundError" not in finding.raised.types:
        return None
    for name in submission.left_out:
        if _misses(finding.raised, Path(name).name):
            return name
    return None


def _misses(raised: Raised, name: str) -> bool:
    """True if the exception reports a missing file with this name; numpy gives the name only in the
    message.
    """
    if raised.missing is None:
        return name in raised.message
    return PureWindowsPath(raised.missing).name == name  # knows both kinds of slashes


def _trains(verdicts: Verdicts, submission: Submission) -> bool:
    """True if the file for a part is also a training script."""
    training_files = [submission.parts[part].file for part in TRAINS if part in submission.parts]
    return verdicts.file in training_files


def _is_known(finding: Finding, id: Id, read: Mapping[Part, Verdicts]) -> bool:
    """True if the static check of another part has already reported a finding with this id on the
    same line of the same file.
    """
    for part, verdicts in read.items():
        if part == finding.part:
            continue
        for known in verdicts.findings:
            if (known.id, known.file, known.line) == (id, finding.file, finding.line):
                return True
    return False


def _tried_again(
    finding: Finding, verdicts: Verdicts, submission: Submission, host: Host, root: str
) -> Finding:
    """If a failure may be due to the check itself, run the student's file again without the check's
    changes. Return the finding; its verdict becomes "not seen" if the failure turns out to occur
    only in the check.

    The check shortens loops, replaces packages and sets limits. A second run of the unchanged file
    shows whether the failure occurs again, and which of the limits the code reaches.
    """
    if not (is_pending(finding) or _ended(finding)):
        return finding
    for file in _scripts_of(finding.part, submission):
        error, walls = _run_plainly(file, submission, host, root)
        wall = verdicts.wall(walls)
        if wall is not None:
            return verdicts.instead(finding, "wall", wall=wall)
        if is_pending(finding) and error is not None:
            proved = _proved_by(error, finding)
            if proved is not None:
                return proved
    if not is_pending(finding):
        return finding
    id = None if finding.id == "does-not-run" else finding.id
    return verdicts.instead(finding, "watched-only", id=id)


def _scripts_of(part: Part, submission: Submission) -> tuple[str, ...]:
    """Return the file for a part and, if this file is not a script, the scripts that use it."""
    located = submission.parts[part]
    if part in TRAINS:
        return (located.file,)
    return (located.file, *located.users)[:MAX_RUNS]


def _proved_by(error: Mapping[str, Any], finding: Finding) -> Finding | None:
    """Return the given finding with a new proof: a second run failed in the same way.

    Args:
        error: a description of the exception that the student's code raised in the second run.

    Returns:
        None if it cannot be proved that the second run failed in the same way as the first;
        otherwise, the finding with the new proof.
    """
    if finding.proof is None or finding.id is None:
        return None
    first = finding.proof.seen
    second = claims.shared.fails_again(
        error=str(first["error"]),
        place=first["place"],
        second_error=error["text"],
        second_place=[error["file"], error["line"]],
    )
    proof = proof_of("wrong", [finding.id], second)
    proved = finding.model_copy(update={"proof": proof})
    return proved if is_proved(proved) else None


def _ended(finding: Finding) -> bool:
    """True if a finding says that the code ended early or trained nothing. Even if the code raised
    no exception, one of the check's limits may have caused this.
    """
    by_itself = finding.proof is not None and finding.proof.claim == claims.shared.was_seen.name
    ids = ("does-not-import", "time-limit")
    return finding.id == "not-watched" or (by_itself and finding.id in ids)


def _run_plainly(
    file: str, submission: Submission, host: Host, root: str
) -> tuple[ErrorDescription | None, list[str]]:
    """Run a student's file unchanged.

    Returns:
        the exception that the file raised, or None, and the names of the limits that the run
        reached.
    """
    error: ErrorDescription | None = None
    try:
        with host.child("train", root) as child:
            error = child.ask.plainly(file=file, existing=submission.existing)
    except Gone as gone:  # the run takes too long, or ends the process
        return None, gone.walls
    except StudentError:
        return None, []
    walls = list(error["walls"]) if error else []
    return error, walls + list((child.ended or {}).get("walls", []))
