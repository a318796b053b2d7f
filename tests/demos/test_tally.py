"""The tally of Spot the fake forgets the rounds that nobody plays any more."""

import pytest

from latent_studio import tally
from latent_studio.tally import Tally

from .conftest import run_coroutine

PICKED = "01" * 6


def visitors(rounds: Tally, game: int) -> int:
    """How many have answered in the first round of a game."""
    number: int = run_coroutine(rounds.tally(game, 1))["visitors"]
    return number


def test_the_round_that_was_played_last_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the one that was begun last."""
    monkeypatch.setattr(tally, "MOST_ROUNDS", 2)
    rounds = Tally()
    for visitor, game in (("a", 1), ("b", 2), ("c", 1), ("d", 3)):
        run_coroutine(rounds.vote(visitor, game, 1, PICKED))
    assert [visitors(rounds, game) for game in (1, 2, 3)] == [2, 0, 1]
