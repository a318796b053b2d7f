"""HTML pages: the feedback and the exam questions for each student, a page about each pair of
similar submissions, and a page about the class.

Any text on a page may come from an untrusted program. Jinja2 escapes the text, and the pages forbid
all scripts except the one that sorts the tables on the class page.
"""

import functools
import hashlib
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from toolkit.assignment.findings.explanations import (
    EQUATIONS,
    IN_CLASS,
    explanation,
    in_class,
    short,
)
from toolkit.assignment.findings.findings import Finding, Id
from toolkit.assignment.findings.text import place_of
from toolkit.assignment.grade.copies.beside import Row
from toolkit.assignment.grade.copies.similar import MAX_PAIRS, Pair
from toolkit.assignment.grade.lessons import lessons, unseen
from toolkit.assignment.grade.points import UNANSWERED, Counted, count, free
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.table import as_csv
from toolkit.assignment.running.parts import TITLES
from toolkit.assignment.viva.questions import Question, say
from toolkit.common.texts.language import TAGS, Language, translate

TEMPLATES = Path(__file__).with_name("templates")
NUM_BINS = 10  # columns of the histogram
COLUMNS = ("student number", "archive", "score", "open points", "checked points", "by hand",
           "needs a look", "findings", "nearly the same as", "isolation")  # fmt: skip


def student_page(result: Result, rubric: Rubric, language: Language = "en") -> str:
    """Return the feedback for one student as a self-contained page."""
    extra = result.extra_data
    counted: Sequence[Counted | None] = [None] * len(result.tests)
    if not extra.problem:
        counted = count(extra.report, rubric)
    findings: dict[Id, list[Finding]] = {}
    explanations: dict[Id, Explained] = {}
    for finding in extra.findings:
        if finding.id is not None:
            findings.setdefault(finding.id, []).append(finding)
            explanations[finding.id] = _explained(finding.id, language)
    return _render(
        "student.html.j2",
        language,
        result=result,
        rubric=rubric,
        tasks=zip(rubric.checked, result.tests, counted, strict=True),
        findings=findings,
        free=free(extra.report, rubric),
        explanations=explanations,
    )


def class_page(
    results: Mapping[str, Result],
    pairs: list[Pair],
    usual: float,
    rubric: Rubric,
    not_compared: Mapping[str, list[str]] = {},
) -> str:
    """Return the page for the teacher: the most frequent mistakes in the class, the results of all
    archives, and the pairs of similar archives.

    Args:
        results: the result of each archive, keyed by the archive's file name.
        usual: the median similarity of all pairs of archives in this class, from 0 to 1.
        not_compared: the archives whose code could not be fully compared with the others, mapped to
            the reasons.
    """
    links = {}
    need_a_look = 0
    broken = []
    isolations = set()
    versions = set()
    for name, result in results.items():
        extra = result.extra_data
        links[extra.archive] = f"{quote(os.fsencode(name))}/feedback.html"
        if extra.needs_a_look:
            need_a_look += 1
        if extra.problem:
            broken.append(result)
        if extra.versions:
            versions.add(extra.versions)
        isolations.add(extra.isolation)

    in_order = list(results.values())
    script = (TEMPLATES / "class.js").read_text(encoding="utf-8")
    class_lessons = lessons(in_order)
    return _render(
        "class.html.j2",
        results=in_order,
        links=links,
        need_a_look=need_a_look,
        most=sum(task.points for task in rubric.checked),
        bins=_histogram(in_order),
        lessons=class_lessons,
        explanations={lesson.id: _explained(lesson.id, "en") for lesson in class_lessons},
        unseen=unseen(in_order),
        broken=broken,
        pairs=pairs,
        usual=usual,
        not_compared=not_compared,
        rubric=rubric,
        isolations=sorted(isolations),
        versions=sorted(versions),
        script=Markup(script),
        script_hash=f"sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )


def pair_page(pair: Pair, files: Iterable[tuple[str, str, list[Row]]]) -> str:
    """Return a page with two submissions side by side.

    Args:
        files: for each pair of files, their paths and the rows of their side-by-side view, as
            `side_by_side` yields them.
    """
    return _render("pair.html.j2", pair=pair, files=list(files))


def viva_page(questions: list[Question], name: str, language: Language = "en") -> str:
    """Return an HTML page with questions about a student's own code, followed by the answers, which
    are printed on a separate sheet.
    """
    say_in_language = functools.partial(say, language=language)
    return _render("viva.html.j2", language, questions=questions, name=name, say=say_in_language)


def class_csv(results: list[Result], pairs: list[Pair]) -> str:
    """Return the class's table as CSV, with a line for each archive."""
    rows: list[Sequence[str]] = [COLUMNS]
    for result in results:
        extra = result.extra_data
        ids = {finding.id for finding in extra.findings if finding.id}
        rows.append(
            [
                extra.student_number,
                extra.archive,
                f"{result.score:g}",
                f"{result.open:g}",
                f"{result.checked:g}",
                "",  # for the teacher
                " ".join(extra.needs_a_look),
                " ".join(sorted(ids)),
                ", ".join(_alike(extra.archive, pairs)),
                extra.isolated_by,
            ]
        )
    return as_csv(rows)


def _alike(archive: str, pairs: list[Pair]) -> list[str]:
    """Return the archives similar to a given archive, each with the fraction of shared code."""
    alike = []
    for pair in pairs:
        if pair.first == archive:
            alike.append(f"{pair.second} ({pair.share:.0%})")
        elif pair.second == archive:
            alike.append(f"{pair.first} ({pair.share:.0%})")
    return alike


class Bin(NamedTuple):
    """One bar of the histogram of points."""

    label: str  # the points, as a range
    number: int  # the number of results
    height: float  # 0 to 90


def _histogram(results: list[Result]) -> list[Bin]:
    """Return the bars of the histogram: the number of results in each range of points."""
    most = max((result.checked for result in results), default=0) or 1
    counts: Counter[int] = Counter()
    for result in results:
        number = int(result.score / most * NUM_BINS)
        counts[min(number, NUM_BINS - 1)] += 1
    tallest = max(counts.values(), default=1)
    bins = []
    for number in range(NUM_BINS):
        first = round(most * number / NUM_BINS)
        last = round(most * (number + 1) / NUM_BINS)
        bins.append(Bin(f"{first}-{last}", counts[number], 90 * counts[number] / tallest))
    return bins


class Explained(NamedTuple):
    """The explanation of a finding, as HTML for a page."""

    html: Markup
    translated: bool  # True if the text is in the requested language


@functools.cache
def _explained(id: Id, language: Language) -> Explained:
    """Return a finding's explanation as HTML; the title (the finding's id) and the first sentence
    are left out, because the pages show both in a heading.
    """
    page = explanation(id, language)
    translated = page is not None
    _, _, text = (page or explanation(id)).split("\n\n", 2)
    html = _markdown().render(text.partition(IN_CLASS)[0])
    below = html.replace("<h2>", "<h4>").replace("</h2>", "</h4>")  # the finding's heading is an h3
    return Explained(Markup(below), translated)


def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def _render(template: str, language: Language = "en", **content: Any) -> str:
    """Render a page from a template, and replace all unprintable characters except tabs and line
    breaks.
    """
    page = _environment(language).get_template(template).render(content, tag=TAGS[language])
    lines = []
    for line in page.split("\n"):
        if not line.isprintable():
            line = "".join(map(_visible, line))
        lines.append(line)
    return "\n".join(lines)


def _visible(character: str) -> str:
    if character.isprintable() or character == "\t":
        return character
    return "\N{REPLACEMENT CHARACTER}"


@functools.cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    in_language = functools.partial(translate, language=language)
    environment.filters |= {
        "points": "{:g}".format,
        "percent": "{:.0%}".format,
        "place": place_of,
        "translated": in_language,
        "inline": _inline,
        "title_of": short,
    }
    environment.globals |= {
        "titles": TITLES,
        "equations": EQUATIONS,
        "short": short,
        "in_class": in_class,
        "most_pairs": MAX_PAIRS,
        "unanswered": UNANSWERED,
    }
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        in_language, None, newstyle=True
    )
    return environment


def _inline(text: str) -> Markup:
    """Return one line of Markdown as HTML."""
    return Markup(_markdown().renderInline(text))
