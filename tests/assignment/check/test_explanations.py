"""The pages of `check --explain`: their examples run, and every id has at least a sentence."""

import doctest
import re
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.check.explanations import PAGES, SHORT, explanation
from toolkit.assignment.check.findings import IDS, Id

WRITTEN = sorted(PAGES.glob("*.md"))
UNWRITTEN = next(id for id in IDS if explanation(id) is None)
SECTIONS = ["What it is", "Why it matters", "See it yourself"]


def test_every_id_has_a_sentence() -> None:
    assert set(SHORT) == set(get_args(Id))
    assert all(re.fullmatch(r"[A-Zh].+\.", text) for text in SHORT.values())


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_page(page: Path) -> None:
    """It belongs to an id, has the usual sections, and what its example prints is true."""
    assert page.stem in IDS
    text = page.read_text()
    assert text.startswith(f"# {page.stem}\n")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[:3] == SECTIONS
    assert any(heading.startswith("An example") for heading in headings)
    code = "\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    example = doctest.DocTestParser().get_doctest(code, {}, page.stem, str(page), 0)
    assert len(example.examples) >= 3
    said: list[str] = []
    result = doctest.DocTestRunner().run(example, out=said.append)
    assert result.failed == 0, "".join(said)


def explain(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["check", *words])
    return done.exit_code, done.stdout, done.stderr


def test_explain_prints_the_page() -> None:
    page = PAGES / "missing-detach.md"
    assert explain("--explain", "missing-detach") == (0, page.read_text() + "\n", "")


def test_explain_without_a_page() -> None:
    code, out, _ = explain("--explain", UNWRITTEN)
    assert code == 0
    assert out == f"{UNWRITTEN} has no page yet. In short: {SHORT[UNWRITTEN]}\n"


def test_explain_an_unknown_id() -> None:
    code, out, error = explain("--explain", "mising-detatch")
    assert (code, out) == (2, "")
    assert error.count("\n") == 1
    assert "missing-detach" in error


@pytest.mark.parametrize("words", [[], [".", "--explain", "missing-detach"]], ids=["none", "both"])
def test_a_folder_or_an_id(words: list[str]) -> None:
    code, out, error = explain(*words)
    assert (code, out) == (2, "")
    assert "--explain" in error
