"""Training of the LSTM: python train.py --length 5"""

import argparse
import csv
import json
import shlex
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: Tensor,
    labels: Tensor,
    max_norm: float,
) -> tuple[float, float]:
    """Update the weights once.

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
    raise NotImplementedError("train_step: loss, gradients, update")


def evaluate(model: nn.Module, loader: DataLoader) -> float:
    """Return the fraction of palindromes completed correctly, 0 to 1; no gradients are needed."""
    raise NotImplementedError("evaluate: count the right answers")


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
    raise NotImplementedError("train: data, model, RMSProp, and the loop over batches")


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
