"""Chinese for all texts that the pages have, and for nothing else."""

import re

import pytest

from toolkit.assignment.findings.explanations import short
from toolkit.assignment.findings.findings import IDS
from toolkit.assignment.findings.rules import rules
from toolkit.assignment.grade.pages import TEMPLATES, _environment
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.running.parts import PARTS, TITLES
from toolkit.common.texts.language import LANGUAGES, TAGS, catalogue, translate

OTHERS = [language for language in LANGUAGES if language != "en"]
HAN, MARK = r"[\u4e00-\u9fff]", r"[\u3000-\u303f\uff00-\uffef]"
SPACES = re.compile(f"(?:{HAN}|{MARK}) +{HAN}|{HAN} +{MARK}")


def in_templates() -> set[str]:
    """What the pages for students pass to gettext."""
    source = (TEMPLATES / "student.html.j2").read_text("utf-8")
    found = set()
    for _, _, said in _environment("en").extract_translations(source):
        found |= {said} if isinstance(said, str) else {text for text in said or () if text}
    return found


def said_of_what_is_right() -> set[str]:
    """The sentences without numbers that stand in the rules."""
    return {
        rule.says
        for part in PARTS
        for name, rule in rules(part).items()
        if name.startswith("right.") and "{" not in rule.says
    }


@pytest.mark.parametrize("language", OTHERS)
def test_complete(language: str) -> None:
    right = said_of_what_is_right()
    assert len(right) > 20
    wanted = in_templates() | right | set(map(short, IDS)) | set(TITLES.values())
    wanted |= {task.name for task in read_rubric().tasks}
    known = catalogue(language)  # type: ignore[arg-type]
    assert set(known) == wanted
    for english, text in known.items():
        fields = [sorted(re.findall(r"%\(\w+\)s", side)) for side in (english, text)]
        assert fields[0] == fields[1], english
        assert text.strip() == text != english
        assert not SPACES.search(text), text
        # The numbers of equations, and names such as h(t-1), are the same on both sides.
        for word in re.findall(r"\(\d+\)|[hc]\([^)]*\)|\d+", english):
            assert word in text, (english, word)


@pytest.mark.parametrize("language", OTHERS)
def test_chinese_has_chinese_marks(language: str) -> None:
    """A sentence ends in a full stop of its own, and no comma is from another script."""
    for english, text in catalogue(language).items():  # type: ignore[arg-type]
        assert english.endswith(".") == text.endswith("。"), text
        assert not re.search(HAN + "[,;:.!?]", text), text


def test_what_has_no_translation_stays() -> None:
    assert translate("A teacher's own task", "zh") == "A teacher's own task"
    assert translate("Points", "en") == "Points"
    assert translate("Points", "zh") == "得分"
    assert set(TAGS) == set(LANGUAGES)
