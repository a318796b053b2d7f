"""Round trips: what a platform exports goes in, and what it imports comes out.

The files are written as the platforms' documentation and programs describe them, and each reader
here follows the rules of one of them; docs/teachers.md names the sources.
"""

import csv
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.assignment.grade.gradebook.platforms import PlatformName
from toolkit.assignment.grade.gradebook.roster import read_roster
from toolkit.assignment.grade.gradebook.write import Written, write_gradebook
from toolkit.assignment.grade.result import Extra, Open, Result, TaskResult
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.handin.archive import student_number
from toolkit.common.errors import ToolkitError, UsageError

RUBRIC = read_rubric()

MOODLE = """\
\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",\
"Last modified (submission)","Last modified (grade)","Feedback comments"
"Participant 501","Zoë Älva",zoe@example.org,"Submitted for grading - ",,100.00,Yes,\
"Friday, 20 November 2026, 10:11 AM",-,
"Participant 502","张 伟",wei@example.org,"Submitted for grading - ",,100.00,Yes,\
"Friday, 20 November 2026, 10:12 AM","Friday, 20 November 2026, 10:30 AM","Two
lines"
"Participant 503","Otto Normal",otto@example.org,"No submission - ",,100.00,Yes,-,-,
"""
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Assignment 2 (771),Assignment 3 (772),Current Score
,,,,,,Manual Posting,
    Points Possible,,,,,50,100,(read only)
"Älva, Zoë",501,10000001,zalva,CS324,40,,80
"Wei, Zhang",502,10000002,zwei,CS324,41,,82
"Normal, Otto",503,10000003,onormal,CS324,42,,84
"""
BLACKBOARD = """\
"Last Name","First Name","Username","Student ID","Last Access","Availability",\
"Assignment 2 [Total Pts: 50 Score] |4411","Assignment 3 [Total Pts: 100 Score] |4412"
"Älva","Zoë","zalva","10000001","2026-11-20","Yes","40",""
"Wei","Zhang","zwei","10000002","2026-11-20","Yes","41",""
"Normal","Otto","onormal","10000003","2026-11-20","Yes","42",""
"""
GRADESCOPE = """\
First Name,Last Name,SID,Email,Sections
Zoë,Älva,10000001,zoe@example.org,CS324
Zhang,Wei,10000002,wei@example.org,CS324
Otto,Normal,10000003,otto@example.org,CS324
"""
ROSTERS: dict[PlatformName, bytes] = {
    "moodle": MOODLE.encode(),
    "canvas": CANVAS.encode(),
    "blackboard": BLACKBOARD.replace('","', '"\t"').encode("utf-16"),  # as "xls", which is that
    "gradescope": GRADESCOPE.encode(),
}
ARCHIVES: dict[PlatformName, tuple[str, str]] = {  # of the first two students
    "moodle": ("Zoë Älva_501_assignsubmission_file_10000001_assignment3.zip",
               "张 伟_502_assignsubmission_file_my work.zip"),
    "canvas": ("älvazoë_501_90001_10000001_assignment3-1.zip",
               "weizhang_LATE_502_90002_my_work.zip"),
    "blackboard": ("Assignment 3_zalva_attempt_2026-11-20-10-11-12_10000001_assignment3.zip",
                   "Assignment 3_zwei_attempt_2026-11-20-23-59-59_my work.zip"),
    "gradescope": ("10000001_assignment3.zip", "Wei_10000002_assignment3.zip"),
}  # fmt: skip


def result(archive: str, score: float, open: float = 0, problem: str = "") -> Result:
    task = TaskResult(name="all", score=score, max_score=84, status="failed", output="",
                      visibility="visible", extra_data=Open(open=open))  # fmt: skip
    extra = Extra(archive=archive, student_number=student_number(archive), problem=problem)
    return Result(score=score, visibility="visible", tests=[task], extra_data=extra)


def write(
    out: Path,
    name: PlatformName,
    results: list[Result],
    roster: bytes | None = None,
    title: str = "Assignment 3",
) -> Written:
    """Write what `grade --csv` writes, for results whose feedback says which it is."""
    graded = {}
    for one in results:
        archive = one.extra_data.archive
        (out / archive).mkdir()
        (out / archive / "feedback.html").write_text(f"for {archive}")
        graded[archive] = one
    students = None
    if roster is not None:
        (out / "roster.csv").write_bytes(roster)
        students = read_roster(out / "roster.csv")
    return write_gradebook([*graded], graded, out, name, students, RUBRIC, title)


def table(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def import_moodle(rows: list[list[str]]) -> dict[str, str]:
    """assignfeedback_offline_grade_importer: three columns must be there, under these names."""
    header = rows[0]
    identifier, grade = header.index("Identifier"), header.index("Grade")
    assert "Last modified (grade)" in header
    return {row[identifier].removeprefix("Participant "): row[grade] for row in rows[1:]}


def import_canvas(rows: list[list[str]]) -> dict[str, str]:
    """GradebookImporter: names and ids first, then the section, then the assignments."""
    header, points, *students = rows
    assert "Student" in header[0]
    assert "ID" in header[1]
    assert header[2:5] == ["SIS User ID", "SIS Login ID", "Section"]
    assert "Points Possible" in points[0]
    assert header[5:] == ["Assignment 3 (772)"]
    assert points[5] == "100"
    return {row[1]: row[5] for row in students}


def import_blackboard(rows: list[list[str]]) -> dict[str, str]:
    """The username says who, the column's id after the bar says what."""
    header = rows[0]
    (column,) = [k for k, name in enumerate(header) if "|" in name]
    assert header[column].rpartition("|")[2] == "4412"
    return {row[header.index("Username")]: row[column] for row in rows[1:]}


def import_gradescope(rows: list[list[str]]) -> dict[str, str]:
    header = rows[0]
    return {row[header.index("SID")]: row[header.index("Total Score")] for row in rows[1:]}


Import = Callable[[list[list[str]]], dict[str, str]]
IMPORTS: list[tuple[PlatformName, Import, tuple[str, str, str]]] = [
    ("moodle", import_moodle, ("501", "502", "503")),
    ("canvas", import_canvas, ("501", "502", "503")),
    ("blackboard", import_blackboard, ("zalva", "zwei", "onormal")),
    ("gradescope", import_gradescope, ("10000001", "10000002", "10000003")),
]


@pytest.mark.parametrize(("name", "read", "who"), IMPORTS, ids=lambda value: str(value)[:12])
def test_round_trip(
    name: PlatformName, read: Import, who: tuple[str, str, str], tmp_path: Path
) -> None:
    """Two have handed in, one of them a file with a name of their own; the third is missing."""
    first, second = ARCHIVES[name]
    results = [result(first, 71.5, open=4), result(second, 84)]
    written = write(tmp_path, name, results, ROSTERS[name])
    assert read(table(tmp_path / f"{name}.csv")) == dict(zip(who, ("71.5", "84", ""), strict=True))
    assert written.unclear == []
    (missing,) = written.missing
    assert "Otto" in missing
    assert len(table(tmp_path / "missing.csv")) == 2


def test_moodle_keeps_what_it_compares(tmp_path: Path) -> None:
    """It refuses a grade that is older than the one it has, so the time must come back."""
    write(tmp_path, "moodle", [result(ARCHIVES["moodle"][1], 80)], ROSTERS["moodle"])
    rows = {row[0]: row for row in table(tmp_path / "moodle.csv")}
    assert rows["Participant 502"][4] == "Friday, 20 November 2026, 10:30 AM"
    assert rows["Participant 502"][5] == "Two lines"  # the teacher's own comment
    assert rows["Participant 503"][4] == "-"


@pytest.mark.parametrize("name", ["moodle", "canvas", "blackboard"])
def test_without_a_roster(name: PlatformName, tmp_path: Path) -> None:
    """The names of the archives say enough; only the column of an assignment is a new one."""
    first, second = ARCHIVES[name]
    write(tmp_path, name, [result(first, 71.5), result(second, 84)])
    header, *rows = table(tmp_path / f"{name}.csv")
    key = {"moodle": "Identifier", "canvas": "ID", "blackboard": "Username"}[name]
    points = header.index("Grade" if name == "moodle" else "Assignment 3")
    found = {row[header.index(key)]: row[points] for row in rows if row[header.index(key)]}
    marks = {"moodle": ("Participant 501", "Participant 502"), "canvas": ("501", "502"),
             "blackboard": ("zalva", "zwei")}[name]  # fmt: skip
    assert found == dict(zip(marks, ("71.5", "84"), strict=True))
    assert not (tmp_path / "missing.csv").exists()


NUMBERS = b"Identifier,Full name,ID number,Grade\nParticipant 501,A_B,10000001,\n"


@pytest.mark.parametrize(
    ("name", "archives", "roster", "expected"),
    [
        # assignfeedback_file_zip_importer: name_participant_type_plugin_file, split at most so far
        ("moodle", ARCHIVES["moodle"], None, ["Zoë Älva_501_assignsubmission_file_feedback.html",
                                              "张 伟_502_assignsubmission_file_feedback.html"]),
        # an archive that Moodle did not name gets the name that it would have given
        ("moodle", ["10000001_assignment3.zip"], NUMBERS,
         ["A B_501_assignsubmission_file_feedback.html"]),
        ("blackboard", ARCHIVES["blackboard"], None,
         ["Assignment 3_zalva_attempt_2026-11-20-10-11-12_feedback.html",
          "Assignment 3_zwei_attempt_2026-11-20-23-59-59_feedback.html"]),
        # Canvas finds user and attachment in the unchanged name, and shows it under the old one
        ("canvas", ARCHIVES["canvas"], None, list(ARCHIVES["canvas"])),
    ],
)  # fmt: skip
def test_feedback(
    name: PlatformName, archives: list[str], roster: bytes | None, expected: list[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    write(tmp_path, name, [result(archive, 84) for archive in archives], roster)
    files = unzipped((tmp_path / f"{name}-feedback.zip").read_bytes())
    assert list(files) == expected
    for archive, data in zip(archives, files.values(), strict=True):
        page = unzipped(data)["feedback.html"] if name == "canvas" else data
        assert page == f"for {archive}".encode()


def test_the_newest_attempt_counts(tmp_path: Path) -> None:
    old = "Assignment 3_zalva_attempt_2026-11-19-10-11-12_10000001_assignment3.zip"
    new = ARCHIVES["blackboard"][0]
    results = [result(new, 80), result(old, 20)]
    written = write(tmp_path, "blackboard", results, ROSTERS["blackboard"])
    found = import_blackboard(table(tmp_path / "blackboard.csv"))
    assert (found["zalva"], written.unclear) == ("80", [])


def test_two_of_the_same_student(tmp_path: Path) -> None:
    """Where the names do not tell which is newer, the teacher is told."""
    names = ["a_10000001_assignment3.zip", "b_10000001_assignment3.zip"]
    results = [result(name, 80) for name in names]
    written = write(tmp_path, "gradescope", results, ROSTERS["gradescope"])
    assert written.unclear == [
        "'a_10000001_assignment3.zip' and 'b_10000001_assignment3.zip' are of the same student: "
        "the line has the last one."
    ]
    assert len(table(tmp_path / "gradescope.csv")) == 1 + 3


def test_the_number_of_another_student(tmp_path: Path) -> None:
    """What the platform says counts more than what somebody wrote into a name."""
    name = "weizhang_502_90002_10000001_assignment3.zip"
    written = write(tmp_path, "canvas", [result(name, 80)], ROSTERS["canvas"])
    found = import_canvas(table(tmp_path / "canvas.csv"))
    assert found == {"501": "", "502": "80", "503": ""}
    assert "has the number of another student, 10000001" in written.unclear[0]


@pytest.mark.parametrize("name", ROSTERS)
@pytest.mark.parametrize("listed", [False, True])
def test_no_line_no_file(listed: bool, name: PlatformName, tmp_path: Path) -> None:
    """A good file is never replaced by one with nothing in it."""
    good = tmp_path / f"{name}.csv"
    good.write_text("good")
    with pytest.raises(ToolkitError, match=f"so {name}.csv would be empty") as caught:
        write(tmp_path, name, [result("work.zip", 80)], ROSTERS[name] if listed else None)
    assert caught.value.exit_code == 1
    assert good.read_text() == "good"
    assert not list(tmp_path.glob("*-feedback.zip"))
    if name in ("moodle", "blackboard"):  # which know nobody by a number of the university's
        with pytest.raises(ToolkitError, match="No archive is of anybody whom"):
            write(tmp_path, name, [result(ARCHIVES["gradescope"][0], 80)], GRADESCOPE.encode())
    written = write(tmp_path, name, [result(ARCHIVES[name][0], 8), result("a.zip", 9)])
    assert written.unclear == ["'a.zip' is in no line: its name says not whose it is."]


def test_what_could_not_be_graded_has_no_points(tmp_path: Path) -> None:
    """Nobody gets 0 points because of a broken archive before a person has looked."""
    broken = result(ARCHIVES["moodle"][0], 0, open=84, problem="It is damaged.")
    write(tmp_path, "moodle", [broken], ROSTERS["moodle"])
    assert import_moodle(table(tmp_path / "moodle.csv"))["501"] == ""


def test_a_new_column(tmp_path: Path) -> None:
    """Canvas makes an assignment of it, worth the points of the rubric."""
    roster = CANVAS.replace(",Assignment 3 (772)", ",Something else (1)").encode()
    write(tmp_path, "canvas", [result(ARCHIVES["canvas"][0], 80)], roster, title="LSTM and GAN")
    header, points, *_ = table(tmp_path / "canvas.csv")
    assert (header[5], points[5]) == ("LSTM and GAN", "100")


def test_several_columns(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has 2 columns that begin with 'Assignment'"):
        write(tmp_path, "canvas", [], ROSTERS["canvas"], title="Assignment")


def test_a_name_that_is_a_formula(tmp_path: Path) -> None:
    """Students can change their names on some platforms."""
    name = "=HYPERLINK(1)_501_assignsubmission_file_10000001_assignment3.zip"
    write(tmp_path, "moodle", [result(name, 80)])
    _, row = table(tmp_path / "moodle.csv")
    assert row[:2] == ["Participant 501", "'=HYPERLINK(1)"]


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    """As an archive that was unpacked on another system may have it."""
    name = os.fsdecode(b"\xce\xd2_501_assignsubmission_file_10000001_assignment3.zip")
    write(tmp_path, "moodle", [result(name, 80)], ROSTERS["moodle"])
    assert import_moodle(table(tmp_path / "moodle.csv"))["501"] == "80"
    (feedback,) = unzipped((tmp_path / "moodle-feedback.zip").read_bytes())
    assert feedback.split("_")[1:] == ["501", "assignsubmission", "file", "feedback.html"]


def test_any_list_will_do(tmp_path: Path) -> None:
    """Semicolons, another order, a number with letters before it and zeros."""
    roster = "Name;Number\nZoë;u0010000001\n".encode()
    written = write(tmp_path, "gradescope", [result(ARCHIVES["gradescope"][0], 80)], roster)
    assert import_gradescope(table(tmp_path / "gradescope.csv")) == {"10000001": "80"}
    assert written.missing == written.unclear == []


@pytest.mark.parametrize("data", [b"", b"name,mail\nZ,z\n", "Zoë,Nummer\n".encode("latin-1")])
def test_no_roster(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_bytes(data)
    with pytest.raises(UsageError, match=r"roster\.csv (has no column|is not UTF-8)"):
        read_roster(tmp_path / "roster.csv")
