"""Judges how a training script ended: what stopped it, and which fault this reveals."""

from collections.abc import Sequence

from toolkit.assignment.asking.host import MAX_BYTES, ScriptChild, StudentError
from toolkit.assignment.findings.findings import Id
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.submission import Located
from toolkit.assignment.judging.train.trace import Backward, Loss, Step, Trace
from toolkit.common.errors import in_short

MAX_USERS = 2  # scripts that use the file
NO_NETWORK = ("download", "urlopen", "HTTP Error", "Max retries", "Name or service")
NO_MEMORY = ("can't allocate memory", "MemoryError", "Unable to allocate")


def watch(
    child: ScriptChild,
    located: Located,
    max_steps: int,
    max_seconds: float,
    arguments: Sequence[str] = (),
) -> Trace:
    """Record the first steps of a training run.

    Args:
        located: the script; if it trains nothing, a script that uses it is run instead.
        max_steps: the maximum number of steps in one loop.
        max_seconds: the maximum CPU time, in seconds.
        arguments: the command-line arguments of the script.
    """
    for file in (located.file, *located.users[:MAX_USERS]):
        run = child.ask.run(
            file=file, max_steps=max_steps, max_seconds=max_seconds, arguments=arguments
        )
        with child.reading():
            trace = Trace.of(run)
        if trace.ended != "nothing":
            break
    return trace


def check_end(trace: Trace, verdicts: Verdicts, left: Id | None = None) -> StudentError | None:
    """Report what stopped the script, if anything did.

    Args:
        left: the id of a finding; if None, the finding has no id. The finding is reported if the
            script needs something that is unavailable during the check, such as a network
            connection.

    Returns:
        The script's exception if it still has to be reported, otherwise None.
    """
    if trace.lacking is not None:
        lacking = StudentError(trace.lacking)
        verdicts.not_seen("folder-made", at=lacking, raised=lacking, problem=lacking)
    if trace.unloaded is not None:
        unloaded = StudentError(trace.unloaded)
        verdicts.not_seen("weights-made", at=unloaded, raised=unloaded, problem=unloaded)
    error = None if trace.error is None else StudentError(trace.error)
    if error is None and trace.passed is not None:
        verdicts.error(StudentError(trace.passed), passed=True)
    if _lacks_resource(error, trace, verdicts, left):
        return None
    return _check_stop(error, trace, verdicts)


def _check_stop(
    error: StudentError | None, trace: Trace, verdicts: Verdicts
) -> StudentError | None:
    """Report a script that stops before its training, or at code that is still to be written.

    Returns:
        the same as `check_end`.
    """
    asks_for_input = error is not None and "EOFError" in error.types  # the check has no keyboard
    if (trace.ended == "exit" or asks_for_input) and not trace.all(Step, Backward, Loss):
        _check_early_exit(error, trace, verdicts)
        return None
    if trace.ended != "error" or error is None:
        return None
    if "empty parameter list" in error.text and trace.unfinished:
        verdicts.fault(
            "not-written.pass", at=trace.unfinished[0], proof=claims.shared.is_written("pass")
        )
        return None
    return None if asks_for_input else error


def _lacks_resource(
    error: StudentError | None, trace: Trace, verdicts: Verdicts, left: Id | None
) -> bool:
    """Report a script that fails because the check lacks a resource, such as a network connection
    or memory.

    Returns:
        True if a missing resource was reported.
    """
    if trace.ended == "network" or (trace.ended == "error" and _has(error, NO_NETWORK)):
        verdicts.not_seen("not-handed-in", id=left, at=error, raised=error, problem=error)
        return True
    if error is None:
        return False
    wall = verdicts.wall(error.walls)
    if "InvalidGitRepositoryError" in error.types:
        verdicts.not_seen("repository", id=left, at=error)
    elif _has(error, NO_MEMORY):
        problem = in_short(error.text, 120)
        verdicts.not_seen(
            "memory", id=left, at=error, raised=error, memory=MAX_BYTES >> 30, problem=problem
        )
    elif wall is not None:
        said = f"The code stops with {error.types[0]}: {in_short(error.text, 200)}."
        verdicts.not_seen("wall", id=left, at=error, raised=error, wall=wall, said=said)
    else:
        return False
    return True


def _check_early_exit(error: StudentError | None, trace: Trace, verdicts: Verdicts) -> None:
    """Report a script that ends before its training because it finds no GPU, calls exit or asks for
    input.
    """
    text = error.text if error else ""
    if "cuda" in text.lower():
        proof = claims.shared.was_seen(text)
        verdicts.fault("fixed-device.ends", at=error, proof=proof, said=in_short(text, 120))
        return
    action = f"called exit({text})" if trace.ended == "exit" else "asked for input"
    proof = claims.shared.never_happened(ran=verdicts.file, times=0)
    verdicts.fault("not-watched.before", at=error, proof=proof, what=action)


def check_machine(trace: Trace, verdicts: Verdicts) -> None:
    """Report a script that would stop on other machines because they lack a GPU or a folder that
    the script uses.
    """
    for made in trace.notes("folder")[:1]:
        proof = claims.shared.failed_once(error=made.folder, place=[made.file, made.line])
        verdicts.fault("missing-folder.made", at=made, proof=proof, folder=made.folder)
    for gpu in trace.notes("gpu")[:1]:
        proof = claims.shared.was_seen(gpu.name)
        verdicts.fault("fixed-device.used", at=gpu.device or gpu, proof=proof)


def _has(error: StudentError | None, words: tuple[str, ...]) -> bool:
    return any(word in str(error) for word in words)
