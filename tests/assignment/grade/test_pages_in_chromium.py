"""The teacher's page in a browser: it sorts by mouse and keyboard, hides, and fits a phone."""

from pathlib import Path
from typing import Any

import pytest

from toolkit.assignment.findings.findings import Finding
from toolkit.assignment.grade.copies.similar import Pair
from toolkit.assignment.grade.pages import class_page, student_page
from toolkit.assignment.grade.rubric import read_rubric

from ...demos.chromium import PHONE, WIDTH, faint_texts, visit
from ..submissions import all_open

RUBRIC = read_rubric()
HOSTILE = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class of three, one of which needs a look, and the feedback of one in both languages."""
    folder = tmp_path_factory.mktemp("pages")
    results = {}
    for number, score in (("30000001", 9.0), ("30000002", 80.0), ("30000003", 10.5)):
        result = all_open(f"{number}_assignment3.zip")
        result.score = score
        wrong = Finding(
            verdict="wrong", part="gan", id="wrong-noise", file="my_gan.py", line=3, message=HOSTILE
        )
        result.extra_data.findings = [wrong]
        result.extra_data.lines = {"my_gan.py:3": "z = torch.rand(64, 100)" * 20}
        result.extra_data.not_seen = [
            Finding(verdict="not seen", part="lstm", message="x" * 300 + HOSTILE)
        ]
        results[f"{number}_assignment3.zip"] = result
    results["30000002_assignment3.zip"].extra_data.needs_a_look = [HOSTILE]
    pairs = [Pair("30000001_assignment3.zip", "30000002_assignment3.zip", 0.95, 0.9, 0.1)]
    (folder / "class.html").write_text(class_page(results, pairs, 0.1, RUBRIC))
    for language in ("en", "zh"):
        page = student_page(results["30000001_assignment3.zip"], RUBRIC, language)  # type: ignore[arg-type]
        (folder / f"{language}.html").write_text(page, encoding="utf-8")
    return folder


@pytest.mark.xdist_group("browser")
def test_sorting_and_hiding(browser: Any, pages: Path) -> None:
    with visit(browser, (pages / "class.html").as_uri()) as page:
        table = page.locator("table.sorted").first

        def first_column() -> list[str]:
            return [
                row[:8]
                for row in table.locator("tbody tr:visible td:first-child").all_inner_texts()
            ]

        assert first_column() == ["30000001", "30000002", "30000003"]
        heading = table.get_by_role("button", name="Points")
        heading.click()
        assert first_column() == ["30000001", "30000003", "30000002"]  # 9, 10.5, 80
        assert table.locator("th").nth(1).get_attribute("aria-sort") == "ascending"
        heading.press("Enter")
        assert first_column() == ["30000002", "30000003", "30000001"]
        page.get_by_role("checkbox").press("Space")
        assert first_column() == ["30000002"]
        assert page.title() == "Assignment 3: the class"  # nobody else's script has run


@pytest.mark.rows(1)
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("name", ["class", "en", "zh"])
def test_can_be_read(browser: Any, pages: Path, name: str) -> None:
    """Light and dark, with everything unfolded; nothing sticks out, down to 320 pixels."""
    for width, scheme in ((WIDTH, "light"), (PHONE, "dark"), (320, "light")):
        with visit(browser, (pages / f"{name}.html").as_uri(), 900, width, scheme) as page:
            page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            assert faint_texts(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.title() != "run"
