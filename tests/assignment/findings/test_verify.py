"""No finding without a proof: what is accepted, and what is not."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from toolkit.assignment.asking.host import Gone
from toolkit.assignment.findings import findings, rules, verify
from toolkit.assignment.findings.findings import IDS, QUESTIONS, Finding, Id
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.rules.claims import Claim, Evidence
from toolkit.assignment.findings.verdicts import Verdicts

CLAIMS = Path(claims.__file__).parent


@pytest.mark.parametrize("path", [Path(verify.__file__), *CLAIMS.glob("*.py")])
def test_it_asks_nobody(path: Path) -> None:
    """It imports nothing that runs or judges a student's code, nor numbers that it could read."""
    modules = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    standard = {"collections.abc", "dataclasses", "inspect", "math", "types", "typing"}
    own = (findings.__name__, rules.__name__)
    assert {module for module in modules - standard if not module.startswith(own)} == set()


def test_every_id_can_be_proved() -> None:
    ids = [claim.ids for claim in claims.CLAIMS.values() if claim.verdict == "wrong"]
    assert frozenset.union(*ids) == set(IDS)


@pytest.mark.parametrize("claim", claims.CLAIMS.values(), ids=list(claims.CLAIMS))
def test_a_claim_is_a_sentence(claim: Claim[...]) -> None:
    assert re.fullmatch(r"[A-Z].*\.", claim.sentence)


def finding(id: Id, evidence: Evidence, **changes: Any) -> Finding:
    """A fault with the proof of it, of which some numbers are changed."""
    proof = verify.proof_of("wrong", [id], evidence)
    proof = proof.model_copy(update={"seen": proof.seen | changes})
    return Finding(verdict="wrong", part="lstm", id=id, message="m", proof=proof)


REPRODUCED = claims.lstm.deviation_is_reproduced(inputs=19, error=1e-6, without=0.4)
ANOTHER = claims.dataset.another_digit_completes(digits=[3, 1, 4, 1], label=4)


@pytest.mark.parametrize(
    ("id", "evidence", "changes"),
    [
        ("wrong-equation", REPRODUCED, {"without": 1e-4}),
        ("wrong-equation", REPRODUCED, {"error": 0.1}),
        ("state-not-carried", REPRODUCED, {"inputs": 0}),
        ("wrong-label", ANOTHER, {"label": 3}),
        ("wrong-label", ANOTHER, {"digits": [3, 1, 4, 4]}),
        ("not-a-palindrome", claims.dataset.is_no_palindrome([3, 1, 4, 4], 3),
         {"digits": [3, 1, 4, 1]}),
        ("does-not-run", claims.dataset.fails_at_one_length(5, 6, "E", "E", [["a.py", 3]] * 2),
         {"second_error": "F"}),
        ("wrong-optimiser", claims.train.optimiser_is_always_new([1, 4, 9], [0, 3, 8]),
         {"made": [0, 3]}),
        ("wrong-loss", claims.train.softmax_is_over_batch([4.8, 4.7], [4.8, 4.7]),
         {"entropies": [4.8, 2.3]}),
        ("missing-digits", claims.dataset.a_digit_is_missing([0, *[30] * 9]),
         {"counts": [0, *[3] * 9]}),
        ("gradients-not-cleared", claims.shared.some_are_among([3, 5], [3]), {"among": [2]}),
        ("missing-detach", claims.shared.some_are_among({7}, {6, 7}), {"among": [6]}),
        ("does-not-learn", claims.train.loss_is_negated(start=-2.3, loss=2.3), {"start": 2.3}),
        ("fixed-batch-size", claims.shared.only_one_works(works=7, fails=41), {"fails": 7}),
        ("wrong-noise", claims.gan.is_not_normal(n=9000, mean=0.5, deviation=0.29, fourth=1.8),
         {"mean": 0.01, "deviation": 1.0, "fourth": 3.02}),
        ("wrong-direction", claims.gan.losses_pull_wrongly(real=1, drawn=-1, wanted=-1),
         {"wanted": 1}),
        ("wrong-direction", claims.gan.losses_pull_wrongly(real=1, drawn=-1, wanted=-1),
         {"wanted": None}),
        ("same-class-ends", claims.gan.ends_have_one_class([3, 3], [0.99, 0.95]),
         {"classes": [3, 4]}),
        ("does-not-run", claims.shared.fails_again("IndexError: 4", ["a.py", 3], "IndexError: 4",
                                                   ["a.py", 3]),
         {"second_error": "", "second_place": ["b.py", 9]}),
    ],
)  # fmt: skip
def test_a_claim_is_computed_again(id: Id, evidence: Evidence, changes: dict[str, Any]) -> None:
    proved = finding(id, evidence)
    assert verify.is_proved(proved)
    assert not verify.is_proved(finding(id, evidence, **changes))
    assert not verify.is_proved(proved.model_copy(update={"id": "answer-in-input"}))


ITEMS = claims.dataset.are_palindromes([[3, 1, 4, 1], [2, 7, 7]], [3, 2], different=10)
APART = claims.shared.are_apart(shared=0, first=600, second=400, length=5)
LINE = claims.gan.is_line_of_nine([1.0] * 8, repeats=0, samples=[True, True])
LOGITS = claims.train.are_logits(
    least=-1.2, row_sums=[0.3, 4.0], softmax=False, rows=2, one_step=[2]
)
LOGARITHMS = claims.train.are_log_probabilities(-0.1, [1.0, 1.0], rows=2, one_step=[2])
FAR = claims.lstm.follows_equations(
    inputs=82, lengths=[1, 40], state=39.0, worst=1e-6, output="logits"
)
SLOPES = claims.lstm.gradients_are_slopes([[1.0, 1.001]], largest=1.0)
RIGHT: list[tuple[tuple[Id, ...], Evidence, dict[str, Any]]] = [
    (("not-a-palindrome", "wrong-label", "answer-in-input"), ITEMS, {"labels": [3, 7]}),
    (("not-a-palindrome", "wrong-label", "answer-in-input"), ITEMS, {"different": 9}),
    (("split-leak",), APART, {"shared": 1}),
    # Ten and ten of a thousand share none nine times in ten.
    (("split-leak",), APART, {"first": 10, "second": 10}),
    # So do a million and a million of 10^20.
    ((), claims.shared.are_apart(0, 10**6, 10**6, length=9), {"length": 40}),
    (("wrong-loss", "softmax-before-loss"), LOGITS, {"softmax": True}),
    (("wrong-loss", "softmax-before-loss"), LOGITS, {"least": 0.0, "row_sums": [1.0, 1.0]}),
    (("wrong-loss", "softmax-before-loss"), LOGITS, {"one_step": [1]}),
    (("wrong-loss",), LOGARITHMS, {"sums": [1.0, 2.0]}),
    (("wrong-loss",), LOGARITHMS, {"one_step": [1]}),
    (("wrong-noise",), claims.gan.may_be_normal(9000, 0.01, 1.0, 3.02, different=2),
     {"different": 1}),
    (("wrong-interpolation",), LINE, {"samples": [True, False]}),
    (("wrong-interpolation",), LINE, {"steps": [1.0] * 6}),
    (("same-class-ends",), claims.gan.ends_never_have_one_class([(3, 4, 0.99)] * 48),
     {"tries": [[3, 3, 0.99]] * 48}),
    (("same-class-ends",), claims.gan.ends_never_have_one_class([(3, 4, 0.99)] * 48),
     {"tries": [[3, 4, 0.99]] * 47}),
    (("batchnorm-mode",), claims.gan.samples_in_evaluation_mode([False, False]), {"training": []}),
    (("wrong-equation",), FAR, {"worst": 0.01}),
    (("wrong-equation",), FAR, {"output": "embeddings"}),
    (("wrong-equation",), claims.lstm.follows_equations(20, [6], 2.0, 1e-6, "probabilities"),
     {"state": 0.7}),
    (("fixed-batch-size",), claims.lstm.takes_all_sizes([41, 1, 5], [6, 3, 11]),
     {"lengths": [6, 6]}),
    (("fixed-device",), claims.lstm.all_tensors_move(4, None), {"left": ["lstm.py", 3, "h"]}),
    (("dead-parameter",), SLOPES, {"slopes": [[1.0, 0.5]]}),
    (("dead-parameter",), SLOPES, {"slopes": [[0.0, 0.0]]}),
    (("does-not-learn",), claims.lstm.is_right_after_training(0.97, 100), {"accuracy": 0.4}),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "evidence", "changes"), RIGHT)
def test_what_is_right_is_computed_again(
    answers: tuple[Id, ...], evidence: Evidence, changes: dict[str, Any]
) -> None:
    proof = verify.proof_of("right", answers, evidence)
    proved = Finding(verdict="right", part="gan", message="m", answers=answers, proof=proof)
    changed = proof.model_copy(update={"seen": proof.seen | changes})
    assert verify.is_proved(proved)
    assert not verify.is_proved(proved.model_copy(update={"proof": changed}))
    assert not verify.is_proved(proved.model_copy(update={"answers": ("does-not-import",)}))


def test_a_proof_of_an_earlier_version() -> None:
    """It has the claim as a sentence: it is read, and proves nothing any more."""
    proof = {"kind": "identity", "claim": "one step moves both", "seen": {"moved": [1]}}
    content = {"verdict": "wrong", "part": "gan", "id": "wrong-optimiser", "message": "m"}
    read = Finding.model_validate_json(json.dumps({**content, "proof": proof}))
    assert not verify.is_proved(read)
    assert not verify.is_pending(read)


def test_what_is_not_proved_right_is_not_seen_by_name() -> None:
    verdicts = Verdicts("gan", "my_gan.py")
    verdicts.right("mode", proof=claims.gan.samples_in_evaluation_mode([False, True]))
    (finding,) = verdicts.findings
    assert (finding.verdict, finding.id) == ("not seen", "batchnorm-mode")


def test_what_was_seen_once_is_no_proof() -> None:
    once = finding("does-not-run", claims.shared.failed_once("IndexError: 4", ["a.py", 3]))
    assert verify.is_pending(once)
    assert not verify.is_proved(once)


def test_nothing_proves_that() -> None:
    with pytest.raises(TypeError, match=r"gan\.is_always_1 proves nothing about wrong-label"):
        finding("wrong-label", claims.gan.is_always_1([1.0]))


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
