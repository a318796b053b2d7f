"""The numbers that the check puts into a network in place of its weights."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from toolkit.assignment.judging.lstm.network import HIDDEN, Network
from toolkit.assignment.judging.lstm.weights import BIAS, WEIGHT, randomise


def network(hidden: int) -> tuple[Network, dict[str, Any]]:
    """One with a matrix and a bias, and what is put into it."""
    put: dict[str, Any] = {}
    kind = {"kind": "parameter", "zero": False, "grad": True}
    tensors = [{"name": "W", "shape": [hidden, hidden]}, {"name": "b", "shape": [hidden]}]
    questions = SimpleNamespace(put=lambda values: put.update(values))
    stand_in = SimpleNamespace(
        usage=SimpleNamespace(hidden=hidden, batch=5),
        tensors=[tensor | kind for tensor in tensors],
        states=set(),
        child=SimpleNamespace(ask=questions),
    )
    return cast(Network, stand_in), put


def test_matrices_are_smaller_in_a_wide_network() -> None:
    """By the root of the width, so that a sum over it stays as large; a bias is no sum."""
    wide, put = network(16 * HIDDEN)
    randomise(wide)
    assert float(put["W"].std()) == pytest.approx(WEIGHT / 4, rel=0.1)
    assert float(put["b"].std()) == pytest.approx(BIAS, rel=0.25)
