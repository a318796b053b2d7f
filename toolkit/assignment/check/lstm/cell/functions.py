"""Is y = phi(a), with one phi for all units? Neighbours tell."""

from torch import Tensor

MAX_JUMP = 0.03  # between neighbours, relative to the spread; about 1 where y is independent of a


def functions(ys: Tensor, a: Tensor) -> Tensor:
    """Which y follow from a, number by number, whatever phi is.

    Args:
        ys: (n, ...). a: (...).

    Returns:
        bool (n,).
    """
    ordered = ys.flatten(1)[:, a.flatten().argsort()]
    jumps = ordered.diff(dim=1).abs().sort(dim=1).values
    spread = ordered.sort(dim=1).values
    n = ordered.size(1)
    width = spread[:, int(0.95 * n)] - spread[:, int(0.05 * n)]
    finite = ys.flatten(1).isfinite().all(1)
    return finite & (width > 1e-6) & (jumps[:, int(0.9 * n)] < MAX_JUMP * width)
