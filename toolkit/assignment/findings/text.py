"""Functions that format a report as text for a terminal."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from toolkit.assignment.findings.findings import Finding, Report
from toolkit.assignment.handin.notebooks import BrokenNotebook, code_cells
from toolkit.assignment.running.parts import PARTS, TITLES, Part
from toolkit.common.errors import printable

WIDTH = 92  # of a line of text
MAX_SOURCE = 120  # characters of a line of code


def as_text(report: Report, root: Path) -> str:
    """Return the report as text: a section for each part of the assignment that was checked, and
    then a summary. The summary counts the faults, the pieces of code still to be written, and the
    properties that the check could not inspect.

    Each section names the student's file and lists what is right, what is wrong, and what the check
    could not inspect.

    Args:
        root: the folder that was checked; the text quotes source lines from this folder.
    """
    blocks, unchecked = [], []
    for part in PARTS:
        paragraphs = _part(part, report, root)
        if not paragraphs:
            unchecked.append(TITLES[part])
        blocks += paragraphs
    if unchecked:
        blocks.append(f"Not looked at: {'; '.join(unchecked)}.")
    return "\n\n".join([*blocks, _count(report)])


def _part(part: Part, report: Report, root: Path) -> list[str]:
    """Return the paragraphs about one part of the assignment, or an empty list if there are no
    findings about it.
    """
    right = _of_part(report.right, part)
    wrong = _of_part(report.findings, part)
    not_seen = _of_part(report.not_seen, part)
    if not (right or wrong or not_seen):
        return []
    title = TITLES[part]
    if part in report.files:
        title += f": {report.files[part]}"
    head = [title]
    head += [_wrapped(finding.message, "  right: ", "    ") for finding in right]
    head += _to_write(wrong)
    paragraphs = ["\n".join(head)]
    paragraphs += [_wrong(finding, root) for finding in wrong if finding.id != "not-written"]
    if not_seen:
        paragraphs.append("\n".join(map(_not_seen, not_seen)))
    if head == [title]:  # no empty line below a title that stands alone
        paragraphs[:2] = ["\n".join(paragraphs[:2])]
    return paragraphs


def _of_part(findings: list[Finding], part: Part) -> list[Finding]:
    return [finding for finding in findings if finding.part == part]


def source_line(root: Path, file: str, line: int, cell: int | None = None) -> str | None:
    """Return a line of a student's file, or None if the line cannot be shown.

    Args:
        cell: the number of a code cell in a notebook, counted from 1. If `cell` is given, `line` is
            a line number within that cell.
    """
    path = root / file
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return None
        text = _line_of(path, line, cell)
    except (OSError, BrokenNotebook):  # the code under test may have deleted it
        return None
    shown = text.decode(errors="replace").rstrip().expandtabs(4)
    shown = printable(shown)[:MAX_SOURCE]
    return shown if shown.strip() else None


def _line_of(path: Path, line: int, cell: int | None) -> bytes:
    """Return one line of a file or a notebook cell, or empty bytes if the line does not exist."""
    with path.open("rb") as content:
        lines = content if cell is None else _lines_of_cell(content.read(), cell)
        for number, text in enumerate(lines, start=1):
            if number == line:
                return text
    return b""


def _lines_of_cell(data: bytes, number: int) -> list[bytes]:
    """Return the lines of a notebook's cell, or one empty line if there is no such cell."""
    cells = code_cells(data)
    if not 1 <= number <= len(cells):
        return [b""]
    text: str = cells[number - 1]["text"]
    return text.encode(errors="replace").split(b"\n")


def place_of(finding: Finding) -> str:
    """Return a finding's location as short text, such as `lstm.py:30` or `GAN.ipynb, cell 4:30`."""
    if not finding.file:
        return ""
    place = finding.file
    if finding.cell is not None:
        place += f", cell {finding.cell}"
    if finding.line is not None:
        place += f":{finding.line}"
    return place


def _to_write(findings: list[Finding]) -> Iterator[str]:
    """For each incomplete file, yield a line that lists what is still to be written."""
    by_file: dict[str, list[str]] = {}
    for finding in findings:
        if finding.id == "not-written":
            names = by_file.setdefault(finding.file or "", [])
            names.append(_unwritten(finding))
    for file, names in by_file.items():
        yield _wrapped(", ".join(names), f"  still to be written in {file}: ", "    ")


def _unwritten(finding: Finding) -> str:
    """Return a short description of code that is still to be written. The description gives the
    code's function and line number if the finding contains them. It is "the whole file" if the
    finding contains neither.
    """
    if finding.line is None:
        return finding.function or "the whole file"
    line = f"line {finding.line}"
    if finding.cell is not None:
        line = f"cell {finding.cell}, {line}"
    return f"{finding.function} ({line})" if finding.function else line


def _not_seen(finding: Finding) -> str:
    place = place_of(finding)
    sentence = f"{finding.message} ({place})" if place else finding.message
    return _wrapped(sentence, "  not seen: ", "    ")


def _wrong(finding: Finding, root: Path) -> str:
    """Return a fault as text: its location and id, the source line underlined with carets, and the
    message.
    """
    place = place_of(finding)
    head = f"{place}: {finding.id}" if place else str(finding.id)
    if finding.equation is not None:
        head += f", equation ({finding.equation})"
    lines = [f"  {head}"]
    margin = " " * 4
    source = None
    if finding.file is not None and finding.line is not None:
        source = source_line(root, finding.file, finding.line, finding.cell)
    if source is not None:
        margin = " " * (len(str(finding.line)) + 3)
        indent = len(source) - len(source.lstrip())
        lines += [
            f"{margin}|",
            f"  {finding.line} | {source}",
            f"{margin}| {' ' * indent}{'^' * (len(source) - indent)}",
        ]
    lines.append(_wrapped(finding.message, margin, margin))
    if finding.id is not None:
        lines.append(f"{margin}Read more: toolkit check --explain {finding.id}")
    return "\n".join(lines)


def _wrapped(text: str, first: str, further: str) -> str:
    """Wrap text; the first line begins with `first`, and all other lines begin with `further`."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(report: Report) -> str:
    """Return sentences that say how many faults there are, how many pieces of code are still to be
    written, and how many properties the check could not inspect.
    """
    to_write = sum(finding.id == "not-written" for finding in report.findings)
    wrong = len(report.findings) - to_write
    sentences = []
    if wrong:
        subject = _number_of(wrong, "thing")
        sentences.append(f"{subject} wrong. Fix the first and check again: one fault hides others.")
    if to_write:
        sentences.append(f"{_number_of(to_write, 'piece')} still to be written.")
    if not wrong and to_write:
        sentences.append("Nothing is wrong with the rest so far.")
    if report.passed:
        sentences.append("Nothing is wrong.")
    if report.not_seen:
        sentences.append(_count_not_seen(report))
    return " ".join(sentences)


def _number_of(number: int, noun: str) -> str:
    """Return the beginning of a sentence, such as "1 thing is" or "2 things are"."""
    if number == 1:
        return f"1 {noun} is"
    return f"{number} {noun}s are"


def _count_not_seen(report: Report) -> str:
    """Return a sentence that says how many properties the check could not inspect."""
    beside = "" if report.findings else "Nothing is wrong, but "
    number = len(report.not_seen)
    if number == 1:
        return f"{beside}1 thing was not seen: look at it."
    return f"{beside}{number} things were not seen: look at them."
