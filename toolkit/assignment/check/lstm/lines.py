"""The likely line of each equation in a student's `lstm.py`."""

from collections.abc import Sequence

from toolkit.assignment.check.lstm.cells import Chunk, Match
from toolkit.assignment.check.student.lines import bare_name
from toolkit.assignment.check.student.recorder import Recorder


class Lines:
    """The likely line of each equation; None if it is not known.

    Args:
        recorder: a recorded forward pass.
        names: what `assigned_at` found in the file.
        found: what the recording was sorted into.
        match: which gate is which, if that is known.
    """

    def __init__(
        self,
        recorder: Recorder,
        names: dict[int, str],
        found: Sequence[Chunk] = (),
        match: Match | None = None,
    ) -> None:
        last = {bare_name(name): line for line, name in sorted(names.items())}
        self.cell = last.get("c")
        self.output = last.get("h")
        maps = [step.line for step in recorder.steps if step.kind == "linear" and step.line]
        self.readout = maps[-1] if maps else None
        self.gate: dict[str, int | None] = {}
        if match is None:
            return
        self.gate = {name: chunk.line for name, chunk in match.gates.items()}
        used = {chunk.id_after for chunk in match.gates.values()}
        for chunk in found:
            if chunk.kind == "tanh" and chunk.id_after not in used:  # the one of c(t)
                self.cell = recorder.line_of.get(chunk.id_before) or self.cell
                self.output = self.output or chunk.line
                break
