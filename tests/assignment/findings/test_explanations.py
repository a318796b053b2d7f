"""The pages of `check --explain`: every id has one, and its example runs."""

import doctest
import re
from typing import get_args

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.findings.explanations import PAGES, explanation, short
from toolkit.assignment.findings.findings import IDS, Id
from toolkit.common.texts.language import translate

SECTIONS = ["What it is", "Why it matters", "See it yourself"]
WIDTH = 110  # characters of a line: what a terminal shows without breaking it


def paragraph(text: str) -> str:
    """On one line."""
    return " ".join(text.split())


def test_every_id_has_a_sentence_and_a_page() -> None:
    assert all(re.fullmatch(r"[A-Zh].+\.", short(id)) for id in get_args(Id))
    assert {path.stem for path in PAGES.glob("*.md")} == set(IDS)


@pytest.mark.parametrize("id", IDS)
def test_page(id: Id) -> None:
    """It begins with the sentence, has the usual sections, and does not go on for ever."""
    page = explanation(id)
    assert page.startswith(f"# {id}\n\n{short(id)[:40]}")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings[:3] == SECTIONS
    assert headings[3].startswith("An example")
    assert headings[4:] == ["What to ask", "What to say in class"]
    assert page.rstrip().endswith((".", "?"))
    lines = page.splitlines()
    assert 25 <= len(lines) <= 90
    assert max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize("id", IDS)
def test_example(id: Id) -> None:
    """It prints what the page says; of an error the kind, since the words are this torch's."""
    code = "\n".join(re.findall(r"```pycon\n(.*?)```", explanation(id), re.DOTALL))
    example = doctest.DocTestParser().get_doctest(code, {}, id, str(PAGES / f"{id}.md"), 0)
    assert len(example.examples) >= 3
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    result = runner.run(example, out=output.append)
    assert result.failed == 0, "".join(output)


def test_the_pages_that_are_named_exist() -> None:
    """Ids in backquotes on other pages, as `see missing-detach`, are ids."""
    for id in IDS:
        for word in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", explanation(id)):
            assert word in IDS, f"{id} names {word}"


CODE = re.compile(r"^```.*?^```$|^ {4}[^\n]*$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("id", IDS)
def test_the_chinese_page(id: Id) -> None:
    """The same sections, code, numbers and points, in paragraphs of one line each."""
    english = explanation(id).partition("\n## What to say in class")[0]
    chinese = explanation(id, "zh")
    assert chinese is not None
    title, sentence, *_ = chinese.split("\n\n")
    assert title == f"# {id}"
    assert sentence == translate(short(id), "zh")
    assert CODE.findall(chinese) == CODE.findall(english)
    prose = CODE.sub("", chinese)
    for beginning in ("## ", "- "):
        counts = [
            len(re.findall(f"^{beginning}", text, re.MULTILINE)) for text in (english, chinese)
        ]
        assert counts[0] == counts[1], beginning
    headings = re.findall("^## (.*)$", prose, re.MULTILINE)
    assert headings[:3] == ["这是什么问题", "为什么重要", "怎样自己验证"]
    assert headings[4:] == ["想一想"]
    numbers = [
        set(re.findall(r"\d+[.,]\d+|\d{3,}", CODE.sub("", text))) for text in (english, chinese)
    ]
    assert numbers[0] == numbers[1]
    names = [
        {paragraph(name) for name in re.findall(r"`([^`]+)`", CODE.sub("", text))}
        for text in (english, chinese)
    ]
    assert names[1] <= names[0] | {"@"}
    assert not re.search(r"[\u4e00-\u9fff][,;:?!]|[\u3002\uff0c] ", prose)
    html = MarkdownIt("commonmark").render(chinese)
    assert "**" not in re.sub("<code.*?</code>", "", html, flags=re.DOTALL)


def explain(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["check", *words])
    return done.exit_code, done.stdout, done.stderr


def test_explain_prints_the_page() -> None:
    page = PAGES / "missing-detach.md"
    assert explain("--explain", "missing-detach") == (0, page.read_text() + "\n", "")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--explain mising-detatch", "missing-detach"),
        ("", "--explain"),
        (". --explain missing-detach", "--explain"),
    ],
    ids=["an unknown id", "neither", "both"],
)
def test_a_folder_or_an_id(words: str, named: str) -> None:
    code, out, error = explain(*words.split())
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert named in error
