"""Finds the players of a GAN: the network that draws images, and the network that judges them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.judging.train.player import Player
from toolkit.assignment.judging.train.trace import (
    PIXELS,
    Backward,
    Call,
    Event,
    Step,
    Trace,
    Value,
    WatchedNetwork,
)

NUM_DIGITS = 10  # a network with so many outputs classifies digits
RECENT = 8  # calls whose images may have been changed before they are judged
SLOPES = (0.5, 1.5)  # of a fit of noisy images to the original images
NOISY, RESCALED = 0.3, 0.95  # least correlations of noisy and of rescaled images
MOST = 0.9  # least share of a batch's images that match


@dataclass(frozen=True)
class Judged:
    """One call to the discriminator."""

    call: Call
    images: Value
    drawn: Tensor  # bool (batch,): which of the images the generator drew
    by: frozenset[int]  # the calls that drew them

    def marked(self, *, drawn: bool) -> Tensor:
        """Return a mask, bool (batch,), that selects the generated images if `drawn` is true, and
        the real images otherwise.
        """
        return self.drawn if drawn else ~self.drawn


class Turn(NamedTuple):
    """A step of a network's optimiser, with the backward passes whose gradients no earlier step has
    used.
    """

    at: Event
    maximize: bool
    passes: list[Backward]  # that no step before has used


class Game:
    """A generator, its discriminator, and the record of their steps and calls.

    Args:
        trace: the record of the whole run.
        generator, discriminator: the two networks of the run that form the GAN.
        judged: the calls to the discriminator.
    """

    def __init__(
        self,
        trace: Trace,
        generator: WatchedNetwork,
        discriminator: WatchedNetwork,
        judged: list[Judged],
    ) -> None:
        self.trace = trace
        self.generator, self.discriminator = generator, discriminator
        self.judged = {entry.call.index: entry for entry in judged}
        self.calls, self.steps = trace.all(Call), trace.all(Step)
        self.passes = {backward.index: backward for backward in trace.all(Backward)}
        self.draws = self._find_draws()

    def _find_draws(self) -> list[Call]:
        """Find all calls to the generator and, after the first optimiser step, also the calls to
        copies of it.
        """
        copies = self._copies()
        first_step = min((step.index for step in self.steps), default=float("inf"))
        draws = []
        for call in self.calls:
            is_of_copy = call.network in copies and call.index > first_step
            if call.network == self.generator.id or is_of_copy:
                draws.append(call)
        return draws

    def _copies(self) -> set[int]:
        """Find networks that have the same class and the same parameter names as the generator but
        that no recorded optimiser step updates, such as a reloaded generator.
        """
        copies = set()
        for key, network in self.trace.networks.items():
            if _has_same_layers(network, self.generator) and not self.steps_of(network):
                copies.add(key)
        return copies

    def players(self) -> tuple[Player, Player]:
        """Return the generator and the discriminator, each with the recorded steps of every
        optimiser that holds any of the network's parameters.
        """
        generator = self._player("generator", self.generator)
        return generator, self._player("discriminator", self.discriminator)

    def _player(self, name: str, network: WatchedNetwork) -> Player:
        return Player(name, network.parameters, self.steps_of(network), "dead-parameter")

    @property
    def all_draws(self) -> list[Call]:
        """The calls to the generator or to a copy of it, and each call to a part of the generator
        if this call returned images.
        """
        parts = set()
        for network in self.trace.networks.values():
            if network.parameters.keys() <= self.generator.parameters.keys():
                parts.add(network.id)
        drawn = {call.index for call in self.draws}
        draws = []
        for call in self.calls:
            has_images = call.output is not None and call.output.size >= PIXELS
            if call.index in drawn or (call.network in parts and has_images):
                draws.append(call)
        return draws

    def steps_of(self, network: WatchedNetwork) -> list[Step]:
        """Return the steps that were meant for a network: the steps of each optimiser that holds
        any of the network's parameters.
        """
        return [step for step in self.steps if step.parameters & network.parameters.keys()]

    def reads_images(self, network: WatchedNetwork) -> bool:
        """True if a network was called with something as large as an image."""
        for call in self.calls:
            sizes = [value.size for value in call.inputs]
            if call.network == network.id and max(sizes, default=0) >= PIXELS:
                return True
        return False

    def passes_of(self, network: WatchedNetwork) -> list[Backward]:
        """Return the backward passes whose gradients were used by one of this network's optimiser
        steps and by no earlier optimiser step.
        """
        passes: list[Backward] = []
        for turn in self.turns(network):
            passes += turn.passes
        return passes

    def turns(self, network: WatchedNetwork) -> list[Turn]:
        """Return a network's optimiser steps, each together with those backward passes whose
        gradients no earlier step has used.
        """
        turns = []
        for step in self.steps_of(network):
            fresh = [self.passes[index] for index in step.passes if index not in step.stale]
            turns.append(Turn(step, step.maximize, fresh))
        return turns

    def pushes(self, turns: Iterable[Turn]) -> Iterator[tuple[Judged, Tensor, Backward]]:
        """Yield the discriminator calls through which a backward pass of the given optimiser steps
        propagated gradients. Each call comes with the "pushes" on its outputs, (batch,), and with
        the backward pass. The pushes are the gradients at these outputs with adjusted signs.

        The push on an output is the gradient of the loss with respect to this output, with the sign
        reversed if the optimiser minimises the loss. A positive push therefore means that the
        optimiser step should raise the output.
        """
        for turn in turns:
            sign = 1.0 if turn.maximize else -1.0
            for backward in turn.passes:
                for index, gradient in backward.gradients.items():
                    judged = self.judged.get(index)
                    if judged is not None and len(gradient) == len(judged.drawn):
                        yield judged, sign * gradient.double(), backward

    def trained_on(self, network: WatchedNetwork) -> set[int]:
        """Return the indices of the generator calls whose images went into a loss that trained
        `network`.
        """
        draws: set[int] = set()
        for step in self.steps_of(network):
            for index in step.passes:
                for judged in self.judged_in(self.passes[index]):
                    draws |= judged.by
        return draws

    def judged_in(self, backward: Backward) -> list[Judged]:
        """For a given backward pass, return those calls to the discriminator through which it
        propagated gradients.
        """
        return [self.judged[index] for index in backward.gradients if index in self.judged]

    @property
    def judged_draws(self) -> set[int]:
        """The generator's calls whose images the discriminator received, and the generator's other
        calls that returned exactly the same images.
        """
        draws: set[int] = set()
        for judged in self.judged.values():
            draws |= judged.by
        sources: dict[int, int | None] = {}
        for call in self.draws:
            if call.output is not None:
                sources[call.index] = call.output.source
        for index in draws & sources.keys():
            original = sources[index]
            if original is not None and original in sources:
                draws.add(original)
        repeats = {index for index, source in sources.items() if source in draws}
        return draws | repeats


def _has_same_layers(first: WatchedNetwork, second: WatchedNetwork) -> bool:
    """True if two networks have the same class and the same parameter names."""
    if (first.name, first.file) != (second.name, second.file):
        return False
    return list(first.parameters.values()) == list(second.parameters.values())


class Pair(NamedTuple):
    """The ids of two networks, the second of which receives the output of the first."""

    generator: int
    discriminator: int


def find_game(trace: Trace) -> Game | None:
    """Find the pair of networks that is most likely a GAN, among the pairs in which one network
    received the other's output.
    """
    calls: dict[int, list[Call]] = {}
    for call in trace.all(Call):
        calls.setdefault(call.network, []).append(call)
    origins = Origins(trace.all(Call))
    scores: dict[Pair, tuple[int, int, int]] = {}
    for pair in _pairs(trace, origins):
        score = _score(pair, calls[pair.discriminator], trace)
        if score is not None:
            scores[pair] = score
    if not scores:
        return None
    best = max(scores, key=scores.__getitem__)
    judged: list[Judged] = []
    for call in calls[best.discriminator]:
        entry = origins.judged(call, best.generator)
        if entry is not None:
            judged.append(entry)
    networks = trace.networks[best.generator], trace.networks[best.discriminator]
    return Game(trace, *networks, judged)


def _pairs(trace: Trace, origins: "Origins") -> list[Pair]:
    """Return, without duplicates, the pairs of networks in which one network received the other's
    output.
    """
    pairs: dict[Pair, None] = {}  # in their order
    for call in trace.all(Call):
        for value in call.inputs:
            for origin in origins.of(value, call):
                if origin.network != call.network:
                    pairs.setdefault(Pair(origin.network, call.network))
    return list(pairs)


def _score(pair: Pair, calls: list[Call], trace: Trace) -> tuple[int, int, int] | None:
    """Score how closely a pair of networks resembles a GAN.

    Args:
        calls: of the discriminator.

    Returns:
        A tuple: the number of trained networks in the pair; 1 if the discriminator has one output,
        else 0; and the number of calls to the discriminator. The result is None if the second
        network is not a discriminator.
    """
    sizes = [call.output.size for call in calls if call.output is not None]
    if not sizes or NUM_DIGITS in sizes:
        return None
    num_trained = 0
    for network in pair:
        keys = trace.networks[network].parameters.keys()
        num_trained += any(step.parameters & keys for step in trace.all(Step))
    return num_trained, int(max(sizes) == 1), len(calls)


class Origin(NamedTuple):
    """A network call that computed some or all of the items in a batch."""

    network: int
    call: int
    mark: Tensor  # bool (batch,): which of the items it made


class Origins:
    """Finds the network calls that computed the entries of a tensor.

    Args:
        calls: all network calls of the run, in order.
    """

    def __init__(self, calls: list[Call]) -> None:
        self._calls = [call for call in calls if call.output is not None]
        self._by_index: dict[int, Call] = {}
        self._with_items: dict[int, Call] = {}  # those whose output has several entries per item
        self._with_gradient: dict[int, list[Call]] = defaultdict(list)  # by their network
        for call in self._calls:
            self._by_index[call.index] = call
            if call.output is not None and call.output.size > 1:
                self._with_items[call.index] = call
            if call.grad:
                self._with_gradient[call.network].append(call)

    def of(self, value: Value, by: Call) -> list[Origin]:
        """Find the earlier network calls from which the items of the batch `value` come.

        Args:
            by: the call that received `value`.
        """
        if value.source is not None:
            return self._source_of(value, value.source, by)
        origins = self._by_rows(value, by)
        origins += self._by_gradient(value, by, origins)
        return origins or self._by_numbers(value, by)

    def _source_of(self, value: Value, source: int, by: Call) -> list[Origin]:
        """Find the call with the index `source`, whose output is the same tensor as `value`."""
        call = self._by_index.get(source)
        if call is None or call.index >= by.index:
            return []
        return [Origin(call.network, call.index, _all_of(value))]

    def _by_rows(self, value: Value, by: Call) -> list[Origin]:
        """Find the calls whose output rows reappear as rows of `value`."""
        origins: dict[int, Origin] = {}
        for index, mark in value.rows_from:
            call = self._with_items.get(index)
            if call is not None and index < by.index:
                origins[index] = Origin(call.network, index, mark)
        return list(origins.values())

    def _by_gradient(self, value: Value, by: Call, origins: list[Origin]) -> list[Origin]:
        """For each network that the gradient of `value` reaches, return the last call of that
        network before `by`, the call that received `value`. Such a call cannot be found by
        comparing rows (see `_by_rows`) if noise or labels were added to its output.

        Args:
            origins: the calls that were already found because rows of their outputs reappear in
                `value`; the networks of these calls are skipped.
        """
        loaded = []
        for index, mark in value.rows_from:
            if index not in self._with_items or index >= by.index:
                loaded.append(mark)
        none = ~_all_of(value)
        changed = ~torch.stack([none, *loaded]).any(dim=0)
        reached = []
        for network in value.networks - {by.network}:
            earlier = _before(by, self._with_gradient[network])
            if earlier and all(origin.network != network for origin in origins):
                reached.append(Origin(network, earlier[-1].index, changed))
        return reached

    def _by_numbers(self, value: Value, by: Call) -> list[Origin]:
        """Find the most recent of the earlier calls whose output reappears in `value` with labels
        attached, with noise added, or rescaled.
        """
        rows = value.rows
        if rows is None:
            return []
        for call in reversed(_before(by, self._calls)[-RECENT:]):
            made = call.output.rows if call.output else None
            if made is not None and _is_inside(made, rows):
                return [Origin(call.network, call.index, _all_of(value))]
        return []

    def judged(self, call: Call, generator: int) -> Judged | None:
        """Return a `Judged`, which records a discriminator call and the images that it received, or
        None if it received no images.
        """
        images = max(call.inputs, key=attrgetter("size"), default=None)
        drawn: Tensor | None = None
        by: list[int] = []
        for value in call.inputs:
            for origin in self.of(value, call):
                if origin.network == generator:
                    images = value
                    drawn = origin.mark if drawn is None else drawn | origin.mark
                    by.append(origin.call)
        if images is None or not images.shape:
            return None
        if drawn is None:
            drawn = torch.zeros(images.shape[0], dtype=torch.bool)
        return Judged(call, images, drawn, frozenset(by))


def _all_of(value: Value) -> Tensor:
    """Return a mask, bool (batch,), that selects every item in a batch."""
    batch = value.shape[0] if value.shape else 0
    return torch.ones(batch, dtype=torch.bool)


def _before(by: Call, calls: list[Call]) -> list[Call]:
    """Return those of the calls, which are in order, that come before the call `by`."""
    return calls[: bisect_left(calls, by.index, key=attrgetter("index"))]


def _is_inside(made: Tensor, shown: Tensor) -> bool:
    """True if `shown` holds the items in `made` with labels attached, with noise added, or
    rescaled.

    Both `made` and `shown` have shape (batch, size).
    """
    if len(made) != len(shown):
        return False
    return _is_beside(made, shown) or _are_changed(made, shown)


def _is_beside(made: Tensor, shown: Tensor) -> bool:
    """True if `made` has more than 16 columns, and `shown` consists of these columns with further
    columns either before or after them.
    """
    size = made.size(1)
    if not 16 < size < shown.size(1):
        return False
    return torch.equal(shown[:, :size], made) or torch.equal(shown[:, -size:], made)


def _are_changed(made: Tensor, shown: Tensor) -> bool:
    """True if most images in `shown`, (batch, pixels), are noisy or rescaled versions of the images
    in `made`.

    Even unrelated images may correlate. The function therefore also regresses each image in `shown`
    on the corresponding image in `made`. If the images are unrelated, the slopes are rarely near 1
    for nearly the whole batch.
    """
    if made.shape != shown.shape or made.size(1) < PIXELS:
        return False
    x, y = _centred(made), _centred(shown)
    products, squares = (x * y).sum(dim=1), x.square().sum(dim=1).clamp_min(1e-12)
    slope = products / squares
    correlation = products / (squares * y.square().sum(dim=1).clamp_min(1e-12)).sqrt()
    noisy = (slope > SLOPES[0]) & (slope < SLOPES[1]) & (correlation > NOISY)
    return float((noisy | (correlation > RESCALED)).double().mean()) >= MOST


def _centred(rows: Tensor) -> Tensor:
    return rows - rows.mean(dim=1, keepdim=True)
