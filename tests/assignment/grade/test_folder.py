"""A class of archives, hostile ones among them: a result for each, in Gradescope's schema."""

import csv
import functools
import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.grade import folder
from toolkit.assignment.grade.folder import Judging, grade_folder
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import DEFAULT, Rubric, read_rubric
from toolkit.assignment.grade.versions import versions
from toolkit.assignment.sandbox.choice import find_isolation
from toolkit.assignment.sandbox.isolation import Isolation, Limits, Sandbox
from toolkit.common.errors import ToolkitError, UsageError

from .. import ways
from ..submissions import CHECK, EXIT, FINE, SLEEP, pack, symlink, with_lstm, zip_bomb

ROOT = Path(__file__).parents[3]
RUBRIC = read_rubric()
LIMITS = Limits(seconds=60, memory=256 * 2**20, processes=24)
# https://gradescope-autograders.readthedocs.io/en/latest/specs/
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["score", "tests"],
    "properties": {
        "score": {"type": "number"},
        "execution_time": {"type": "number"},
        "output": {"type": "string"},
        "output_format": FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["score", "max_score", "name"],
                "properties": {
                    "score": {"type": "number"},
                    "max_score": {"type": "number"},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": FORMAT,
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": VISIBILITY,
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
}
IN_GBK = os.fsdecode(b"\xce\xd2_10000010_assignment3.zip")  # no UTF-8, as Windows may pack it


@functools.cache
def archives() -> dict[str, bytes]:
    """A class by the names of its files."""
    return {
        "10000001_assignment3.zip": pack(FINE),
        "10000002_assignment3.zip": with_lstm(SLEEP),
        "10000003_assignment3.zip": zip_bomb(),
        "10000004_assignment3.zip": symlink("/etc/passwd"),
        "10000005_assignment3.zip": pack({"../../lstm.py": "x"}),
        "10000006_assignment3.zip": b"",
        "10000007_assignment3.rar": b"Rar!",
        "10000008_assignment3.zip": pack({f"10000008/{name}": text for name, text in FINE.items()}),
        "10000009_assignment3.zip": with_lstm(EXIT.replace("0", "3")),
        "=HYPERLINK(1)_assignment3.zip": pack(FINE),
        IN_GBK: pack(FINE),
    }


pytestmark = pytest.mark.needs("bwrap")


def grade(folder: Path, out: Path, **options: Any) -> list[Result]:
    settings = {"check": CHECK, "isolation": ways.best(), "num_workers": 2} | options
    rubric, limits = settings.pop("rubric", RUBRIC), settings.pop("limits", LIMITS)
    return [*grade_folder(folder, out, rubric, limits, **settings).values()]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    for name, data in archives().items():
        (folder / name).write_bytes(data)
    (folder / "notes.txt").write_text("not an archive")
    (folder / "folder.zip").mkdir()
    (folder / "link.zip").symlink_to("/etc/passwd")
    results = grade(folder, folder / "graded")
    names = [name.encode(errors="backslashreplace").decode() for name in sorted(archives())]
    assert [result.extra_data.archive for result in results] == names
    return folder


def results_of(graded: Path) -> dict[str, dict[str, Any]]:
    return {
        path.parent.name: json.loads(path.read_text())
        for path in sorted((graded / "graded").glob("*/results.json"))
    }


@pytest.mark.xdist_group("class")  # graded once
def test_each_has_a_result_in_the_schema(graded: Path) -> None:
    results = results_of(graded)
    assert set(results) == set(archives())
    for result in results.values():
        jsonschema.validate(result, SCHEMA)
        assert result["score"] == sum(test["score"] for test in result["tests"])
        assert sum(test["max_score"] for test in result["tests"]) == 84


@pytest.mark.xdist_group("class")
def test_hostile_ones_cost_themselves(graded: Path) -> None:
    results = results_of(graded)
    problems = {name[:8]: result["extra_data"]["problem"] for name, result in results.items()}
    (first, *_) = results["10000002_assignment3.zip"]["extra_data"]["not_seen"]
    assert "had not finished after 60 s" in first["message"]
    assert "unpacks to more than 200 MiB" in problems["10000003"]
    assert "is a link" in problems["10000004"]
    assert "has a path that leads outside" in problems["10000005"]
    assert "It is empty: the file has 0 bytes." in problems["10000006"]
    assert "not a zip archive" in problems["10000007"]
    fine = {name[:8] for name, result in results.items() if result["score"] == 84}
    assert fine == {"10000001", "10000008", "=HYPERLI", IN_GBK[:8]}
    fine.remove("=HYPERLI")
    look = {name[:8]: result["extra_data"]["needs_a_look"] for name, result in results.items()}
    assert {name for name, why in look.items() if not why} == fine
    assert look["=HYPERLI"] == [folder.NO_NUMBER]
    assert look["10000009"] == [
        "lstm.py cannot be imported.",
        "train.py cannot be imported.",
        "8 points are open.",
        "lstm.py uses os._exit: the assignment needs nothing like that.",
    ]


@pytest.mark.xdist_group("class")
def test_class_csv(graded: Path) -> None:
    with open(graded / "graded" / "class.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(archives())
    assert rows[0]["student number"] == "10000001"
    assert rows[0]["score"] == rows[0]["checked points"] == "84"
    assert rows[0]["needs a look"] == ""
    assert (rows[1]["score"], rows[1]["open points"]) == ("0", "84")
    assert rows[1]["needs a look"].startswith("Not all was seen of Part I, the LSTM")
    assert rows[0]["isolation"] == ways.best().name
    assert rows[-2]["archive"] == "'=HYPERLINK(1)_assignment3.zip"  # text, not a formula
    assert rows[-1]["archive"] == r"\udcce\udcd2_10000010_assignment3.zip"
    assert rows[-1]["student number"] == "10000010"


@pytest.mark.xdist_group("class")
def test_finished_ones_are_kept(graded: Path) -> None:
    ways.need_a_safe_one()
    kept = results_of(graded)
    names: list[str] = []
    outdated: list[int] = []

    def again(**options: Any) -> list[str]:
        names.clear()
        outdated.clear()
        report = lambda done, total, name, result: names.append(name)  # noqa: E731
        grade(graded, graded / "graded", report=report, outdated=outdated.append, **options)
        return sorted(names)

    assert again() == []
    assert outdated == []
    assert results_of(graded) == kept
    changed = graded / "10000008_assignment3.zip"
    changed.write_bytes(pack(FINE | {"train.py": "import os\nos._exit(3)\n"}))
    (graded / "graded" / "10000001_assignment3.zip" / "results.json").write_text('{"score": 9')
    assert again() == ["10000001_assignment3.zip", "10000008_assignment3.zip"]
    assert outdated == [2]
    assert (
        results_of(graded)["10000008_assignment3.zip"]["score"] == 84 - 8 - 8
    )  # one is lost, one open
    changed.write_bytes(archives()[changed.name])
    assert again() == [changed.name]


def files_of(out: Path) -> dict[str, object]:
    """The content of each file, without the seconds that a result took."""
    files: dict[str, object] = {}
    for path in out.rglob("*.*"):
        if path.is_file():
            files[str(path.relative_to(out))] = path.read_bytes()
        if path.name == "results.json":
            files[str(path.relative_to(out))] = json.loads(path.read_bytes()) | {
                "execution_time": 0
            }
    return files


@pytest.mark.slow
def test_another_rubric_is_arithmetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All files are those of a grading from scratch, but nothing is run."""
    scratch, out, toml = tmp_path / "scratch", tmp_path / "graded", tmp_path / "points.toml"
    for number in (10000001, 10000006, 10000009):
        name = f"{number}_assignment3.zip"
        (tmp_path / name).write_bytes(archives()[name])
    grade(tmp_path, out, num_workers=1)
    text = DEFAULT.read_text().replace("does-not-import = 8", "does-not-import = 3", 1)
    toml.write_text(text.replace("points = 20", "points = 30").replace('"visible"', '"hidden"'))
    rubric = read_rubric(toml)
    grade(tmp_path, scratch, rubric=rubric, num_workers=1)
    before = files_of(out)
    with monkeypatch.context() as nothing:
        nothing.setattr(folder, "grade_archive", lambda *_: pytest.fail("computed again"))
        grade(tmp_path, out, rubric=rubric, num_workers=1)
        assert files_of(out) == files_of(scratch) != before
        points = [
            (test["score"], test["extra_data"]["open"])
            for test in results_of(tmp_path)["10000009_assignment3.zip"]["tests"]
        ]
        # The import of lstm.py costs 20 of 30; that of train.py most in the third task now.
        assert points[:3] == [(0, 10), (0, 8), (0, 0)]
        grade(tmp_path, out, num_workers=1)
        assert files_of(out) == before


def test_what_a_verdict_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rubric counts only with the packages that it allows."""

    def identity(rubric: Rubric = RUBRIC, limits: Limits = LIMITS, way: Any = "limits") -> str:
        return Judging(rubric, limits, CHECK, Isolation(way)).identity()

    before = identity()
    arithmetic = {"tasks": (), "visibility": "hidden", "sha256": ""}
    assert identity(RUBRIC.model_copy(update=arithmetic)) == before
    allows = RUBRIC.model_copy(update={"packages": ("einops",)})
    different = {identity(allows), identity(limits=Limits()), identity(way="unshare")}
    monkeypatch.setattr(folder, "installed", lambda: {"torch": "2.14.0"})
    assert len({before, identity(), *different}) == 5


@pytest.mark.xdist_group("class")
def test_pages(graded: Path) -> None:
    """A link for each archive, whatever its name, and the equal ones side by side."""
    page = (graded / "graded" / "class.html").read_text()
    links = {os.fsdecode(unquote_to_bytes(link)) for link in re.findall('href="([^"#]*)"', page)}
    assert {f"{name}/feedback.html" for name in archives()} <= links
    assert all((graded / "graded" / link).exists() for link in links)
    assert html.escape(versions()) in page


@pytest.mark.slow
def test_one_student_again_and_another_language(tmp_path: Path) -> None:
    """`only` grades one, `again` what has a result; a language changes pages and grades nothing."""
    code = "".join(f"def f{k}(x):\n    return {k} * x + {k * 7}\n" for k in range(120))
    for k in range(3):
        files = FINE | {f"folder{k}/more.py": code}
        (tmp_path / f"5000000{k}_assignment3.zip").write_bytes(pack(files))
    out = tmp_path / "graded"
    names: list[str] = []

    def graded_now(**options: Any) -> tuple[list[str], list[str]]:
        names.clear()
        report = lambda done, total, name, result: names.append(name[:8])  # noqa: E731
        results = grade(tmp_path, out, report=report, num_workers=1, **options)
        return sorted(names), [result.extra_data.student_number for result in results]

    assert graded_now(only="50000001") == (["50000001"], ["50000001"])
    everybody = ["50000000", "50000001", "50000002"]
    assert graded_now() == (["50000000", "50000002"], everybody)
    assert len(list((out / "pairs").glob("*.html"))) == 3
    assert "folder0/more.py" in (out / "pairs" / "1.html").read_text()
    (out / "pairs" / "1.html").rename(out / "pairs" / "4.html")  # as of a larger class
    notes = [out / "pairs" / "notes.html", out / "pairs" / "5.html"]
    for note in notes:
        note.write_text("<p>Both copied from the lecture.</p>")
    assert graded_now(only="50000001_assignment3.zip", regrade=True) == (["50000001"], everybody)
    pages = {path.name for path in (out / "pairs").glob("*.html")}
    assert pages == {"1.html", "2.html", "3.html", *(note.name for note in notes)}
    english = (out / "50000000_assignment3.zip" / "feedback.html").read_bytes()
    assert graded_now(language="zh") == ([], everybody)
    chinese = (out / "50000000_assignment3.zip" / "feedback.html").read_bytes()
    assert b'<html lang="en">' in english
    assert b'<html lang="zh-Hans">' in chinese
    with pytest.raises(UsageError, match=r"No archive is from 5000001. .* 50000001"):
        graded_now(only="5000001")


def test_the_command_line(tmp_path: Path) -> None:
    """One student in Chinese, and nobody else; no program is run, so any sandbox will do."""
    for number in ("60000001", "60000002"):
        (tmp_path / f"{number}_assignment3.zip").write_bytes(b"no zip")
    (tmp_path / "60000003_assignment3.zip").symlink_to("60000001_assignment3.zip")
    (tmp_path / "notes.txt").write_text("not an archive")
    (tmp_path / "unpacked").mkdir()
    words = ["grade", str(tmp_path), "--out", str(tmp_path / "graded"), "--jobs", "1", "--unsafe"]
    done = CliRunner().invoke(app, [*words, "--lang", "zh", "--only", "60000002"])
    assert done.exit_code == 0, done.output
    assert "Not graded: '60000003_assignment3.zip' is a link." in done.output
    assert "not archives: 'notes.txt', 'unpacked'." in done.output
    assert "1/1  '60000002_assignment3.zip': 0 of 84, 84 open" in done.output
    assert "Graded: 1. Need a look: 1." in done.output
    (feedback,) = (tmp_path / "graded").glob("*/feedback.html")
    assert feedback.parent.name == "60000002_assignment3.zip"
    assert "无法检查" in feedback.read_text("utf-8")
    wrong = CliRunner().invoke(app, [*words, "--only", "6000002"])
    assert wrong.exit_code == 2
    assert "The nearest are 60000002" in wrong.output


@pytest.mark.slow
def test_killed_and_restarted(tmp_path: Path) -> None:
    """SIGKILL to all of it in the middle; the same results as without."""
    ways.need_a_safe_one()
    slow = pack(FINE | {"train.py": "import time\ntime.sleep(0.5)\n"})
    for k in range(6):
        (tmp_path / f"2000000{k}_assignment3.zip").write_bytes(slow + bytes(k))
    out = tmp_path / "graded"
    program = (
        "from pathlib import Path\n"
        "from toolkit.assignment.grade.folder import grade_folder\n"
        "from toolkit.assignment.sandbox.isolation import Isolation, Limits\n"
        "from toolkit.assignment.grade.rubric import read_rubric\n"
        "from tests.assignment.submissions import CHECK\n"
        f"grade_folder(Path({str(tmp_path)!r}), Path({str(out)!r}), read_rubric(), {LIMITS!r},\n"
        f"             check=CHECK, isolation={ways.best()!r}, num_workers=1)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL
    )
    while len(list(out.glob("*/results.json"))) < 2 and running.poll() is None:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    done = {path: path.read_bytes() for path in out.glob("*/results.json")}
    assert 2 <= len(done) < 6
    fresh: list[str] = []
    results = grade(tmp_path, out, report=lambda done, total, name, result: fresh.append(name))
    assert sorted(fresh) == sorted(
        path.name for path in tmp_path.glob("*.zip") if out / path.name / "results.json" not in done
    )
    assert [result.score for result in results] == [84] * 6
    assert all(path.read_bytes() == before for path, before in done.items())
    assert (out / "class.csv").read_text().count("\n") == 7


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_dask_cluster_gives_the_same(scheduler: str, tmp_path: Path) -> None:
    for k in range(3):
        (tmp_path / f"3000000{k}_assignment3.zip").write_bytes(pack(FINE))
    (tmp_path / "30000003_assignment3.zip").write_bytes(symlink("x"))
    patient = replace(LIMITS, seconds=60)  # its processes start beside whatever else there is
    out, fresh = tmp_path / "graded", list[str]()
    results = grade(tmp_path, out, cluster=scheduler, limits=patient)
    assert [result.score for result in results] == [84, 84, 84, 0]
    assert results[0].extra_data.isolation == find_isolation().describe()
    # What another sandbox has judged is judged again, and nothing else.
    path = out / "30000001_assignment3.zip" / "results.json"
    with_another = Judging(RUBRIC, patient, CHECK, Isolation("limits", drop_user=True)).identity()
    path.write_text(path.read_text().replace(results[1].extra_data.settings_sha256, with_another))
    more: Any = {"report": lambda done, total, name, result: fresh.append(name)}
    again = grade(tmp_path, out, cluster=scheduler, limits=patient, **more)
    assert [result.score for result in again] == [84, 84, 84, 0]
    assert fresh == ["30000001_assignment3.zip"]


def test_a_worker_without_a_sandbox_judges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so has no identity, with which results could be kept."""

    def none() -> Isolation:
        raise ToolkitError("there is none")

    monkeypatch.setattr(folder, "_own_isolation", none)
    judging = Judging(RUBRIC, LIMITS, CHECK, isolation=None)
    assert folder._worker_identity(judging) is None
    name, result = folder._grade("1_assignment3.zip", pack(FINE), judging)
    assert result.extra_data.problem == "The grader failed: there is none"
    assert result.extra_data.settings_sha256 == ""


def test_a_grader_that_fails_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive gets a result, and the next command tries again."""
    (tmp_path / "40000000_assignment3.zip").write_bytes(pack(FINE))
    isolation = ways.best()  # which is found by starting programs
    with monkeypatch.context() as missing:
        missing.setattr(Sandbox, "command", lambda *_: ["/no/such/program"])
        (result,) = grade(tmp_path, tmp_path / "graded", num_workers=1, isolation=isolation)
    assert "The grader failed: " in result.extra_data.problem
    (result,) = grade(tmp_path, tmp_path / "graded")
    assert result.score == 84


def test_the_results_do_not_go_among_the_archives(tmp_path: Path) -> None:
    """Nothing is set aside or written."""
    archive = tmp_path / "60000001_assignment3.zip"
    archive.write_bytes(b"no zip")
    words = ["grade", str(tmp_path), "--out", str(tmp_path / "." / "x" / ".."), "--restart"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "is the folder of the archives" in " ".join(done.output.split())
    assert list(tmp_path.iterdir()) == [archive]
    with pytest.raises(UsageError, match="is the folder of the archives"):
        grade(tmp_path, tmp_path)


def _number(result: Result) -> str:
    return result.extra_data.student_number


def test_an_archive_without_a_number(tmp_path: Path) -> None:
    """It has a result like any other, and a person finds out whose it is."""
    for name in ("Müller_李雷_55555555.zip", "55555556_assignment3.zip"):
        (tmp_path / name).write_bytes(b"no zip")
    out = tmp_path / "graded"
    unknown, known = sorted(grade(tmp_path, out), key=_number)
    assert unknown.extra_data.needs_a_look == [unknown.extra_data.problem, folder.NO_NUMBER]
    assert known.extra_data.needs_a_look == [known.extra_data.problem]
    rubric = RUBRIC.model_copy(update={"sha256": "of another"})
    kept, _ = sorted(grade(tmp_path, out, rubric=rubric), key=_number)
    assert kept.extra_data.needs_a_look == unknown.extra_data.needs_a_look


def test_no_archives(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no archives such as"):
        grade(tmp_path, tmp_path / "graded")
    with pytest.raises(UsageError, match="is not a folder"):
        grade(tmp_path / "none", tmp_path / "graded")
    (tmp_path / "Zoë Älva_501_assignsubmission_file").mkdir()
    with pytest.raises(UsageError, match="without 'Download submissions in folders'"):
        grade(tmp_path, tmp_path / "graded")
