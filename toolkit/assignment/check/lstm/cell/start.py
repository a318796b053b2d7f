"""h(0) and c(0), which the first step shows."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.cell.affine import is_none
from toolkit.assignment.check.lstm.cell.formulas import ACTIVATIONS
from toolkit.assignment.check.lstm.cell.matching import Match
from toolkit.assignment.check.lstm.cell.reference import Trial, activation
from toolkit.assignment.check.verify import EXACT

MAX_REST = 3e-3  # of a gate at the first step, beyond what W x(1) + b gives


class Beginning(NamedTuple):
    """A start that is not zero."""

    what: str  # h or c
    away: float  # how far a value at the first step is from that of zeros
    states: tuple[Tensor, Tensor] | None  # h(0) and c(0), if each sequence has the same

    def seen(self, number: int, trial: Trial) -> dict[str, Any]:
        """What proves it."""
        seen = trial.without(number, start=None)
        exact = seen["error"] <= EXACT
        return seen if exact else {"first": self.away, "allowed": MAX_REST}


def nonzero(match: Match) -> Beginning | None:
    """Whichever of h(0) and c(0) the first step shows not to be zero; None if both are."""
    if match.first:
        return None
    rests, weights, away = [], [], 0.0
    for gate in match.gates.values():
        fit = gate.map
        if gate.kind not in ACTIVATIONS.values() or fit is None or not fit.exact:
            continue
        if gate.before is None or is_none(fit.weight_h):
            continue
        inside = match.x[0] @ fit.weight_x + fit.bias
        away = max(away, float((gate.values[0] - activation(gate.kind, inside)).abs().max()))
        rests.append(gate.before[0] - inside)
        weights.append(fit.weight_h)
    h = torch.zeros_like(match.h[0])
    if away > MAX_REST:
        h = torch.linalg.lstsq(torch.cat(weights, 1).t(), torch.cat(rests, 1).t()).solution.t()
    g, i = match.gates["g"].values[0], match.gates["i"].values[0] if "i" in match.gates else 0.0
    rest = match.c[0] - g * i
    found = "h" if away > MAX_REST else ""
    if not match.cell.mistake and float(rest.abs().max()) > MAX_REST:
        found, away = found or "c", max(away, float(rest.abs().max()))
    if not found:
        return None
    c = torch.zeros_like(h) if match.cell.mistake else rest / match.gates["f"].values[0]
    same = all(float((one - one[:1]).abs().max()) < 0.02 for one in (h, c))
    return Beginning(found, away, (h.mean(0), c.mean(0)) if same else None)
