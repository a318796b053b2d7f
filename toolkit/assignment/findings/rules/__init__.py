"""The sentences about each part, from the tables beside this file; one more table is for any part.

A rule about a fault is named by the fault's id and by how the fault was seen, for example `shapes`
in `[wrong-loss]`. The tables `[right]` and `[not-seen]` hold the rules for what is right and for
what was not seen. A rule that consists only of a sentence is written as a string.
"""

import functools
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from toolkit.assignment.findings.findings import IDS, Id
from toolkit.assignment.running.parts import Part


class Rule(BaseModel):
    """One sentence, in which names in braces stand for the values that were seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str
    equation: Annotated[int, Field(ge=1, le=10)] | None = None  # as the assignment numbers them
    id: Id | None = None  # of the fault or the question; None if a whole part was not seen
    answers: tuple[Id, ...] = ()  # these faults are absent, or explained by this one


@functools.cache
def rules(part: Part | Literal["any"]) -> dict[str, Rule]:
    """Return the rules of one part by their names, including the rules for any part."""
    path = Path(__file__).with_name(f"{part}.toml")
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    own_rules = {}
    for table, rows in tables.items():
        for name, row in rows.items():
            if isinstance(row, str):
                row = {"says": row}
            if table in IDS:
                row = {"id": table, **row}
            own_rules[f"{table}.{name}"] = Rule.model_validate(row)
    if part == "any":
        return own_rules
    return rules("any") | own_rules
