"""Which of equations (1) to (7) does a network compute? Its numbers tell.

A forward pass is recorded: the input and the output of each sigmoid and tanh. If these are the
gates in some order, they satisfy (5) and (6), and then h(t) is known, whatever a student calls it
and however the weights are packed, transposed or split. Equations (1) to (4) hold if the input of
each gate is an affine map of x(t) and h(t-1), the same at every step. Least squares finds its W_x,
W_h and b, which are the student's weights in our layout, and the residual says whether the map is
affine. The same holds for the logits and h(T) in (7).

If nothing fits, the same is tried with one equation replaced by a common mistake in it.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.formulas import CELLS, GATES, OUTPUTS
from toolkit.assignment.check.student.recorder import Step

MAX_RESIDUAL = 2e-3  # relative; up to this a map counts as exact in float32
MIN_WEIGHT = 1e-4  # if all weights are below this, there are none


class Chunk(NamedTuple):
    """What one gate (or the tanh of c) does at all steps: (steps, batch, hidden) each."""

    kind: str
    before: Tensor
    after: Tensor
    line: int | None
    id_before: int  # of the tensors at the first step
    id_after: int


class Match(NamedTuple):
    """Which chunk is which gate, and the states that follow."""

    gates: dict[str, Chunk]
    c: Tensor  # (steps, batch, hidden)
    h: Tensor
    cell: str  # the mistake in (5), "" for none
    output: str  # the mistake in (6)
    start: Tensor | None  # c(0), where it is not zero


class Map(NamedTuple):
    """A least-squares fit y = W_x x + W_h h + b."""

    residual: float  # relative
    weight_x: Tensor
    weight_h: Tensor
    bias: Tensor


def chunks(recorded: Sequence[Step], num_steps: int, batch: int, hidden: int) -> list[Chunk]:
    """Sort a recording into gates: the k-th piece of `hidden` numbers of each time step.

    Affine maps count only if there are fewer than five activations in a step, that is, if a gate
    may lack its activation.

    Returns:
        an empty list if the recording differs from step to step.
    """
    active = list(_pieces([s for s in recorded if s.kind != "linear"], batch, hidden))
    result = _by_step(active, num_steps)
    if len(result) < 5:
        inputs = {s.id_before for s in recorded if s.kind != "linear"}
        plain = [s for s in recorded if s.kind == "linear" and s.id_after not in inputs]
        result += _by_step(list(_pieces(plain, batch, hidden)), num_steps)
    return result


def match_gates(found: Sequence[Chunk], logits: Tensor, x: Tensor) -> Match | None:
    """The assignment of chunks to gates that gives the logits (batch, 10); None if none does.

    The right equations are tried first, then one mistake at a time: in (5), in (6), in c(0), and in
    one gate's activation. A match is preferred in which a gate depends on x(t) and h(t-1) as it
    should; without one, the first match with the right (5) and (6) is taken.

    Args:
        x: what the network read, (batch, steps, input_dim).
    """
    first: Match | None = None
    for match in _matches(found):
        if _gives(match, logits):
            if _feeds_back(match, x):
                return match
            if first is None and not match.cell + match.output and match.start is None:
                first = match
    return first


def _matches(found: Sequence[Chunk]) -> Iterator[Match]:
    """All assignments, the likeliest first."""
    sigmoids = [chunk for chunk in found if chunk.kind == "sigmoid"]
    tanhs = [c for c in found if c.kind == "tanh"] + [
        chunk._replace(before=2 * chunk.before, after=2 * chunk.after - 1, kind="tanh")
        for chunk in sigmoids
    ]
    ways = [("", "")] + [(c, "") for c in CELLS if c] + [("", o) for o in OUTPUTS if o]
    for cell, output in ways:
        for g in tanhs:
            for i, f, o in permutations(sigmoids, 3):
                yield unroll(dict(zip(GATES, (g, i, f, o), strict=True)), cell, output)
    for g in tanhs:
        for tanh_c in (chunk for chunk in found if chunk.kind == "tanh" and chunk is not g):
            for i, f, o in permutations(sigmoids, 3):
                gates = dict(zip(GATES, (g, i, f, o), strict=True))
                start = (tanh_c.before[0] - g.after[0] * i.after[0]) / f.after[0]
                yield unroll(gates, "", "", start)
    for chosen in permutations(found, 4):
        yield unroll(dict(zip(GATES, chosen, strict=True)), "", "")
    yield from _fewer_gates([chunk for chunk in found if chunk.kind != "linear"])


def _fewer_gates(found: Sequence[Chunk]) -> Iterator[Match]:
    """Mistakes in (5) and (6) that leave a gate out altogether."""
    ways = [(c, "") for c in CELLS if c] + [("", o) for o in OUTPUTS if o]
    for cell, output in ways:
        for chosen in permutations(found, 3):
            for missing in ("i", "f", "o"):
                names = [name for name in GATES if name != missing]
                gates = dict(zip(names, chosen, strict=True))
                if gates["g"].kind == "tanh":
                    unused = torch.full_like(gates["g"].after, torch.nan)
                    gates[missing] = gates["g"]._replace(after=unused, kind="missing")
                    yield unroll(gates, cell, output)


def affine(y: Tensor, x: Tensor | None, h: Tensor) -> Map:
    """Fit y (n, k) by an affine map of x (n, d) and h (n, m)."""
    parts = [h, torch.ones(len(h), 1)] if x is None else [x, h, torch.ones(len(h), 1)]
    inputs = torch.cat(parts, dim=1).double()
    y = y.double()
    solution = torch.linalg.lstsq(inputs, y, driver="gelsd").solution
    scale = (y - y.mean(dim=0)).norm() + 1e-3 * len(y) ** 0.5
    residual = float((inputs @ solution - y).norm() / scale)
    d = 0 if x is None else x.size(1)
    return Map(residual, solution[:d], solution[d:-1], solution[-1])


def is_none(weights: Tensor) -> bool:
    """Whether all weights of a fit are zero but for rounding."""
    return float(weights.abs().max()) < MIN_WEIGHT


def unroll(gates: dict[str, Chunk], cell: str, output: str, start: Tensor | None = None) -> Match:
    """c(t) and h(t) from the recorded gates, by the formulas so named in CELLS and OUTPUTS."""
    g, i, f, o = (gates[name].after for name in GATES)
    before = torch.zeros_like(g[0]) if start is None else start
    h_before = torch.zeros_like(g[0])
    cs, hs = [], []
    for t in range(len(g)):
        c = CELLS[cell](g[t], i[t], f[t], before, h_before)
        h_before = OUTPUTS[output](c, o[t], before, g[t])
        before = c
        cs.append(c)
        hs.append(h_before)
    return Match(gates, torch.stack(cs), torch.stack(hs), cell, output, start)


def _gives(match: Match, logits: Tensor) -> bool:
    """Whether the logits are an affine map of h(T)."""
    h = match.h[-1]
    return bool(h.isfinite().all()) and affine(logits, None, h).residual < MAX_RESIDUAL


def _feeds_back(match: Match, x: Tensor) -> bool:
    """Whether some gate is an affine map of x(t) and h(t-1)."""
    now = x.transpose(0, 1)[1:].flatten(0, 1)
    before = match.h[:-1].flatten(0, 1)
    return any(
        affine(chunk.before[1:].flatten(0, 1), now, before).residual < MAX_RESIDUAL
        for chunk in match.gates.values()
        if chunk.kind != "missing"
    )


def _pieces(recorded: Sequence[Step], batch: int, hidden: int) -> Iterator[Chunk]:
    """Cut each recorded tensor into (batch, hidden) pieces."""
    for step in recorded:
        before, after = (_flat(x, batch) for x in (step.before, step.after))
        if before is None or after is None or after.size(1) % hidden:
            continue
        kind = step.kind
        if kind == "exp":  # 1 / (1 + exp(-a)), a sigmoid by hand
            kind, before, after = "sigmoid", -before, 1 / (1 + after)
        for b, a in zip(before.split(hidden, 1), after.split(hidden, 1), strict=True):
            yield Chunk(kind, b, a, step.line, step.id_before, step.id_after)


def _flat(x: Tensor, batch: int) -> Tensor | None:
    """As (batch, features), whichever axis the batch is; None if there is no such axis."""
    x = x.squeeze()
    axes = [axis for axis, size in enumerate(x.shape) if size == batch]
    return x.movedim(axes[0], 0).flatten(1) if axes and x.dim() > 1 else None


def _by_step(pieces: list[Chunk], num_steps: int) -> list[Chunk]:
    """Stack the k-th pieces of all steps."""
    per_step, rest = divmod(len(pieces), num_steps)
    if rest or not per_step:
        return []
    result = []
    for k in range(per_step):
        same = pieces[k::per_step]
        if len({(piece.kind, piece.line) for piece in same}) > 1:
            return []
        before = torch.stack([piece.before for piece in same])
        result.append(
            same[0]._replace(before=before, after=torch.stack([piece.after for piece in same]))
        )
    return result
