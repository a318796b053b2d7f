"""The speed of our LSTM and its alternatives: python benchmarks/lstm_speed.py [--repeats 15]

Five networks of the same size (batch 128, hidden 128, one-hot digits) do the same work in turn, so
that a slow moment of the machine affects all of them. The table has the median time of each, and
the median over all rounds of its ratio to `nn.LSTM`. In training, ours uses the derivatives in
`toolkit/lstm/bptt.py`; its exported script uses autograd.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.lstm.data import encode
from toolkit.lstm.model import LSTM

BATCH_SIZE, HIDDEN_SIZE = 128, 128


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


def seconds(work: Callable[[], object], calls: int) -> float:
    """Mean time of a call in seconds."""
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


def measure(length: int, training: bool, repeats: int) -> list[tuple[str, float, float]]:
    """Name, median milliseconds and median ratio to `nn.LSTM` of each network."""
    digits = torch.randint(10, (BATCH_SIZE, length - 1))
    labels = torch.randint(10, (BATCH_SIZE,))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit")
        networks: dict[str, nn.Module] = {
            "nn.LSTM": Native(),
            "ours, exported": torch.jit.script(LSTM(HIDDEN_SIZE)),
            "ours": LSTM(HIDDEN_SIZE),
            "nn.LSTMCell in a loop": CellLoop(),
            "eight matrices": EightMatrices(),
        }

    def work(network: nn.Module) -> Callable[[], object]:
        if not training:
            return torch.no_grad()(lambda: network.eval()(digits))
        optimizer = torch.optim.RMSprop(network.parameters(), lr=1e-3)

        def step() -> None:
            loss = F.cross_entropy(network(digits), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimizer.step()

        return step

    works = {name: work(network) for name, network in networks.items()}
    for one in works.values():
        seconds(one, 4)  # scripts compile during the first calls
    calls = max(1, 60 // length)
    rounds = [{name: seconds(one, calls) for name, one in works.items()} for _ in range(repeats)]
    return [
        (
            name,
            1000 * statistics.median(r[name] for r in rounds),
            statistics.median(r[name] / r["nn.LSTM"] for r in rounds),
        )
        for name in networks
    ]


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15, help="rounds; the median is reported")
    options = parser.parse_args()
    print("| what | T | threads | network | ms | / nn.LSTM |\n|---|---|---|---|---|---|")
    for training in (False, True):
        for length in (5, 20, 100):
            for threads in (1, 2):
                torch.set_num_threads(threads)
                for name, milliseconds, ratio in measure(length, training, options.repeats):
                    what = "training step" if training else "forward"
                    print(
                        f"| {what} | {length} | {threads} | {name} | {milliseconds:.2f} | "
                        f"{ratio:.2f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
