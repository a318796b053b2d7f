"""Who plays against whom: which network draws the images, and which one judges them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.train.player import Player
from toolkit.assignment.check.train.trace import (
    PIXELS,
    Backward,
    Call,
    Event,
    Network,
    Step,
    Trace,
    Value,
)

NUM_DIGITS = 10  # what has so many outputs tells digits apart, not real from drawn
RECENT = 8  # calls whose images may have been changed before they are judged
SLOPES = (0.5, 1.5)  # of images with noise added to them, over the images themselves
NOISY, RESCALED = 0.3, 0.95  # least correlations of them, and of images that were only rescaled
MOST = 0.9  # of the images of a batch, and more, are like it


@dataclass(frozen=True)
class Judged:
    """One call of the discriminator."""

    call: Call
    images: Value
    drawn: Tensor  # bool (batch,): which of the images the generator drew
    by: frozenset[int]  # the calls that drew them


class Turn(NamedTuple):
    """What one step of a network follows."""

    at: Event
    maximize: bool
    passes: list[Backward]  # that no step before has used


class Game:
    """A generator, its discriminator, and what they did.

    Args:
        trace: all that ran.
        generator, discriminator: of all networks.
        judged: the calls of the discriminator.
    """

    def __init__(
        self, trace: Trace, generator: Network, discriminator: Network, judged: list[Judged]
    ) -> None:
        self.trace = trace
        self.generator, self.discriminator = generator, discriminator
        self.judged = {j.call.index: j for j in judged}
        self.calls, self.steps = trace.all(Call), trace.all(Step)
        self.passes = {backward.index: backward for backward in trace.all(Backward)}
        copies = self._copies()
        begun = min((step.index for step in self.steps), default=float("inf"))
        self.draws = [
            call
            for call in self.calls
            if call.network == generator.id or (call.network in copies and call.index > begun)
        ]

    def _copies(self) -> set[int]:
        """Networks as the generator that are never trained: it was saved, and loaded into them."""
        mine = self.generator
        return {
            key
            for key, network in self.trace.networks.items()
            if (network.name, network.file, list(network.parameters.values()))
            == (mine.name, mine.file, list(mine.parameters.values()))
            and not self.steps_of(network)
        }

    def players(self) -> tuple[Player, Player]:
        """The generator, and the discriminator, with the steps that were meant for each."""
        generator, discriminator = (
            Player(name, network.parameters, self.steps_of(network), "dead-parameter")
            for name, network in (
                ("generator", self.generator),
                ("discriminator", self.discriminator),
            )
        )
        return generator, discriminator

    @property
    def all_draws(self) -> list[Call]:
        """The generator's calls, and those of a part of it that makes images by itself."""
        parts = {
            network.id
            for network in self.trace.networks.values()
            if network.parameters.keys() <= self.generator.parameters.keys()
        }
        drawn = {call.index for call in self.draws}
        return [
            call
            for call in self.calls
            if call.index in drawn
            or (call.network in parts and call.output is not None and call.output.size >= 784)
        ]

    def steps_of(self, network: Network) -> list[Step]:
        """The optimiser steps that were meant for this network: that hold parameters of its."""
        return [step for step in self.steps if step.parameters & network.parameters.keys()]

    def passes_of(self, network: Network) -> list[Backward]:
        """The backward passes that its steps use for the first time."""
        return [backward for turn in self.turns(network) for backward in turn.passes]

    def turns(self, network: Network) -> list[Turn]:
        """What each of its steps follows."""
        return [
            Turn(step, step.maximize, [self.passes[p] for p in step.passes if p not in step.stale])
            for step in self.steps_of(network)
        ]

    def pushes(self, turns: Iterable[Turn]) -> Iterator[tuple[Judged, Tensor, Backward]]:
        """For each call of the discriminator, how much its outputs should rise, (batch,)."""
        for turn in turns:
            sign = 1.0 if turn.maximize else -1.0
            for backward in turn.passes:
                for number, gradient in backward.gradients.items():
                    judged = self.judged.get(number)
                    if judged is not None and len(gradient) == len(judged.drawn):
                        yield judged, sign * gradient.double(), backward

    def trained_on(self, network: Network) -> set[int]:
        """The calls of the generator whose images were in the loss of a step of `network`."""
        used = {p for step in self.steps_of(network) for p in step.passes}
        return {
            origin
            for p in used
            for number in self.passes[p].gradients
            if number in self.judged
            for origin in self.judged[number].by
        }

    @property
    def judged_draws(self) -> set[int]:
        """The calls of the generator whose images the discriminator saw, or drew the same."""
        seen = {origin for judged in self.judged.values() for origin in judged.by}
        same = {call.index: call.output.source for call in self.draws if call.output is not None}
        seen |= {source for number, source in same.items() if number in seen and source in same}
        return seen | {number for number, source in same.items() if source in seen}


def find_game(trace: Trace) -> Game | None:
    """The likeliest pair in which one network was given what the other made."""
    origins = Origins(trace.all(Call))
    pairs: dict[tuple[int, int], None] = {}
    calls: dict[int, list[Call]] = {}
    for call in trace.all(Call):
        calls.setdefault(call.network, []).append(call)
        for value in call.inputs:
            for network, _, _ in origins.of(value, call):
                if network != call.network:
                    pairs.setdefault((network, call.network))
    scores: dict[tuple[int, int], tuple[int, int, int]] = {}
    for pair in pairs:
        _, discriminator = pair
        outputs = [c.output.size for c in calls[discriminator] if c.output is not None]
        if not outputs or NUM_DIGITS in outputs:
            continue
        both = [trace.networks[network].parameters.keys() for network in pair]
        trained = sum(any(step.parameters & keys for step in trace.all(Step)) for keys in both)
        scores[pair] = (trained, int(max(outputs) == 1), len(calls[discriminator]))
    if not scores:
        return None
    generator, discriminator = max(scores, key=lambda pair: scores[pair])
    judged = [origins.judged(call, generator) for call in calls[discriminator]]
    networks = trace.networks[generator], trace.networks[discriminator]
    return Game(trace, *networks, [j for j in judged if j is not None])


class Origins:
    """Which call of which network some numbers come from.

    Args:
        calls: all of them, in their order.
    """

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls

    def of(self, value: Value, by: Call) -> list[tuple[int, int, Tensor]]:
        """Network, call, and bool (batch,) which of the items of `value` it made.

        Args:
            by: the call that `value` went into.
        """
        batch = value.shape[0] if value.shape else 0
        everything = torch.ones(batch, dtype=torch.bool)
        before = [c for c in self._calls if c.index < by.index and c.output is not None]
        if value.source is not None:
            source = next((c for c in before if c.index == value.source), None)
            return [(source.network, source.index, everything)] if source else []
        known = {c.index: c for c in before if c.output is not None and c.output.size > 1}
        marks = {number: mark for number, mark in value.rows_from if number in known}
        found = {number: known[number] for number in marks}
        loaded = [mark for number, mark in value.rows_from if number not in known]
        for network in value.networks - {by.network}:  # noise was added, or a label
            late = [c for c in before if c.network == network and c.grad]
            if late and all(c.network != network for c in found.values()):
                found[late[-1].index] = late[-1]
                real = torch.stack([~everything, *loaded]).any(dim=0)
                marks[late[-1].index] = ~real if bool(real.any()) else everything
        if not found:
            found, marks = self._inside(value, before, everything)
        return [(call.network, number, marks[number]) for number, call in found.items()]

    def _inside(
        self, value: Value, before: list[Call], everything: Tensor
    ) -> tuple[dict[int, Call], dict[int, Tensor]]:
        """The last call whose output is in each item: beside labels, under noise, or rescaled."""
        rows = value.rows
        for call in reversed(before[-RECENT:]):
            made = call.output.rows if call.output else None
            if rows is None or made is None or len(made) != len(rows):
                continue
            size = made.size(1)
            parts = (rows[:, :size], rows[:, -size:]) if 16 < size < rows.size(1) else ()
            if any(torch.equal(part, made) for part in parts) or _are_changed(made, rows):
                return {call.index: call}, {call.index: everything}
        return {}, {}

    def judged(self, call: Call, generator: int) -> Judged | None:
        """What the discriminator saw in this call."""
        images = max(call.inputs, key=lambda v: v.size, default=None)
        drawn, by = None, []
        for value in call.inputs:
            for network, number, mark in self.of(value, call):
                if network == generator:
                    images = value
                    drawn = mark if drawn is None else drawn | mark
                    by.append(number)
        if images is None or not images.shape:
            return None
        if drawn is None:
            drawn = torch.zeros(images.shape[0], dtype=torch.bool)
        return Judged(call, images, drawn, frozenset(by))


def _are_changed(made: Tensor, seen: Tensor) -> bool:
    """Whether each image is one that was made, (batch, pixels), with noise on it or rescaled.

    Another image correlates with it too, but not in every row with a slope of about 1.
    """
    if made.shape != seen.shape or made.size(1) < PIXELS:
        return False
    x, y = (rows - rows.mean(dim=1, keepdim=True) for rows in (made, seen))
    both, squares = (x * y).sum(dim=1), x.square().sum(dim=1).clamp_min(1e-12)
    slope = both / squares
    correlation = both / (squares * y.square().sum(dim=1).clamp_min(1e-12)).sqrt()
    noisy = (slope > SLOPES[0]) & (slope < SLOPES[1]) & (correlation > NOISY)
    return float((noisy | (correlation > RESCALED)).double().mean()) >= MOST
