"""From the records of trainings, whoever made them, to the words and pictures of a report."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio

from toolkit.assignment.records.files import INTERPOLATION, SAMPLES, Gap, Log, Records
from toolkit.assignment.report.results import Gan, Recurrent, Results, Row
from toolkit.common.console import command_line
from toolkit.common.figures import Curve, save_curves
from toolkit.common.package_data import package_data
from toolkit.export.manifest import read_manifest

TOOLKITS = "the toolkit's own network, for comparison"
CHANCE = ("chance", 0.1)
END_OF_PNG = b"IEND\xaeB`\x82"


def drawn(save: Callable[..., None], *given: Any, **how: Any) -> bytes:
    """The PNG that a function of `toolkit.common.figures` writes."""
    with tempfile.TemporaryDirectory(prefix="report-", ignore_cleanup_errors=True) as scratch:
        path = Path(scratch, "figure.png")
        save(path, *given, **how)
        return path.read_bytes()


def add_trainings(records: Records, results: Results) -> None:
    """Add the trainings of the LSTM, and of what it is compared with."""
    for log in records.trainings:
        add_training(log, results)
    add_by_length(records, results)


def add_training(log: Log, results: Results) -> None:
    """Add a line to the tables, and a curve."""
    name = f"recurrent-{len(results.recurrent) + 1}.png"
    picture = drawn(
        save_curves,
        {"unseen palindromes": ([row[0] for row in log.rows], log.shares)},
        title=f"{log.network}, T = {log.length}",
        x_label="training steps",
        y_label="accuracy",
        level=CHANCE,
    )
    encoding = {"10": "one-hot", "1": "digit"}
    said = log.settings.get("input_dim", "-")
    if log.command:
        results.commands.append(log.command)
    results.recurrent.append(
        Recurrent(
            name=log.path.stem,
            model=log.network,
            length=f"{log.length:,}",
            input=encoding.get(said, said),
            hidden=log.settings.get("hidden_dim", "-"),
            batch=log.settings.get("batch_size", "-"),
            learning_rate=log.settings.get("learning_rate", "-"),
            clipped=log.settings.get("max_norm", "-"),
            steps=f"{log.rows[-1][0]:,.0f}",
            loss=f"{log.rows[-1][1]:.4f}",
            accuracy=f"{log.by_length.get(log.length, log.accuracy):.2%}",
            figure=results.add_figure(name, picture),
        )
    )


def add_by_length(records: Records, results: Results) -> None:
    """The picture of the best accuracy at each T, with that of our exported LSTM beside it."""
    best: dict[str, dict[float, float]] = {}
    for log in records.trainings:
        at = best.setdefault(log.network, {})
        at |= {t: max(share, at.get(t, 0.0)) for t, share in log.by_length.items()}
    if not any(len(at) > 1 for at in best.values()):
        return
    longest = max(max(at) for at in best.values())
    x, y = toolkits_accuracy()
    near = 1 + sum(length < longest for length in x)  # one T beyond theirs
    picture = drawn(
        save_curves,
        {
            network: (sorted(at), [at[t] for t in sorted(at)])
            for network, at in sorted(best.items())
        },
        title="Accuracy at the end of training",
        x_label="T, digits in a palindrome",
        y_label="accuracy on unseen palindromes",
        level=CHANCE,
        beside={TOOLKITS: (x[:near], y[:near])},
        log_x=longest > 100,
    )
    results.by_length = results.add_figure("by-length.png", picture)


def toolkits_accuracy() -> Curve:
    """What our exported LSTM reaches at the T that its manifest names, in their order."""
    metrics = read_manifest(package_data("exports"))["lstm.pt"]["metrics"]["accuracy_by_length"]
    pairs = sorted((float(length), share) for length, share in metrics.items())
    return [x for x, _ in pairs], [y for _, y in pairs]


def add_gan(name: str, records: Records, results: Results) -> Gan:
    """Add a training of the GAN, as much of it as there is.

    Args:
        name: what it is called there.
    """
    gan, log = Gan(name), records.gan
    prefix = f"gan-{len(results.gans) + 1}-" if results.gans else ""
    command = log.command if log and log.command else command_line("python", "my_gan.py")
    for file in (*SAMPLES, INTERPOLATION):
        if file in records.pictures:
            try:
                picture = whole_picture(file, records.pictures[file][1])
            except ValueError as error:
                results.gaps.append(Gap("gan", str(error), command))
            else:
                shown = results.add_figure(prefix + file, picture)
                if file == INTERPOLATION:
                    gan.interpolation = shown
                else:
                    gan.samples.append(shown)
    if log:
        steps, of_discriminator, of_generator = map(list, zip(*log.rows, strict=True))
        picture = drawn(
            save_curves,
            {"discriminator": (steps, of_discriminator), "generator": (steps, of_generator)},
            title="Losses of the GAN",
            x_label="training steps",
            y_label="loss",
        )
        gan.losses = results.add_figure(f"{prefix}gan-losses.png", picture)
        gan.settings = [Row(setting, value) for setting, value in log.settings.items()]
        if log.command:
            results.commands.append(log.command)
    if gan.samples or gan.losses or gan.interpolation:
        results.gans.append(gan)
    return gan


def whole_picture(name: str, data: bytes) -> bytes:
    """The bytes of a PNG, which they are.

    Raises:
        ValueError: they are not a complete picture; the message begins with the name.
    """
    try:
        iio.imread(data, plugin="pillow")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises
        raise ValueError(f"{name} is not a complete picture") from error
    if not data.endswith(END_OF_PNG):  # Pillow does without, LaTeX and Word do not
        raise ValueError(f"{name} is not a complete picture")
    return data
