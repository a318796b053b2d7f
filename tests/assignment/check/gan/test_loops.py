"""What a script does at intervals is done once early, so that it is seen."""

import ast
from types import SimpleNamespace
from typing import Any, cast

from toolkit.assignment.check.child.script.loops import BEGUN, Loops
from toolkit.assignment.check.child.script.trace import Trace

OFTEN = """
for step in range(3):
    if step % 100 == 0:
        begun.append(step)
        if step > 0:
            saved.append(step)
    if step > 5:
        late.append(step)
"""


def test_what_waits_for_a_second_interval_is_done_once() -> None:
    trace = SimpleNamespace(brisk=True, on=True, steps=BEGUN, max_steps=9, late=1e9)
    changed = Loops(cast("Trace", trace)).change(ast.parse(OFTEN), "gan.py")
    names: dict[str, Any] = {"begun": [], "saved": [], "late": []}
    exec(compile(changed, "gan.py", "exec"), names)
    assert (names["begun"], len(names["saved"]), names["late"]) == ([0], 1, [])
