"""The rubric: 40 + 60 points, and a sentence for every mistake in one."""

import ast
from pathlib import Path
from typing import Any

import pytest

from toolkit.assignment.check.findings import IDS, PARTS
from toolkit.assignment.grade.rubric import CHECKS, read_rubric
from toolkit.common.errors import UsageError

PACKAGE = Path(__file__).parents[2] / "toolkit" / "assignment"
TASK = '[[task]]\nname = "one"\npart = "I"\npoints = 10\n'


def finding(id: str, part: str | None = "lstm", equation: int | None = None) -> dict[str, Any]:
    empty = {"file": None, "line": None, "message": ""}
    return {"id": id, "part": part, "equation": equation, **empty}


def test_default_is_the_assignment() -> None:
    rubric = read_rubric()
    assert sum(task.points for task in rubric.tasks if task.part == "I") == 40
    assert sum(task.points for task in rubric.tasks if task.part == "II") == 60
    assert rubric.points == 100


# Where the check looks for what, by module; scripts.py serves two parts.
MODULES = {
    "dataset": ("dataset_checks",),
    "lstm": ("lstm_checks", "equations", "gate_checks", "parameter_checks"),
    "train": ("train_checks", "scripts"),
    "gan": ("gan_checks", "interpolation_checks", "scripts"),
}
OF_ANY_PART = ("missing-file", "does-not-import", "not-written", "does-not-run", "time-limit",
               "forbidden-module", "not-watched")  # fmt: skip


def reported_by(module: str) -> set[str]:
    """The ids that a module of the check gives to `fault`."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    return {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "fault"
        and isinstance(node.args[0], ast.Constant)
    }


@pytest.mark.parametrize("part", MODULES)
def test_every_finding_costs_points(part: str) -> None:
    """Each id of the check, in each part of it that can report it."""
    ids = {*OF_ANY_PART, *(id for module in MODULES[part] for id in reported_by(module))}
    assert len(ids) > len(OF_ANY_PART) + 3
    assert read_rubric().without_points([finding(id, part) for id in sorted(ids)]) == []


def test_the_rubric_and_the_check_name_the_same() -> None:
    assert {id for task in read_rubric().tasks for id in task.findings} == set(IDS)
    assert {part for parts in CHECKS.values() for part in parts} == set(PARTS)


def test_losses() -> None:
    """Worked by hand: two equations are 2 x 5 points, the same one twice is 5."""
    task = read_rubric().tasks[0]
    wrong = [finding("wrong-equation", equation=k) for k in (1, 3, 3)]
    assert sum(points for _, points in task.losses(wrong)) == 10
    assert task.losses([finding("missing-file", "gan")]) == []
    assert task.losses([finding("missing-file", "dataset")]) == []
    assert sum(points for _, points in task.losses([finding("missing-file", None)])) == 20


def test_without_points() -> None:
    unknown, known = finding("new-idea"), finding("wrong-equation", equation=1)
    assert read_rubric().without_points([unknown, known]) == [unknown]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a b", "is no TOML file"),
        ("", "has no tasks"),
        ("task = 3", "has no tasks"),
        ("points = 3\n" + TASK, "'points', which means nothing"),
        ('visibility = "all"\n' + TASK, "visibility = 'all'; it is one of visible"),
        (TASK, "needs findings, or by_hand = true"),
        (TASK + "by_hand = true\nfindings = {a = 1}", "and not both"),
        (TASK + "ponts = 3", "task 1 has 'ponts'"),
        (TASK + 'findings = {a = "1"}', "task 1 has a = '1'"),
        (TASK + "findings = {a = -1}", "points are numbers from 0 up"),
        (TASK + "findings = {a = nan}", "points are numbers from 0 up"),
        (TASK + "findings = {a = true}", "points are numbers from 0 up"),
        (TASK + 'checks = ["gan"]\nfindings = {a = 1}', "in this part there are dataset"),
        (TASK.replace('"I"', '"III"'), 'it is "I" or "II"'),
        (TASK.replace("10", '"10"'), "points = '10', which is of the wrong kind"),
        (TASK.replace("10", "true"), "points = True, which is of the wrong kind"),
        (TASK.replace('name = "one"', ""), "task 1 lacks name"),
    ],
)
def test_mistakes_are_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_rubric(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
