"""What a network that was hardly trained makes raise says nothing against anybody.

A script chooses its two ends by their classes after its training, of which the check runs a few
steps: the images are of one class, or of none.
"""

from pathlib import Path

import pytest

from toolkit.assignment.findings.findings import Report
from toolkit.assignment.grade.points import count
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.judging.gan import checks

from ...conftest import Check
from .styles import gan

# A classifier that takes everything but a digit for a 3.
READER = """
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(784, 10)
        with torch.no_grad():
            self.last.bias[3] = 100.0

    def forward(self, x):
        return self.last(x.flatten(1))


reader = Reader()
"""
CHOOSE = """
def choose(A, classifier):
    z = torch.randn(60, Z)
    digits = classifier(A(z)).argmax(1)
    return z[0], z[digits != digits[0]][0]
"""
GUARDS = {
    "an index into nothing": "",
    "a guard": "    if len(digits.unique()) < 2:\n        raise RuntimeError('one class only')\n",
    "an assertion": "    assert (digits != digits[0]).any(), 'train for longer'\n",
    "an exit": "    if len(digits.unique()) < 2:\n        raise SystemExit('one class only')\n",
}
SEARCH = """
def choose(A, classifier):
    for attempt in range(100):
        z = torch.randn(2, Z)
        first, second = classifier(A(z)).argmax(1)
        if first != second:
            return z
    raise ValueError("no two classes in 100 tries")
"""
ENDLESS = SEARCH.replace("for attempt in range(100):", "while True:")
METHOD = """
class Ends:
    def __init__(self, artist, classifier):
        self.artist, self.classifier = artist, classifier

    def choose(self):
        found = {}
        for z in torch.randn(200, Z):
            scores = self.classifier(self.artist(z[None]) / 2 + 0.5).softmax(1)[0]
            if scores.max() > 0.9:
                found[int(scores.argmax())] = z
        first, second, *_ = (found[digit] for digit in sorted(found))
        return first, second
"""
CALL = "choose(A, lambda images: images.flatten(1)[:, 300:310])"
FORMS = {
    **{
        name: (CHOOSE.replace("    return", guard + "    return"), "choose(A, reader)")
        for name, guard in GUARDS.items()
    },
    "a search without success": (SEARCH, "choose(A, reader)"),
    "a method that sorts images into classes": (METHOD, "Ends(A, reader).choose()"),
}


def script(chooser: str, call: str) -> str:
    """The small GAN, whose ends are chosen when it runs."""
    return gan((CHOOSE, READER + chooser), (CALL, call))


def open_points(report: Report) -> float:
    """Of Part II."""
    tasks = count(report, read_rubric())
    return sum(counted.open for counted in tasks if counted.task.part == "II")


@pytest.mark.rows(1)
@pytest.mark.parametrize(
    ("chooser", "call"),
    [*FORMS.values(), pytest.param(ENDLESS, "choose(A, reader)", marks=pytest.mark.slow)],
    ids=[*FORMS, "a search without an end"],
)
def test_it_is_tried_with_digits(
    chooser: str,
    call: str,
    tmp_path: Path,
    warm_check: Check,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The endless search takes all of its processor time, so it gets little."""
    monkeypatch.setattr(checks, "MAX_SECONDS", 4.0)
    (tmp_path / "my_gan.py").write_text(script(chooser, call))
    report = warm_check(tmp_path, parts=["gan"])
    assert report.findings == []
    assert {finding.id for finding in report.not_seen} <= {"same-class-ends"}
    assert open_points(report) <= 4


@pytest.mark.slow
def test_what_fails_with_digits_too_leaves_open_what_comes_after_it(
    tmp_path: Path, warm_check: Check
) -> None:
    """There is no eleventh class; all that was judged before stays judged."""
    chooser = CHOOSE.replace("digits != digits[0]", "digits == 10")
    (tmp_path / "my_gan.py").write_text(script(chooser, "choose(A, reader)"))
    report = warm_check(tmp_path, parts=["gan"])
    after = {None, "does-not-run", "missing-interpolation", "same-class-ends", "batchnorm-mode"}
    assert {finding.id for finding in [*report.findings, *report.not_seen]} <= after
    assert len(report.right) >= 5
    assert open_points(report) <= 12


HALF = "        opt_a.step()\n"
KEEP = """
        count += 1
        if count == 3 * len(loader) // 2:
            pictures["half"] = A(torch.randn(25, Z))
"""


def test_what_a_shortened_training_does_not_make_ends_one_statement(
    tmp_path: Path, warm_check: Check
) -> None:
    changes = (
        ("\nfor epoch", "\npictures, count = {}, 0\nfor epoch"),
        (HALF, HALF + KEEP),
        ("\nA.eval()", "\nprint(pictures['half'].shape)\nA.eval()"),
    )
    (tmp_path / "my_gan.py").write_text(gan(*changes))
    report = warm_check(tmp_path, parts=["gan"])
    assert report.findings == []
    (stop,) = report.not_seen
    assert stop.message.startswith("This statement stops with KeyError: 'half'")
    assert open_points(report) == 0


def test_a_statement_that_uses_a_network_ends_the_script(tmp_path: Path, warm_check: Check) -> None:
    """It may have left the network in another state than it would after a full training."""
    changes = (("\nA.eval()", "\nprint(A(torch.randn(9, Z)), 1 / 0)\nA.eval()"),)
    (tmp_path / "my_gan.py").write_text(gan(*changes))
    report = warm_check(tmp_path, parts=["gan"])
    messages = [finding.message for finding in report.not_seen]
    assert any(message.startswith("The code stops with ZeroDivisionError") for message in messages)
