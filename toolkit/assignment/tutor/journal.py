"""What was asked for and answered, and what the teacher has set: two small files in the folder.

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


class Settings(BaseModel):
    """What a teacher can set in tutor.toml."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hints: bool = True  # whether the tutor gives any
    predictions: bool = True  # whether it asks what is expected before a second check
    report: bool = False  # whether `toolkit report` lists what was asked
    language: Language = "en"  # of all that it says


def read_settings(folder: Path) -> Settings:
    """The settings in a folder, or the defaults; a UsageError if the file sets something else."""
    path = folder / SETTINGS
    try:
        return Settings(**tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {})
    except ValueError as error:
        raise UsageError(
            f"{path} cannot be read. It may set hints, predictions and report to true or false, "
            'and language to "en" or "zh", a line each, such as: hints = false'
        ) from error


def write_entry(folder: Path, exercise: str, **what: Any) -> None:
    """Add a line to the journal; a ToolkitError if it cannot be written."""
    entry = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "exercise": exercise, **what}
    append_entry(folder / JOURNAL, entry)


def read_entries(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines about each exercise, the oldest first; a line that is damaged is left out."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in exercises()}
    for entry in read_log(folder / JOURNAL).entries:
        found.get(entry["exercise"], []).append(entry)
    return found


def last_check(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The newest check of an exercise; {} if there is none."""
    return next((entry for entry in reversed(entries) if "verdict" in entry), {})


def summary(folder: Path) -> list[str]:
    """A line for each exercise that was begun, for the report; [] unless the teacher wants it."""
    begun = read_entries(folder).items() if read_settings(folder).report else ()
    return [
        f"{name}: {last_check(entries).get('verdict', 'not checked')}; "
        f"checks: {sum('verdict' in entry for entry in entries)}, "
        f"hints: {sum('hint' in entry for entry in entries)}"
        for name, entries in begun
        if entries
    ]
