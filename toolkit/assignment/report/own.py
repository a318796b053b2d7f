"""From a student's own records to the words and pictures of a report."""

import tempfile
from pathlib import Path

from toolkit.assignment.locate import read_code
from toolkit.assignment.records.doubts import doubts_of
from toolkit.assignment.records.files import INTERPOLATION, SAMPLES, Log, Records, gaps, read_folder
from toolkit.assignment.report.results import Gan, Gap, Recurrent, Results, Row
from toolkit.assignment.report.sources import whole_picture
from toolkit.assignment.tutor.journal import summary
from toolkit.common.console import command_line
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.figures import Curve, save_curves
from toolkit.common.package_data import package_data
from toolkit.export.manifest import MINE, networks_of, read_manifest

SOURCE = "All numbers and pictures come from the student's own trainings."
TOOLKITS = "the toolkit's own network, for comparison"
CHANCE = ("chance", 0.1)


def read_own(folder: Path, exports_dir: Path | None = None) -> Results:
    """Read the records in a student's folder; what is missing or cannot be used becomes a gap.

    Args:
        exports_dir: their exported networks; by default those in `mine` beside the records.

    Raises:
        UsageError: that is no folder, or the exports are not theirs.
        ToolkitError: one of the files was made by the toolkit, not by the student, or is damaged.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the one with your code and its records.")
    records = read_folder(folder)
    if records.foreign:
        raise ToolkitError(
            f"{folder / records.foreign[0]} was made by the toolkit, not by you, and the report is "
            "about your own trainings. Take it out; or show the toolkit's runs as what they are, "
            "with --reference."
        )
    results = Results(SOURCE, doubts=list(doubts_of(records)), tutor=summary(folder))
    for part, what, command in gaps(records, read_code(folder)):
        listed = results.gaps_in_gan if part == "gan" else results.gaps_in_recurrent
        listed.append(Gap(what, command))
    with tempfile.TemporaryDirectory(prefix="report-", ignore_cleanup_errors=True) as scratch:
        path = Path(scratch, "curves.png")
        for log in records.trainings:
            add_training(log, path, results)
        add_by_length(records, path, results)
        add_gan(records, path, results)
    if exports := exports_beside(folder, exports_dir):
        from toolkit.assignment.report.opened import add_opened

        print(f"The networks in {exports} are opened and measured: about a minute.", flush=True)
        add_opened(exports, results)
    return results


def exports_beside(folder: Path, exports_dir: Path | None) -> Path | None:
    """The folder of a student's networks: the one that they named, or `mine` in their folder.

    Raises:
        UsageError: the one that they named has no networks of their own.
        ToolkitError: its manifest is damaged.
    """
    wanted = exports_dir or folder / "mine"
    if any(name.endswith(MINE) for name in networks_of(wanted)):
        return wanted
    if exports_dir is not None:
        raise UsageError(
            f"{exports_dir} has no networks of your own: make such a folder with `toolkit export`."
        )
    return None


def add_training(log: Log, path: Path, results: Results) -> None:
    """Add a training of the LSTM, or of what it is compared with."""
    steps = [row[0] for row in log.rows]
    save_curves(
        path,
        {"unseen palindromes": (steps, log.shares)},
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
            accuracy=f"{log.accuracy:.2%}",
            figure=results.add_figure(
                f"recurrent-{len(results.recurrent) + 1}.png", path.read_bytes()
            ),
        )
    )


def add_by_length(records: Records, path: Path, results: Results) -> None:
    """The picture of the best accuracy at each T, with the toolkit's beside it."""
    best: dict[str, dict[float, float]] = {}
    for log in records.trainings:
        at = best.setdefault(log.network, {})
        at[log.length] = max(log.accuracy, at.get(log.length, 0.0))
    if not any(len(at) > 1 for at in best.values()):
        return
    longest = max(log.length for log in records.trainings)
    metrics = read_manifest(package_data("exports"))["lstm.pt"]["metrics"]["accuracy_by_length"]
    theirs = sorted((float(length), share) for length, share in metrics.items())
    near = [pair for n, pair in enumerate(theirs) if n == 0 or theirs[n - 1][0] < longest]
    save_curves(
        path,
        {network: _curve(sorted(at.items())) for network, at in sorted(best.items())},
        title="Accuracy at the end of training",
        x_label="T, digits in a palindrome",
        y_label="accuracy on unseen palindromes",
        level=CHANCE,
        beside={TOOLKITS: _curve(near)},
        log_x=longest > 100,
    )
    results.by_length = results.add_figure("by-length.png", path.read_bytes())


def _curve(pairs: list[tuple[float, float]]) -> Curve:
    return [x for x, _ in pairs], [y for _, y in pairs]


def add_gan(records: Records, path: Path, results: Results) -> None:
    """Add the GAN, as much of it as there is."""
    gan = Gan("my_gan.py")
    for name in (*SAMPLES, INTERPOLATION):
        if name in records.pictures:
            try:
                results.add_figure(name, whole_picture(name, records.pictures[name][1]))
            except ValueError as error:
                results.gaps_in_gan.append(Gap(str(error), command_line("python", "my_gan.py")))
    gan.samples = [name for name in SAMPLES if name in results.figures]
    gan.interpolation = INTERPOLATION if INTERPOLATION in results.figures else ""
    if log := records.gan:
        steps = [row[0] for row in log.rows]
        save_curves(
            path,
            {
                "discriminator": (steps, [row[1] for row in log.rows]),
                "generator": (steps, [row[2] for row in log.rows]),
            },
            title="Losses of the GAN",
            x_label="training steps",
            y_label="loss",
        )
        gan.losses = results.add_figure("gan-losses.png", path.read_bytes())
        gan.settings = [Row(name, value) for name, value in log.settings.items()]
        if log.command:
            results.commands.append(log.command)
    if gan.samples or gan.losses or gan.interpolation:
        results.gans.append(gan)
