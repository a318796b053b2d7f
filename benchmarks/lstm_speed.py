"""The speed of our LSTM and its alternatives: python benchmarks/lstm_speed.py [--repeats 15]

Networks of the same size (hidden 128, one-hot digits, batch 128 or 1) do the same work in turn, so
that a slow moment of the machine affects all of them. The table shows each network's time as a
ratio to `nn.LSTM`, and the export's time as a ratio to the products alone. Each ratio is the median
over all rounds. "The products alone" are torch's products with the weights that multiply h. There
is one product for each step but the first and, in training, three for each of these steps. No loop
over torch's product can be faster than the products alone. On some processors, torch's product is
slower than the product inside `nn.LSTM`. With one thread, processor time is measured, which other
processes lengthen less. With two threads, wall-clock time is measured, so keep the machine quiet.

The export is also trained here, although nobody does this otherwise; it then uses the plain loop
and autograd.
"""

import argparse
import itertools
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from results import processor
from torch import Tensor, nn

from toolkit.export.formats.torchscript import ScriptedLSTM
from toolkit.lstm.fast import FastLSTM
from toolkit.lstm.model import LSTM

HIDDEN_SIZE = 128


class Native(nn.Module):
    """`nn.LSTM`, which oneDNN computes."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(10, HIDDEN_SIZE, batch_first=True)
        self.readout = nn.Linear(HIDDEN_SIZE, 10)

    def forward(self, digits: Tensor) -> Tensor:
        output, _ = self.lstm(F.one_hot(digits, 10).float())
        logits: Tensor = self.readout(output[:, -1])
        return logits


class CellLoop(nn.Module):
    """`nn.LSTMCell` in a Python loop."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(10, HIDDEN_SIZE)
        self.readout = nn.Linear(HIDDEN_SIZE, 10)

    def forward(self, digits: Tensor) -> Tensor:
        x = F.one_hot(digits, 10).float()
        h = torch.zeros(digits.size(0), HIDDEN_SIZE)
        c = torch.zeros_like(h)
        for t in range(digits.size(1)):
            h, c = self.cell(x[:, t], (h, c))
        logits: Tensor = self.readout(h)
        return logits


class EightMatrices(nn.Module):
    """The equations as they are written: one matrix for each gate and each input."""

    def __init__(self) -> None:
        super().__init__()
        self.gx, self.ix, self.fx, self.ox = (nn.Linear(10, HIDDEN_SIZE) for _ in range(4))
        self.gh, self.ih, self.fh, self.oh = (
            nn.Linear(HIDDEN_SIZE, HIDDEN_SIZE, bias=False) for _ in range(4)
        )
        self.readout = nn.Linear(HIDDEN_SIZE, 10)

    def forward(self, digits: Tensor) -> Tensor:
        x = F.one_hot(digits, 10).float()
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
    """The products with the weights that multiply h and, in training, the products for the
    derivatives.
    """

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


def scripted() -> nn.Module:
    """Return our LSTM, compiled to TorchScript."""
    module: nn.Module = torch.jit.script(ScriptedLSTM(FastLSTM(HIDDEN_SIZE)))
    return module


TORCH = "nn.LSTM"
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "exported": scripted,
    "ours": partial(FastLSTM, HIDDEN_SIZE),
    "the plain loop": partial(LSTM, HIDDEN_SIZE),
    "`nn.LSTMCell` in a loop": CellLoop,
    "eight matrices": EightMatrices,
    "products alone": Products,
}


def training_step(network: nn.Module, digits: Tensor, labels: Tensor) -> Callable[[], None]:
    """Return a function that trains `network` for one step."""
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
    """Return a function that predicts once."""
    network.eval()

    @torch.no_grad()
    def predict() -> None:
        network(digits)

    return predict


def seconds(call: Callable[[], None], count: int) -> float:
    """Return the mean time of a call in seconds."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    for _ in range(count):
        call()
    return (clock() - start) / count


def measure(batch_size: int, length: int, training: bool, repeats: int) -> list[dict[str, float]]:
    """Return the seconds that each network takes, keyed by its name, once for each round."""
    digits = torch.randint(10, (batch_size, length - 1))
    labels = torch.randint(10, (batch_size,))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit")
        networks = {name: make() for name, make in {TORCH: Native, **NETWORKS}.items()}
    calls = {}
    for name, network in networks.items():
        if training:
            calls[name] = training_step(network, digits, labels)
        else:
            calls[name] = prediction(network, digits)
        seconds(calls[name], 4)  # scripts compile during the first calls
    count = max(1, 60 * 128 // length // (batch_size + 15))
    rounds = []
    for _ in range(repeats):
        rounds.append({name: seconds(call, count) for name, call in calls.items()})
    return rounds


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15, help="rounds; the median is reported")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print(
        f"{processor()}, torch {torch.__version__}; ratios to `nn.LSTM`, the last to the products\n"
    )
    head = ("what", "batch", "T", "threads", "`nn.LSTM`, ms", *NETWORKS, "exported / products")
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    pairs = [(name, TORCH) for name in NETWORKS] + [("exported", "products alone")]
    for task, batch_size in (("prediction", 128), ("prediction", 1), ("training step", 128)):
        for length, threads in itertools.product((5, 20, 100), options.threads):
            torch.set_num_threads(threads)
            rounds = measure(batch_size, length, task == "training step", options.repeats)
            milliseconds = 1000 * statistics.median(times[TORCH] for times in rounds)
            cells = [task, str(batch_size), str(length), str(threads), f"{milliseconds:.2f}"]
            for name, reference in pairs:
                ratios = [times[name] / times[reference] for times in rounds]
                cells.append(f"{statistics.median(ratios):.2f}")
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
