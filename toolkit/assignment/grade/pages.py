"""What people read: a page for each student and for each similar pair, and a page and a
table for the class.

Any text may come from a stranger's program: Jinja2 escapes it, and the pages forbid scripts
but the one that sorts the tables of the class.
"""

import functools
import hashlib
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from toolkit.assignment.check.explanations import EQUATIONS, IN_CLASS, explanation, in_class, short
from toolkit.assignment.check.findings import Finding, Id
from toolkit.assignment.check.text import place_of
from toolkit.assignment.grade.copies.beside import Row
from toolkit.assignment.grade.copies.similar import MAX_PAIRS, Pair
from toolkit.assignment.grade.lessons import lessons, unseen
from toolkit.assignment.grade.points import count, free
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.table import as_csv
from toolkit.assignment.parts import TITLES
from toolkit.assignment.viva.questions import Question, say
from toolkit.common.texts.language import TAGS, Language, translate

TEMPLATES = Path(__file__).with_name("templates")
NUM_BINS = 10  # columns of the histogram
COLUMNS = ("student number", "archive", "score", "open points", "checked points", "by hand",
           "needs a look", "findings", "nearly the same as", "isolation")  # fmt: skip


def student_page(result: Result, rubric: Rubric, language: Language = "en") -> str:
    """The feedback for one student, as a page that needs no other file."""
    extra = result.extra_data
    counted = [None] * len(result.tests) if extra.problem else count(extra.report, rubric)
    findings: dict[Id, list[Finding]] = {}
    for finding in extra.findings:
        if finding.id is not None:
            findings.setdefault(finding.id, []).append(finding)
    return _render(
        "student.html.j2",
        language,
        result=result,
        rubric=rubric,
        tasks=zip(rubric.checked, result.tests, counted, strict=True),
        findings=findings,
        free=free(extra.report, rubric),
        explanations={id: _explained(id, language) for id in findings},
    )


def class_page(
    results: Mapping[str, Result],
    pairs: list[Pair],
    usual: float,
    rubric: Rubric,
    not_compared: Mapping[str, list[str]] = {},
) -> str:
    """What to tell the class, all archives, those that need a look, and pairs with similar code.

    Args:
        results: by the names of the archives' files.
        usual: the similarity that is usual in this class, 0 to 1.
        not_compared: archives whose code could not be compared with others, or only in part, and
            why, in clauses.
    """
    found = list(results.values())
    script = (TEMPLATES / "class.js").read_text(encoding="utf-8")
    learnt = lessons(found)
    return _render(
        "class.html.j2",
        results=found,
        links={
            result.extra_data.archive: f"{quote(os.fsencode(name))}/feedback.html"
            for name, result in results.items()
        },
        look=sum(bool(result.extra_data.needs_a_look) for result in found),
        most=sum(task.points for task in rubric.checked),
        bins=_histogram(found),
        lessons=learnt,
        explanations={lesson.id: _explained(lesson.id, "en") for lesson in learnt},
        unseen=unseen(found),
        broken=[result for result in found if result.extra_data.problem],
        pairs=pairs,
        usual=usual,
        not_compared=not_compared,
        rubric=rubric,
        ways=sorted({result.extra_data.isolation for result in found}),
        versions=sorted({result.extra_data.versions for result in found} - {""}),
        script=Markup(script),
        script_hash=f"sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )


def pair_page(pair: Pair, files: Iterable[tuple[str, str, list[Row]]]) -> str:
    """Two submissions side by side.

    Args:
        files: what `side_by_side` yields.
    """
    return _render("pair.html.j2", pair=pair, files=list(files))


def viva_page(questions: list[Question], name: str, language: Language = "en") -> str:
    """Questions about somebody's own code on one sheet, and the answers on another."""
    how = {"name": name, "say": functools.partial(say, language=language)}
    return _render("viva.html.j2", language, questions=questions, **how)


def class_csv(results: list[Result], pairs: list[Pair]) -> str:
    """A line for each archive."""
    rows: list[Sequence[str]] = [COLUMNS]
    for result in results:
        extra = result.extra_data
        like = [
            f"{pair.second if pair.first == extra.archive else pair.first} ({pair.share:.0%})"
            for pair in pairs
            if extra.archive in (pair.first, pair.second)
        ]
        rows.append(
            [
                extra.student_number,
                extra.archive,
                f"{result.score:g}",
                f"{result.open:g}",
                f"{result.checked:g}",
                "",  # for the teacher
                " ".join(extra.needs_a_look),
                " ".join(sorted({finding.id for finding in extra.findings if finding.id})),
                ", ".join(like),
                extra.isolation.partition(":")[0],
            ]
        )
    return as_csv(rows)


class Bin(NamedTuple):
    """A column of the histogram."""

    label: str  # the points, as a range
    number: int  # of results
    height: float  # 0 to 90


def _histogram(results: list[Result]) -> list[Bin]:
    """How many results have how many points."""
    most = max((result.checked for result in results), default=0) or 1
    bins = (min(NUM_BINS - 1, int(result.score / most * NUM_BINS)) for result in results)
    counts = Counter(bins)
    tallest = max(counts.values(), default=1)
    edges = [round(most * k / NUM_BINS) for k in range(NUM_BINS + 1)]
    return [
        Bin(f"{first}-{last}", counts[k], 90 * counts[k] / tallest)
        for k, (first, last) in enumerate(pairwise(edges))
    ]


class Explained(NamedTuple):
    """The page of a finding."""

    html: Markup
    translated: bool  # whether it is in the language that was asked for


@functools.cache
def _explained(id: Id, language: Language) -> Explained:
    """The page of a finding as HTML, without its title, which is the id, and its first sentence."""
    page = explanation(id, language)
    translated = page is not None
    _, _, text = (page or explanation(id)).split("\n\n", 2)
    html = MarkdownIt("commonmark", {"html": False}).render(text.partition(IN_CLASS)[0])
    below = html.replace("<h2>", "<h4>").replace("</h2>", "</h4>")  # the finding's own is an h3
    return Explained(Markup(below), translated)


def _render(template: str, language: Language = "en", **content: Any) -> str:
    """A page without control characters and the like, whoever wrote them."""
    page = _environment(language).get_template(template).render(content, tag=TAGS[language])
    return "\n".join(line if line.isprintable() else _shown(line) for line in page.split("\n"))


def _shown(line: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)


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
    environment.filters |= {
        "points": lambda number: f"{number:g}",
        "percent": lambda share: f"{share:.0%}",
        "place": place_of,
        "translated": lambda text: translate(text, language),
        "inline": lambda text: Markup(MarkdownIt("commonmark", {"html": False}).renderInline(text)),
    }
    environment.globals |= {
        "titles": TITLES,
        "equations": EQUATIONS,
        "short": short,
        "in_class": in_class,
        "most_pairs": MAX_PAIRS,
    }
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: translate(text, language), None, newstyle=True
    )
    return environment
