"""The rubric: 40 + 60 points, and a sentence for every mistake in one."""

import tomllib
from pathlib import Path

import pytest

from toolkit.assignment.check import rules
from toolkit.assignment.check.findings import IDS, Id
from toolkit.assignment.grade.rubric import CHECKS, read_rubric
from toolkit.assignment.parts import PARTS, Part
from toolkit.common.errors import UsageError

TASK = '[[task]]\nname = "one"\npart = "I"\npoints = 10\n'


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
    path.write_text('packages = ["sklearn", "jax"]\n' + TASK + "by_hand = true\n")
    assert read_rubric(path).packages == ("sklearn", "jax")
    assert read_rubric().packages == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a b", "is not a TOML file"),
        ("", "has no tasks"),
        ("task = 3", "has no tasks"),
        ("points = 3\n" + TASK, "has an unknown key, 'points'"),
        ('visibility = "all"\n' + TASK, "visibility = 'all'; choose one of visible"),
        (TASK, "needs either findings or by_hand = true"),
        (
            TASK + "by_hand = true\nfindings = {wrong-label = 1}",
            "needs either findings or by_hand = true",
        ),
        (TASK + "ponts = 3", "task 1 has an unknown key, 'ponts'"),
        (TASK + 'findings = {wrong-label = "1"}', "task 1 has wrong-label = '1'"),
        (TASK + "findings = {wrong-label = -1}", "points are numbers from 0 to 1,000,000"),
        (TASK + "findings = {wrong-label = nan}", "points are numbers from 0 to 1,000,000"),
        (TASK + "findings = {wrong-label = true}", "points are numbers from 0 to 1,000,000"),
        (
            TASK + 'checks = ["gan"]\nfindings = {wrong-label = 1}',
            "choose from dataset, lstm, train",
        ),
        (
            TASK + "findings = {wrong-lable = 1}",
            "unknown finding, 'wrong-lable'. The nearest are wrong-label,",
        ),
        ('packages = "sklearn"\n' + TASK, "packages = 'sklearn'; list the names"),
        ('packages = ["scikit-learn"]\n' + TASK, "list the names that are imported"),
        (TASK.replace('"I"', '"III"'), 'it must be "I" or "II"'),
        (TASK.replace("10", '"10"'), "points = '10', which has the wrong type"),
        (TASK.replace("10", "true"), "points = True, which has the wrong type"),
        (TASK.replace('name = "one"', ""), "task 1 has no name"),
    ],
)
def test_mistakes_are_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_rubric(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
