"""What must happen again without the check's hands before it is called wrong.

The check shortens loops, replaces packages and guesses arguments. What fails meanwhile may be its
own doing, so their file is run once more as it is.
"""

from toolkit.assignment.check.findings import Finding
from toolkit.assignment.check.host import Gone, Host, StudentError
from toolkit.assignment.check.submission import Submission

AGAIN = ("does-not-run", "missing-folder")
SAID = 40  # characters of what an exception says, enough to know it again
MAX_RUNS = 3  # of a module and the scripts that use it, each as long as a training may take


def proved(finding: Finding, submission: Submission, host: Host, root: str) -> Finding:
    """A finding; "not seen" if it is about a failure that only the check has met."""
    is_read = finding.line is None and " stops with " not in finding.message
    if finding.verdict != "wrong" or finding.id not in AGAIN or is_read:
        return finding
    located = submission.parts[finding.part]
    is_script = finding.part in ("train", "gan")
    for file in (located.file, *(() if is_script else located.users))[:MAX_RUNS]:
        if _fails(finding, file, submission, host, root):
            return finding
    message = (
        f"{finding.message} That was while the check watched, which shortens loops and guesses "
        "arguments. Run as it is, the code was not seen to stop there."
    )
    id = None if finding.id == "does-not-run" else finding.id
    return finding.model_copy(update={"verdict": "not seen", "id": id, "message": message})


def _fails(finding: Finding, file: str, submission: Submission, host: Host, root: str) -> bool:
    """Whether a file stops at the same line, or says the same elsewhere, as where it is mended."""
    try:
        with host.student("train", root) as student:
            there = submission.there
            error = student.ask("plainly", file=file, there=there)
    except (Gone, StudentError):  # it goes on for too long
        return False
    if error is None:
        return False
    said = error["text"].partition("\n")[0][:SAID]
    same = (error["file"], error["line"]) == (finding.file, finding.line)
    return same or bool(said and said in finding.message)
