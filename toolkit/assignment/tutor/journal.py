"""The journal of checks and hints, and the teacher's settings: two files in a student's folder.

tutor.jsonl   a line for each check and each hint; it stays on the student's computer
tutor.toml    the teacher's: hints = false, predictions = false, report = true, language = "zh"
"""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from toolkit.assignment.tutor.exercises import exercises
from toolkit.common.errors import UsageError
from toolkit.common.files import append_entry, read_log
from toolkit.common.texts.language import Language

JOURNAL, SETTINGS = "tutor.jsonl", "tutor.toml"


class TutorSettings(BaseModel):
    """The settings that a teacher can change in tutor.toml."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hints: bool = True  # the tutor gives hints
    predictions: bool = True  # before a second check, the tutor asks which change is expected
    report: bool = False  # `toolkit report` lists the checks and hints
    language: Language = "en"


def read_settings(folder: Path) -> TutorSettings:
    """Return the settings from a folder's tutor.toml, or the defaults if this file does not exist.

    Raises:
        UsageError: the file is not valid TOML, or contains an unknown setting or an invalid value.
    """
    path = folder / SETTINGS
    if not path.exists():
        return TutorSettings()
    try:
        return TutorSettings(**tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UsageError(
            f"{path} cannot be read. It may set hints, predictions and report to true or false, "
            'and language to "en" or "zh", a line each, such as: hints = false'
        ) from error


def write_entry(folder: Path, exercise: str, **facts: Any) -> None:
    """Add a line to the journal.

    Raises:
        ToolkitError: the line cannot be written.
    """
    time = datetime.now(UTC).isoformat(timespec="seconds")
    append_entry(folder / JOURNAL, {"time": time, "exercise": exercise, **facts})


def read_entries(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the journal's entries for each exercise, oldest first, skipping damaged lines."""
    entries: dict[str, list[dict[str, Any]]] = {name: [] for name in exercises()}
    for entry in read_log(folder / JOURNAL).entries:
        if entry["exercise"] in entries:
            entries[entry["exercise"]].append(entry)
    return entries


def last_check(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the newest check of an exercise, or {} if the exercise was never checked."""
    newest: dict[str, Any] = {}
    for entry in entries:
        if "verdict" in entry:
            newest = entry
    return newest


def summary(folder: Path) -> list[str]:
    """Return a line for each exercise that was begun, or [] if the setting `report` is off."""
    if not read_settings(folder).report:
        return []
    lines = []
    for name, entries in read_entries(folder).items():
        if entries:
            verdict = last_check(entries).get("verdict", "not checked")
            checks = sum("verdict" in entry for entry in entries)
            hints = sum("hint" in entry for entry in entries)
            lines.append(f"{name}: {verdict}; checks: {checks}, hints: {hints}")
    return lines
