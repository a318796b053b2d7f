"""The commands `lstm` and `rnn`: train, test, plot, export."""

import contextlib
from pathlib import Path

from toolkit.common import figures
from toolkit.common.device import one_thread
from toolkit.common.runs import Run
from toolkit.lstm.config import Config
from toolkit.lstm.data import CHANCE
from toolkit.lstm.training import FAR, accuracy_by_length, train
from toolkit.train.workspace import Workspace


def train_recurrent(config: Config, name: str, workspace: Workspace, num_test: int = 10_000) -> Run:
    """The LSTM or the RNN: train, test on unseen palindromes, draw the curve, export.

    A network that learnt with the curriculum is tested far beyond its own T as well.
    """
    run = workspace.run(name, config)
    far = FAR if config.curriculum else ()
    lengths = tuple(sorted({config.length, *far}))
    # In small networks threads wait for each other more than they compute: much more on a machine
    # that does other things as well.
    with one_thread() if config.hidden_size <= 256 else contextlib.nullcontext():
        model = train(config, run, workspace.device)
        shares = accuracy_by_length(model, lengths, config.seed, num_test)
    plot_accuracy(run.figures / "accuracy.png", {config.model.upper(): run}, config.length)
    workspace.export(
        config.model,
        model,
        config,
        {
            "length": config.length,
            "test_accuracy": shares[config.length],
            "num_test": num_test,
            "accuracy_by_length": {str(length): share for length, share in shares.items()},
        },
    )
    print(
        f"{config.model.upper()}: {shares[config.length]:.2%} of unseen palindromes of "
        f"{config.length} digits, after {run.step:,} steps in {run.seconds:.1f} s."
    )
    if config.curriculum:
        tested = ", ".join(f"{share:.2%} at T = {length:,}" for length, share in shares.items())
        print(f"  Trained on at most {config.length} digits, it gets {tested}.")
    print(f"  {workspace.exports_dir / config.model}.pt  {run.figures / 'accuracy.png'}")
    return run


def plot_accuracy(path: Path, runs: dict[str, Run], length: int) -> None:
    """Validation accuracy against steps, a curve for each run."""
    curves = {}
    for name, run in runs.items():
        entries = run.metrics()
        curves[name] = ([e["step"] for e in entries], [e["accuracy"] for e in entries])
    figures.save_curves(
        path,
        curves,
        title=f"Palindromes of T = {length} digits: the last digit",
        x_label="training steps",
        y_label="accuracy on unseen palindromes",
        level=("chance", CHANCE),
    )
