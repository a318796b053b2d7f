"""A short form of benchmarks/fuzz.py: a few of each mishap, and no loss."""

import sys
from collections.abc import Iterator

import pytest
from mishaps import Outcome, flips, table
from mishaps.commands import commands
from mishaps.disk import RNN, disk
from mishaps.folders import folders
from mishaps.kills import kills
from mishaps.pairs import pairs
from mishaps.strangers import archives, frames, replies

NIGHTLY = pytest.mark.nightly
pytestmark = pytest.mark.xdist_group("kills")  # so that one server of forks is started


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outcomes", "at_least"),
    [
        pytest.param(kills(8, 0, (["rnn", "--num-steps", "50"],)), 8, id="kills", marks=NIGHTLY),
        pytest.param(pairs(3, 0), 6, id="pairs"),
        pytest.param(disk(4, 0, (RNN,)), 11 + 11 + 7 + 4, id="disk"),  # all the writes there are
        pytest.param(flips.flips(150, 0), 150, id="flips"),
        pytest.param(commands(40, 0), 40, id="commands", marks=NIGHTLY),
        pytest.param(archives(100, 0), 100, id="archives", marks=NIGHTLY),
        pytest.param(frames(500, 0), 500, id="frames"),
        pytest.param(replies(60, 0), 60, id="replies", marks=NIGHTLY),
    ],
)
def test_no_loss(outcomes: Iterator[Outcome], at_least: int) -> None:
    found = list(outcomes)
    text, lossless = table(found)
    assert lossless, text
    assert len(found) >= at_least


@pytest.mark.skipif(sys.platform == "win32", reason="needs descriptors of folders")
def test_nobodys_folder_is_touched() -> None:
    """Sixty layouts with folders that are called as the kit's own."""
    text, lossless = table(folders(60, 0))
    assert lossless, text


@pytest.mark.slow
def test_a_loss_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a reader that compares nothing."""
    monkeypatch.setattr(flips, "read_record", lambda path: (path / "run.json").read_bytes())
    text, lossless = table(flips.flips(90, 0))
    assert not lossless
    assert "of run.json | 10 | **10 silent** |" in text
    assert "- flipped bits and lost ends of run.json: silent: flip 7 of seed 0, " in text
