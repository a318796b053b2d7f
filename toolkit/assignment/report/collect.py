"""Reading run directories and exports into the words and pictures of a report."""

import csv
import io
import re
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

from toolkit.assignment.report.results import Family, Gan, Gap, Recurrent, Results, Row, Tested
from toolkit.assignment.report.sources import (
    Sources,
    damage_reported,
    percent,
    read_config,
    read_figure,
)
from toolkit.common.files import read_bytes
from toolkit.common.runs import read_metrics
from toolkit.export import manifest, torchscript
from toolkit.gan.config import Config as GANConfig
from toolkit.gan.latent import pair_of_classes
from toolkit.lstm.config import Config as RecurrentConfig
from toolkit.lstm.horizon import accuracies

RUN_NAME = re.compile(r"(lstm|rnn|gan)(-curriculum|-mlp)?(-[a-z0-9_]+=.+)?")
SET_ASIDE = re.compile(r"\.old-\d+$")  # what --restart makes of the name of a run
WANTED = {"lstm": "lstm-curriculum", "rnn": "rnn-curriculum", "gan": "gan"}  # what `all` trains


def read_results(sources: Sources) -> Results:
    """Read what is there; what is missing or unfinished becomes a gap.

    Raises:
        ToolkitError: a run directory or an export is damaged.
    """
    results = Results(sources.preset)
    results.commands = [sources.command("all"), sources.command("horizon")]
    _read_study(sources, results)
    found = set()
    for path in sorted(sources.directory.glob("*/config.json")):
        run = path.parent
        kind = RUN_NAME.fullmatch(run.name)
        if kind is None or SET_ASIDE.search(run.name):
            continue
        found.add(kind[1])
        with damage_reported(run, sources.command_of(run.name)):
            if kind[1] == "gan":
                _read_gan(run, sources, results)
            else:
                _read_recurrent(run, sources, results)
    for kind_wanted, name in WANTED.items():
        if kind_wanted not in found:
            gaps = results.gaps_in_gan if kind_wanted == "gan" else results.gaps_in_recurrent
            gaps.append(Gap(f"{sources.directory / name} is not there", sources.command_of(name)))
    _read_tested(sources, results)
    return results


def _add_figure(path: Path, name: str, results: Results) -> str:
    """Keep a PNG for the report; the result is its file name there."""
    results.figures[name] = read_figure(path)
    return name


def _read_recurrent(run: Path, sources: Sources, results: Results) -> None:
    config = read_config(run, RecurrentConfig)
    entries = read_metrics(run / "metrics.jsonl")
    step = entries[-1]["step"] if entries else 0
    enough = [entry["accuracy"] >= config.target_accuracy for entry in entries[-2:]]
    learnt = enough == [True, True] and not config.curriculum
    figure = run / "figures" / "accuracy.png"
    if not ((step == config.num_steps or learnt) and figure.exists()):
        results.gaps_in_recurrent.append(_unfinished(run, step, config.num_steps, sources))
        return
    last = entries[-1]
    results.recurrent.append(
        Recurrent(
            name=run.name,
            config=config,
            model=config.model.upper(),
            length=f"{config.length:,}",
            input=config.encoding,
            curriculum="yes" if config.curriculum else "no",
            learning_rate=f"{config.learning_rate:g}",
            steps=f"{step:,}",
            seconds=f"{last['seconds']:.1f}",
            loss=f"{last['loss']:.4f}",
            accuracy=percent(last["accuracy"]),
            figure=_add_figure(figure, f"recurrent-{len(results.recurrent) + 1}.png", results),
        )
    )


def _read_gan(run: Path, sources: Sources, results: Results) -> None:
    config = read_config(run, GANConfig)
    entries = read_metrics(run / "metrics.jsonl")
    step = entries[-1]["step"] if entries else 0
    samples, losses = run / "figures" / "samples.png", run / "figures" / "losses.png"
    if not (step == config.num_steps and samples.exists() and losses.exists()):
        results.gaps_in_gan.append(_unfinished(run, step, config.num_steps, sources))
        return
    last = {
        key: value for entry in entries if entry["step"] == step for key, value in entry.items()
    }
    stem = f"gan-{len(results.gans) + 1}"
    gan = Gan(
        name=run.name,
        settings=[
            Row("networks", config.architecture),
            Row("loss of the generator", config.loss),
            Row("numbers in z", f"{config.latent_dim:,}"),
            Row("batch size", f"{config.batch_size:,}"),
            Row("steps", f"{config.num_steps:,}"),
            Row("learning rate of Adam", f"{config.learning_rate:g}"),
            Row("betas of Adam", f"{config.beta1:g}, {config.beta2:g}"),
            Row("R1 penalty", f"{config.r1_gamma:g}, every {config.r1_every:,} steps"),
            Row("memory of the averaged generator", f"{config.ema_decay:g}"),
            Row("seed", str(config.seed)),
        ],
        measured=[
            Row("training time in seconds", f"{last['seconds']:.0f}"),
            Row("loss of the discriminator at the end", f"{last['loss_d']:.3f}"),
            Row("loss of the generator at the end", f"{last['loss_g']:.3f}"),
            Row("Frechet distance of 10,000 samples", f"{last['distance']:.2f}"),
            Row("the same of real images", f"{last['floor']:.2f}"),
            Row("classifier that measures it", last["classifier_sha256"][:12]),
        ],
        samples=_add_figure(samples, f"{stem}-samples.png", results),
        losses=_add_figure(losses, f"{stem}-losses.png", results),
    )
    results.gans.append(gan)
    command = sources.command_of(run.name)
    exported = _exported("generator", config, sources)
    if exported is None:
        what = f"{sources.exports_dir / 'generator.pt'} is not of {run}"
        results.gaps_in_gan.append(Gap(what, command))
    else:
        shares = exported["class_shares"]
        gan.measured.append(Row("rarest digit among the samples", percent(min(shares))))
        gan.measured.append(Row("commonest digit among the samples", percent(max(shares))))
    strip = run / "figures" / "interpolation.png"
    if not strip.exists():
        what = f"{strip} is not there (were no two samples surely of different classes?)"
        results.gaps_in_gan.append(Gap(what, command))
        return
    gan.interpolation = _add_figure(strip, f"{stem}-interpolation.png", results)
    if exported is not None:
        pair = pair_of_classes(
            torchscript.load("generator", sources.exports_dir),
            torchscript.load("classifier", sources.exports_dir),
            config.seed,
        )
        gan.ends = f"from a {pair.digit_from} to a {pair.digit_to}"


def _unfinished(run: Path, step: int, num_steps: int, sources: Sources) -> Gap:
    what = f"{run} is unfinished, with {step:,} of {num_steps:,} steps in its log"
    return Gap(what, sources.command_of(run.name))


def _exported(
    name: str, config: RecurrentConfig | GANConfig, sources: Sources
) -> dict[str, Any] | None:
    """The metrics of an export, or None where it is absent or of another config."""
    entry = manifest.read_manifest(sources.exports_dir).get(f"{name}.pt")
    if entry is None or entry.get("config") != asdict(config):
        return None
    metrics: dict[str, Any] = entry["metrics"]
    return metrics


def _read_tested(sources: Sources, results: Results) -> None:
    """What the manifest says about accuracy at each T, if it is of runs in the report."""
    by_model: dict[str, dict[int, float]] = {"lstm": {}, "rnn": {}}
    for run in results.recurrent:
        if exported := _exported(run.config.model, run.config, sources):
            path = sources.exports_dir / "manifest.json"
            with damage_reported(path, sources.command_of(run.name)):
                shares = dict(exported["accuracy_by_length"])
                by_model[run.config.model] = {int(t): share for t, share in shares.items()}
                results.num_test = f"{exported['num_test']:,}"
    for model, shares in by_model.items():
        if not shares and any(run.config.model == model for run in results.recurrent):
            what = f"{sources.exports_dir / model}.pt is of no run in {sources.directory}"
            command = sources.command_of(WANTED[model])
            results.gaps_in_recurrent.append(Gap(what, command))
    for length in sorted({t for shares in by_model.values() for t in shares}):
        lstm, rnn = (
            percent(shares[length]) if length in shares else "not tested"
            for shares in by_model.values()
        )
        results.tested.append(Tested(f"{length:,}", lstm, rnn))


def _read_study(sources: Sources, results: Results) -> None:
    """The table of the study, which is whole once horizon.csv is written."""
    directory = sources.directory / "horizon"
    command = sources.command("horizon")
    needed = ("horizon.csv", "horizon.png", "gradients.png")
    if not all((directory / name).exists() for name in needed):
        begun = (directory / "results.jsonl").exists()
        what = f"{directory} is {'unfinished' if begun else 'not there'}"
        results.gaps_in_study.append(Gap(what, command))
        return
    with damage_reported(directory, command):
        text = read_bytes(directory / "horizon.csv").decode()
        rows = [
            {
                key: float(value) if key.startswith("accuracy_") else value
                for key, value in row.items()
                if value
            }
            for row in csv.DictReader(io.StringIO(text), restkey="surplus")
        ]
        if not rows:
            raise ValueError("horizon.csv is empty")
        for family, by_length in accuracies(rows).items():
            for n, (length, shares) in enumerate(sorted(by_length.items())):
                average, worst, best = (percent(f(shares)) for f in (mean, min, max))
                name = "" if n else family
                row = Family(name, f"{length:,}", average, worst, best, str(len(shares)))
                results.study.append(row)
        results.failed = [
            f"{row['family']}, T = {row['length']}, seed {row['seed']}: {row['error']}"
            for row in rows
            if "error" in row
        ]
        for name in ("horizon", "gradients"):
            _add_figure(directory / f"{name}.png", f"{name}.png", results)
