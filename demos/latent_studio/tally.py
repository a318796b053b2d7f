"""The votes in the game Spot the fake, in which visitors choose the images that they think were
generated.
"""

import re
from collections import OrderedDict
from typing import Any

from serving.numbers import whole
from toolkit.common.errors import UsageError

NUM_CARDS, NUM_DRAWN, NUM_ROUNDS, MOST_GAMES = 12, 6, 3, 10_000
MOST_VISITORS = 1000  # of one round
MOST_ROUNDS = 100  # the number of latest rounds that are kept


class Tally:
    """Counts of votes, kept only in memory. The server's event loop runs one call at a time, so no
    lock is needed.
    """

    def __init__(self) -> None:
        self._rounds: OrderedDict[tuple[int, int], dict[str, str]] = OrderedDict()

    async def vote(self, visitor: str, game: int, round: int, picked: str) -> dict[str, Any]:
        """Record which six of the twelve images a visitor thinks were generated; this replaces the
        visitor's earlier vote.

        Args:
            visitor: a random identifier that the page generates when it is opened.
            game: the seed of the twelve images, 0 to 9,999.
            round: 1 to 3.
            picked: twelve characters, one for each image: 1 if the visitor thinks that the image
                was generated, else 0.

        Raises:
            UsageError: an argument is malformed, or too many visitors have answered.
        """
        key = self._key(game, round)
        if not isinstance(visitor, str) or not re.fullmatch(r"\w{1,40}", visitor):
            raise UsageError("visitor must be a word of at most 40 letters.")
        is_answer = isinstance(picked, str) and re.fullmatch(f"[01]{{{NUM_CARDS}}}", picked)
        if not is_answer or picked.count("1") != NUM_DRAWN:
            raise UsageError(f"picked must be {NUM_CARDS} times 0 or 1, and {NUM_DRAWN} of them 1.")
        answers = self._rounds.setdefault(key, {})
        self._rounds.move_to_end(key)
        if len(self._rounds) > MOST_ROUNDS:
            self._rounds.popitem(last=False)
        if len(answers) >= MOST_VISITORS and visitor not in answers:
            raise UsageError(f"{MOST_VISITORS:,} have answered; this answer is not counted.")
        answers[visitor] = picked
        return await self.tally(game, round)

    async def tally(self, game: int, round: int) -> dict[str, Any]:
        """Return the number of voters and, for each image, how many of them think that it was
        generated.
        """
        answers = self._rounds.get(self._key(game, round), {}).values()
        marks = [sum(picked[k] == "1" for picked in answers) for k in range(NUM_CARDS)]
        return {"visitors": len(answers), "marks": marks}

    def _key(self, game: int, round: int) -> tuple[int, int]:
        return whole("game", game, 0, MOST_GAMES - 1), whole("round", round, 1, NUM_ROUNDS)
