"""The table of what students get wrong, read from misconceptions/, for every right solution.

Each file there is about one part. A misconception has a name, what it should be called, and edits:

    NAME: ID [EQUATION]; or IDS; also IDS; in PARTS
        OLD  ->  NEW
        - a line of OLD
        = a line of both
        + a line of NEW
        & what else belongs to the same edit; "or" stands between two edits of lines
        file NAME of wrong/, in place of the whole file
        at TEXT | TEXT

`or` has ids that would do as well, `also` what is true besides, `in` the parts whose check should
see it, all together. Lines that an edit has changed are where a student would mend it, and those
that hold the TEXT of an `at`; `at *` is a whole file. "not seen" in place of an id is what cannot
be looked at here, and no fault. As ast-grep has it, $A is a name, with its dots, and $$$ anything
in a line.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PARTS = ("dataset", "lstm", "train", "gan")
Texts = Mapping[str, str]  # the part, or the name of a helper module -> its text


class Fault(NamedTuple):
    """The name that a misconception should get, and pieces of lines where it may be named."""

    id: str
    equation: int | None
    at: tuple[str, ...] = ()


class Replacement(NamedTuple):
    """A pattern and what takes its place; without a pattern, of a whole file."""

    old: re.Pattern[str] | None
    new: str


Edit = list[Replacement]
WILDCARD = re.compile(r"\\\$(?:\\\$\\\$|([A-Z]))")  # $$$ or $A, in an escaped text
PIECE = re.compile(r"^(& )?((?:[-=+] (?!.*  ->).*\n)+|.+\n)", re.MULTILINE)  # of the text of edits


class Misconception(NamedTuple):
    """One thing that students get wrong, and how it is written."""

    name: str
    part: str
    faults: tuple[Fault, ...]  # none: it cannot be seen
    edits: list[Edit]
    instead: tuple[str, ...]
    also: tuple[str, ...]
    parts: tuple[str, ...]

    def applied(self, edit: Edit, texts: Texts) -> tuple[dict[str, str], tuple[str, ...]] | None:
        """The texts after an edit, and the lines that it made; None where it does not fit.

        It is tried in the file of its part, then in the helper modules.
        """
        helpers = [name for name in texts if name not in PARTS]
        for file in (self.part, *helpers):
            edited = _edited(texts[file], edit)
            if edited is not None and edited[0] != texts[file]:
                text, made_lines = edited
                return {**texts, file: text}, made_lines
        return None


def _edited(text: str, edit: Edit) -> tuple[str, tuple[str, ...]] | None:
    """The text of one file after an edit, and the lines that it made, stripped.

    None where one of the patterns is not in the text.
    """
    made_lines: list[str] = []
    for pattern, template in edit:
        if pattern is None:  # a whole file: it is mended at no line in particular
            text = template
            continue
        match = pattern.search(text)
        if match is None:
            return None
        begin, end = match.span()
        put = match.expand(template)
        text = text[:begin] + put + text[end:]
        is_inside_a_line = "\n" not in match[0]
        # Where whole lines are taken out, no line is left to point at.
        if put.strip() or is_inside_a_line:
            made_lines += _lines_around(text, begin, begin + len(put))
    return text, tuple(line for line in made_lines if line)


def _lines_around(text: str, begin: int, end: int) -> list[str]:
    """The whole lines, stripped, that hold the characters from `begin` to `end`."""
    first = text.rfind("\n", 0, begin) + 1
    last = text.find("\n", end)
    if last < 0:
        last = len(text)
    return [line.strip() for line in text[first:last].splitlines()]


class _Wildcards:
    """The named groups of one regular expression, which $A and $$$ in a text stand for."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def group(self, match: re.Match[str]) -> str:
        """The group of a wildcard; where it stands once more, a reference to the first."""
        name = match[1] or "REST"
        if name in self.known:
            return f"(?P={name})"
        self.known.add(name)
        if name == "REST":
            return rf"(?P<{name}>[^\n]*)"
        return rf"(?P<{name}>[\w.]*)"

    def pattern(self, text: str) -> str:
        """The regular expression of a text in which wildcards stand for something."""
        return WILDCARD.sub(self.group, re.escape(text))


def _piece_pattern(text: str) -> str:
    """The regular expression of a piece of a line; what begins with a word begins one there."""
    pattern = _Wildcards().pattern(text)
    if text[0].isalnum():
        pattern = r"(?<!\w)" + pattern
    return pattern


def _lines_pattern(lines: list[str]) -> str:
    """The regular expression of whole lines, which may be indented further than they are here."""
    wildcards = _Wildcards()
    pattern = "(?m)"
    for number, line in enumerate(lines):
        if line and number == 0:
            pattern += "^(?P<INDENT> *?)"
        elif line:
            pattern += "(?P=INDENT)"
        pattern += wildcards.pattern(line) + "\n"
    return pattern


def _piece_template(text: str) -> str:
    """The replacement that belongs to the pattern of a piece of a line."""
    template = text.replace("\\", "\\\\").replace("$$$", r"\g<REST>")
    return re.sub(r"\$([A-Z])", r"\\g<\1>", template)


def _lines_template(lines: list[str]) -> str:
    """The replacement that belongs to the pattern of whole lines."""
    template = ""
    for line in lines:
        if line:
            template += r"\g<INDENT>"
        template += _piece_template(line) + "\n"
    return template


def _replacement(text: str) -> Replacement:
    """A replacement from a line with an arrow, `file NAME`, or lines that begin with a mark."""
    old, arrow, new = text.partition("  ->")
    if arrow:
        return Replacement(re.compile(_piece_pattern(old)), _piece_template(new.strip()))
    if text.startswith("file "):
        name = text.removeprefix("file ").strip()
        return Replacement(None, (HERE / "wrong" / name).read_text())
    before = []
    after = []
    for line in text.splitlines():
        mark, content = line[0], line[2:]
        if mark in "-=":
            before.append(content)
        if mark in "=+":
            after.append(content)
    return Replacement(re.compile(_lines_pattern(before)), _lines_template(after))


def _edits(body: str) -> list[list[Replacement]]:
    """The edits that some lines describe."""
    edits: list[list[Replacement]] = []
    for joined, text in PIECE.findall(body):
        if joined:
            edits[-1].append(_replacement(text))
        elif text != "or\n":
            edits.append([_replacement(text)])
    return edits


def _entries(part: str) -> Iterator[tuple[str, list[str]]]:
    """The head of each misconception about a part, and the lines below it, without indentation."""
    head, body = "", list[str]()
    for line in (HERE / "misconceptions" / f"{part}.txt").read_text().splitlines():
        if line.startswith(" "):
            body.append(line[4:])
            continue
        if head:
            yield head, body
        head, body = line, []
    yield head, body


def _misconception(part: str, head: str, body: list[str]) -> Misconception:
    name, _, description = head.partition(": ")
    verdict, *clauses = description.split("; ")
    words: dict[str, tuple[str, ...]] = {}  # what follows `or`, `also` and `in`
    for clause in clauses:
        word, *values = clause.split()
        words[word] = tuple(values)
    places: list[str] = []
    changes = ""
    for line in body:
        if line.startswith("at "):
            places += line.removeprefix("at ").split(" | ")
        else:
            changes += f"{line}\n"
    return Misconception(
        name=name,
        part=part,
        faults=_faults(verdict, tuple(places)),
        edits=_edits(changes),
        instead=words.get("or", ()),
        also=words.get("also", ()),
        parts=words.get("in", (part,)),
    )


def _faults(verdict: str, at: tuple[str, ...]) -> tuple[Fault, ...]:
    """The fault that `ID [EQUATION]` names; none where the misconception is not seen."""
    if verdict == "not seen":
        return ()
    id, _, number = verdict.partition(" ")
    equation = None
    if number.isdigit():
        equation = int(number)
    return (Fault(id, equation, at),)


def _table() -> dict[str, Misconception]:
    table = {}
    for part in PARTS:
        for head, body in _entries(part):
            row = _misconception(part, head, body)
            table[row.name] = row
    return table


TABLE = _table()
