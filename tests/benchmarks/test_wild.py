"""The scoring of reports against verdicts by hand, and the wrappers around public LSTMs."""

import ast

import pytest
from public_code import score as wild_score
from public_code.wrappers import RECIPES, wrapper

ENTRY = {
    "repository": "someone/something",
    "path": "lstm.py",
    "half": "mend",
    "verdict": "wrong",
    "expected": [
        {"id": "wrong-equation", "line": 30, "equation": [1, 5]},
        {"id": "fixed-device", "line": 12, "lines": [12, 20]},
        {"id": "new:fixed-dtype", "line": 3},
    ],
    "behind": [{"id": "state-not-carried", "line": 40}],
    "may": [{"id": "does-not-run", "line": 50}],
    "right": ["equations 2-4", "equation 6", "dead-parameter", "fixed-batch-size"],
}


def found(id: str, line: int, equation: int | None = None) -> dict:
    return {"id": id, "line": line, "equation": equation, "file": "lstm.py", "cell": None}


def scored(*findings: dict, not_seen: tuple[str, ...] = ()) -> wild_score.Outcome:
    record = {"findings": list(findings), "not_seen": list(not_seen), "right": []}
    return wild_score.score(ENTRY, record)


def test_all_that_is_expected_and_what_is_allowed_is_exact() -> None:
    outcome = scored(
        found("wrong-equation", 31, 5),
        found("fixed-device", 21),
        found("state-not-carried", 40),
        found("does-not-run", 50),
    )
    assert outcome.exact
    assert outcome.named == ["wrong-equation", "fixed-device"]
    assert not outcome.off_line
    assert outcome.missed_new == ["new:fixed-dtype"]


@pytest.mark.parametrize(
    ("finding", "false", "unlisted"),
    [
        (found("dead-parameter", 9), 1, 0),  # said to be right
        (found("wrong-equation", 33, 3), 1, 0),  # equation (3) is right, (1) and (5) are not
        (found("wrong-equation", 33, 7), 0, 1),  # nothing was said about (7)
        (found("split-leak", 5), 0, 1),
    ],
)
def test_other_findings_are_false_or_unlisted(finding: dict, false: int, unlisted: int) -> None:
    outcome = scored(found("wrong-equation", 30, 1), found("fixed-device", 12), finding)
    assert (len(outcome.false), len(outcome.unlisted)) == (false, unlisted)
    assert not outcome.exact


def test_a_line_far_away_is_named_but_of_no_use() -> None:
    outcome = scored(found("wrong-equation", 60, 1), found("fixed-device", 15))
    assert outcome.named == outcome.off_line == ["wrong-equation", "fixed-device"]


def test_a_report_that_saw_nothing_is_not_exact() -> None:
    entry = ENTRY | {"expected": [], "verdict": "right"}
    record = {"findings": [], "not_seen": ["too slow"], "right": []}
    assert not wild_score.score(entry, record).exact
    assert not scored(not_seen=("too slow",)).passed_though_faulty
    assert scored().passed_though_faulty


def test_interval_is_that_of_wilson() -> None:
    # R: prop.test(8, 10, correct = FALSE)$conf.int
    assert wild_score.interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-4)


@pytest.mark.parametrize("repository", sorted(RECIPES))
def test_wrappers_are_python(repository: str) -> None:
    ast.parse(wrapper(RECIPES[repository]))
