"""What people read: a page for each student, a table and a page for the class.

All text may come from a stranger's program, so all of it is escaped, and the pages forbid scripts.
"""

import csv
import html
import io
from typing import Any

from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.similar import Pair

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .4rem; border-bottom: 1px solid #ccc }
.number { text-align: right; white-space: nowrap }
h1, pre, .text { overflow-wrap: anywhere }
pre, .text { white-space: pre-wrap }
.problem { border-left: .3rem solid #b30; padding-left: .8rem }
"""
# No scripts, no pictures, nothing from elsewhere, should an escape ever be missing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
COLUMNS = ("student number", "archive", "score", "checked points", "by hand", "needs a look",
           "findings", "nearly the same as", "isolation")  # fmt: skip


def student_page(result: dict[str, Any], rubric: Rubric) -> str:
    """The feedback for one student, as a page that needs no other file."""
    extra = result["extra_data"]
    rows = [
        f"<tr><td>{text(test['name'])}</td>"
        f'<td class="number">{test["score"]:g} of {test["max_score"]:g}</td>'
        f'<td class="text">{text(test["output"])}</td></tr>'
        for test in result["tests"]
    ]
    by_hand = [
        f"<tr><td>Part {task.part}, {text(task.name)}</td>"
        f'<td class="number">of {task.points:g}</td><td>given by a person</td></tr>'
        for task in rubric.by_hand
    ]
    problem = f'<p class="problem">{text(extra["problem"])}</p>' if extra["problem"] else ""
    printed = (
        "<details><summary>What was said meanwhile</summary>"
        f"<pre>{text(extra['printed'])}</pre></details>"
        if extra["printed"]
        else ""
    )
    body = (
        f"<h1>Assignment 3: {text(extra['archive'])}</h1>{problem}"
        f"<p><strong>{result['score']:g}</strong> of the "
        f"{sum(task.points for task in rubric.checked):g} points that are checked by a program, "
        f"of {rubric.points:g} altogether.</p>"
        '<table><tr><th>what</th><th class="number">points</th><th>why</th></tr>'
        f"{''.join(rows + by_hand)}</table>"
        f'<p class="text">{text(result["output"])}</p>{printed}'
        f"<p>How it was run: {text(extra['isolation'])}</p>"
    )
    return page(f"Assignment 3: {extra['archive']}", body)


def class_page(
    results: list[dict[str, Any]], pairs: list[Pair], usual: float, rubric: Rubric
) -> str:
    """All archives, those that need a look, and pairs that are nearly the same."""
    rows = [
        f"<tr><td>{text(result['extra_data']['archive'])}</td>"
        f'<td class="number">{result["score"]:g}</td>'
        f"<td>{text(result['extra_data']['problem'])}</td></tr>"
        for result in results
    ]
    similar = [
        f'<tr><td>{text(pair.first)}</td><td>{text(pair.second)}</td><td class="number">'
        f'{pair.share:.0%}</td><td class="number">{pair.share_with_names:.0%}</td></tr>'
        for pair in pairs
    ]
    ways = sorted({result["extra_data"]["isolation"] for result in results})
    checked = sum(task.points for task in rubric.checked)
    body = (
        f"<h1>{len(results)} archives</h1>"
        f"<p>{checked:g} of {rubric.points:g} points are checked by a program; a person gives the "
        "rest. The program runs what was handed in in one process with what looks at it, so code "
        "that sets out to deceive it can. Read what seems too good.</p>"
        '<table><tr><th>archive</th><th class="number">points</th><th>needs a look</th></tr>'
        f"{''.join(rows)}</table>"
        "<h2>Nearly the same</h2>"
        "<p>How much of the code of two archives is the same, whatever its names, its order of "
        f"functions and its comments. In this class {usual:.0%} is usual, since all began with the "
        "same skeleton. This is a hint where to look, not a judgement: short programs for one task "
        "are alike, and pairs may have been allowed to work together.</p>"
        "<table><tr><th>archive</th><th>archive</th>"
        '<th class="number">the same</th><th class="number">with the same names</th></tr>'
        f"{''.join(similar) or '<tr><td>no pair</td></tr>'}</table>"
        f"<h2>Isolation</h2>{''.join(f'<p>{text(way)}</p>' for way in ways)}"
    )
    return page(f"{len(results)} archives", body)


def class_csv(results: list[dict[str, Any]], pairs: list[Pair]) -> str:
    """A line for each archive."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in results:
        extra = result["extra_data"]
        like = [
            f"{pair.second if pair.first == extra['archive'] else pair.first} ({pair.share:.0%})"
            for pair in pairs
            if extra["archive"] in (pair.first, pair.second)
        ]
        row = [
            extra["student_number"],
            extra["archive"],
            f"{result['score']:g}",
            f"{sum(test['max_score'] for test in result['tests']):g}",
            "",  # for the teacher
            extra["problem"],
            " ".join(sorted({finding["id"] for finding in extra["findings"]})),
            "; ".join(like),
            extra["isolation"].partition(":")[0],
        ]
        writer.writerow([_cell(value) for value in row])
    return written.getvalue()


def page(title: str, body: str) -> str:
    """A whole page; `body` is HTML."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def text(value: object) -> str:
    """Anything as text within HTML, without control characters."""
    printable = "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}"
                        for c in str(value))  # fmt: skip
    return html.escape(printable)


def _cell(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    printable = "".join(c if c.isprintable() else " " for c in value)
    return f"'{printable}" if printable.startswith(("=", "+", "-", "@")) else printable
