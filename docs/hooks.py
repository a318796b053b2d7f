"""Pages, or parts of them, that are made from files elsewhere when the site is built.

Each finding of the check has a page here, from the file that `check --explain` prints; a link to
that file becomes a link to the page. And where a page lists the modules of a folder,

    <!-- modules: toolkit/lstm -->
    ...
    <!-- end -->

the reference of each takes the place of the list, which `benchmarks/doc_tables.py` wrote.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
EXPLAIN = ROOT / "toolkit" / "assignment" / "findings" / "explain"
MODULES = re.compile(r"^<!-- modules: (\S+) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


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
    """Put the reference in the place of each list of modules, and link to the findings' pages."""
    markdown = MODULES.sub(lambda region: reference(region[1]), markdown)
    if page.file.src_uri != "findings/index.md":
        return markdown
    return markdown.replace(f"../../{EXPLAIN.relative_to(ROOT).as_posix()}/", "")


def finding_files() -> list[Path]:
    """One Markdown file for each id."""
    return sorted(EXPLAIN.glob("*.md"))


def reference(folder: str) -> str:
    """A mkdocstrings block for each module of a folder."""
    paths = [path for path in sorted((ROOT / folder).glob("*.py")) if path.stem != "__init__"]
    if not paths:
        raise PluginError(f"{folder} has no modules")
    return "\n\n".join(f"::: {folder.replace('/', '.')}.{path.stem}" for path in paths)
