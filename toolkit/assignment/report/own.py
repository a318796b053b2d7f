"""The texts and pictures that a report takes from a student's records."""

from pathlib import Path

import imageio.v3 as iio
from PIL.Image import DecompressionBombError

from toolkit.assignment.handin.locate import read_code
from toolkit.assignment.handin.records import (
    INTERPOLATION,
    SAMPLES,
    Gap,
    Log,
    Records,
    gaps,
    part_of,
    read_folder,
)
from toolkit.assignment.judging.doubts import judge_records
from toolkit.assignment.report.pictures import (
    CHANCE,
    TOOLKITS,
    CannotDraw,
    drawn,
    literally,
    toolkits_accuracy,
)
from toolkit.assignment.report.prompts import REMARK
from toolkit.assignment.report.results import Gan, Results, Row
from toolkit.assignment.running.parts import FILES
from toolkit.assignment.tutor.journal import summary
from toolkit.common.console import command_line, training_command
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.figures import save_curves
from toolkit.common.package_data import package_data
from toolkit.export.manifest import Shown, command_for, networks_of

SOURCE = "All numbers and pictures come from the student's own trainings."
SOURCE_OF_REFERENCE = "All numbers and pictures are of the toolkit's networks, not this student's."
END_OF_PNG = b"IEND\xaeB`\x82"


def read_own(folder: Path, exports_dir: Path | None = None) -> Results:
    """Return the contents of a report, built from the records in a student's folder.

    If a record is missing or unusable, the returned contents include a `Gap` with the command that
    makes this record.

    Args:
        exports_dir: the folder of the student's exported networks; the function loads these
            networks. A TorchScript file can run arbitrary code, so networks are loaded only from a
            folder that the user has named.

    Raises:
        UsageError: `folder` is not a folder, or `exports_dir` contains no networks made by the
            student.
        ToolkitError: a file is damaged, or was made by the toolkit rather than by the student.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the one with your code and its records.")
    records = read_folder(folder)
    if records.foreign:
        raise ToolkitError(
            f"{folder / records.foreign[0]} was made by the toolkit, not by you, and the report is "
            "about your own trainings. Take it out; with --reference the report shows the networks "
            "of the toolkit."
        )
    results = Results(SOURCE, tutor=summary(folder))
    for finding in judge_records(records, (), None):
        if finding.verdict == "wrong":
            place = f"{finding.file}, line {finding.line}" if finding.line else finding.file
            results.doubts.append(f"{place}: {finding.message}")
    results.gaps += gaps(records, read_code(folder))
    for log in records.trainings:
        try:
            add_training(log, results)
        except CannotDraw as clause:
            results.gaps.append(_gap_of(log, clause))
    try:
        add_by_length(records, results)
    except CannotDraw as clause:
        what = f"the picture of the accuracies at each T {clause}"
        results.gaps.append(Gap("train", what, _gap_of(records.trainings[-1], clause).command))
    add_gan(records, results)
    if exports_dir is not None:
        from toolkit.assignment.report.opened import add_opened

        add_opened(own_networks(exports_dir), results)
    return results


def read_reference(exports_dir: Path | None = None) -> Results:
    """Return the contents of a report about the toolkit's own networks.

    Args:
        exports_dir: the folder of the networks; by default the toolkit's own exports.

    Raises:
        UsageError: the folder contains none of the toolkit's networks.
        ToolkitError: a network is damaged.
    """
    from toolkit.assignment.report.opened import add_opened

    results = Results(SOURCE_OF_REFERENCE, REMARK)
    folder = exports_dir or package_data("exports")
    networks = {}
    for name, network in networks_of(folder).items():
        if not network.whose:
            networks[name] = network
    for name in add_opened(networks, results):
        results.commands.append(training_command(*command_for(f"{name}.safetensors").split()))
    if not results.commands:
        raise UsageError(f"{folder} has no networks of the toolkit's: give another --exports.")
    return results


def own_networks(exports_dir: Path) -> dict[str, Shown]:
    """List the student's networks in a folder, without loading them.

    Raises:
        UsageError: the folder contains none of the student's own networks.
        ToolkitError: the folder's manifest is damaged.
    """
    networks = {}
    for network in networks_of(exports_dir).values():
        if network.whose:
            networks[network.name] = network
    if not networks:
        raise UsageError(
            f"{exports_dir} has no networks of your own: make such a folder with `toolkit export`."
        )
    return networks


def _gap_of(log: Log, clause: CannotDraw) -> Gap:
    """Return a `Gap`, which states that the numbers of a training run cannot be plotted, and gives
    the command that repeats the run.
    """
    part = part_of(log.path)
    return Gap(part, f"{log.path} {clause}", log.command or command_line("python", FILES[part]))


def add_training(log: Log, results: Results) -> None:
    """Add a training run to the report: a run of the LSTM, or of another network with which the
    LSTM is compared.

    Raises:
        CannotDraw: the numbers cannot be plotted, so nothing is added.
    """
    steps = [step for step, _, _ in log.rows]
    picture = drawn(
        save_curves,
        {"unseen palindromes": (steps, log.shares)},
        title=literally(f"{log.network}, T = {log.length}"),
        x_label="training steps",
        y_label="accuracy",
        level=CHANCE,
    )
    encoding = {"10": "one-hot", "1": "digit"}
    input_dim = log.settings.get("input_dim", "-")
    if log.command:
        results.commands.append(log.command)
    results.recurrent.append(
        dict(
            name=log.path.stem,
            model=log.network,
            length=f"{log.length:,}",
            input=encoding.get(input_dim, input_dim),
            hidden=log.settings.get("hidden_dim", "-"),
            batch=log.settings.get("batch_size", "-"),
            learning_rate=log.settings.get("learning_rate", "-"),
            clipped=log.settings.get("max_norm", "-"),
            steps=f"{log.rows[-1][0]:,.0f}",
            loss=f"{log.rows[-1][1]:.4f}",
            accuracy=f"{log.accuracy:.2%}",
            figure=results.add_figure(f"recurrent-{len(results.recurrent) + 1}.png", picture),
        )
    )


def add_by_length(records: Records, results: Results) -> None:
    """Add a plot of the student's best accuracy at each T (the number of digits in a palindrome),
    with the accuracies of the toolkit's own network for comparison.

    The picture is added only if there are accuracies of the same network for two or more values of
    T.

    Raises:
        CannotDraw: the accuracies cannot be plotted.
    """
    best: dict[str, dict[float, float]] = {}
    for log in records.trainings:
        by_length = best.setdefault(log.network, {})
        by_length[log.length] = max(log.accuracy, by_length.get(log.length, 0.0))
    if max(map(len, best.values()), default=0) < 2:
        return
    longest = max(log.length for log in records.trainings)
    curves = {}
    for name, by_length in sorted(best.items()):
        lengths = sorted(by_length)
        curves[literally(name)] = (lengths, [by_length[length] for length in lengths])
    picture = drawn(
        save_curves,
        curves,
        title="Accuracy at the end of training",
        x_label="T, digits in a palindrome",
        y_label="accuracy on unseen palindromes",
        level=CHANCE,
        beside={TOOLKITS: toolkits_accuracy(longest)},
        log_x=longest > 100,
    )
    results.by_length = results.add_figure("by-length.png", picture)


def add_gan(records: Records, results: Results) -> None:
    """Add the available pictures and losses of the GAN to the report."""
    gan = Gan("my_gan.py")
    _add_pictures(records, results)
    gan.samples = [name for name in SAMPLES if name in results.figures]
    gan.interpolation = INTERPOLATION if INTERPOLATION in results.figures else ""
    log = records.gan
    if log:
        try:
            gan.losses = _losses(log, results)
        except CannotDraw as clause:
            results.gaps.append(_gap_of(log, clause))
        gan.settings = [Row(name, value) for name, value in log.settings.items()]
        if log.command:
            results.commands.append(log.command)
    if gan.samples or gan.losses or gan.interpolation:
        results.gans.append(gan)


def _add_pictures(records: Records, results: Results) -> None:
    """Add the GAN's pictures to the report; for each damaged PNG, add a `Gap` with the command that
    makes the picture again.
    """
    command = command_line("python", "my_gan.py")
    for name, (_, data) in records.pictures.items():
        if is_whole(data):
            results.add_figure(name, data)
        else:
            results.gaps.append(Gap("gan", f"{name} is not a complete picture", command))


def _losses(log: Log, results: Results) -> str:
    """Draw the losses of both networks, and return the file name of the picture."""
    steps, of_discriminator, of_generator = map(list, zip(*log.rows, strict=True))
    picture = drawn(
        save_curves,
        {"discriminator": (steps, of_discriminator), "generator": (steps, of_generator)},
        title="Losses of the GAN",
        x_label="training steps",
        y_label="loss",
    )
    return results.add_figure("gan-losses.png", picture)


def is_whole(data: bytes) -> bool:
    """Return True if the data is a complete PNG.

    Pillow accepts a truncated PNG, but LaTeX and Word do not.
    """
    try:
        iio.imread(data, plugin="pillow")
    except (OSError, SyntaxError, ValueError, DecompressionBombError):  # Pillow's errors
        return False
    return data.endswith(END_OF_PNG)
