"""The command `horizon`, which measures how long the LSTM and the RNN remember, and writes a table
and figures of the results.
"""

import csv
import io
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from toolkit.common import figures
from toolkit.common.device import make_rng, threads
from toolkit.common.files import atomic_write
from toolkit.common.runs import Run
from toolkit.lstm.config import Config, curriculum_config
from toolkit.lstm.data import CHANCE, held_out, split_last
from toolkit.lstm.horizon import Row, Trial, accuracies, run_grid
from toolkit.lstm.microscope import gradient_norms
from toolkit.lstm.model import LSTM
from toolkit.lstm.training import FAR, build, train

PLOTTED_LENGTH = 100  # T of the palindromes in the figures of gradients and gates

COLOURS = {"LSTM": "C0", "LSTM, curriculum": "C0", "RNN": "C1", "RNN, curriculum": "C1"}
VARIANTS = ("C2", "C3")  # the colours of the other families
QUESTIONS: dict[str, dict[str, str]] = {  # one panel each: family -> its label in the panel
    "Trained at one length:\nup to which T does it learn?": {
        "LSTM": "LSTM",
        "RNN": "RNN",
    },
    "Can the RNN be helped there?": {
        "RNN": "the RNN as it is",
        "RNN, clipped at 1": "gradient clipped at 1",
        "RNN, orthogonal initialisation": "orthogonal initialisation",
    },
    "Short palindromes first, at most 100 digits:\nhow far does it reach then?": {
        "LSTM, curriculum": "LSTM",
        "LSTM, curriculum to T = 20": "LSTM, never more than 20",
        "RNN, curriculum": "RNN",
    },
    "Short ones first: does the RNN need\nan orthogonal initialisation?": {
        "RNN, curriculum": "orthogonal",
        "RNN, curriculum, not orthogonal": "not orthogonal",
    },
    "Short ones first: does the LSTM need\na forget bias of 1?": {
        "LSTM, curriculum": "forget bias 1",
        "LSTM, curriculum, forget bias 0": "forget bias 0",
        "LSTM, curriculum, chrono initialisation": "chrono initialisation",
    },
    "Short ones first: does the LSTM need\none-hot digits?": {
        "LSTM, curriculum": "one-hot",
        "LSTM, curriculum, bare digit": "one number",
    },
}


def direct(family: str, lengths: tuple[int, ...], seeds: int, config: Config) -> list[Trial]:
    """Return trials that test each network only at the palindrome length T for which it was
    trained.
    """
    trials = []
    for length in lengths:
        for seed in range(seeds):
            settings = replace(config, length=length, seed=seed)
            trials.append(Trial(family, settings, (length,)))
    return trials


def far(family: str, seeds: int, config: Config, num_test: int = 1000) -> list[Trial]:
    """Return one trial for each seed; each trial tests the network at the palindrome lengths T in
    `FAR`, some of which are far greater than the lengths in training.
    """
    return [Trial(family, replace(config, seed=seed), FAR, num_test) for seed in range(seeds)]


def smoke() -> list[Trial]:
    """Return the trials of the smoke preset, which take less than a minute in total."""
    short = replace(curriculum_config("lstm"), length=20, num_steps=150)
    trials = [
        *direct("RNN", (5, 10), 1, Config(model="rnn", num_steps=200)),
        *direct("LSTM", (5, 10), 1, Config(num_steps=200)),
        *far("LSTM, curriculum to T = 20", 1, short),
    ]
    return [replace(trial, num_test=500) for trial in trials]


def default() -> list[Trial]:
    """Return a grid of trials that takes several minutes on two cores."""
    rnn = Config(model="rnn", num_steps=1000)
    lstm = Config(num_steps=1000)
    return [
        *direct("RNN", (5, 10, 20, 30, 36), 3, rnn),
        *direct("RNN, clipped at 1", (36,), 3, replace(rnn, max_grad_norm=1.0)),
        *direct("RNN, orthogonal initialisation", (20, 36), 3, replace(rnn, orthogonal=True)),
        *direct("LSTM", (5, 10, 20, 36), 3, lstm),
        *direct("LSTM, bare digit", (5, 10), 3, replace(lstm, encoding="digit")),
        *curricula(seeds=5, seeds_of_variants=2),
    ]


def long() -> list[Trial]:
    """Return a grid of trials with more seeds, lengths and steps than `default`."""
    rnn = Config(model="rnn", num_steps=5000)
    lstm = Config(num_steps=5000)
    orthogonal = replace(rnn, orthogonal=True)
    return [
        *direct("RNN", (5, 10, 15, 20, 30, 36, 50), 5, rnn),
        *direct("RNN, clipped at 1", (20, 36, 50), 5, replace(rnn, max_grad_norm=1.0)),
        *direct("RNN, orthogonal initialisation", (20, 36, 50, 100), 5, orthogonal),
        *direct("LSTM", (5, 10, 15, 20, 30, 36, 50), 5, lstm),
        *direct("LSTM, bare digit", (5, 10, 20), 5, replace(lstm, encoding="digit")),
        *curricula(seeds=10, seeds_of_variants=5),
    ]


def curricula(seeds: int, seeds_of_variants: int) -> list[Trial]:
    """Return trials in which the networks are trained with a curriculum that begins with short
    palindromes.

    In some trials, the palindromes grow to T = 36 digits during training. In the remaining trials,
    the palindromes grow to T = 100 digits, and the networks are also tested on far longer ones.
    """
    lstm = curriculum_config("lstm")
    rnn = curriculum_config("rnn")
    variants = {
        "LSTM, curriculum, forget bias 0": replace(lstm, forget_bias=0.0),
        "LSTM, curriculum, chrono initialisation": replace(lstm, chrono=True),
        "LSTM, curriculum, bare digit": replace(lstm, encoding="digit"),
        "RNN, curriculum, not orthogonal": replace(rnn, orthogonal=False),
    }
    trials = [
        *direct("LSTM, curriculum to T = 36", (36,), seeds, replace(lstm, num_steps=250)),
        *far("LSTM, curriculum", seeds, lstm, num_test=10_000),
        *far("RNN, curriculum", seeds, rnn, num_test=10_000),
    ]
    for name, config in variants.items():
        trials += far(name, seeds_of_variants, config)
    return trials


GRIDS = {"smoke": smoke, "default": default, "long": long}


def run_study(preset: str, directory: Path, cluster: str | None = None) -> str:
    """Run the trials that have no result yet, and write a table and figures into `directory`.

    `horizon.csv` lists every trial, and `horizon.png` plots accuracy against T. Trials that differ
    only in T and seed form a family, and `horizon.md` has one line for each family and each T.
    `gradients.png` and `gates.png` show why the RNN learns more slowly than the LSTM.

    Args:
        preset: a key of `GRIDS`.
        cluster: the address of a Dask scheduler; by default, this machine's cores are used.

    Returns:
        the Markdown text that was written to `horizon.md`.
    """
    trials = GRIDS[preset]()

    def report(done: int, row: Row) -> None:
        result = row.get("error") or "  ".join(in_words(row))
        print(f"{done}/{len(trials)}  {row['family']}, seed {row['seed']}:  {result}", flush=True)

    rows = run_grid(trials, directory / "trials", cluster=cluster, report=report)
    table = to_markdown(rows)
    atomic_write(directory / "horizon.csv", to_csv(rows).encode())
    atomic_write(directory / "horizon.md", table.encode())
    plot_accuracy(directory / "horizon.png", rows)
    plot_gradients_and_gates(directory, num_steps=150 if preset == "smoke" else 600)
    return table


def in_words(row: Row) -> list[str]:
    """Return a text such as "T = 20: 98.50%" for each accuracy of a trial."""
    words = []
    for key, value in row.items():
        if key.startswith("accuracy_"):
            words.append(f"T = {key.removeprefix('accuracy_')}: {value:.2%}")
    return words


def plot_gradients_and_gates(directory: Path, num_steps: int) -> None:
    """Train an RNN and an LSTM, and plot the LSTM's gates and the gradients of both networks.

    Both networks are trained with the curriculum up to T = 20. The gradients are measured before
    and after training, on 100 unseen palindromes of 100 digits. Each gradient norm is divided by
    the norm at the last step, because a network that predicts confidently has small gradients at
    all steps.
    """
    unseen = held_out(PLOTTED_LENGTH, "test", 100, make_rng(0, "test"))
    digits, labels = split_last(unseen)
    curves: dict[str, figures.Curve] = {}
    for name in ("rnn", "lstm"):
        config = Config(model=name, length=20, curriculum=True, num_steps=num_steps)
        state = "c" if name == "lstm" else "h"  # the memory
        with Run(directory / name, config) as run, threads(1):
            trained = train(config, run, torch.device("cpu"), quiet=True)
            run.finish(run.record("all steps done"))
        for stage, model in (("untrained", build(config)), ("trained", trained)):
            norms = gradient_norms(model, digits, labels)[state]
            curves[f"{name.upper()}, {stage}: dL/d{state}(t)"] = (
                range(1, len(norms) + 1),
                [norm / norms[-1] for norm in norms],
            )
        if isinstance(trained, LSTM):
            plot_gates(directory / "gates.png", trained, digits[:1])
    figures.save_curves(
        directory / "gradients.png",
        curves,
        title=f"Gradient at step t of the loss after step {digits.size(1)}",
        x_label="t",
        y_label="gradient norm, relative to the last step",
        log=True,
    )


@torch.no_grad()
def plot_gates(path: Path, model: LSTM, digits: Tensor) -> None:
    """Plot the LSTM's gates and states while it reads one sequence, `digits`, which has shape (1,
    length).

    The cells are sorted by the mean value of their forget gates over the sequence, largest first.
    """
    i, f, o, g, c, h = (x[0].T for x in model.trace(digits))  # (hidden_size, length)
    order = f.mean(dim=1).argsort(descending=True)
    figures.save_heat_maps(
        path,
        {
            "i": i[order],
            "f": f[order],
            "o": o[order],
            "g": g[order],
            "tanh c": torch.tanh(c[order]),
            "h": h[order],
        },
        title=f"Inside the LSTM: its {len(order)} cells over {digits.size(1)} digits",
        x_label="step t",
    )


def to_csv(rows: list[Row]) -> str:
    """Return the rows as CSV, with a column for every key that occurs in any row."""
    names: dict[str, None] = {}
    for row in rows:
        names |= dict.fromkeys(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_markdown(rows: list[Row]) -> str:
    """Return a Markdown table of the trials, followed by a list of the failed trials; the trials
    that differ only in their seed share one row. Each row contains the mean, lowest and highest
    accuracy over the seeds.
    """
    lines = [
        "| family | tested at T | mean | worst seed | best seed | seeds |",
        "|---|---|---|---|---|---|",
    ]
    for family, by_length in accuracies(rows).items():
        for length, values in sorted(by_length.items()):
            shares = f"{mean(values):.2%} | {min(values):.2%} | {max(values):.2%}"
            lines.append(f"| {family} | {length:,} | {shares} | {len(values)} |")
    failed = []
    for row in rows:
        if "error" in row:
            trial = f"{row['family']}, T = {row['length']}, seed {row['seed']}"
            failed.append(f"Failed: {trial}: {row['error']}")
    if failed:
        lines += ["", *failed]
    return "\n".join(lines) + "\n"


def plot_accuracy(path: Path, rows: list[Row]) -> None:
    """Plot accuracy against T, with one panel for each question in `QUESTIONS`; questions without
    results are left out. A band around each curve covers the range of the accuracies over the
    seeds.
    """
    measured = accuracies(rows)
    panels = {}
    for question, families in QUESTIONS.items():
        curves = {}
        variants = iter(VARIANTS)
        for family, name in families.items():
            by_length = measured.get(family)
            if by_length:
                colour = COLOURS.get(family) or next(variants)
                curves[name] = ranged(by_length, colour)
        if curves:
            panels[question] = curves
    figures.save_panels(
        path,
        panels,
        x_label="T, digits in the palindrome",
        y_label="unseen palindromes completed",
        level=("chance", CHANCE),
    )


def ranged(by_length: dict[int, list[float]], colour: str) -> figures.Ranged:
    """Return the curve of accuracy against T: the mean over the seeds, with a band from the lowest
    to the highest accuracy.

    Args:
        by_length: maps each T to a list of accuracies, one for each training seed.
    """
    lengths = sorted(by_length)
    return figures.Ranged(
        lengths,
        [mean(by_length[length]) for length in lengths],
        [min(by_length[length]) for length in lengths],
        [max(by_length[length]) for length in lengths],
        colour,
    )
