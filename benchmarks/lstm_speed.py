"""The speed of our LSTM and its alternatives: python benchmarks/lstm_speed.py [--repeats 15]

Networks of the same size (hidden 128, one-hot digits, batch 128 or 1) do the same work in turn, so
that a slow moment of the machine affects all of them. The table has the median time of each, and
the medians over all rounds of its ratio to `nn.LSTM` and to the products alone: torch's product
with the weights that multiply h, once for each step but the first, and three times for each in
training. No loop over torch's product can be faster than that, and torch's product is slower than
that inside `nn.LSTM` on some processors. With one thread the time is that of the processor, which
other processes lengthen less; with two it is that of the clock, so keep the machine quiet.

The export is also trained here, which nobody does: it takes the plain loop and autograd then.
"""

import argparse
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.lstm.data import encode
from toolkit.lstm.fast import FastLSTM
from toolkit.lstm.model import LSTM

HIDDEN_SIZE = 128
PRODUCTS = "the products alone"


class Native(nn.Module):
    """`nn.LSTM`, which is computed by oneDNN."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(10, HIDDEN_SIZE, batch_first=True)
        self.readout = nn.Linear(HIDDEN_SIZE, 10)

    def forward(self, digits: Tensor) -> Tensor:
        output, _ = self.lstm(encode(digits, True))
        logits: Tensor = self.readout(output[:, -1])
        return logits


class CellLoop(nn.Module):
    """`nn.LSTMCell` in a Python loop."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(10, HIDDEN_SIZE)
        self.readout = nn.Linear(HIDDEN_SIZE, 10)

    def forward(self, digits: Tensor) -> Tensor:
        x = encode(digits, True)
        h = torch.zeros(digits.size(0), HIDDEN_SIZE)
        c = torch.zeros_like(h)
        for t in range(digits.size(1)):
            h, c = self.cell(x[:, t], (h, c))
        logits: Tensor = self.readout(h)
        return logits


class EightMatrices(nn.Module):
    """The equations as they stand: one matrix for each gate and input."""

    def __init__(self) -> None:
        super().__init__()
        self.gx, self.ix, self.fx, self.ox = (nn.Linear(10, HIDDEN_SIZE) for _ in range(4))
        self.gh, self.ih, self.fh, self.oh = (
            nn.Linear(HIDDEN_SIZE, HIDDEN_SIZE, bias=False) for _ in range(4)
        )
        self.readout = nn.Linear(HIDDEN_SIZE, 10)

    def forward(self, digits: Tensor) -> Tensor:
        x = encode(digits, True)
        h = torch.zeros(digits.size(0), HIDDEN_SIZE)
        c = torch.zeros_like(h)
        for t in range(digits.size(1)):
            g = torch.tanh(self.gx(x[:, t]) + self.gh(h))
            i = torch.sigmoid(self.ix(x[:, t]) + self.ih(h))
            f = torch.sigmoid(self.fx(x[:, t]) + self.fh(h))
            o = torch.sigmoid(self.ox(x[:, t]) + self.oh(h))
            c = g * i + c * f
            h = torch.tanh(c) * o
        logits: Tensor = self.readout(h)
        return logits


class Products(nn.Module):
    """The products with the weights that multiply h, and in training those of their derivatives."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4 * HIDDEN_SIZE, HIDDEN_SIZE))

    def forward(self, digits: Tensor) -> Tensor:
        h = torch.zeros(HIDDEN_SIZE, digits.size(0))
        gates = torch.empty(4 * HIDDEN_SIZE, digits.size(0))
        with torch.no_grad():
            for _ in range(digits.size(1) - 1):
                torch.mm(self.weight, h, out=gates)
        return gates

    def backward(self, gates: Tensor, steps: int) -> None:
        h = torch.zeros(HIDDEN_SIZE, gates.size(1))
        d_weight = torch.zeros_like(self.weight)
        with torch.no_grad():
            for _ in range(steps):
                torch.mm(self.weight.t(), gates, out=h)
                torch.mm(gates, h.t(), out=d_weight)


def training_step(network: nn.Module, digits: Tensor, labels: Tensor) -> Callable[[], None]:
    """A function that trains `network` for one step."""
    if isinstance(network, Products):
        return lambda: network.backward(network(digits), digits.size(1) - 1)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=1e-3)

    def step() -> None:
        loss = F.cross_entropy(network(digits), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()

    return step


def prediction(network: nn.Module, digits: Tensor) -> Callable[[], None]:
    """A function that predicts once."""
    network.eval()

    @torch.no_grad()
    def predict() -> None:
        network(digits)

    return predict


def seconds(work: Callable[[], None], calls: int) -> float:
    """Mean time of a call in seconds."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    for _ in range(calls):
        work()
    return (clock() - start) / calls


def measure(
    batch_size: int, length: int, training: bool, repeats: int
) -> list[tuple[str, float, float, float]]:
    """Of each network its name, median milliseconds, and ratios to `nn.LSTM` and the products."""
    digits = torch.randint(10, (batch_size, length - 1))
    labels = torch.randint(10, (batch_size,))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit")
        networks: dict[str, nn.Module] = {
            "nn.LSTM": Native(),
            "ours, exported": torch.jit.script(FastLSTM(HIDDEN_SIZE)),
            "ours": FastLSTM(HIDDEN_SIZE),
            "the plain loop": LSTM(HIDDEN_SIZE),
            "nn.LSTMCell in a loop": CellLoop(),
            "eight matrices": EightMatrices(),
            PRODUCTS: Products(),
        }
    works = {
        name: training_step(network, digits, labels) if training else prediction(network, digits)
        for name, network in networks.items()
    }
    for work in works.values():
        seconds(work, 4)  # scripts compile during the first calls
    calls = max(1, 60 * 128 // length // (batch_size + 15))
    rounds = [{name: seconds(work, calls) for name, work in works.items()} for _ in range(repeats)]

    def ratio(name: str, to: str) -> float:
        return statistics.median(r[name] / r[to] for r in rounds)

    return [
        (
            name,
            1000 * statistics.median(r[name] for r in rounds),
            ratio(name, "nn.LSTM"),
            ratio(name, PRODUCTS),
        )
        for name in networks
    ]


def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in facts.items()}
    name = named.get("model name", platform.machine())
    family = f"family {named['cpu family']}, model {named['model']}" if "model" in named else ""
    return f"{name} ({family}{', bf16' if 'bf16' in named.get('flags', '') else ', no bf16'})"


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15, help="rounds; the median is reported")
    options = parser.parse_args()
    print(f"{processor()}, torch {torch.__version__}\n")
    print("| what | batch | T | threads | network | ms | / nn.LSTM | / products |")
    print("|---|---|---|---|---|---|---|---|")
    for what, batch_size in (("prediction", 128), ("prediction", 1), ("training step", 128)):
        for length in (5, 20, 100):
            for threads in (1, 2):
                torch.set_num_threads(threads)
                training = what == "training step"
                for name, ms, to_torch, to_products in measure(
                    batch_size, length, training, options.repeats
                ):
                    print(
                        f"| {what} | {batch_size} | {length} | {threads} | {name} | {ms:.2f} | "
                        f"{to_torch:.2f} | {to_products:.2f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
