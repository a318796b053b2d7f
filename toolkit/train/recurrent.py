"""The commands `lstm` and `rnn`: train, test, plot, export."""

from pathlib import Path

from toolkit.common import figures
from toolkit.common.device import threads
from toolkit.common.record import Metric, RecurrentMetrics
from toolkit.common.runs import Run
from toolkit.lstm.config import Config
from toolkit.lstm.data import CHANCE
from toolkit.lstm.training import FAR, accuracy_by_length, train
from toolkit.train.presets import Plan
from toolkit.train.workspace import Workspace


def train_recurrent(plan: Plan[Config], workspace: Workspace, num_test: int = 10_000) -> Run:
    """The LSTM or the RNN: train, test on unseen palindromes, draw the curve, export.

    A network that learnt with the curriculum is tested far beyond its own T as well.
    """
    config = plan.config
    lengths = tuple(sorted({config.length, *(FAR if config.curriculum else ())}))
    with workspace.run(plan) as run, threads(config.num_threads):
        model = train(config, run, workspace.device)
        tested = accuracy_by_length(model, lengths, config.seed, num_test)
        loss = run.latest["loss"]
        metrics = RecurrentMetrics(
            final_loss=Metric(value=loss, num_examples=config.batch_size),
            test_accuracy=tested[config.length],
            accuracy_by_length=tested,
        )
        record = run.final_record(
            "all steps done" if run.step == config.num_steps else "target accuracy reached", metrics
        )
        plot_accuracy(run.figures / "accuracy.png", {config.model.upper(): run}, config.length)
        name = config.model
        workspace.export({name: model}, record, {name: manifest_metrics(metrics, config.length)})
        run.finish(record)
    print_summary(metrics, run, config)
    print(f"  {workspace.exports_dir / config.model}.pt  {run.figures / 'accuracy.png'}")
    return run


def manifest_metrics(metrics: RecurrentMetrics, length: int) -> dict[str, object]:
    """What the manifest says about a network that was trained for T = `length`."""
    tested = metrics.accuracy_by_length
    return {
        "length": length,
        "test_accuracy": metrics.test_accuracy.value,
        "num_test": metrics.test_accuracy.num_examples,
        "accuracy_by_length": {str(t): share.value for t, share in tested.items()},
        "num_test_by_length": {str(t): share.num_examples for t, share in tested.items()},
    }


def print_summary(metrics: RecurrentMetrics, run: Run, config: Config) -> None:
    """Say how good the network is."""
    share, tested = metrics.test_accuracy, metrics.accuracy_by_length
    print(
        f"{config.model.upper()}: {share.value:.2%} of unseen palindromes of {config.length} "
        f"digits, after {run.step:,} steps in {run.seconds:.1f} s."
    )
    if config.curriculum:
        others = ", ".join(f"{share.value:.2%} at T = {t:,}" for t, share in tested.items())
        print(f"  Trained on at most {config.length} digits, it gets {others}.")


def plot_accuracy(path: Path, runs: dict[str, Run], length: int) -> None:
    """Validation accuracy against steps, a curve for each run."""
    curves = {}
    for name, run in runs.items():
        entries = run.entries
        curves[name] = ([e["step"] for e in entries], [e["accuracy"] for e in entries])
    figures.save_curves(
        path,
        curves,
        title=f"Palindromes of T = {length} digits: the last digit",
        x_label="training steps",
        y_label="accuracy on unseen palindromes",
        level=("chance", CHANCE),
    )
