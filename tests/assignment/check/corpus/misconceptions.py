"""What students get wrong, read from misconceptions/: one table, for every right solution.

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
    """What a misconception should be called, and pieces of lines where it may be named."""

    id: str
    equation: int | None
    at: tuple[str, ...] = ()


class Replacement(NamedTuple):
    """A pattern and what takes its place; without a pattern, of a whole file."""

    old: re.Pattern[str] | None
    new: str


Edit = list[Replacement]
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
        """The texts after an edit, and the lines that it made; None where it does not fit."""
        for file in (self.part, *(name for name in texts if name not in PARTS)):
            text, made = texts[file], list[str]()
            for old, new in edit:
                match = old.search(text) if old else None
                if old and not match:
                    break
                begin, end = match.span() if match else (0, len(text))
                put = match.expand(new) if match else new
                text = text[:begin] + put + text[end:]
                first, last = text.rfind("\n", 0, begin) + 1, text.find("\n", begin + len(put))
                whole = text[first : last if last >= 0 else None].splitlines()
                inside = match and "\n" not in match[0]  # else lines that are gone are nowhere
                made += [line.strip() for line in whole if match and (put.strip() or inside)]
            else:
                if text != texts[file]:
                    return {**texts, file: text}, tuple(line for line in made if line)
        return None


def _pattern(lines: list[str], whole: bool) -> str:
    """The regular expression of some text in which $A and $$$ stand for something."""
    known: set[str] = set()

    def variable(match: re.Match[str]) -> str:
        name = match[1] or "REST"
        again = name in known
        known.add(name)
        kind = r"[^\n]*" if name == "REST" else r"[\w.]*"
        return f"(?P={name})" if again else f"(?P<{name}>{kind})"

    found = []
    for number, line in enumerate(lines):
        inside = re.sub(r"\\\$(?:\\\$\\\$|([A-Z]))", variable, re.escape(line))
        indent = ("(?P=INDENT)" if number else "^(?P<INDENT> *?)") if line else ""
        found.append(f"{indent}{inside}\n" if whole else inside)
    return "(?m)" + "".join(found) if whole else r"(?<!\w)" * lines[0][0].isalnum() + found[0]


def _template(lines: list[str], whole: bool) -> str:
    """The replacement that belongs to such an expression."""
    found = []
    for line in lines:
        inside = line.replace("\\", "\\\\").replace("$$$", r"\g<REST>")
        inside = re.sub(r"\$([A-Z])", r"\\g<\1>", inside)
        found.append((r"\g<INDENT>" if line else "") + inside + "\n" if whole else inside)
    return "".join(found)


def _replacement(text: str) -> Replacement:
    """What a line, or some lines that begin with a mark, say."""
    old, arrow, new = text.partition("  ->")
    if arrow:
        return Replacement(re.compile(_pattern([old], False)), _template([new.strip()], False))
    if text.startswith("file "):
        return Replacement(None, (HERE / "wrong" / text[5:].strip()).read_text())
    lines = [(line[0], line[2:]) for line in text.splitlines()]
    before = [line for mark, line in lines if mark in "-="]
    after = [line for mark, line in lines if mark in "=+"]
    return Replacement(re.compile(_pattern(before, True)), _template(after, True))


def _edits(body: str) -> list[list[Replacement]]:
    """The edits that some lines describe."""
    edits: list[list[Replacement]] = []
    for joined, text in PIECE.findall(body):
        if joined:
            edits[-1].append(_replacement(text))
        elif text != "or\n":
            edits.append([_replacement(text)])
    return edits


def _read(part: str) -> Iterator[Misconception]:
    lines = (HERE / "misconceptions" / f"{part}.txt").read_text().splitlines()
    heads = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    for begin, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        name, _, said = lines[begin].partition(": ")
        first, *clauses = said.split("; ")
        more = {word: tuple(rest) for word, *rest in (clause.split() for clause in clauses)}
        body = [line[4:] for line in lines[begin + 1 : end]]
        at = [text for line in body if line[:3] == "at " for text in line[3:].split(" | ")]
        id, _, equation = first.partition(" ")
        fault = Fault(id, int(equation) if equation.isdigit() else None, tuple(at))
        yield Misconception(
            name,
            part,
            () if first == "not seen" else (fault,),
            _edits("".join(f"{line}\n" for line in body if line[:3] != "at ")),
            more.get("or", ()),
            more.get("also", ()),
            more.get("in", (part,)),
        )


TABLE = {row.name: row for part in PARTS for row in _read(part)}
