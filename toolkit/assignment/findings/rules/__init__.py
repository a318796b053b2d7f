"""The rules that give a finding its message, loaded from the TOML files in this folder.

Each part has its own file of rules, and `any.toml` has the rules that apply to any part.

The name of a rule about a fault has two parts. The first part is the fault's id, which is also the
name of the rule's table. The second part is the rule's key in this table, which says how the fault
was detected. For example, the rule `shapes` in the table `[wrong-loss]` has the name
`wrong-loss.shapes`. The tables `[right]` and `[not-seen]` hold the rules for findings with these
verdicts. A rule that has only a message is written as a plain string instead of a table.
"""

import functools
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from toolkit.assignment.findings.findings import IDS, Id
from toolkit.assignment.running.parts import Part


class Rule(BaseModel):
    """The template of a finding's message, in which names in braces stand for observed values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str
    equation: Annotated[int, Field(ge=1, le=10)] | None = None  # as the assignment numbers them
    id: Id | None = None  # of the fault or the question; None if a whole part was not seen
    answers: tuple[Id, ...] = ()  # these faults are absent, or explained by this one


@functools.cache
def rules(part: Part | Literal["any"]) -> dict[str, Rule]:
    """Return the rules for one part of the assignment and the rules that can apply to any part, as
    a dictionary keyed by name.
    """
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
