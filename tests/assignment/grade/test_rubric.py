"""The rubric: 40 + 60 points, and a sentence for every mistake in one."""

import tomllib
from pathlib import Path

import pytest

from toolkit.assignment.findings import rules
from toolkit.assignment.findings.findings import IDS, Id
from toolkit.assignment.grade.rubric import CHECKS, read_rubric
from toolkit.assignment.running.parts import PARTS, Part
from toolkit.common.errors import UsageError

TASK = '[[task]]\nname = "one"\npart = "I"\npoints = 10\n'
WHOLE = TASK + "by_hand = true\n"


def test_default_is_the_assignment() -> None:
    rubric = read_rubric()
    assert sum(task.points for task in rubric.tasks if task.part == "I") == 40
    assert sum(task.points for task in rubric.tasks if task.part == "II") == 60
    assert rubric.points == 100


OF_ANY_PART: set[Id] = {"missing-file", "does-not-import", "not-written", "does-not-run",
                        "time-limit", "forbidden-module", "not-watched"}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_every_finding_costs_points(part: Part) -> None:
    """Each id that the rules of a part can report."""
    named = tomllib.loads(Path(rules.__path__[0], f"{part}.toml").read_text(encoding="utf-8"))
    ids = OF_ANY_PART | {id for id in IDS if id in named}
    assert len(ids) > len(OF_ANY_PART) + 3
    tasks = [task for task in read_rubric().checked if part in (task.checks or CHECKS[task.part])]
    assert ids - {id for task in tasks for id in task.findings} == set()


def test_the_rubric_and_the_check_name_the_same() -> None:
    assert {id for task in read_rubric().tasks for id in task.findings} == set(IDS)
    assert {part for parts in CHECKS.values() for part in parts} == set(PARTS)


def test_packages(tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text('packages = ["sklearn", "jax"]\n' + WHOLE)
    assert read_rubric(path).packages == ("sklearn", "jax")
    assert read_rubric().packages == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a b", "is not a TOML file"),
        ("", "'task': this must be there"),
        ("task = 3", "'task': this must be a list (given: 3)"),
        ("points = 3\n" + WHOLE, "'points': there is no such key"),
        ('visibility = "all"\n' + WHOLE, "'visibility': Input should be 'visible', 'hidden'"),
        (TASK, "needs either findings or by_hand = true"),
        (WHOLE + "findings = {wrong-label = 1}", "needs either findings or by_hand = true"),
        (TASK + "ponts = 3", "number 1, 'ponts': there is no such key"),
        (TASK + 'findings = {wrong-label = "1"}', "'wrong-label': Input should be a valid number"),
        (TASK + "findings = {wrong-label = -1}", "greater than or equal to 0"),
        (TASK + "findings = {wrong-label = nan}", "should be a finite number"),
        (TASK + "findings = {wrong-label = true}", "should be a valid number (given: True)"),
        (
            TASK + 'checks = ["gan"]\nfindings = {wrong-label = 1}',
            "other checks than dataset, lstm, train",
        ),
        (
            TASK + "findings = {wrong-lable = 1}",
            "unknown finding, 'wrong-lable'. The nearest are wrong-label,",
        ),
        ('packages = "sklearn"\n' + WHOLE, "'packages': this must be a list (given: 'sklearn')"),
        ('packages = ["scikit-learn"]\n' + WHOLE, "such as sklearn (given: 'scikit-learn')"),
        (TASK.replace('"I"', '"III"'), "should be 'I' or 'II' (given: 'III')"),
        (TASK.replace("10", '"10"'), "should be a valid number (given: '10')"),
        (TASK.replace("10", "true"), "'points': Input should be a valid number"),
        (TASK.replace('name = "one"', ""), "number 1, 'name': this must be there"),
    ],
)
def test_mistakes_are_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_rubric(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
