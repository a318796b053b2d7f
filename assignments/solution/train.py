"""Training of the LSTM: python train.py --length 5

The complete solution to this assignment, for teachers. Students write their own.
"""

import argparse
import csv
import json
import shlex
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from dataset import PalindromeDataset
from lstm import LSTM
from torch import Tensor, nn
from torch.utils.data import DataLoader


class RNN(nn.Module):
    """The RNN from the previous assignment, h(t) = tanh(W_x x(t) + W_h h(t-1) + b); it takes the
    same arguments as the LSTM.
    """

    def __init__(self, seq_length: int, input_dim: int, hidden_dim: int, output_dim: int) -> None:
        super().__init__()
        self.x, self.h = nn.Linear(input_dim, hidden_dim), nn.Linear(hidden_dim, hidden_dim)
        self.p = nn.Linear(hidden_dim, output_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (batch, T-1, input_dim) to logits (batch, output_dim)."""
        h = x.new_zeros(x.size(0), self.h.out_features)
        for t in range(x.size(1)):
            h = torch.tanh(self.x(x[:, t]) + self.h(h))
        return self.p(h)


def sequence_loss(p: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of equations (8) and (9) for the logits p, (batch, T-1, 10); only the logits
    of the last step are used.
    """
    return F.cross_entropy(p[:, -1], labels)


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: Tensor,
    labels: Tensor,
    max_norm: float,
) -> tuple[float, float]:
    """One update of the weights.

    The loss is the cross-entropy over the last time step only:

        L = - sum_k y_k log y~_k(T), with y~(T) = softmax(p(T))      (8), (9)

    Before the update, the gradients of all weights are clipped together, to a total norm of at most
    `max_norm`.

    Args:
        inputs: float32 (batch, T-1, input_dim).
        labels: int64 (batch,).

    Returns:
        the loss, and the fraction of the batch that was predicted correctly, 0 to 1.
    """
    logits = model(inputs)
    loss = sequence_loss(logits[:, None], labels)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    right = logits.argmax(dim=1) == labels
    return loss.item(), right.float().mean().item()


def evaluate(model: nn.Module, loader: DataLoader) -> float:
    """Return the fraction of palindromes completed correctly, 0 to 1; no gradients are needed."""
    right = total = 0
    with torch.no_grad():
        for inputs, labels in loader:
            right += int((model(inputs).argmax(dim=1) == labels).sum())
            total += len(labels)
    return right / total


def train(config: argparse.Namespace) -> float:
    """Build the data sets, the model and the optimiser (RMSProp); then train the model and print
    progress.

    Measure the accuracy on palindromes that are not in the training set. Every so often, append the
    step, the loss and this accuracy to a list. When the training has ended, pass the list to
    `keep_record` and the model to `keep_weights`: the report and the notebook show the record, and
    `toolkit export` exports the model.

    Returns:
        the final accuracy on unseen palindromes.
    """
    torch.manual_seed(config.seed)
    one_hot = config.input_dim == 10
    seen = PalindromeDataset(config.length, one_hot=one_hot)
    unseen = PalindromeDataset(config.length, 1000, one_hot=one_hot, train=False)
    loader = DataLoader(seen, config.batch_size, shuffle=True, drop_last=True)
    if len(loader) == 0:
        raise ValueError(
            f"A batch of {config.batch_size} is more than all {len(seen)} palindromes."
        )
    kind = {"lstm": LSTM, "rnn": RNN}[config.network]
    model = kind(config.length, config.input_dim, config.hidden_dim, 10)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=config.learning_rate)
    rows: list[tuple[int, float, float]] = []
    step = 0
    while step < config.train_steps:
        for inputs, labels in loader:
            loss, _ = train_step(model, optimizer, inputs, labels, config.max_norm)
            step += 1
            if step % 50 == 0 or step == config.train_steps:
                accuracy = evaluate(model, DataLoader(unseen, 500))
                rows.append((step, loss, accuracy))
                print(
                    f"step {step}: loss {loss:.4f}, accuracy on unseen palindromes {accuracy:.1%}"
                )
            if step == config.train_steps:
                break
    keep_record(rows, config)
    keep_weights(model, config)
    return evaluate(model, DataLoader(unseen, 500))


def keep_record(rows: list[tuple[int, float, float]], config: argparse.Namespace) -> None:
    """Already implemented: write a run's record and settings to the folder records/.

    A later run with the same network, T and learning rate overwrites this run's files. To keep both
    runs, first rename the .csv, .json and .pt files of this run.

    Args:
        rows: each row contains the step, the loss, and the accuracy on unseen palindromes, 0 to 1.
        config: the settings.
    """
    path = record_path(config)
    with open(f"{path}.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(("step", "loss", "accuracy"))
        csv.writer(file).writerows((int(step), float(a), float(b)) for step, a, b in rows)
    settings = {**vars(config), "command": shlex.join(["python", *sys.argv])}
    Path(f"{path}.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")


def keep_weights(model: nn.Module, config: argparse.Namespace) -> None:
    """Already implemented: write the weights next to the record, for `toolkit export`."""
    path = record_path(config)
    torch.save(model.state_dict(), f"{path}.new")
    Path(f"{path}.new").replace(f"{path}.pt")  # all of it, or what was there before


def record_path(config: argparse.Namespace) -> Path:
    """Already implemented: return the path of a run's files, without their extension (.csv, .json
    or .pt).
    """
    folder = Path("records")
    folder.mkdir(exist_ok=True)
    return folder / f"{config.network}-T{config.length}-rate{config.learning_rate:g}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--network", choices=["lstm", "rnn"], default="lstm", help="rnn: yours of the time before"
    )
    parser.add_argument("--length", type=int, default=5, help="T, digits in a palindrome")
    parser.add_argument("--input-dim", type=int, default=10, help="10: one-hot, 1: bare digit")
    parser.add_argument("--hidden-dim", type=int, default=128, help="numbers in h and c")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--max-norm", type=float, default=10.0, help="of the gradient")
    parser.add_argument("--train-steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())
