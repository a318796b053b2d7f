"""From the toolkit's own runs to the words and pictures of a report, which says whose they are."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

from toolkit.assignment.report.prompts import REMARK
from toolkit.assignment.report.results import Family, Gan, Gap, Recurrent, Results, Row, Tested
from toolkit.assignment.report.sources import (
    Sources,
    damage_reported,
    percent,
    read_config,
    read_figure,
)
from toolkit.common.files import read_bytes
from toolkit.common.record import GANMetrics, RecurrentMetrics, RunRecord, read_record
from toolkit.gan.config import Config as GANConfig
from toolkit.lstm.config import Config as RecurrentConfig
from toolkit.lstm.horizon import accuracies

SOURCE = "All numbers and pictures come from runs of the toolkit (preset {}), not of this student."
SET_ASIDE = re.compile(r"\.old-\d+$")  # what --restart appends to the name of a run directory
EXPECTED = {  # model -> the run that `train all` makes, and the words of its command
    "lstm": ("lstm-curriculum", ("lstm", "--curriculum")),
    "rnn": ("rnn-curriculum", ("rnn", "--curriculum")),
    "gan": ("gan", ("gan",)),
}


def read_results(sources: Sources) -> Results:
    """Read what is there; whatever is missing or unfinished becomes a gap.

    Raises:
        ToolkitError: a run directory is damaged, or an earlier version of the toolkit made it.
    """
    results = Results(SOURCE.format(sources.preset), REMARK)
    records = {
        run: record
        for run, record in find_runs(sources.directory)
        if record.model in EXPECTED  # the classifier is not part of the assignment
    }
    for run, record in records.items():
        with damage_reported(run, record.command):
            read_run(run, record, results)
    for model, (name, words) in EXPECTED.items():
        if model not in {record.model for record in records.values()}:
            what = f"{sources.directory / name} is not there"
            gaps_of(model, results).append(Gap(what, sources.command(*words)))
    tabulate_tested(records, results)
    read_study(sources, results)
    return results


def find_runs(directory: Path) -> Iterator[tuple[Path, RunRecord]]:
    """The run directories in `directory`, except those that --restart set aside.

    Raises: as `read_record`.
    """
    for run in sorted(directory.glob("*/")):
        is_run = any((run / name).exists() for name in ("run.json", "config.json"))
        if is_run and not SET_ASIDE.search(run.name):
            yield run, read_record(run)


def read_run(run: Path, record: RunRecord, results: Results) -> None:
    """Add one run to the results, or to the gaps.

    Raises:
        TypeError, ValueError: its record lacks something or has an impossible value.
        KeyError: the same.
    """
    if not record.finished:
        num_steps = record.settings["num_steps"]
        what = f"{run} is unfinished, after {record.steps:,} of {num_steps:,} steps"
        gaps_of(record.model, results).append(Gap(what, record.command))
    elif isinstance(record.metrics, RecurrentMetrics):
        add_recurrent(run, record, record.metrics, results)
    elif isinstance(record.metrics, GANMetrics):
        add_gan(run, record, record.metrics, results)
    else:
        raise ValueError(f"run.json of a finished {record.model} lacks its metrics")


def gaps_of(model: str, results: Results) -> list[Gap]:
    """The gaps in the part of the report that a model belongs to."""
    return results.gaps_in_gan if model == "gan" else results.gaps_in_recurrent


def lacks(figures: list[Path], record: RunRecord, results: Results) -> bool:
    """Is one of the pictures of a finished run missing? Then it becomes a gap."""
    missing = [path for path in figures if not path.exists()]
    gaps = [Gap(f"{path} is not there", record.command) for path in missing]
    gaps_of(record.model, results).extend(gaps)
    return bool(missing)


def add_recurrent(
    run: Path, record: RunRecord, metrics: RecurrentMetrics, results: Results
) -> None:
    """Add a finished run of the LSTM or the RNN."""
    config = read_config(record, RecurrentConfig)
    figure = run / "figures" / "accuracy.png"
    if lacks([figure], record, results):
        return
    results.commands.append(record.command)
    results.recurrent.append(
        Recurrent(
            name=run.name,
            model=record.model.upper(),
            length=f"{config.length:,}",
            input=config.encoding,
            hidden=f"{config.hidden_size}",
            batch=f"{config.batch_size}",
            learning_rate=f"{config.learning_rate:g}",
            clipped=f"{config.max_grad_norm:g}",
            steps=f"{record.steps:,}",
            loss=f"{metrics.final_loss.value:.4f}",
            accuracy=percent(metrics.test_accuracy.value),
            figure=results.add_figure(
                f"recurrent-{len(results.recurrent) + 1}.png", read_figure(figure)
            ),
        )
    )


def tabulate_tested(records: dict[Path, RunRecord], results: Results) -> None:
    """The accuracy of all networks in the report at each T that they were tested at."""
    shown = {run.name for run in results.recurrent}
    tested = sorted(
        (length, run.name, share)
        for run, record in records.items()
        if run.name in shown and isinstance(record.metrics, RecurrentMetrics)
        for length, share in record.metrics.accuracy_by_length.items()
    )
    before = None
    for length, name, share in tested:
        results.tested.append(
            Tested(
                length="" if length == before else f"{length:,}",
                run=name,
                accuracy=percent(share.value),
                num_examples=f"{share.num_examples:,}",
            )
        )
        before = length


def add_gan(run: Path, record: RunRecord, metrics: GANMetrics, results: Results) -> None:
    """Add a finished run of the GAN."""
    config = read_config(record, GANConfig)
    samples, losses, strip = (
        run / "figures" / f"{name}.png" for name in ("samples", "losses", "interpolation")
    )
    if lacks([samples, losses, *([strip] if record.interpolation else [])], record, results):
        return
    stem = f"gan-{len(results.gans) + 1}"
    gan = Gan(
        name=f"run {run.name}",
        settings=gan_settings(config),
        measured=gan_measured(record, metrics),
        samples=[results.add_figure(f"{stem}-samples.png", read_figure(samples))],
        losses=results.add_figure(f"{stem}-losses.png", read_figure(losses)),
    )
    if record.interpolation:
        gan.ends = f" {record.interpolation}"
        gan.interpolation = results.add_figure(f"{stem}-interpolation.png", read_figure(strip))
    else:
        what = f"the samples of {run} are not clear enough for an interpolation between two digits"
        longer = f"{record.command} --num-steps {2 * config.num_steps}"
        results.gaps_in_gan.append(Gap(what, longer))
    results.commands.append(record.command)
    results.gans.append(gan)


def gan_settings(config: GANConfig) -> list[Row]:
    """The table of settings."""
    return [
        Row("networks", config.architecture),
        Row("loss of the generator", config.loss),
        Row("numbers in z", f"{config.latent_dim:,}"),
        Row("batch size", f"{config.batch_size:,}"),
        Row("steps", f"{config.num_steps:,}"),
        Row("learning rate of Adam", f"{config.learning_rate:g}"),
        Row("betas of Adam", f"{config.beta1:g}, {config.beta2:g}"),
        Row("R1 penalty", f"{config.r1_gamma:g}, every {config.r1_every:,} steps"),
        Row("weight of the auxiliary head", f"{config.auxiliary_weight:g}"),
        Row("decay of the averaged generator", f"{config.ema_decay:g}"),
        Row("seed", str(config.seed)),
    ]


def gan_measured(record: RunRecord, metrics: GANMetrics) -> list[Row]:
    """The table of measurements."""
    distance, floor = metrics.frechet_distance, metrics.frechet_distance_floor
    loss_d, loss_g = metrics.final_loss_discriminator, metrics.final_loss_generator
    draws = distance.value.num_draws
    sets = f"{draws} draws of {distance.num_examples:,}" if draws > 1 else "one draw"
    shares = sorted(metrics.class_shares.value, key=lambda share: share.mean)
    rows = [
        Row("training time in seconds", f"{record.seconds:.0f}"),
        Row("loss of the discriminator at the end", f"{loss_d.value:.3f}"),
        Row("loss of the generator at the end", f"{loss_g.value:.3f}"),
        Row(f"Frechet distance of samples, {sets}", f"{distance.value:.2f}"),
        Row("the same of real images", f"{floor.value:.2f}"),
        Row("classifier that measures it", metrics.classifier_sha256[:12]),
        Row("rarest digit among the samples", f"{shares[0]:.2%}"),
        Row("commonest digit among the samples", f"{shares[-1]:.2%}"),
    ]
    unsure, real = metrics.share_unsure.value, metrics.share_unsure_real.value
    rows.append(Row("samples that are not clearly one digit", f"{unsure:.2%}"))
    rows.append(Row("the same of real images", f"{real:.2%}"))
    return rows


def read_study(sources: Sources, results: Results) -> None:
    """The table of the study, which is complete once horizon.csv is written."""
    directory = sources.directory / "horizon"
    command = sources.command("horizon")
    needed = ("horizon.csv", "horizon.png", "gradients.png")
    if not all((directory / name).exists() for name in needed):
        begun = (directory / "trials").exists()
        what = f"{directory} is {'unfinished' if begun else 'not there'}"
        results.gaps_in_study.append(Gap(what, command))
        return
    results.commands.append(command)
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
            results.add_figure(f"{name}.png", read_figure(directory / f"{name}.png"))
