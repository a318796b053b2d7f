"""How the run of a script that trains ended, whichever network it trains, and what that says."""

from typing import Any

from toolkit.assignment.check.findings import Id
from toolkit.assignment.check.host import MAX_BYTES, Student, StudentError
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.train.trace import Backward, Loss, Step, Trace
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.common.errors import in_short

MAX_USERS = 2  # scripts that use it
NO_NETWORK = ("download", "urlopen", "HTTP Error", "Max retries", "Name or service")
NO_MEMORY = ("can't allocate memory", "MemoryError", "Unable to allocate")


def watch(student: Student, located: Located, max_steps: int, max_seconds: float) -> Trace:
    """What the first steps of a training do.

    Args:
        located: the script; if it trains nothing, one that uses it may.
        max_steps: in one loop.
        max_seconds: of CPU time.
    """
    limits: dict[str, Any] = {"max_steps": max_steps, "max_seconds": max_seconds}
    for file in (located.file, *located.users[:MAX_USERS]):
        trace: Trace = student.ask("run", reader=Trace.of, file=file, **limits)
        if trace.ended != "nothing":
            break
    return trace


def check_end(trace: Trace, verdicts: Verdicts, left: Id | None = None) -> StudentError | None:
    """Report what stopped the script, if anything did.

    Args:
        left: what is not seen of it if it needs what is not here; None if that is all of it.

    Returns:
        what it raised, if that is left to be named.
    """
    if trace.lacking is not None:
        lacking = StudentError(trace.lacking)
        verdicts.not_seen("folder-made", at=lacking, problem=lacking)
    error = None if trace.error is None else StudentError(trace.error)
    types, text = (error.types, error.text) if error else ([], "")
    leaves = trace.ended == "exit" or "EOFError" in types  # a keyboard that the check lacks
    if trace.ended == "network" or (trace.ended == "error" and _has(error, NO_NETWORK)):
        verdicts.not_seen("not-handed-in", id=left, at=error, problem=error)
    elif "InvalidGitRepositoryError" in types:
        verdicts.not_seen("repository", id=left, at=error)
    elif _has(error, NO_MEMORY):
        problem = in_short(text, 120)
        verdicts.not_seen("memory", id=left, at=error, memory=MAX_BYTES >> 30, problem=problem)
    elif error and (wall := verdicts.wall(error.walls)) is not None:
        problem = f"The code stops with {error.types[0]}: {in_short(text, 200)}."
        verdicts.not_seen("wall", id=left, at=error, wall=wall, problem=problem)
    elif leaves and not trace.all(Step, Backward, Loss):
        if "cuda" in text.lower():
            proof: dict[str, Any] = {"happened": text}
            verdicts.fault("fixed-device.ends", at=error, proof=proof, said=in_short(text, 120))
        else:
            what = f"called exit({text})" if trace.ended == "exit" else "asked for input"
            proof = {"ran": verdicts.file, "times": 0}
            verdicts.fault("not-watched.before", at=error, proof=proof, what=what)
    elif trace.ended == "error" and "empty parameter list" in text and trace.unfinished:
        verdicts.fault("not-written.pass", at=trace.unfinished[0], proof={"text": "pass"})
    elif trace.ended == "error" and not leaves:
        return error
    return None


def check_machine(trace: Trace, verdicts: Verdicts) -> None:
    """Whether a script runs on other machines: where folders are missing, and where no GPU is."""
    for made in trace.notes("folder")[:1]:
        seen = {"said": made.folder, "where": [made.file, made.line]}
        verdicts.fault("missing-folder.made", at=made, proof=seen)
    for gpu in trace.notes("gpu")[:1]:
        at = gpu.device or gpu
        verdicts.fault("fixed-device.used", at=at, proof={"happened": gpu.name})


def _has(error: StudentError | None, words: tuple[str, ...]) -> bool:
    return any(word in str(error) for word in words)
