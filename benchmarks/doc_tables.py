"""Writes the tables of the documents from measured results: python benchmarks/results.py --tables

A page requests a table with a pair of comments, and the text between the two is written anew:

    <!-- results: demos -->         docs/results/demos.json, and every demos-*.json beside it
    <!-- recipe log -->             benchmarks/gan_recipe.jsonl
    <!-- modules: toolkit/lstm -->  each module of that folder, with its docstring's first sentence
    <!-- findings: id id id -->     each of these ids, with the first paragraph of its page
    <!-- end -->

The tables are therefore visible where the repository is browsed. Nothing in this module imports the
code that a table describes.
"""

import ast
import json
import os
import re
import textwrap
from pathlib import Path
from typing import Any

import recipe_log

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RESULTS = DOCS / "results"
EXPLAIN = ROOT / "toolkit" / "assignment" / "findings" / "explain"
REGION = re.compile(
    r"^(?P<begin><!-- (?P<kind>results|recipe log|modules|findings)(?:: (?P<words>[^>]+?))? -->\n)"
    r"(?P<content>.*?)^(?P<end><!-- end -->)$",
    re.MULTILINE | re.DOTALL,
)
MOST_LINES = 14  # from below a benchmark's table; the JSON has all lines


def pages() -> list[Path]:
    """Return the documents that contain such a table."""
    documents = []
    for path in sorted(DOCS.rglob("*.md")):
        if not path.is_symlink() and REGION.search(path.read_text(encoding="utf-8")):
            documents.append(path)
    return documents


def filled(page: Path) -> str:
    """Return the text of a page with its tables brought up to date."""

    def fill(region: re.Match[str]) -> str:
        content = table(page, region["kind"], (region["words"] or "").split())
        return f"{region['begin']}\n{content}\n\n{region['end']}"

    return REGION.sub(fill, page.read_text(encoding="utf-8"))


def table(page: Path, kind: str, words: list[str]) -> str:
    """Return the table of a kind for a page.

    Args:
        words: the words that follow the kind in the comment.
    """
    if kind == "results":
        return results(*words)
    if kind == "modules":
        return modules(page, *words)
    if kind == "findings":
        return findings(page, words)
    return recipe_log.table()


def results(name: str) -> str:
    """Return the tables of `name`.json and of all `name`-*.json, each with its origin.

    Raises:
        FileNotFoundError: there is no such file.
    """
    paths = [*RESULTS.glob(f"{name}.json"), *sorted(RESULTS.glob(f"{name}-*.json"))]
    if not paths:
        raise FileNotFoundError(f"{RESULTS} has no {name}.json; see benchmarks/results.py")
    return "\n\n".join(result(path) for path in paths)


def result(path: Path) -> str:
    """Return one measurement: the printed tables, the text that was printed below them, and the
    origin.
    """
    record = json.loads(path.read_text(encoding="utf-8"))
    tables, below = split_tables(record["output"])
    return "\n\n".join([*tables, *quoted(below), origin(record, path)])


def quoted(lines: list[str]) -> list[str]:
    """Return the first paragraphs of `lines` as a block.

    The block ends before the first paragraph that would make it too long.
    """
    kept: list[str] = []
    for paragraph in "\n".join(lines).strip().split("\n\n"):
        wrapped = []
        for line in paragraph.splitlines():
            wrapped += textwrap.wrap(line, 100)
        if len(kept) + len(wrapped) > MOST_LINES:
            break
        if kept:
            kept.append("")
        kept += wrapped
    if not kept:
        return []
    return ["\n".join(["```text", *kept, "```"])]


def split_tables(output: list[str]) -> tuple[list[str], list[str]]:
    """Return the Markdown tables among lines, and the other lines below the start of the first
    table.
    """
    tables: list[list[str]] = []
    below = []
    inside = False
    for line in output:
        is_row = line.startswith("|")
        if is_row and not inside:
            tables.append([])
        if is_row:
            tables[-1].append(line)
        elif tables:
            below.append(line)
        inside = is_row
    return ["\n".join(table) for table in tables], below


def origin(record: dict[str, Any], path: Path) -> str:
    """Return the command, date, code and machine of a measurement, as a sentence."""
    date = f" on {record['date']}" if record["date"] else ""
    commit, dirty, _ = (record["commit"] or "").partition("-dirty")
    code = f"commit `{commit}`" if commit else f"version {record['version']}"
    if dirty:
        code += " (with uncommitted changes)"
    machine = f"{record['cores']} cores, {record['processor']}, {record['load']}"
    note = f" {record['note']}" if "note" in record else ""
    return (
        f"Measured{date} at {code} with `{record['command']}`. Machine: {machine}; torch "
        f"{record['torch']}.{note} [Full output](results/{path.name})."
    )


def modules(page: Path, folder: str) -> str:
    """Return a table of the modules in a folder, with links to their code."""
    rows = []
    for path in sorted((ROOT / folder).glob("*.py")):
        if path.stem == "__init__":
            continue
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        rows.append(f"| [`{path.stem}`]({link(page, path)}) | {first_sentence(docstring)} |")
    return "\n".join([f"| {folder.replace('/', '.')} | |", "|---|---|", *rows])


def findings(page: Path, ids: list[str]) -> str:
    """Return a list of links to the findings' pages, each with the first paragraph of its page."""
    lines = []
    for name in ids:
        path = EXPLAIN / f"{name}.md"
        _, first, *_ = path.read_text(encoding="utf-8").split("\n\n")
        lines.append(f"- [`{name}`]({link(page, path)}): {' '.join(first.split())}")
    return "\n".join(lines)


def link(page: Path, target: Path) -> str:
    """Return the relative path from a page to a file."""
    return Path(os.path.relpath(target, page.parent)).as_posix()


def first_sentence(docstring: str) -> str:
    """Return a docstring up to its first full stop or empty line, as a cell of a table."""
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"\.(?= |$)|:$", paragraph)[0].replace("|", "\\|")


def write() -> list[Path]:
    """Write the tables into all pages.

    Returns:
        the pages that changed.
    """
    changed = []
    for page in pages():
        text = filled(page)
        if text != page.read_text(encoding="utf-8"):
            page.write_text(text, encoding="utf-8")
            changed.append(page)
    return changed
