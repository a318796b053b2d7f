"""What a script did, as the child recorded it: `check/child/script` says what there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.check.verdicts import Place


@dataclass(frozen=True)
class Event:
    """Something that happened, at a line of a student's file."""

    index: int
    kind: str
    file: str | None
    line: int | None
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


class Trace:
    """All events in their order, and the networks that were seen.

    Args:
        answer: what the child's `run` returned.
    """

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.ended: str = answer["ended"]
        self.error: Mapping[str, Any] | None = answer["error"]
        self.called: list[str] = answer["called"]
        self.callers: list[str] = answer["callers"]
        self.discarded = [Place(**place) for place in answer["discarded"]]
        self.moves = [Place(*place) for place in answer["moves"]]
        self.unfinished = [Place(**place) for place in answer["unfinished"]]
        self.functions = {f["name"]: Place(f["file"], f["line"]) for f in answer["functions"]}
        self.networks: Mapping[int, Mapping[str, Any]] = {n["id"]: n for n in answer["networks"]}
        self.events = [
            Event(index, event["kind"], event["file"], event["line"], event)
            for index, event in enumerate(answer["events"])
        ]
        self._sent: dict[int, Tensor] = {}  # id of a value -> its numbers
        self._others: set[int] = set()  # indices of events of another training

    def leave_out_others(self, name: str | None) -> None:
        """Look at the training of the networks of this class only, if they are not all."""
        own = {p for n in self.networks.values() if n["class"] == name for p in n["parameters"]}
        moves = [e for e in self.events if "parameters" in e.fields]
        others = {e.index for e in moves if own.isdisjoint(e["parameters"])}
        theirs = {e.index for e in self.all("step")}
        if not theirs - others or not theirs & others:
            return
        moved = {p for e in moves if e.index in others for p in e["parameters"]}
        used = {k for e in self.all("backward") if e.index in others for k in e["losses"]}
        foreign = {k for k, n in self.networks.items() if moved.intersection(n["parameters"])}
        calls = [e for e in self.all("call") if e["network"] in foreign]
        read = {value["from"] for call in calls for value in call["inputs"]}
        loads = {e["load"] for e in self.all("batch") if e.index in read}
        data = {e.index for e in self.all("load", "batch") if e["load"] in loads}
        self._others = others | used | data | {call.index for call in calls}

    @property
    def is_consistent(self) -> bool:
        """Whether it can be that of a training: steps use what passes before them have made."""
        made = {e.index: {*e["changed"]} for e in self.events if e.kind == "backward"}
        steps = [event for event in self.events if event.kind == "step"]
        used = [(k, step) for step in steps for k in step["passes"]]
        return all(
            k < step.index and made.get(k, set()) & {*step["parameters"]} for k, step in used
        )

    def all(self, *kinds: str) -> list[Event]:
        """The events of these kinds."""
        return self.between(-1, len(self.events), *kinds)

    def between(self, first: int, last: int, *kinds: str) -> list[Event]:
        """The events of these kinds after one index and before another."""
        between = self.events[first + 1 : last]
        return [e for e in between if e.kind in kinds and e.index not in self._others]

    def numbers(self, value: Mapping[str, Any] | None) -> Tensor | None:
        """The tensor that a value describes, also where it is known from an earlier event."""
        if value is None or value["values"] is not None or value["from"] is None:
            return None if value is None else value["values"]
        source = self.events[value["from"]]
        candidates: Sequence[Mapping[str, Any]] = (
            source["outputs"] if source.kind == "call" else source["values"]
        )
        for other in candidates:
            if all(other[name] == value[name] for name in ("min", "max", "mean", "std")):
                found = self.numbers(other)
                if found is not None and found.numel() == torch.Size(value["shape"]).numel():
                    return found.reshape(value["shape"])
        return None
