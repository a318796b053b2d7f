"""The package for Classroom 50: its files, and the result in the format of its documentation."""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from toolkit.__main__ import app
from toolkit.assignment.grade.result import Extra, Result, TaskResult
from toolkit.assignment.package.on_classroom50 import as_classroom50, as_markdown

# https://github.com/foundation50/classroom50/wiki/Advanced-Autograding, 16 August 2026
SCHEMA = {
    "type": "object",
    "required": ["schema", "classroom", "assignment", "submission", "commit", "release", "review",
                 "datetime", "score", "max-score", "tests"],
    "properties": {
        "schema": {"const": "classroom50/result/v1"},
        "classroom": {"type": "string", "minLength": 1},
        "assignment": {"type": "string", "minLength": 1},
        "submission": {"type": "string", "minLength": 1},
        "commit": {"type": "string", "minLength": 1},
        "release": {"type": "string", "minLength": 1},
        "review": {"type": "string", "minLength": 1},
        "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "score": {"type": "integer"},
        "max-score": {"type": "integer"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["test-name", "passed", "score", "max-score"],
                "properties": {
                    "test-name": {"type": "string"},
                    "passed": {"type": "boolean"},
                    "score": {"type": "integer", "minimum": 0},
                    "max-score": {"type": "integer", "minimum": 0},
                },
            },
        },
    },
}  # fmt: skip
RUNNER = {
    "CLASSROOM": "cs324", "ASSIGNMENT": "assignment3", "USERNAME": "zoe",
    "SUBMISSION_TAG": "submit/2026-11-20T14-32-05Z-a1b2c3d",
    "COMMIT_URL": "https://github.com/cs324/zoe/commit/a1b2c3d",
    "RELEASE_URL": "https://github.com/cs324/zoe/releases/tag/submit%2F2026",
    "REVIEW_URL": "",
}  # fmt: skip
NOON = datetime.datetime(2026, 11, 20, 12, 0, 0, tzinfo=datetime.UTC)


def result(*points: tuple[float, float]) -> Result:
    tests = [
        TaskResult(name=f"Task {k}", score=score, max_score=most, output="why",
                   status="passed" if score == most else "failed", visibility="visible")
        for k, (score, most) in enumerate(points)
    ]  # fmt: skip
    return Result(score=sum(score for score, _ in points), visibility="visible", tests=tests,
                  extra_data=Extra(archive="a.zip", student_number=""))  # fmt: skip


def test_the_result_that_it_reads() -> None:
    """Whole points, rounded down unless they are all; the sums are those of the tests."""
    content = as_classroom50(result((20, 20), (7.5, 8), (3.9, 4), (7.5, 7.5), (0.4, 0.4)),
                             RUNNER, NOON)  # fmt: skip
    jsonschema.validate(content, SCHEMA)
    scores = [(test["score"], test["max-score"]) for test in content["tests"]]
    assert scores == [(20, 20), (7, 8), (3, 4), (8, 8), (0, 0)]
    assert [test["passed"] for test in content["tests"]] == [True, False, False, True, True]
    assert (content["score"], content["max-score"]) == (38, 40)
    assert content["review"] == content["commit"] == RUNNER["COMMIT_URL"]
    assert content["datetime"] == "2026-11-20T12:00:00Z"


def test_what_a_student_wrote_is_not_marked_up() -> None:
    hostile = result((1, 2))
    hostile.tests[0].output = "```\n# 100 of 100 points\n<img src=x>"
    page = as_markdown(hostile)
    assert page.startswith("# 1 of 2 points\n\n```text\n")
    assert page.count("```") == 2


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("package") / "classroom50"
    done = CliRunner().invoke(app, ["package", "classroom50", "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


def test_what_is_in_it(package: Path) -> None:
    assert {path.name for path in package.iterdir()} == {
        *("autograder.py", "grade.yml", "README.md", "requirements.txt", "rubric.toml"),
        *("runtime.json", "toolkit"),
    }
    again = CliRunner().invoke(app, ["package", "classroom50", "--out", str(package)])
    assert again.exit_code == 2  # it is not empty


def test_python_is_one_that_grading_was_tried_with(package: Path) -> None:
    """The default of Classroom 50, 3.14, is none for grading; autograder.py says so."""
    source = (package / "autograder.py").read_text()
    assert json.loads((package / "runtime.json").read_text())["python"] == "3.13"
    workflow = yaml.safe_load((package / "grade.yml").read_text())
    assert "3.13" in str(workflow["jobs"]["grade"]["steps"])
    pretend = f"import sys\nsys.version_info = (3, 14, 0)\n{source}"
    done = subprocess.run([sys.executable, "-c", pretend.replace("__file__", "'x'")],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 1
    assert "needs Python 3.11 to 3.13" in done.stderr


def test_the_workflow(package: Path) -> None:
    """It grades on a push, may write nothing, and leaves no token where the submission runs."""
    workflow: dict[Any, Any] = yaml.safe_load((package / "grade.yml").read_text())
    assert set(workflow[True]) == {"push", "workflow_dispatch"}  # YAML reads "on" as true
    assert workflow["permissions"] == {"contents": "read"}
    steps = workflow["jobs"]["grade"]["steps"]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False, False]


def test_the_runner(package: Path, tmp_path: Path) -> None:
    """Installing and sudo are played; what they would start is started as Classroom 50 starts it.

    The checkout has modules that would be imported instead of the grader's, as root.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root: it runs a submission as another user")
    for name in ("json.py", "venv.py", "toolkit.py"):
        (tmp_path / name).write_text("open('imported', 'w').close()\n")
    program = (
        "import runpy, subprocess, sys\n"
        "true = subprocess.run\n"
        "def run(command, **options):\n"
        "    assert '-m' not in command or '-P' in command\n"
        "    if command[:2] != ['sudo', 'env']:\n"
        "        return subprocess.CompletedProcess(command, 0)\n"
        "    words = [sys.executable if w.endswith('/bin/python') else w for w in command[1:]]\n"
        "    return true(words)\n"
        "subprocess.run = run\n"
        f"runpy.run_path({str(package / 'autograder.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, text=True,
                          env=os.environ | RUNNER, capture_output=True)  # fmt: skip
    if "Nothing can be run as another user here" in done.stderr:
        pytest.skip("needs a Python that every user can read")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists()
    content = json.loads((tmp_path / "result.json").read_text())
    jsonschema.validate(content, SCHEMA)
    assert (content["score"], content["max-score"]) == (0, 84)
    assert content["submission"] == RUNNER["SUBMISSION_TAG"]
    assert "contains none of dataset.py" in (tmp_path / "release-body.md").read_text()
