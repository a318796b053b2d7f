"""The toolkit's own runs, as the records that a student's trainings would have left.

So they stand in a report in the same form, and every caption says whose they are.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from toolkit.assignment.parts import Part
from toolkit.assignment.records.files import INTERPOLATION, Gap, Log, Records
from toolkit.assignment.report.prompts import REMARK
from toolkit.assignment.report.results import Results, measured
from toolkit.assignment.report.trainings import add_gan, add_trainings
from toolkit.common.console import training_command
from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes, read_log
from toolkit.common.record import GANMetrics, Metric, RecurrentMetrics, RunRecord, read_record

SOURCE = "All numbers and pictures come from runs of the toolkit (preset {}), not of this student."
SET_ASIDE = re.compile(r"\.old-\d+$")  # what --restart appends to the name of a run directory
EXPECTED = {  # model -> the run that `train all` makes, and the words of its command
    "lstm": ("lstm-curriculum", ("lstm", "--curriculum")),
    "rnn": ("rnn-curriculum", ("rnn", "--curriculum")),
    "gan": ("gan", ("gan",)),
}
SETTINGS = {  # as the skeleton calls them -> as we do, where that differs
    "network": "model",
    "input_dim": "encoding",
    "hidden_dim": "hidden_size",
    "max_norm": "max_grad_norm",
}
PICTURES = {  # as a student's are called -> in the figures of a run
    "samples-start.png": "samples_start.png",
    "samples-halfway.png": "samples_half.png",
    "samples-end.png": "samples_end.png",
    INTERPOLATION: "interpolation.png",
}


def read_reference(runs_dir: Path, preset: str) -> Results:
    """Read the runs of a preset; whatever is missing or unfinished becomes a gap.

    Raises:
        UsageError: an earlier version of the toolkit made one of them.
        ToolkitError: one is damaged.
    """
    results, trainings = Results(SOURCE.format(preset), REMARK), Records()
    records = {
        run: record
        for run, record in find_runs(runs_dir / preset)
        if record.model in EXPECTED  # the classifier is not part of the assignment
    }
    for model, (name, words) in EXPECTED.items():
        if all(model != record.model for record in records.values()):
            command = training_command(*words, preset=preset, runs_dir=runs_dir)
            what = f"{runs_dir / preset / name} is not there"
            results.gaps.append(Gap(part_of(model), what, command))
    for run, record in records.items():
        if not record.finished:
            steps = f"{record.steps:,} of {record.settings.get('num_steps', 0):,} steps"
            what = f"{run} is unfinished, after {steps}"
            results.gaps.append(Gap(part_of(record.model), what, record.command))
        elif isinstance(record.metrics, RecurrentMetrics):
            by_length = record.metrics.accuracy_by_length.items()
            tested = {length: share.value for length, share in by_length}
            log = read_log_of(run, record, ("step", "loss", "accuracy"), tested)
            trainings.trainings.append(log)
        elif isinstance(record.metrics, GANMetrics):
            add_run_of_gan(run, record, record.metrics, results)
        else:
            raise ToolkitError(f"{run} is damaged: its run.json lacks what was measured.")
    add_trainings(trainings, results)
    return results


def find_runs(directory: Path) -> Iterator[tuple[Path, RunRecord]]:
    """The run directories in `directory`, except those that --restart set aside.

    Raises: as `read_record`.
    """
    for run in sorted(directory.glob("*/")):
        is_run = any((run / name).exists() for name in ("run.json", "config.json"))
        if is_run and not SET_ASIDE.search(run.name):
            yield run, read_record(run)


def part_of(model: str) -> Part:
    """The part of the assignment that a model belongs to."""
    return "gan" if model == "gan" else "train"


def read_log_of(
    run: Path, record: RunRecord, columns: tuple[str, str, str], tested: Mapping[int, float] = {}
) -> Log:
    """The log of a run, where its lines have all of these columns.

    Raises:
        ToolkitError: it is damaged, or has no such line.
    """
    entries, damaged = read_log(run / "metrics.jsonl")
    rows: list[Any] = [
        tuple(entry[name] for name in columns)
        for entry in entries
        if all(isinstance(entry.get(name), int | float) for name in columns)
    ]
    if damaged or not rows:
        where = f"in line {damaged[0]}" if damaged else "it has no losses"
        raise ToolkitError(
            f"{run} is damaged (metrics.jsonl, {where}). Train it again with `--restart`, which "
            "keeps the damaged directory under another name."
        )
    words = {name: str(value) for name, value in record.settings.items()}
    words |= {theirs: words[ours] for theirs, ours in SETTINGS.items() if ours in words}
    return Log(PurePosixPath(f"{run.name}.csv"), tuple(rows), words, record.command, tested)


def add_run_of_gan(run: Path, record: RunRecord, metrics: GANMetrics, results: Results) -> None:
    """Add a finished run of the GAN, and what was measured of its samples."""
    records = Records(gan=read_log_of(run, record, ("step", "loss_d", "loss_g")))
    for file, own in PICTURES.items():
        path = run / "figures" / own
        if path.exists():
            records.pictures[file] = PurePosixPath(own), read_bytes(path)
        elif file == INTERPOLATION and record.interpolation is None:
            what = f"the samples of {run} are not clear enough for an interpolation"
            longer = f"{record.command} --num-steps {2 * record.steps}"
            results.gaps.append(Gap("gan", what, longer))
        else:
            results.gaps.append(Gap("gan", f"{path} is not there", record.command))
    gan = add_gan(f"run {run.name}", records, results)
    gan.ends = f" {record.interpolation}" if record.interpolation else ""
    values = {name: one.value for name, one in metrics if isinstance(one, Metric)}
    real = {
        "frechet_distance": values["frechet_distance_floor"],
        "share_unsure": values.get("share_unsure_real"),
    }
    distance = metrics.frechet_distance
    sizes = distance.value.num_draws, distance.num_examples
    gan.measured = measured(sizes, metrics.classifier_sha256, values, real)
