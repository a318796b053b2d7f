"""A short form of benchmarks/fuzz.py: a few of each mishap, and no loss."""

from collections.abc import Iterator

import pytest
from mishaps import Outcome, flips, table
from mishaps.commands import commands
from mishaps.disk import RNN, disk
from mishaps.kills import kills
from mishaps.pairs import pairs

pytestmark = pytest.mark.xdist_group("kills")  # so that one server of forks is started


def assert_lossless(outcomes: Iterator[Outcome], at_least: int) -> None:
    found = list(outcomes)
    text, lossless = table(found)
    assert lossless, text
    assert len(found) >= at_least


@pytest.mark.slow
def test_kills() -> None:
    assert_lossless(kills(8, 0, (["rnn", "--num-steps", "50"],)), at_least=8)


@pytest.mark.slow
def test_pairs() -> None:
    assert_lossless(pairs(3, 0), at_least=6)


@pytest.mark.slow
def test_full_disk() -> None:
    assert_lossless(disk(4, 0, (RNN,)), at_least=11 + 11 + 7 + 4)  # all the writes there are


@pytest.mark.slow
def test_flips() -> None:
    assert_lossless(flips.flips(150, 0), at_least=150)


@pytest.mark.slow
def test_wrong_commands() -> None:
    assert_lossless(commands(40, 0), at_least=40)


def test_a_loss_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a reader that compares nothing."""
    monkeypatch.setattr(flips, "read_record", lambda path: (path / "run.json").read_bytes())
    text, lossless = table(flips.flips(90, 0))
    assert not lossless
    assert "of run.json | 10 | **10 silent** |" in text
    assert "- flipped bits and lost ends of run.json: silent: flip 6 of seed 0, " in text
