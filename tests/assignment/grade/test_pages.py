"""What people read: escaped, whoever wrote it, with what was not seen and what findings mean."""

from html.parser import HTMLParser

import pytest

from toolkit.assignment.check.findings import Finding
from toolkit.assignment.grade import pages
from toolkit.assignment.grade.pages import class_page, student_page
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.similar import Pair
from toolkit.assignment.grade.verdict import ungraded

RUBRIC = read_rubric()
HOSTILE = (
    "</pre></style><script>alert(1)</script><img src=x onerror='alert(2)'>\"&amp;{{ 6 * 7 }}"
    "\x1b[31m\x00\u202e\ud800<!--"
)
SHOWN = "</pre></style><script>alert(1)</script><img src=x onerror='alert(2)'>\"&amp;{{ 6 * 7 }}"
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "th", "td"),
    *("pre", "strong", "details", "summary", "ul", "li", "br"),
}


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_result() -> Result:
    """Every text that a stranger can choose is hostile."""
    result = ungraded(HOSTILE, HOSTILE, RUBRIC)
    result.tests[0].output = HOSTILE
    result.extra_data.printed = HOSTILE
    unseen = Finding(verdict="not seen", part="lstm", file=HOSTILE, message=HOSTILE)
    result.extra_data.not_seen = [unseen]
    result.extra_data.right = [unseen.model_copy(update={"verdict": "right"})]
    result.extra_data.problem = ""
    result.extra_data.files = {"lstm": HOSTILE}
    return result


@pytest.mark.parametrize(
    ("content", "times"),
    [
        # the title twice, the problem, the output, the file that was taken, what was printed;
        # file and message of what was not seen and of what is right
        (student_page(hostile_result(), RUBRIC), 10),
        # the archive, its problem, both names of the pair
        (class_page([hostile_result()], [Pair(HOSTILE, HOSTILE, 1.0, 0.9)], 0.5, RUBRIC), 4),
    ],
    ids=["student", "class"],
)
def test_pages_are_escaped(content: str, times: int) -> None:
    page = Page(content)
    assert page.tags <= TAGS
    assert page.attributes <= {"lang", "charset", "http-equiv", "name", "content", "class"}
    assert page.text.count(SHOWN) == times
    assert not set(content) & set("\x1b\x00\u202e\ud800")
    content.encode()


def test_policy_and_viewport() -> None:
    """No scripts, nothing from elsewhere, and readable on a phone."""
    result = ungraded("12345678_assignment3.zip", "damaged", RUBRIC)
    for content in (student_page(result, RUBRIC), class_page([result], [], 0.5, RUBRIC)):
        assert content.startswith("<!doctype html>")
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in content
        assert '<meta name="viewport" content="width=device-width">' in content


def test_what_a_student_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of finding is explained once, folded; what has no page yet is left out."""
    explained = {"wrong-equation": "The gate is *wrong*. <b onclick=x>Look</b>"}
    monkeypatch.setattr(pages, "explanation", explained.get)
    result = ungraded("12345678_assignment3.zip", "", RUBRIC)
    result.score = 79.5
    result.extra_data.findings = [
        Finding(verdict="wrong", part="lstm", id=id, equation=k, message="m")  # type: ignore[arg-type]
        for k, id in enumerate(["wrong-equation", "wrong-equation", "dead-parameter"], start=1)
    ]
    unseen = Finding(verdict="not seen", part="gan", file="my_gan.py", message="No generator.")
    result.extra_data.not_seen = [unseen]
    result.extra_data.right = [Finding(verdict="right", part="dataset", message="A palindrome.")]
    result.extra_data.files = {"gan": "my_code/gan.py"}
    content = student_page(result, RUBRIC)
    assert content.count("<details>") == 1
    assert "<summary>wrong-equation</summary>\n<p>The gate is <em>wrong</em>." in content
    assert not {"<b ", "<b>"} & {content[k : k + 3] for k in range(len(content))}
    text = " ".join(Page(content).text.split())
    assert "79.5 of the 84 points that a program gives are certain. 84 more are open" in text
    assert "Part II, the GAN my_code/gan.py" in text
    assert "Part I, training none" in text
    assert "What is right A palindrome." in text
    assert "The whole assignment has 100 points." in text
    assert "What the check could not see" in text
    assert "my_gan.py: No generator." in text
    plain = Page(student_page(ungraded("a", "", RUBRIC), RUBRIC)).text
    assert "What the check could not see" not in plain
    assert "What the findings mean" not in plain


def test_the_pages_of_the_check_are_offered() -> None:
    """A page as it is written, with headings and code, and without its title."""
    result = ungraded("12345678_assignment3.zip", "", RUBRIC)
    result.extra_data.findings = [
        Finding(verdict="wrong", part="gan", id="missing-detach", message="m")
    ]
    content = student_page(result, RUBRIC)
    assert "<summary>missing-detach</summary>" in content
    assert content.count("<h1>") == 1
    assert "<h2>Why it matters</h2>" in content
    assert "<code" in content
    assert Page(content).tags <= TAGS | {"code", "em", "ol"}
