"""The sentences about a part: the tables beside this file, one for each and one for any part.

A fault is named by its id and by how it was seen, `shapes` in `[wrong-loss]`; what is right and
what was not seen have tables of their own, `[right]` and `[not-seen]`. A rule that is no more than
a sentence is that sentence.
"""

import functools
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from toolkit.assignment.findings.findings import IDS, Id
from toolkit.assignment.running.parts import Part


class Rule(BaseModel):
    """One sentence, with the names of what was seen in braces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str
    equation: Annotated[int, Field(ge=1, le=10)] | None = None  # as the assignment numbers them
    id: Id | None = None  # of the fault, or of what was not seen: None if that is all of the part
    answers: tuple[Id, ...] = ()  # none of these faults is there, or not for itself


@functools.cache
def rules(part: Part | Literal["any"]) -> dict[str, Rule]:
    """The rules of one part, by their names; those of any part are among them."""
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
