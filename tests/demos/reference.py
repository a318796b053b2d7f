"""Equations (1) to (8) in numpy, in double precision, with wires that may be cut."""

from typing import Any

import numpy as np

from toolkit.export import loading

Array = np.ndarray


def weights(name: str) -> dict[str, Array]:
    return {k: v.double().numpy() for k, v in loading.load(name).state_dict().items()}


def states(name: str, digits: Any, wires: str = "", step: int = 1) -> dict[str, Array]:
    """Gates and states of an export for digits (batch, length): each (length, batch, 128)."""
    w_x, w_h, b = (weights(name)[f"cell.{key}"] for key in ("weight_ih", "weight_hh", "bias"))
    h = c = np.zeros((len(digits), 128))
    kept: dict[str, list[Array]] = {}
    for t, x in enumerate(np.eye(10)[np.asarray(digits)].swapaxes(0, 1), start=1):
        cut = wires.split(",") if wires and t >= step else []
        values = {}
        if name.startswith("rnn"):
            h = np.tanh(x @ w_x.T + b + (0 if "hh" in cut else h @ w_h.T))
        else:
            for k, gate in enumerate("ifgo"):
                rows = slice(k * 128, (k + 1) * 128)
                a = x @ w_x[rows].T + b[rows] + (0 if f"h{gate}" in cut else h @ w_h[rows].T)
                a = np.tanh(a) if gate == "g" else 1 / (1 + np.exp(-a))
                fixed = next((float(wire[1]) for wire in cut if wire[0] == gate), None)
                values[gate] = a if fixed is None else np.full_like(a, fixed)
            c = values["g"] * values["i"] + c * values["f"]
            h = np.tanh(c) * values["o"]
            values["c"] = c
        for key, value in {**values, "h": h}.items():
            kept.setdefault(key, []).append(value)
    return {key: np.stack(found) for key, found in kept.items()}


def probabilities(name: str, h: Array) -> Array:
    """Of h (..., 128): (..., 10)."""
    logits = h @ weights(name)["readout.weight"].T + weights(name)["readout.bias"]
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
