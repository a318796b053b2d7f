"""A report for people to read in a terminal."""

from toolkit.assignment.check.findings import Finding, Report
from toolkit.assignment.parts import PARTS, TITLES


def as_text(report: Report) -> str:
    """Part by part what is right, what is wrong and where, and the count."""
    lines: list[str] = []
    for part in PARTS:
        lines.append(TITLES[part])
        lines += [f"  right  {finding.message}" for finding in report.right if finding.part == part]
        for finding in (f for f in report.findings if f.part == part):
            word = "to do" if finding.id == "not-written" else "WRONG"
            lines.append(f"  {word}  {_place(finding)}{finding.message}  [{finding.id}]")
        lines += [f"  note   {f.message}" for f in report.not_seen if f.part == part]
        lines.append("")
    unwritten = sum(f.id == "not-written" for f in report.findings)
    if wrong := len(report.findings) - unwritten:
        things = "1 thing is" if wrong == 1 else f"{wrong} things are"
        lines.append(f"{things} wrong. Mend the first and check again: faults hide others.")
    elif unwritten:
        pieces = "1 piece is" if unwritten == 1 else f"{unwritten} pieces are"
        lines.append(f"{pieces} still to be written; what is written has no fault yet.")
    elif not report.unfinished:
        lines.append("Nothing wrong was found.")
    return "\n".join(lines)


def _place(finding: Finding) -> str:
    if finding.file is None:
        return ""
    line = "" if finding.line is None else f":{finding.line}"
    equation = "" if finding.equation is None else f", equation ({finding.equation})"
    return f"{finding.file}{line}{equation}: "
