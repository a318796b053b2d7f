"""The commands `lstm` and `rnn`, which train, test, plot and export a recurrent network."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import joblib

from toolkit.common import figures
from toolkit.common.device import threads
from toolkit.common.errors import ToolkitError
from toolkit.common.runs import Run
from toolkit.lstm.config import Config
from toolkit.lstm.data import CHANCE
from toolkit.lstm.horizon import Row, Trial, accuracies, run_grid
from toolkit.lstm.training import FAR, NEAR, Tested, accuracy_by_length, train
from toolkit.train.presets import NUM_TEST, Plan, Preset, plan_recurrent
from toolkit.train.workspace import Workspace

MODELS: tuple[Literal["lstm", "rnn"], ...] = ("lstm", "rnn")


def train_both(
    preset: Preset, seed: int, workspace: Workspace, curriculum: bool, num_seeds: int = 1
) -> None:
    """Train the LSTM and the RNN, and draw the curves of both networks in one figure."""
    runs = {}
    for model in MODELS:
        plan = plan_recurrent(model, preset, curriculum).customise(seed=seed)
        runs[model.upper()] = train_recurrent(plan, workspace, NUM_TEST[preset], num_seeds)
    figure = "lstm_and_rnn.png" if curriculum else "lstm_and_rnn_plain.png"
    plot_accuracy(workspace.runs_dir / figure, runs, plan.config.length)


def train_recurrent(
    plan: Plan[Config], workspace: Workspace, num_test: int = 10_000, num_seeds: int = 1
) -> Run:
    """Train, test and export the LSTM or the RNN, and plot its accuracy during training.

    Args:
        num_test: the number of test palindromes of each length; if the network is trained without
            the curriculum, only a tenth of this number is used for its test.
        num_seeds: the number of networks to train, each with its own seed; the first network is
            exported, and the accuracies of all networks are listed.
    """
    config = plan.config
    if num_seeds > 1:
        plan = replace(plan, words=(*plan.words, "--seeds", str(num_seeds)))
    multiplications, memory = config.cost
    workspace.ask_if_too_much((multiplications * num_seeds, memory))
    trial = trial_of(config, num_test)
    with workspace.run(plan) as run, threads(config.num_threads):
        model = train(config, run, workspace.device)
        tested = accuracy_by_length(model, trial.lengths, config.seed, trial.num_test)
        by_seed = {t: [share.value] for t, share in tested.items()}
        if num_seeds > 1:
            for t, shares in further_seeds(trial, num_seeds, run.directory).items():
                by_seed[t] += shares
        metrics = list_metrics(tested, config, by_seed)
        all_done = run.step == config.num_steps
        record = run.record(
            "all steps done" if all_done else "target accuracy reached",
            metrics | {"loss": run.latest["loss"]},
        )
        plot_accuracy(run.figures / "accuracy.png", {config.model.upper(): run}, config.length)
        name = export_name(config)
        workspace.export({name: model}, record, {name: metrics})
        run.finish(record)
    print_summary(tested, run, config, by_seed[config.length])
    print(f"  {workspace.exports_dir / name}.safetensors  {run.figures / 'accuracy.png'}")
    return run


def trial_of(config: Config, num_test: int) -> Trial:
    """Return the settings for training a network and then testing it. The network is tested at its
    training length and at further lengths T: those in `FAR` (with the curriculum) or those in
    `NEAR` (without it).

    Args:
        num_test: the number of test palindromes of each length; if the network is trained without
            the curriculum, only a tenth of this number is used for its test.
    """
    lengths = {config.length}
    if config.curriculum:
        lengths.update(FAR)
    else:
        lengths.update(NEAR)
        num_test //= 10
    return Trial(config.model.upper(), config, tuple(sorted(lengths)), num_test)


def export_name(config: Config) -> str:
    """Return the name under which a network is exported.

    Networks that were trained with the curriculum are exported as "lstm" and "rnn", and all other
    networks as "lstm_plain" and "rnn_plain".
    """
    if config.curriculum:
        return config.model
    return f"{config.model}_plain"


def further_seeds(trial: Trial, num_seeds: int, directory: Path) -> dict[int, list[float]]:
    """Train and test `num_seeds` - 1 further networks with the trial's settings, using the seeds
    that follow the trial's own seed.

    The networks are trained in parallel, each on one thread. Results are kept in `directory`, so if
    the command is interrupted and you run it again, it trains only the remaining networks.

    Returns:
        a dictionary that maps each palindrome length T to a list of the networks' accuracies.

    Raises:
        ToolkitError: a training run failed.
    """
    first = trial.config.seed
    seeds = range(first + 1, first + num_seeds)
    trials = []
    for seed in seeds:
        trials.append(replace(trial, config=replace(trial.config, seed=seed)))

    def report(done: int, row: Row) -> None:
        print(f"{trial.family}, seed {row['seed']}: {done} of {len(trials)} further ones are done.")

    cores = min(len(trials), joblib.cpu_count())  # a single network is trained in this process
    rows = run_grid(trials, directory / f"seeds-{num_seeds}", num_workers=cores, report=report)
    for row in rows:
        if "error" in row:
            raise ToolkitError(f"{trial.family} with seed {row['seed']} failed: {row['error']}")
    return accuracies(rows)[trial.family]


def list_metrics(
    tested: dict[int, Tested], config: Config, by_seed: dict[int, list[float]]
) -> dict[str, Any]:
    """Return the metrics of a network, which are stored in `run.json` and in the manifest of the
    exports.

    Args:
        by_seed: maps each T to the accuracies of the networks in the order of their seeds,
            beginning with the seed of `config`.
    """
    metrics: dict[str, Any] = {
        "length": config.length,
        "test_accuracy": tested[config.length].value,
        "num_test": tested[config.length].num_examples,
        "accuracy_by_length": {str(t): share.value for t, share in tested.items()},
        "num_test_by_length": {str(t): share.num_examples for t, share in tested.items()},
    }
    num_seeds = len(by_seed[config.length])
    if num_seeds > 1:
        metrics["seeds"] = list(range(config.seed, config.seed + num_seeds))
        metrics["accuracy_by_length_of_seeds"] = {str(t): by_seed[t] for t in by_seed}
    return metrics


def print_summary(
    tested: dict[int, Tested], run: Run, config: Config, of_seeds: list[float]
) -> None:
    """Print the exported network's accuracy and, if several networks were trained, the accuracy of
    each.
    """
    print(
        f"{config.model.upper()}: {tested[config.length].value:.2%} of unseen palindromes of "
        f"{config.length} digits, after {run.step:,} steps in {run.seconds:.1f} s."
    )
    by_length = []
    for t, share in tested.items():
        by_length.append(f"{share.value:.2%} at T = {t:,}")
    trained = "at most" if config.curriculum else "exactly"
    print(f"  Trained on {trained} {config.length} digits, it gets {', '.join(by_length)}.")
    if len(of_seeds) > 1:
        print(f"  {len(of_seeds)} seeds get {', '.join(map('{:.2%}'.format, of_seeds))}.")


def plot_accuracy(path: Path, runs: dict[str, Run], length: int) -> None:
    """Plot validation accuracy against training steps, with one curve for each run."""
    curves = {}
    for name, run in runs.items():
        steps = []
        shares = []
        for entry in run.entries:
            steps.append(entry["step"])
            shares.append(entry["accuracy"])
        curves[name] = (steps, shares)
    figures.save_curves(
        path,
        curves,
        title=f"Palindromes of T = {length} digits: the last digit",
        x_label="training steps",
        y_label="accuracy on unseen palindromes",
        level=("chance", CHANCE),
    )
