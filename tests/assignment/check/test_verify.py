"""No finding without a proof: what is accepted, and what is not."""

import ast
from pathlib import Path
from typing import Any

import pytest

from toolkit.assignment.check import verify
from toolkit.assignment.check.findings import IDS, QUESTIONS, Finding, Id
from toolkit.assignment.check.host import Gone
from toolkit.assignment.check.rules import claims
from toolkit.assignment.check.verdicts import Verdicts


@pytest.mark.parametrize("path", [verify.__file__, claims.__file__])
def test_it_asks_nobody(path: str) -> None:
    """It imports nothing that runs or judges a student's code, nor numbers that it could read."""
    modules = set[str | None]()
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module)
    own = {"toolkit.assignment.check.rules.claims", "toolkit.assignment.check.findings"}
    assert modules <= {"inspect", "math", "collections.abc", "typing", *own}


def test_every_id_can_be_proved() -> None:
    assert {id for claim in claims.CLAIMS.values() for id in claim.ids.split()} == set(IDS)


def finding(id: Id, seen: dict[str, Any]) -> Finding:
    proof = verify.proof_of(id, seen)
    return Finding(verdict="wrong", part="lstm", id=id, message="m", proof=proof)


@pytest.mark.parametrize(
    ("id", "proves", "proves_not"),
    [
        ("wrong-equation", {"inputs": 19, "error": 1e-6, "without": 0.4}, {"without": 1e-4}),
        ("wrong-equation", {"inputs": 19, "error": 1e-6, "without": 0.4}, {"error": 0.1}),
        ("state-not-carried", {"inputs": 19, "error": 0.0, "without": 1.0}, {"inputs": 0}),
        ("wrong-label", {"digits": [3, 1, 4, 1], "label": 4}, {"label": 3}),
        ("wrong-label", {"digits": [3, 1, 4, 1], "label": 4}, {"digits": [3, 1, 4, 4]}),
        ("not-a-palindrome", {"digits": [3, 1, 4, 4], "label": 3}, {"digits": [3, 1, 4, 1]}),
        ("missing-digits", {"counts": [0, *[30] * 9]}, {"counts": [0, *[3] * 9]}),
        ("gradients-not-cleared", {"these": [3, 5], "those": [3]}, {"those": [2]}),
        ("missing-detach", {"these": [7], "those": [6, 7]}, {"those": [6]}),
        ("does-not-learn", {"start": -2.3, "loss": 2.3}, {"start": 2.3}),
        ("fixed-batch-size", {"works": 7, "fails": 41}, {"fails": 7}),
        ("wrong-noise", {"n": 9000, "mean": 0.5, "deviation": 0.29, "fourth": 1.8},
         {"mean": 0.01, "deviation": 1.0, "fourth": 3.02}),
        ("wrong-direction", {"real": 1, "drawn": -1, "wanted": -1}, {"wanted": 1}),
        ("wrong-direction", {"real": 1, "drawn": -1, "wanted": -1}, {"wanted": None}),
        ("same-class-ends", {"classes": [3, 3], "sure": [0.99, 0.95]}, {"classes": [3, 4]}),
        ("does-not-run", {"said": "IndexError: 4", "where": ["a.py", 3], "again": "IndexError: 4",
                          "there": ["a.py", 3]}, {"again": "", "there": ["b.py", 9]}),
    ],
)  # fmt: skip
def test_a_claim_is_computed_again(
    id: Id, proves: dict[str, Any], proves_not: dict[str, Any]
) -> None:
    one, other = finding(id, proves), finding(id, proves | proves_not)
    assert verify.is_proved(one)
    assert not verify.is_proved(other)
    assert not verify.is_proved(one.model_copy(update={"id": "answer-in-input"}))


RIGHT: list[tuple[tuple[Id, ...], dict[str, Any], dict[str, Any]]] = [
    (("not-a-palindrome", "wrong-label", "answer-in-input"),
     {"rows": [[3, 1, 4, 1], [2, 7, 7]], "labels": [3, 2], "different": 10}, {"labels": [3, 7]}),
    (("not-a-palindrome", "wrong-label", "answer-in-input"),
     {"rows": [[3, 1, 4, 1], [2, 7, 7]], "labels": [3, 2], "different": 10}, {"different": 9}),
    (("split-leak",), {"shared": 0, "first": 600, "second": 400, "length": 5}, {"shared": 1}),
    # Ten and ten of a thousand share none nine times in ten.
    (("split-leak",), {"shared": 0, "first": 600, "second": 400, "length": 5},
     {"first": 10, "second": 10}),
    # So do a million and a million of 10^20.
    ((), {"shared": 0, "first": 10**6, "second": 10**6, "length": 9}, {"length": 40}),
    (("wrong-loss", "softmax-before-loss"),
     {"least": -1.2, "row_sums": [0.3, 4.0], "softmax": False}, {"softmax": True}),
    (("wrong-loss", "softmax-before-loss"),
     {"least": 0.0, "row_sums": [0.3, 4.0], "softmax": False}, {"row_sums": [1.0, 1.0]}),
    (("wrong-loss",), {"largest": -0.1, "sums": [1.0, 1.0]}, {"sums": [1.0, 2.0]}),
    (("wrong-noise",),
     {"n": 9000, "mean": 0.01, "deviation": 1.0, "fourth": 3.02, "different": 2},
     {"different": 1}),
    (("wrong-interpolation",), {"steps": [1.0] * 8, "repeats": 0, "samples": [True, True]},
     {"samples": [True, False]}),
    (("wrong-interpolation",), {"steps": [1.0] * 8, "repeats": 0, "samples": [True, True]},
     {"steps": [1.0] * 6}),
    (("same-class-ends",), {"tries": [[3, 4, 0.99]] * 48}, {"tries": [[3, 3, 0.99]] * 48}),
    (("same-class-ends",), {"tries": [[3, 4, 0.99]] * 48}, {"tries": [[3, 4, 0.99]] * 47}),
    (("batchnorm-mode",), {"training": [False, False]}, {"training": []}),
    (("wrong-equation",), {"inputs": 82, "lengths": [1, 40], "state": 39.0, "worst": 1e-6},
     {"worst": 0.01}),
    (("wrong-equation",), {"inputs": 20, "lengths": [6], "state": 2.0, "worst": 1e-6},
     {"state": 0.7}),
    (("fixed-batch-size",), {"batches": [41, 1, 5], "lengths": [6, 3, 11]}, {"lengths": [6, 6]}),
    (("fixed-device",), {"tensors": 4, "left": None}, {"left": ["lstm.py", 3, "h"]}),
    (("dead-parameter",), {"slopes": [[1.0, 1.001]], "largest": 1.0}, {"slopes": [[1.0, 0.5]]}),
    (("dead-parameter",), {"slopes": [[1.0, 1.001]], "largest": 1.0}, {"slopes": [[0.0, 0.0]]}),
    (("does-not-learn",), {"accuracy": 0.97, "steps": 100}, {"accuracy": 0.4}),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "proves", "proves_not"), RIGHT)
def test_what_is_right_is_computed_again(
    answers: tuple[Id, ...], proves: dict[str, Any], proves_not: dict[str, Any]
) -> None:
    one, other = (
        Finding(verdict="right", part="gan", message="m", answers=answers,
                proof=verify.proof_of_right(answers, seen))
        for seen in (proves, proves | proves_not)
    )  # fmt: skip
    assert verify.is_proved(one)
    assert not verify.is_proved(other)
    assert not verify.is_proved(one.model_copy(update={"answers": ("does-not-import",)}))


def test_what_is_not_proved_right_is_not_seen_by_name() -> None:
    verdicts = Verdicts("gan", "my_gan.py")
    verdicts.right("mode", proof={"training": [False, True]})
    (finding,) = verdicts.findings
    assert (finding.verdict, finding.id) == ("not seen", "batchnorm-mode")


def test_what_was_seen_once_is_no_proof() -> None:
    once = finding("does-not-run", {"said": "IndexError: 4", "where": ["a.py", 3]})
    assert verify.is_pending(once)
    assert not verify.is_proved(once)


def test_nothing_proves_that() -> None:
    with pytest.raises(TypeError, match="nothing proves wrong-label from colour"):
        finding("wrong-label", {"colour": "blue"})


def test_a_question_without_an_answer() -> None:
    """All is right, and nobody has looked at the noise."""
    verdicts = Verdicts("gan", "my_gan.py", lambda sentence: None)
    ids = tuple(id for ids in QUESTIONS["gan"][1:] for id in ids)
    verdicts.findings.append(Finding(verdict="right", part="gan", message="m", answers=ids))
    verdicts.unanswered()
    assert [f.id for f in verdicts.findings if f.verdict == "not seen"] == ["wrong-noise"]


@pytest.mark.parametrize(("last", "verdict"), [(39.0, "wrong"), (2.0, "not seen")])
def test_many_slow_answers_are_no_endless_loop(last: float, verdict: str) -> None:
    verdicts = Verdicts("lstm", "lstm.py")
    verdicts.gone(Gone({"cpu": 40.0, "seconds": 41.0, "last": last}))
    assert [finding.verdict for finding in verdicts.findings] == [verdict]
