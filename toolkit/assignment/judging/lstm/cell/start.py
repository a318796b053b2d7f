"""Finds h(0) and c(0) from the values of the first step."""

from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.rules.claims.lstm import EXACT
from toolkit.assignment.judging.lstm.cell.affine import is_none
from toolkit.assignment.judging.lstm.cell.formulas import ACTIVATIONS
from toolkit.assignment.judging.lstm.cell.matching import Match
from toolkit.assignment.judging.lstm.cell.reference import Trial, activation

MAX_REST = 3e-3  # of a gate at the first step, beyond what W x(1) + b gives


class Beginning(NamedTuple):
    """An initial state that is not zero."""

    state: str  # h or c
    away: float  # distance of a value at the first step from its value at zero start
    states: tuple[Tensor, Tensor] | None  # h(0) and c(0), if each sequence has the same

    def proof(self, number: int, trial: Trial) -> claims.Evidence:
        """Return the evidence that the initial state is not zero: a claim with the numbers that
        support it.

        Args:
            number: of the layer.
            trial: the test of a model with this initial state.
        """
        proof = trial.without(number, start=None)
        if proof.seen["error"] <= EXACT:
            return proof
        return claims.lstm.does_not_start_at_zero(first=self.away, allowed=MAX_REST)


class FirstStep(NamedTuple):
    """How far the gates at the first step are from the values that they would have if h(0) were
    0.
    """

    away: float  # the largest difference of a gate
    rests: list[Tensor]  # of what is inside the activations, (rows, hidden)
    weights: list[Tensor]  # W_h of the same gates

    def h(self, zeros: Tensor) -> Tensor:
        """Return the h(0) that explains the values of the gates at the first step, or `zeros` if
        these values are close to those that h(0) = 0 would give.
        """
        if self.away > MAX_REST:
            weights, rests = torch.cat(self.weights, 1), torch.cat(self.rests, 1)
            solution: Tensor = torch.linalg.lstsq(weights.t(), rests.t()).solution
            return solution.t()
        return zeros


def nonzero(match: Match) -> Beginning | None:
    """Work out the initial state from the values of the first step; return None if h(0) and c(0)
    are zero, or if these values are missing.
    """
    if match.first:
        return None
    first_step = _first_step(match)
    away = first_step.away
    h = first_step.h(torch.zeros_like(match.h[0]))
    state = "h" if away > MAX_REST else ""
    kept = _kept_from_start(match)
    if not match.cell.mistake and float(kept.abs().max()) > MAX_REST:
        state, away = state or "c", max(away, float(kept.abs().max()))
    if not state:
        return None
    c = torch.zeros_like(h) if match.cell.mistake else kept / match.gates["f"].values[0]
    if not (_has_equal_rows(h) and _has_equal_rows(c)):
        return Beginning(state, away, None)
    return Beginning(state, away, (h.mean(0), c.mean(0)))


def _first_step(match: Match) -> FirstStep:
    """Compare the gates at the first step with the values that W x(1) + b gives."""
    rests, weights, away = [], [], 0.0
    for gate in match.gates.values():
        fit = gate.map
        if gate.kind not in ACTIVATIONS.values() or fit is None or not fit.exact:
            continue
        if gate.before is None or is_none(fit.weight_h):
            continue
        inside = match.x[0] @ fit.weight_x + fit.bias
        difference = gate.values[0] - activation(gate.kind, inside)
        away = max(away, float(difference.abs().max()))
        rests.append(gate.before[0] - inside)
        weights.append(fit.weight_h)
    return FirstStep(away, rests, weights)


def _kept_from_start(match: Match) -> Tensor:
    """Return c(1) - g(1) i(1), which is f(1) c(0) if the cell follows equation (5)."""
    c, g = match.c[0], match.gates["g"].values[0]
    if "i" not in match.gates:
        return c
    return c - g * match.gates["i"].values[0]


def _has_equal_rows(states: Tensor) -> bool:
    """True if all sequences start with the same state."""
    return float((states - states[:1]).abs().max()) < 0.02
