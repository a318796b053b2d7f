"""Functions that correct the location given in a finding. They also convert the location from a
line of the Python file that the check read to the place in the student's own file, such as a
notebook.
"""

from toolkit.assignment.findings.findings import Finding
from toolkit.assignment.handin.submission import Submission


def placed(finding: Finding, submission: Submission) -> Finding:
    """Return the finding, with its location corrected if the file or line that it names is not in
    the submission.

    The file and the line are reported by the process that runs the student's code, which can
    influence these reports, so neither is certain to exist. If the file is not in the submission,
    the finding names another file instead: the submission's file for the same part of the
    assignment. If the submission has no such file, the file is replaced by None. The line is
    replaced by None if it does not exist or if the file was replaced.
    """
    file, line = finding.file, finding.line
    if submission.has_place(file, line):
        return finding
    if file is not None and not submission.has_place(file, None):
        located = submission.parts.get(finding.part)
        file = located.file if located else None
    return finding.model_copy(update={"file": file, "line": None})


def in_notebook(finding: Finding, submission: Submission) -> Finding:
    """Return the finding with its location in the student's own file, which may be a notebook.

    If the check created the finding's file from a notebook, the location becomes the notebook's
    name, the cell, and the line in this cell.
    """
    if finding.file not in submission.notebooks:
        return finding
    name, notebook = submission.notebooks[finding.file]
    cell = line = None
    if finding.line is not None and 1 <= finding.line <= len(notebook.places):
        cell, line = notebook.places[finding.line - 1]
    return finding.model_copy(update={"file": name, "cell": cell, "line": line})
