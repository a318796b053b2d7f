"""The warm process waits for the process of one part: stand-ins for that and for time."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.assignment.asking.host import Gone
from toolkit.assignment.running import serving

LIMIT = 10  # CPU seconds
REQUEST = {"part": "dataset", "seconds": LIMIT, "memory": 2**30}


class Process:
    """Ends when it is killed, or after so many looks of the guard.

    Args:
        waits: the share of the time in which others have its core.
        looks: of the guard; each takes a second of its clock.
    """

    def __init__(self, waits: float, looks: int = 10_000) -> None:
        self.waits, self.looks = waits, looks
        self.seen, self.is_killed = 0, False
        self.ended = threading.Event()

    def wait(self) -> None:
        self.ended.wait()

    def starved(self) -> float:
        return self.waits * self.seen

    def exceeds(self) -> bool:
        if self.seen == self.looks:
            self.ended.set()
        return False

    def kill(self) -> None:
        self.is_killed = True
        self.ended.set()

    def end(self) -> tuple[int, float, list[str]]:
        return (-9 if self.is_killed else 0), 0.1, []


class AtOnce(threading.Event):
    """Nobody waits for half a second."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else 0)


def served(process: Process, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The end of the process, on a clock that goes on by a second with each look at it."""

    def monotonic() -> float:
        process.seen += not process.ended.is_set()
        return float(process.seen)

    monkeypatch.setattr(serving, "Process", lambda *_: process)
    monkeypatch.setattr(serving, "time", SimpleNamespace(monotonic=monotonic))
    monkeypatch.setattr(
        serving, "threading", SimpleNamespace(Thread=threading.Thread, Event=AtOnce)
    )
    return serving.serve(REQUEST, 0, 1)


@pytest.mark.parametrize(
    ("waits", "late_after"),
    [(0.0, 2 * LIMIT), (0.5, 4 * LIMIT), (0.9, 8 * LIMIT)],
    ids=["alone", "has half of a core", "has next to nothing"],
)
def test_when_it_is_late(waits: float, late_after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time in which others had its core is added to its limit, up to a bound."""
    process = Process(waits)
    ended = served(process, monkeypatch)
    assert ended["late"]
    assert process.is_killed
    assert late_after < process.seen <= late_after + 3
    assert ended["starved"] == pytest.approx(waits * process.seen)


def test_what_ends_by_itself_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = served(Process(0.0, looks=LIMIT), monkeypatch)
    assert ended == {"status": 0, "cpu": 0.1, "late": False, "starved": 0.0, "walls": []}


def test_no_guard_looks_at_the_next_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is in the middle of a look is waited for: a process id may be given again."""
    looked = []

    class Slow(Process):
        def exceeds(self) -> bool:
            self.ended.set()
            threading.Event().wait(0.3)
            looked.append(True)
            return False

    served(Slow(0.0), monkeypatch)
    assert looked == [True]


@pytest.mark.parametrize(
    ("seconds", "starved", "is_busy"),
    [
        (20.0, 0.0, False),  # it slept
        (40.0, 20.0, False),  # it slept, and others had its core half of the time
        (80.0, 70.0, True),  # it had a core for ten seconds
        (10.0, 0.0, True),  # the judge thought
    ],
)
def test_whether_it_was_late_for_want_of_a_core(
    seconds: float, starved: float, is_busy: bool
) -> None:
    ended = {"late": True, "cpu": 0.1, "limit": LIMIT, "seconds": seconds, "starved": starved}
    assert Gone(ended).busy == is_busy
    assert not Gone(ended | {"late": False}).busy
    assert not Gone(ended | {"cpu": float(LIMIT)}).busy
