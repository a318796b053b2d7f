"""The pages for everybody: axe-core's rules, and nothing that sticks out of a narrow screen."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .chromium import PHONE, visit

ROOT = Path(__file__).parents[2]
AXE = ROOT / "playground" / "node_modules" / "axe-core" / "axe.min.js"
RULES = """async () => {
  const { violations } = await axe.run(document.querySelector('.page'));
  return violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target).join(', ')}`);
}"""

PAGES = [
    pytest.param("digit_page", marks=pytest.mark.xdist_group("digit_demo")),
    pytest.param("gan_page", marks=pytest.mark.xdist_group("gan_demo")),
    "in_one_file",
]
OTHER_SCREENS = [(1280, "dark"), (1024, "light"), (1024, "dark"), (PHONE, "light")]


@pytest.fixture
def in_one_file(page: Path) -> str:
    return page.as_uri()


def each_tab(page: Any) -> Iterator[str]:
    """Show one tab after the other; the name of each, or "" for a page without tabs."""
    page.locator(".page section").first.wait_for()
    tabs = page.get_by_role("tab").all()
    for tab in tabs:
        tab.click()
        page.wait_for_load_state("networkidle")
        page.wait_for_function("!document.querySelector('.stale')")  # it is dimmed meanwhile
        yield tab.inner_text()
    if not tabs:
        yield ""


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (PHONE, "dark"),
        *(pytest.param(*other, marks=pytest.mark.nightly) for other in OTHER_SCREENS),
    ],
)
def test_no_serious_violation(
    browser: Any, request: pytest.FixtureRequest, name: str, width: int, scheme: str
) -> None:
    if not AXE.exists():
        pytest.skip("needs axe-core: make playground")
    with visit(browser, request.getfixturevalue(name), width=width, scheme=scheme) as page:
        page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
        found = {tab: page.evaluate(RULES) for tab in each_tab(page)}
        assert [page.locator(x).count() for x in ("main", "th:empty")] == [1, 0]
    assert not any(found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_sticks_out_a_finger_hits_it_and_all_is_translated(
    browser: Any, request: pytest.FixtureRequest, name: str, language: str
) -> None:
    address = f"{request.getfixturevalue(name)}?lang={language}"
    with visit(browser, address, width=320) as page:
        for tab in each_tab(page):
            assert page.evaluate("document.documentElement.scrollWidth") == 320, tab
            targets = page.locator(".page :is(button, select, input, summary, .check):visible")
            heights = targets.evaluate_all("""all => all
              .map(e => (e.closest('.check') ?? e).getBoundingClientRect().height)""")
            assert min(heights) >= 40, tab
            text = page.locator(".page [role=tabpanel]:visible").inner_text()
            assert language == "en" or not re.search("[A-Z][a-z]+ [a-z]{2,} ", text), text
