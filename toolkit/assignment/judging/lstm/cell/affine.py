"""Fits y = W_x x + W_h h + b by least squares."""

from typing import NamedTuple

import torch
from torch import Tensor

MAX_RESIDUAL = 1e-3  # relative; up to this a map counts as exact in float32
MIN_WEIGHT = 1e-3  # if all weights are below this, there are none


class Map(NamedTuple):
    """A least-squares fit y = x W_x + h W_h + b."""

    residual: float  # relative
    weight_x: Tensor  # (d, k)
    weight_h: Tensor  # (m, k)
    bias: Tensor  # (k,)

    @property
    def exact(self) -> bool:
        """True if the fit reproduces y up to rounding."""
        return self.residual < MAX_RESIDUAL


def affine(y: Tensor, x: Tensor | None, h: Tensor) -> Map:
    """Fit y (n, k) by an affine map of x (n, d) and h (n, m)."""
    parts = [h, torch.ones(len(h), 1)]
    if x is not None:
        parts = [x, *parts]
    inputs = torch.cat([part.double() for part in parts], dim=1)
    y = y.double()
    # Numbers that are not finite fit no map.
    finite_inputs, finite_y = inputs.nan_to_num(0.0, 0.0, 0.0), y.nan_to_num(0.0, 0.0, 0.0)
    solution = torch.linalg.lstsq(finite_inputs, finite_y, driver="gelsd").solution
    residual = float((inputs @ solution - y).norm() / _scale(y))
    d = 0 if x is None else x.size(1)
    weight_x, bias = solution[:d], solution[-1]
    if x is not None and d > 1 and bool((x.sum(1) == 1).all()):  # one-hot: b may hide in W_x
        bias = bias + weight_x.mean(0)
        weight_x = weight_x - weight_x.mean(0)
    return Map(residual, weight_x, solution[d:-1], bias)


def residuals(y: Tensor, basis: Tensor) -> Tensor:
    """Return, for each matrix in `y` (n, rows, k), how far its columns lie from the span of the
    columns of `basis`. This distance is relative to the spread of the matrix's values.

    Args:
        basis: orthonormal, (rows, m).
    """
    flat = y.transpose(0, 1).flatten(1)
    remainder = flat - basis @ (basis.t() @ flat)
    remainder = remainder.unflatten(1, (len(y), -1))
    sizes = remainder.square().sum(dim=(0, 2)).sqrt()
    scaled: Tensor = sizes / torch.stack([_scale(values) for values in y])
    return scaled


def basis(*parts: Tensor) -> Tensor:
    """Return an orthonormal basis for the space spanned by a constant column and the columns of all
    `parts`, each (rows, ...).
    """
    columns = torch.cat([*parts, torch.ones(len(parts[0]), 1, dtype=torch.float64)], dim=1)
    u, s, _ = torch.linalg.svd(columns, full_matrices=False)
    kept: Tensor = u[:, s > 1e-7 * s[0]]
    return kept


def is_none(weights: Tensor) -> bool:
    """True if all weights of a fit are zero up to rounding."""
    return float(weights.abs().max()) < MIN_WEIGHT


def _scale(y: Tensor) -> Tensor:
    scale: Tensor = (y - y.mean(dim=0)).norm() + 1e-3 * y.size(0) ** 0.5
    return scale
