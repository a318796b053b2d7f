"""What people read: escaped, whoever wrote it, with what was not seen and what findings mean."""

import hashlib
import re
from base64 import b64decode
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from toolkit.assignment.findings.explanations import EQUATIONS, in_class, short
from toolkit.assignment.findings.findings import IDS, Finding, Id
from toolkit.assignment.findings.text import place_of
from toolkit.assignment.grade import pages
from toolkit.assignment.grade.copies.beside import side_by_side
from toolkit.assignment.grade.copies.similar import Pair
from toolkit.assignment.grade.lessons import lessons, unseen
from toolkit.assignment.grade.pages import class_page, pair_page, student_page
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import ungraded

from ..submissions import all_open

RUBRIC = read_rubric()
HOSTILE = (
    "</pre></style><script>alert(1)</script><img src=x onerror='alert(2)'>\"&amp;{{ 6 * 7 }}"
    "\x1b[31m\x00\u202e\ud800<!--"
)
SHOWN = "</pre></style><script>alert(1)</script><img src=x onerror='alert(2)'>\"&amp;{{ 6 * 7 }}"
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "nav", "section", "div", "span"),
    *("h1", "h2", "h3", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li"),
    *("pre", "code", "strong", "em", "mark", "details", "summary", "a", "label", "input"),
    *("svg", "rect", "text", "br"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "name", "content", "class", "id", "href", "hidden", "type"),
    *("viewbox", "preserveaspectratio", "x", "y", "width", "height", "role"),
    *("aria-hidden", "aria-label"),
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def test_the_histogram_has_everybody() -> None:
    """In bins that reach from 0 to the most points; the tallest is as high as it can be."""
    results = []
    for score in (0.0, 41.0, 84.0, 84.0):
        result = all_open(f"{score}")
        result.score = score
        results.append(result)
    numbers = pages._histogram(results)
    assert [number for _, number, _ in numbers if number] == [1, 1, 2]
    assert numbers[0].label.startswith("0-")
    assert numbers[-1].label.endswith("-84")
    assert (numbers[0].number, numbers[-1].number, numbers[-1].height) == (1, 2, 90)
    edges = [tuple(map(int, label.split("-"))) for label, *_ in numbers]
    assert all(before[1] == after[0] for before, after in pairwise(edges))


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
    wrong = Finding(
        verdict="wrong",
        part="lstm",
        id="wrong-equation",
        equation=1,
        file=HOSTILE,
        line=3,
        message=HOSTILE,
    )
    result.extra_data.findings = [wrong]
    result.extra_data.lines = {place_of(wrong): HOSTILE}
    result.extra_data.problem = ""
    result.extra_data.files = {"lstm": HOSTILE}
    return result


PAIR = Pair(HOSTILE, "b", 1.0, 0.9, 0.5)
CODE = {HOSTILE: f"text = {HOSTILE!r}\n" + "".join(f"x{k} = y + {k}\n" for k in range(30))}


@pytest.mark.parametrize(
    ("content", "times"),
    [
        # the title twice, the file that was taken, what was printed; file and message of what was
        # not seen, of what is right and of what is wrong, whose line is shown; not seen, in a task
        (student_page(hostile_result(), RUBRIC), 12),
        (student_page(hostile_result(), RUBRIC, "zh"), 12),
        # the line and its archive, what was not seen and its archive, the archive, its problem, the
        # pair
        (class_page({"a.zip": hostile_result()}, [PAIR], 0.5, RUBRIC), 7),
        # the title twice, both names of the file
        (pair_page(PAIR, side_by_side(CODE, CODE)), 4),
    ],
    ids=["student", "student in Chinese", "class", "pair"],
)
def test_pages_are_escaped(content: str, times: int) -> None:
    page = Page(content)
    assert page.tags <= TAGS | {"script"}
    assert page.attributes <= ATTRIBUTES
    assert page.text.count(SHOWN) == times
    assert not set(content) & set("\x1b\x00\u202e\ud800")
    content.encode()


def test_policy_and_viewport() -> None:
    """Nothing from elsewhere, no script but one, which its hash names, and readable on a phone."""
    result = ungraded("12345678_assignment3.zip", "damaged", RUBRIC)
    for content in (student_page(result, RUBRIC), pair_page(PAIR, [])):
        assert f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">' in content
        assert "<script" not in content
    of_class = class_page({"12345678_assignment3.zip": result}, [], 0.5, RUBRIC)
    (script,) = re.findall("<script>(.*?)</script>", of_class, re.DOTALL)
    (policy,) = re.findall('Content-Security-Policy" content="(.*?)"', of_class)
    allowed = re.fullmatch(re.escape(POLICY) + "; script-src 'sha256-(.{44})'", policy)
    assert allowed
    assert b64decode(allowed[1]) == hashlib.sha256(script.encode()).digest()
    for content in (student_page(result, RUBRIC), pair_page(PAIR, []), of_class):
        assert content.startswith("<!doctype html>")
        assert '<meta name="viewport" content="width=device-width">' in content


def wrong(id: str, equation: int | None = None, line: int | None = None) -> Finding:
    file = None if line is None else "lstm.py"
    return Finding.model_validate(
        {"verdict": "wrong", "part": "lstm", "id": id, "equation": equation, "file": file}
        | {"line": line, "message": f"About {id}."}
    )


def words(content: str) -> str:
    return " ".join(Page(content).text.split())


def test_what_a_student_reads() -> None:
    """Each kind of finding is explained once, folded, with every place and its line."""
    result = all_open("12345678_assignment3.zip")
    result.score = 79.5
    extra = result.extra_data
    extra.findings = [
        wrong("wrong-equation", 1, 30),
        wrong("wrong-equation", 2, 31),
        wrong("dead-parameter"),
        wrong("missing-folder"),
    ]
    extra.lines = {"lstm.py:30": "    g = torch.sigmoid(x < y)"}
    extra.not_seen = [
        Finding(verdict="not seen", part="gan", file="my_gan.py", message="No generator.")
    ]
    extra.right = [Finding(verdict="right", part="dataset", message="A palindrome.")]
    extra.files = {"gan": "my_code/gan.py"}
    content = student_page(result, RUBRIC)
    assert content.count("<details>") == 3
    assert "<h4>Why it matters</h4>" in content
    assert "<pre>g = torch.sigmoid(x &lt; y)</pre>" in content
    assert in_class("dead-parameter") not in words(content)
    text = words(content)
    assert "79.5 of the 84 points that the check can give are certain." in text
    assert "84 more points are open" in text
    assert text.count("The code does not compute one of") == 3  # two tasks' lines, and one
    assert "lstm.py, line 31 (equation 2) " + EQUATIONS[2] + " About wrong-equation." in text
    assert "About missing-folder. This costs no points." in text
    assert "About dead-parameter. This costs no points." not in text
    assert "\N{MINUS SIGN}5: The code does not compute" in text
    assert "Part II, the GAN my_code/gan.py" in text
    assert "Part I, training none" in text
    assert "What is right A palindrome." in text
    assert "The whole assignment is worth 100 points." in text
    assert "What the check could not see" in text
    assert "my_gan.py: No generator." in text
    plain = words(student_page(all_open("a"), RUBRIC))
    assert "What the check could not see" not in plain
    assert "What is wrong" not in plain
    damaged = words(student_page(ungraded("a", "It is damaged.", RUBRIC), RUBRIC))
    assert damaged.count("It is damaged.") == 1
    assert damaged.count("This part could not be checked.") == len(RUBRIC.checked)


def test_what_was_not_looked_for_is_one_line() -> None:
    """In a task, and in the list below: by the titles, not by the ids."""
    result = all_open("a")
    ids: list[Id] = ["wrong-equation", "state-not-carried"]
    for id in ids:
        finding = Finding(verdict="not seen", part="lstm", id=id, rule="not-seen.unanswered",
                          message=f"This was not checked: {id}.")  # fmt: skip
        result.extra_data.not_seen.append(finding)
    text = words(student_page(result, RUBRIC))
    assert "This was not checked" not in text
    assert "state-not-carried" not in text
    _, below = text.split("What the check could not see", 1)
    sentences = f"The check did not look for these faults: {short(ids[0])} {short(ids[1])}"
    assert below.count(sentences) == 1
    assert below.count("did not look for") == 1


def test_a_bar_is_as_long_as_the_points() -> None:
    result = ungraded("a", "damaged", RUBRIC)
    result.tests[0].score, result.tests[0].extra_data.open = 12.5, 4.0
    content = student_page(result, RUBRIC)
    assert 'viewBox="0 0 20.0 1"' in content
    assert '<rect class="got" width="12.5" height="1"/>' in content
    assert '<rect class="maybe" x="12.5" width="4.0" height="1"/>' in content


def a_class() -> dict[str, Result]:
    """Five results: four with one mistake in a line, one with another besides."""
    results = {}
    for k, line in enumerate(["g = x", "g = x  # by 50000001", "f(50000002)", "g = y", "h = x"]):
        name = f"5000000{k}_assignment3.zip"
        result = all_open(name)
        result.score = 10.0 * k
        result.extra_data.findings = [wrong("wrong-equation", 1, 7)]
        result.extra_data.lines = {"lstm.py:7": "    " + line}
        results[name] = result
    more = results["50000004_assignment3.zip"].extra_data
    more.findings = [wrong("wrong-equation", 2, 7), wrong("wrong-equation", 2, 8)]
    more.not_seen = [Finding(verdict="not seen", part="gan", id="wrong-noise", message="Stopped.")]
    return results


def test_what_a_class_did_not_understand() -> None:
    """By how many have it, each equation apart, with three lines that name nobody."""
    first, second = lessons(a_class().values())
    assert (first.id, first.number, len(first.archives)) == ("wrong-equation", 1, 4)
    assert (second.id, second.number, len(second.archives)) == ("wrong-equation", 2, 1)
    assert first.examples == [("g = x", 2), ("f(...)", 1), ("g = y", 1)]
    assert second.examples == [("h = x", 1)]
    ((finding, archives),) = unseen(a_class().values())
    assert (finding.message, archives) == ("Stopped.", ["50000004_assignment3.zip"])


def test_what_was_not_seen_is_listed_once() -> None:
    """By the sentence and what it mentions, however a sentence puts it."""
    results = a_class()
    for name, package in (("50000000", "a"), ("50000001", "a"), ("50000002", "b")):
        finding = Finding(verdict="not seen", part="gan", rule="not-seen.lacking",
                          fields={"package": package}, message=f"Said of {name}.")  # fmt: skip
        results[f"{name}_assignment3.zip"].extra_data.not_seen = [finding]
    rows = [(finding.fields, len(archives)) for finding, archives in unseen(results.values())]
    assert rows == [({"package": "a"}, 2), ({"package": "b"}, 1), ({}, 1)]


def test_what_a_teacher_reads() -> None:
    results = a_class()
    results["50000002_assignment3.zip"].extra_data.needs_a_look = ["8 points are open."]
    pair = Pair("50000000_assignment3.zip", "50000001_assignment3.zip", 0.97, 0.5, 0.2)
    results["broken.zip"] = ungraded("broken.zip", "It is damaged.", RUBRIC)
    content = class_page(results, [pair], 0.2, RUBRIC)
    text = words(content)
    assert "Archives: 6. Need a look: 2." in text
    assert "broken.zip, all of it: It is damaged." in text
    assert "Part II, the GAN: Stopped. 50000004_assignment3.zip" in text
    assert "4 of 6 archives. Equation (1): " + EQUATIONS[1] in text
    assert "What to say: " + in_class("wrong-equation") in text
    assert 'href="50000002_assignment3.zip/feedback.html"' in content
    assert 'href="pairs/1.html"' in content
    assert "97% 50% 20%" in text
    label = re.search('aria-label="Histogram of the points: (.*?)"', content)
    assert label
    assert label[1].startswith("0-8: 2, 8-17: 1, 17-25: 1, 25-34: 1, 34-42: 1, 42-50: 0, ")


def test_every_finding_has_something_to_say() -> None:
    said = {in_class(id) for id in IDS}
    assert len(said) == len(IDS)
    assert all(60 < len(text) < 320 for text in said)
