"""The memory-horizon study: its grids, its table and its figure."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from toolkit.common import figures
from toolkit.common.device import make_rng, one_thread
from toolkit.common.files import atomic_write
from toolkit.common.runs import Run
from toolkit.lstm.config import Config, curriculum_config
from toolkit.lstm.data import CHANCE, held_out, split_last
from toolkit.lstm.horizon import Cell, Row, accuracies, run_grid
from toolkit.lstm.memory import gradient_norms
from toolkit.lstm.model import LSTM
from toolkit.lstm.training import FAR, build, train

PUBLISHED = 36  # the longest T that a public solution of the assignment reports
SEEN_FROM_INSIDE = 100  # T of the palindromes in the pictures of gradients and gates


def direct(family: str, lengths: tuple[int, ...], seeds: int, config: Config) -> list[Cell]:
    """Tested at the T that was trained for."""
    return [
        Cell(family, replace(config, length=length, seed=seed), (length,))
        for length in lengths
        for seed in range(seeds)
    ]


def far(family: str, seeds: int, config: Config, num_test: int = 1000) -> list[Cell]:
    """Trained with a curriculum, tested far beyond the longest palindrome that it saw."""
    return [Cell(family, replace(config, seed=seed), FAR, num_test) for seed in range(seeds)]


def smoke() -> list[Cell]:
    """Under a minute."""
    short = replace(curriculum_config("lstm"), length=20, num_steps=150)
    cells = [
        *direct("RNN", (5, 10), 1, Config(model="rnn", num_steps=200)),
        *direct("LSTM", (5, 10), 1, Config(num_steps=200)),
        *far("LSTM, curriculum to T = 20", 1, short),
    ]
    return [replace(cell, num_test=500) for cell in cells]


def default() -> list[Cell]:
    """Minutes on two cores."""
    rnn, lstm = Config(model="rnn", num_steps=1000), Config(num_steps=1000)
    return [
        *direct("RNN", (5, 10, 20, 30, 36), 3, rnn),
        *direct("RNN, clipped at 1", (36,), 3, replace(rnn, max_grad_norm=1.0)),
        *direct("RNN, orthogonal start", (20, 36), 3, replace(rnn, orthogonal=True)),
        *direct("LSTM", (5, 10, 20, 36), 3, lstm),
        *direct("LSTM, bare digit", (5, 10), 3, replace(lstm, encoding="digit")),
        *curricula(seeds=5, seeds_of_variants=2),
    ]


def long() -> list[Cell]:
    """More seeds, more lengths, more steps."""
    rnn, lstm = Config(model="rnn", num_steps=5000), Config(num_steps=5000)
    return [
        *direct("RNN", (5, 10, 15, 20, 30, 36, 50), 5, rnn),
        *direct("RNN, clipped at 1", (20, 36, 50), 5, replace(rnn, max_grad_norm=1.0)),
        *direct("RNN, orthogonal start", (20, 36, 50, 100), 5, replace(rnn, orthogonal=True)),
        *direct("LSTM", (5, 10, 15, 20, 30, 36, 50), 5, lstm),
        *direct("LSTM, bare digit", (5, 10, 20), 5, replace(lstm, encoding="digit")),
        *curricula(seeds=10, seeds_of_variants=5),
    ]


def curricula(seeds: int, seeds_of_variants: int) -> list[Cell]:
    """Trained with the curriculum: up to T = 36, and up to T = 100 to be tested far beyond."""
    lstm, rnn = curriculum_config("lstm"), curriculum_config("rnn")
    variants = {
        "LSTM, curriculum, b_f starts at 0": replace(lstm, forget_bias=0.0),
        "LSTM, curriculum, chrono start": replace(lstm, chrono=True),
        "LSTM, curriculum, bare digit": replace(lstm, encoding="digit"),
        "RNN, curriculum, not orthogonal": replace(rnn, orthogonal=False),
    }
    return [
        *direct("LSTM, curriculum to T = 36", (36,), seeds, replace(lstm, num_steps=250)),
        *far("LSTM, curriculum", seeds, lstm, num_test=10_000),
        *far("RNN, curriculum", seeds, rnn, num_test=10_000),
        *[
            cell
            for name, config in variants.items()
            for cell in far(name, seeds_of_variants, config)
        ],
    ]


GRIDS = {"smoke": smoke, "default": default, "long": long}


def run_study(preset: str, directory: Path, cluster: str | None = None) -> str:
    """Run the cells that are missing, and write the table and the pictures into `directory`.

    `horizon.csv` has every cell, `horizon.md` the families, `horizon.png` accuracy against T;
    `gradients.png` and `gates.png` show why the RNN forgets.

    Returns:
        the table as Markdown.
    """
    cells = GRIDS[preset]()

    def report(done: int, row: Row) -> None:
        said = row.get("error") or "  ".join(
            f"T = {key.removeprefix('accuracy_')}: {value:.2%}"
            for key, value in row.items()
            if key.startswith("accuracy_")
        )
        print(f"{done}/{len(cells)}  {row['family']}, seed {row['seed']}:  {said}", flush=True)

    rows = run_grid(cells, directory, cluster=cluster, report=report)
    table = to_markdown(rows)
    atomic_write(directory / "horizon.csv", to_csv(rows).encode())
    atomic_write(directory / "horizon.md", table.encode())
    plot(directory / "horizon.png", rows)
    plot_why(directory)
    return table


def plot_why(directory: Path) -> None:
    """Train an RNN and an LSTM, and draw what reaches early steps, and how the LSTM keeps it.

    Both learn with the curriculum up to T = 20. Before and after, they are looked at with 100
    unseen palindromes of 100 digits. Gradients are drawn relative to the one at the last step,
    since a network that is sure of itself has small ones everywhere.
    """
    unseen = held_out(SEEN_FROM_INSIDE, "test", 100, make_rng(0, "test"))
    digits, labels = split_last(unseen)
    curves: dict[str, figures.Curve] = {}
    for name in ("rnn", "lstm"):
        config = Config(model=name, length=20, curriculum=True, num_steps=600)
        state = "c" if name == "lstm" else "h"  # what carries the memory
        run = Run(directory / name, config)
        with one_thread():
            trained = train(config, run, torch.device("cpu"), quiet=True)
        run.finish(run.final_record("all steps done"))
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
        title=f"How much the loss after step {digits.size(1)} feels of step t",
        x_label="t",
        y_label="length of the gradient, relative to the last step",
        log=True,
    )


@torch.no_grad()
def plot_gates(path: Path, model: LSTM, digits: Tensor) -> None:
    """Gates and states of the LSTM over one sequence, digits (1, length).

    The cells are sorted by how open their forget gates are on average.
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
    """All rows, with a column for everything that any of them has."""
    names = dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_markdown(rows: list[Row]) -> str:
    """A line for each family and T: the accuracies of the seeds, and what failed."""
    lines = [
        "| family | tested at T | mean | worst seed | best seed | seeds |",
        "|---|---|---|---|---|---|",
    ]
    for family, by_length in accuracies(rows).items():
        for length, values in sorted(by_length.items()):
            figures_of_seeds = (mean(values), min(values), max(values))
            cells = " | ".join(f"{value:.2%}" for value in figures_of_seeds)
            lines.append(f"| {family} | {length:,} | {cells} | {len(values)} |")
    failed = [
        f"Failed: {row['family']}, T = {row['length']}, seed {row['seed']}: {row['error']}"
        for row in rows
        if "error" in row
    ]
    return "\n".join([*lines, *(["", *failed] if failed else [])]) + "\n"


def plot(path: Path, rows: list[Row]) -> None:
    """Accuracy against T, with the spread over seeds."""
    curves: dict[str, figures.Curve] = {}
    bands = {}
    for family, by_length in accuracies(rows).items():
        lengths = sorted(by_length)
        curves[family] = (lengths, [mean(by_length[t]) for t in lengths])
        bands[family] = (
            [min(by_length[t]) for t in lengths],
            [max(by_length[t]) for t in lengths],
        )
    figures.save_curves(
        path,
        curves,
        title="How far can it remember?",
        x_label="T, digits in the palindrome",
        y_label="accuracy on unseen palindromes",
        level=("chance", CHANCE),
        bands=bands,
        mark=(f"T = {PUBLISHED}, longest published", PUBLISHED),
        log_x=True,
    )
