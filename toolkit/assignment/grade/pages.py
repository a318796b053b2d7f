"""What people read: a page for each student, and a page and a table for the class.

Any text may come from a stranger's program: Jinja2 escapes it, and the pages forbid scripts.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from toolkit.assignment.check.explanations import explanation
from toolkit.assignment.check.findings import Finding
from toolkit.assignment.grade.result import Result, describe
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.similar import Pair
from toolkit.assignment.grade.table import as_csv
from toolkit.assignment.parts import TITLES

COLUMNS = ("student number", "archive", "score", "open points", "checked points", "by hand",
           "needs a look", "findings", "nearly the same as", "isolation")  # fmt: skip


def student_page(result: Result, rubric: Rubric) -> str:
    """The feedback for one student, as a page that needs no other file."""
    extra = result.extra_data
    verdicts = [
        ("What is wrong", extra.findings, ""),
        ("What the check could not see", extra.not_seen, "This is neither right nor wrong."),
        ("What is right", extra.right, ""),
    ]
    return _render(
        "student.html.j2",
        result=result,
        rubric=rubric,
        titles=TITLES,
        verdicts=verdicts,
        explanations=_explanations(extra.findings),
    )


def class_page(results: list[Result], pairs: list[Pair], usual: float, rubric: Rubric) -> str:
    """All archives, those that need a look, and the pairs with similar code.

    Args:
        usual: the similarity that is usual in this class, 0 to 1.
    """
    ways = sorted({result.extra_data.isolation for result in results})
    return _render(
        "class.html.j2", results=results, pairs=pairs, usual=usual, rubric=rubric, ways=ways
    )


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


def _explanations(findings: list[Finding]) -> dict[str, Markup]:
    """The pages about these findings as HTML without their titles, which are the ids."""
    markdown = MarkdownIt("commonmark", {"html": False})
    ids = dict.fromkeys(finding.id for finding in findings if finding.id)
    pages = {id: explanation(id) for id in ids}
    return {
        id: Markup(markdown.render(page.removeprefix(f"# {id}\n")))
        for id, page in pages.items()
        if page is not None
    }


def _render(template: str, **content: Any) -> str:
    return _environment().get_template(template).render(content)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
    )
    environment.filters |= {
        "points": lambda number: f"{number:g}",
        "percent": lambda share: f"{share:.0%}",
        "describe": describe,
    }
    return environment


def _printable(value: object) -> object:
    """Text without control characters; everything that a template prints passes through here."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in value
    )
