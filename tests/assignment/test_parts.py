"""The one rule where the files of a submission are, and that everybody follows it."""

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.sandbox.isolation import Limits
from toolkit.assignment.grade.similar import read_code
from toolkit.assignment.grade.verdict import grade_archive
from toolkit.assignment.pack import collect, find_problems, to_zip
from toolkit.assignment.parts import FILES, Part, find_parts

from . import submissions, ways

# What marks the file of a part; it cannot be parsed, so the check reads it and runs nothing.
MARK = "the right one of {part} !\n"
LAYOUTS: dict[str, dict[Part, str]] = {
    "beside each other": {part: name for part, name in FILES.items()},
    "in a nested folder": {part: f"12345678/code/{name}" for part, name in FILES.items()},
    "in two folders": {
        **{part: f"I/{FILES[part]}" for part in ("dataset", "lstm", "train")},
        "gan": "II/gan/my_gan.py",
    },
    "in upper case": {part: f"Code/{name.upper()}" for part, name in FILES.items()},
    "in a folder that is often left out": {part: f"build/{name}" for part, name in FILES.items()},
}
DECOYS = [
    folder + name
    for folder in ("__MACOSX/", "__MACOSX/._", ".old/", ".", "venv/", "0/__pycache__/",
                   "0/site-packages/", "z/z/z/", "my_")
    for name in FILES.values()
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_check_pack_and_grade_agree(layout: dict[Part, str], tmp_path: Path) -> None:
    """Hidden files, copies of macOS and of other people, and deeper ones are not taken."""
    marked = {layout[part]: MARK.format(part=part) for part in FILES}
    content = dict.fromkeys(DECOYS, "a decoy !\n") | marked
    folder = tmp_path / "mine"
    for name, text in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    expected = {part: PurePosixPath(name) for part, name in layout.items()}

    # pack takes these files along, and complains about these and no others
    files = collect(folder)
    assert find_parts(files) == expected
    named = {sentence.split(" is not valid Python")[0] for sentence in find_problems(files)[:4]}
    assert named == set(layout.values())

    # check
    checked = subprocess.run(
        [sys.executable, "-m", "toolkit.assignment", "check", folder, "--json"],
        capture_output=True,
        text=True,
    )
    report = json.loads(checked.stdout)
    assert {one["part"]: PurePosixPath(one["file"]) for one in report["findings"]} == expected

    # grade: of what pack makes, and of all that lies in the folder
    for data in (to_zip(files), submissions.pack(dict(content))):
        result = grade_archive("1234_assignment3.zip", data, read_rubric(), Limits(),
                               isolation=ways.best())  # fmt: skip
        found = {one.part: PurePosixPath(one.file or "") for one in result.extra_data.findings}
        assert found == expected
        assert read_code(data) == [MARK.format(part=part) for part in FILES]
