"""The LSTM with numpy alone, equation by equation; safetensors reads its weights:

python exports/load_numpy.py exports/lstm.safetensors 3 1 4 1 5 9 9 5 1 4 1
"""

import sys

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load


def sigmoid(x: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(x / 2)) / 2  # of large numbers, too


def logits_of(weights: dict[str, np.ndarray], digits: np.ndarray) -> np.ndarray:
    """From digits, integers (batch, length), to the logits of the next one, (batch, 10)."""
    W_x, W_h = weights["cell.weight_ih"], weights["cell.weight_hh"]  # the rows of i, f, g, o
    b = weights["cell.bias"]
    encoding = np.eye(10, dtype=b.dtype) if W_x.shape[1] == 10 else np.arange(10.0)[:, None]
    h = c = np.zeros((len(digits), len(b) // 4), b.dtype)
    for digit in digits.T:
        x = encoding[digit].astype(b.dtype)
        i, f, g, o = np.split(x @ W_x.T + h @ W_h.T + b, 4, axis=1)
        g = np.tanh(g)  # (1)
        i = sigmoid(i)  # (2)
        f = sigmoid(f)  # (3)
        o = sigmoid(o)  # (4)
        c = g * i + c * f  # (5)
        h = np.tanh(c) * o  # (6)
    return h @ weights["readout.weight"].T + weights["readout.bias"]  # (7)


def main(path: str = "", *digits: str) -> None:
    if not digits or not set(digits) <= set("0123456789"):
        sys.stderr.write("load_numpy.py: give a file, and then digits from 0 to 9, each apart\n")
        sys.exit(2)
    try:
        logits = logits_of(load(np.fromfile(path, np.uint8).tobytes()), np.array([digits], int))[0]
    except OSError as error:
        sys.exit(f"load_numpy.py: {path}: {error.strerror}")
    except (SafetensorError, KeyError, ValueError):
        sys.exit(f"load_numpy.py: {path} has no weights of an LSTM, as lstm.safetensors has them")
    probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()  # (8)
    print(*digits, "->", logits.argmax(), f"({probabilities.max():.1%} sure)")


if __name__ == "__main__":
    main(*sys.argv[1:])
