"""Pages, or parts of them, that are made from files elsewhere, so that nothing is copied into git.

A page asks for them with a comment:

    <!-- findings: id id id -->     a link to the page of each of these ids, and its first paragraph
    <!-- results: demos -->         docs/results/demos.json, and every demos-*.json beside it
    <!-- recipe log -->             benchmarks/gan_recipe.jsonl as a table
    <!-- modules: toolkit/lstm -->  the reference of each module in that folder
"""

import json
import re
import runpy
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
EXPLAIN = ROOT / "toolkit" / "assignment" / "check" / "explain"
RESULTS = ROOT / "docs" / "results"
MARKER = re.compile(r"^<!-- ([a-z ]+?)(?:: ([^>]+?))?\s-->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each finding, from the file that `check --explain` prints."""
    for path in finding_files():
        files.append(File.generated(config, f"findings/{path.name}", abs_src_path=str(path)))
    for section in config.nav or []:
        for entries in section.values():
            if "findings/index.md" in entries:
                known = [entry for entry in entries if entry == "findings/index.md"]
                entries[:] = known + [{p.stem: f"findings/{p.name}"} for p in finding_files()]
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put what was asked for in the place of each comment."""
    makers = {
        "findings": findings,
        "results": results,
        "recipe log": lambda _: recipe_log(),
        "modules": modules,
    }

    def made(match: re.Match[str]) -> str:
        if match[1] not in makers:
            raise PluginError(f"{page.file.src_uri}: no hook knows {match[0]}")
        return makers[match[1]](match[2])

    return MARKER.sub(made, markdown)


def finding_files() -> list[Path]:
    """One Markdown file for each id."""
    return sorted(EXPLAIN.glob("*.md"))


def findings(ids: str) -> str:
    """A list of links, each with the first paragraph of its page."""
    lines = []
    for id in ids.split():
        _, first, *_ = (EXPLAIN / f"{id}.md").read_text().split("\n\n")
        lines.append(f"- [`{id}`]({id}.md): {' '.join(first.split())}")
    return "\n".join(lines)


def results(name: str) -> str:
    """The tables of `name`.json and of all `name`-*.json, each with where and when."""
    paths = [*RESULTS.glob(f"{name}.json"), *sorted(RESULTS.glob(f"{name}-*.json"))]
    if not paths:
        raise PluginError(f"{RESULTS} has no {name}.json; see benchmarks/results.py")
    return "\n\n".join(result(json.loads(path.read_text())) for path in paths)


def result(record: dict[str, Any]) -> str:
    """One measurement: its tables as they were printed, the rest to unfold, and its origin."""
    tables, rest = split_tables(record["output"])
    when = record["date"] or "the day was not noted"
    if record["commit"]:
        when += f", commit {record['commit']}"
    where = f"{record['cores']} cores, {record['processor']}, {record['load']}"
    origin = (
        f"`{record['command']}`, version {record['version']} ({when}), on {where}; "
        f"torch {record['torch']}. {record.get('note', '')}"
    ).strip()
    parts = [*tables, origin + "\n{ .origin }"]
    if rest:
        indented = "\n".join(f"    {line}" for line in ["```text", *rest, "```"])
        parts.append(f'??? note "What else it printed"\n\n{indented}')
    return "\n\n".join(parts)


def split_tables(output: list[str]) -> tuple[list[str], list[str]]:
    """The Markdown tables among lines, and the lines between them that are not empty."""
    tables: list[list[str]] = []
    rest = []
    inside = False
    for line in output:
        is_row = line.startswith("|")
        if is_row and not inside:
            tables.append([])
        if is_row:
            tables[-1].append(line)
        elif line:
            rest.append(line)
        inside = is_row
    return ["\n".join(table) for table in tables], rest


def recipe_log() -> str:
    """The log of the search for the GAN's recipe, by the script that writes it."""
    return str(runpy.run_path(str(ROOT / "benchmarks" / "recipe_log.py"))["table"]())


def modules(folder: str) -> str:
    """A mkdocstrings block for each module of a folder."""
    paths = [path for path in sorted((ROOT / folder).glob("*.py")) if path.stem != "__init__"]
    if not paths:
        raise PluginError(f"{folder} has no modules")
    return "\n\n".join(f"::: {folder.replace('/', '.')}.{path.stem}" for path in paths)
