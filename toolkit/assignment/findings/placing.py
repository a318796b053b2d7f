"""The place of a finding, as the student sees it."""

from toolkit.assignment.findings.findings import Finding
from toolkit.assignment.handin.submission import Submission


def placed(finding: Finding, submission: Submission) -> Finding:
    """Return a finding whose place exists in the submission, whatever the student's process
    reported.

    A file that is not in the submission becomes the file of the part, and a line that the file does
    not have becomes None.
    """
    file, line = finding.file, finding.line
    if submission.has_place(file, line):
        return finding
    if file is not None and not submission.has_place(file, None):
        located = submission.parts.get(finding.part)
        file = located.file if located else None
    return finding.model_copy(update={"file": file, "line": None})


def in_notebook(finding: Finding, submission: Submission) -> Finding:
    """Return a finding as the student sees it: in a notebook, its place is a cell and a line of the
    cell.
    """
    if finding.file not in submission.notebooks:
        return finding
    name, notebook = submission.notebooks[finding.file]
    cell = line = None
    if finding.line is not None and 1 <= finding.line <= len(notebook.places):
        cell, line = notebook.places[finding.line - 1]
    return finding.model_copy(update={"file": name, "cell": cell, "line": line})
