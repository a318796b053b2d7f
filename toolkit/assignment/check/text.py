"""A report for people to read in a terminal."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from toolkit.assignment.check.findings import Finding, Report
from toolkit.assignment.notebooks import BrokenNotebook, code_cells
from toolkit.assignment.parts import PARTS, TITLES

WIDTH = 92  # of a line of text
MAX_SOURCE = 120  # characters of a line of code


def as_text(report: Report, root: Path) -> str:
    """Part by part its file, what is right, what is wrong, what was not seen; then the count.

    Args:
        root: the folder that was checked, whose source lines are shown.
    """
    blocks, left = [], []
    for part in PARTS:
        right, wrong, not_seen = (
            [finding for finding in findings if finding.part == part]
            for findings in (report.right, report.findings, report.not_seen)
        )
        if not (right or wrong or not_seen):
            left.append(TITLES[part])
            continue
        title = TITLES[part]
        if part in report.files:
            title += f": {report.files[part]}"
        listed = [_wrapped(f.message, "  right: ", "    ") for f in right]
        blocks.append("\n".join([title, *listed, *_to_write(wrong)]))
        blocks += [_wrong(finding, root) for finding in wrong if finding.id != "not-written"]
        if not_seen:
            blocks.append("\n".join(_not_seen(finding) for finding in not_seen))
    if left:
        blocks.append(f"Not looked at: {'; '.join(left)}.")
    return "\n\n".join([*blocks, _count(report)])


def source_line(root: Path, file: str, line: int, cell: int | None = None) -> str | None:
    """A line of a student's file, as it stands there; None if it cannot be shown.

    Args:
        cell: of a notebook: which of its code cells, from 1; `line` is one of the cell.
    """
    path = root / file
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return None
        with path.open("rb") as content:
            lines = content if cell is None else _lines_of_cell(content.read(), cell)
            text = next((text for number, text in enumerate(lines, start=1) if number == line), b"")
    except (OSError, BrokenNotebook):  # the code under test may have deleted it
        return None
    shown = text.decode(errors="replace").rstrip().expandtabs(4)
    shown = "".join(c if c.isprintable() else " " for c in shown)
    return shown[:MAX_SOURCE] if shown.strip() else None


def _lines_of_cell(data: bytes, number: int) -> list[bytes]:
    cells = code_cells(data)
    text: str = cells[number - 1]["text"] if 1 <= number <= len(cells) else ""
    return text.encode(errors="replace").split(b"\n")


def place_of(finding: Finding) -> str:
    """Where something was found, in short: `lstm.py:30`, or `GAN.ipynb, cell 4:30`."""
    place = finding.file or ""
    if place and finding.cell is not None:
        place += f", cell {finding.cell}"
    return f"{place}:{finding.line}" if place and finding.line is not None else place


def _to_write(findings: list[Finding]) -> Iterator[str]:
    """A line for each file in which something is still to be written, with all of it."""
    pieces: dict[str, list[str]] = {}
    for finding in findings:
        if finding.id == "not-written":
            what = finding.message.removeprefix("This is still to be written: ")
            line = place_of(finding).removeprefix(finding.file or "").lstrip(":, ")
            name = what.partition(":")[0].rstrip(".") + (f" ({line})" if line else "")
            pieces.setdefault(finding.file or "", []).append(name)
    for file, names in pieces.items():
        yield _wrapped(", ".join(names), f"  still to be written in {file}: ", "    ")


def _not_seen(finding: Finding) -> str:
    place = place_of(finding)
    return _wrapped(f"{finding.message}{f' ({place})' if place else ''}", "  not seen: ", "    ")


def _wrong(finding: Finding, root: Path) -> str:
    """Where and what, the source line with a marker below it, and the explanation."""
    place = place_of(finding)
    equation = "" if finding.equation is None else f", equation ({finding.equation})"
    lines = [f"  {place}{': ' if place else ''}{finding.id}{equation}"]
    margin = " " * 4
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
        lines.append(f"{margin}More about it: toolkit check --explain {finding.id}")
    return "\n".join(lines)


def _wrapped(text: str, first: str, rest: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(report: Report) -> str:
    """How much is wrong, still to be written, and not seen."""
    to_do = sum(finding.id == "not-written" for finding in report.findings)
    wrong = len(report.findings) - to_do
    sentences = []
    if wrong:
        things = "1 thing is" if wrong == 1 else f"{wrong} things are"
        sentences.append(f"{things} wrong. Fix the first and check again: one fault hides others.")
    if to_do:
        pieces = "1 piece is" if to_do == 1 else f"{to_do} pieces are"
        sentences.append(f"{pieces} still to be written.")
    if not wrong and to_do:
        sentences.append("Nothing is wrong with the rest so far.")
    if report.passed:
        sentences.append("Nothing is wrong.")
    if number := len(report.not_seen):
        things = "1 thing was" if number == 1 else f"{number} things were"
        beside = "" if report.findings else "Nothing is wrong, but "
        sentences.append(f"{beside}{things} not seen: look at {'it' if number == 1 else 'them'}.")
    return " ".join(sentences)
