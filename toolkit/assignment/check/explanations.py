"""The page of each finding: what it is, why it matters, how to see it yourself, an example."""

from pathlib import Path

from toolkit.assignment.check.findings import Id

PAGES = Path(__file__).with_name("explain")


def explanation(id: Id) -> str | None:
    """The page of a finding in Markdown; None if it is not written yet."""
    page = PAGES / f"{id}.md"
    return page.read_text(encoding="utf-8") if page.exists() else None
