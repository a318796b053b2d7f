"""The command-line interface, python -m toolkit.train COMMAND; --help lists the commands.

Each command imports its modules only when it is called, so that --help appears at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit.common.console import command_group, reports_errors
from toolkit.common.files import set_aside
from toolkit.export.manifest import EXPORTS_DIR, SIGNATURES, readable_exports, training_of
from toolkit.export.replacing import restore as restore_exports
from toolkit.train import options, presets


def share_busy_cores() -> None:
    """Make waiting OpenMP threads go to sleep sooner than usual if other programs keep the cores
    busy.

    A waiting GNU OpenMP thread keeps its core busy for a while, even if the thread that it is
    waiting for needs that core. On two cores with four other busy programs, the estimated training
    time of the GAN was 48 to 93 minutes with the default setting. When waiting threads went to
    sleep early, the estimate was 24 to 26 minutes. If the cores are idle, sending waiting threads
    to sleep early makes training about 15% slower, so in that case the function leaves the default
    unchanged. The setting does not change the results of training. The function sets the
    environment variable `GOMP_SPINCOUNT`, which OpenMP reads when torch is imported, so call the
    function before importing torch.
    """
    if sys.platform == "linux":
        load_of_last_minute, _, _ = os.getloadavg()
        if load_of_last_minute > 1.5 * (os.cpu_count() or 1):
            os.environ.setdefault("GOMP_SPINCOUNT", "1000")


app = command_group(
    "Train the networks of the assignment, draw its pictures and write the exports. "
    "If a command is interrupted, even by SIGKILL, give it again and it continues.",
    first=share_busy_cores,
)


def add_recurrent(model: Literal["lstm", "rnn"], help_text: str) -> None:
    """Add the command `lstm` or `rnn`; both commands have the same options."""

    @app.command(name=model, help=help_text)
    @reports_errors
    def recurrent(
        preset: options.PresetOption = "default",
        length: options.LengthOption = None,
        encoding: options.EncodingOption = None,
        hidden_size: options.HiddenSizeOption = None,
        batch_size: options.BatchSizeOption = None,
        learning_rate: options.LearningRateOption = None,
        num_steps: options.StepsOption = None,
        fast: options.FastOption = True,
        curriculum: options.CurriculumOption = False,
        seed: options.SeedOption = 0,
        num_seeds: options.NumSeedsOption = 1,
        device: options.DeviceOption = "auto",
        runs_dir: options.RunsOption = Path("runs"),
        exports_dir: options.ExportsOption = None,
        restart: options.RestartOption = False,
        yes: options.YesOption = False,
    ) -> None:
        from toolkit.train.recurrent import train_recurrent
        from toolkit.train.workspace import open_workspace

        plan = presets.plan_recurrent(model, preset, curriculum).customise(
            length=length,
            encoding=encoding,
            hidden_size=hidden_size,
            batch_size=batch_size,
            learning_rate=learning_rate,
            num_steps=num_steps,
            fast=fast,
            seed=seed,
        )
        with open_workspace(preset, device, runs_dir, exports_dir, restart, yes=yes) as workspace:
            train_recurrent(plan, workspace, presets.NUM_TEST[preset], num_seeds)


add_recurrent("lstm", "Part I: train the LSTM on palindromes.")
add_recurrent("rnn", "Part I: train the vanilla RNN, the baseline.")


@app.command()
@reports_errors
def gan(
    preset: options.PresetOption = "default",
    architecture: options.ArchitectureOption = "conv",
    loss: options.LossOption = None,
    auxiliary_weight: options.AuxiliaryWeightOption = None,
    batch_size: options.BatchSizeOption = None,
    learning_rate: options.LearningRateOption = None,
    num_steps: options.StepsOption = None,
    seed: options.SeedOption = 0,
    device: options.DeviceOption = "auto",
    data_dir: options.DataOption = None,
    runs_dir: options.RunsOption = Path("runs"),
    exports_dir: options.ExportsOption = None,
    restart: options.RestartOption = False,
    yes: options.YesOption = False,
) -> None:
    """Part II: train the GAN on MNIST."""
    from toolkit.train.gan import train_gan
    from toolkit.train.workspace import open_workspace

    plan = presets.plan_gan(preset, architecture).customise(
        loss=loss,
        auxiliary_weight=auxiliary_weight,
        batch_size=batch_size,
        learning_rate=learning_rate,
        num_steps=num_steps,
        seed=seed,
    )
    with open_workspace(preset, device, runs_dir, exports_dir, restart, data_dir, yes) as workspace:
        train_gan(workspace.with_precision(plan), workspace, presets.NUM_IMAGES[preset])


@app.command()
@reports_errors
def classifier(
    preset: options.PresetOption = "default",
    seed: options.SeedOption = 0,
    device: options.DeviceOption = "auto",
    data_dir: options.DataOption = None,
    runs_dir: options.RunsOption = Path("runs"),
    exports_dir: options.ExportsOption = None,
    restart: options.RestartOption = False,
) -> None:
    """Train a new digit classifier.

    Frechet distances measured with a new classifier cannot be compared with earlier measurements.
    """
    from toolkit.train.classifier import train_classifier
    from toolkit.train.workspace import open_workspace

    plan = presets.plan_classifier(preset).customise(seed=seed)
    with open_workspace(preset, device, runs_dir, exports_dir, restart, data_dir) as workspace:
        train_classifier(workspace.with_precision(plan), workspace)


@app.command(name="all")
@reports_errors
def train_all(
    preset: options.PresetOption = "default",
    seed: options.SeedOption = 0,
    device: options.DeviceOption = "auto",
    data_dir: options.DataOption = None,
    runs_dir: options.RunsOption = Path("runs"),
    exports_dir: options.ExportsOption = None,
    restart: options.RestartOption = False,
) -> None:
    """Train the GAN, and train the LSTM and the RNN both with and without the curriculum."""
    from toolkit.gan.data import load_mnist
    from toolkit.train.classifier import find_classifier
    from toolkit.train.gan import train_gan
    from toolkit.train.recurrent import train_both
    from toolkit.train.workspace import open_workspace

    plan = presets.plan_gan(preset).customise(seed=seed)
    with open_workspace(preset, device, runs_dir, exports_dir, restart, data_dir) as workspace:
        load_mnist(workspace.data_dir)  # an error about Part II comes before Part I is trained
        find_classifier(workspace.exports_dir)
        train_both(preset, seed, workspace, curriculum=True)
        num_seeds = presets.NUM_SEEDS[preset]
        train_both(preset, seed, workspace, curriculum=False, num_seeds=num_seeds)
        train_gan(workspace.with_precision(plan), workspace, presets.NUM_IMAGES[preset])


@app.command()
@reports_errors
def horizon(
    preset: options.PresetOption = "default",
    cluster: options.ClusterOption = None,
    runs_dir: options.RunsOption = Path("runs"),
    restart: options.RestartOption = False,
) -> None:
    """Train the LSTM and the RNN with many palindrome lengths, seeds and settings, to study how
    long they remember.
    """
    from toolkit.train.horizon import run_study

    directory = runs_dir / preset / "horizon"
    if restart and directory.exists():
        print(f"The old study is now in {set_aside(directory)}.")
    print(run_study(preset, directory, cluster))
    print(f"{directory}/: horizon.csv, horizon.md, horizon.png, gradients.png, gates.png")


@app.command()
@reports_errors
def score(
    generator: options.GeneratorArgument = None,
    latent_dim: options.LatentDimOption = None,
    value_range: options.RangeOption = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.")] = 0,
    data_dir: options.DataOption = None,
    runs_dir: options.ResultsOption = Path("runs"),
    exports_dir: options.EvaluatorOption = None,
) -> None:
    """Measure the toolkit's generator or your own generator, and print its scorecard."""
    from toolkit.train.generators.generator import Generator
    from toolkit.train.generators.score import score_generator
    from toolkit.train.workspace import evaluation_workspace

    workspace = evaluation_workspace(runs_dir / "score", exports_dir, data_dir)
    file = generator or workspace.generator
    score_generator(Generator(file, latent_dim, value_range), workspace, seed)


@app.command()
@reports_errors
def interpolate(
    generator: options.GeneratorArgument = None,
    digit_from: options.FromOption = None,
    digit_to: options.ToOption = None,
    slerp: Annotated[
        bool, typer.Option("--slerp", help="Follow an arc around 0 instead of the straight line.")
    ] = False,
    frames: Annotated[int, typer.Option(min=2, max=500, help="Images, with both ends.")] = 9,
    latent_dim: options.LatentDimOption = None,
    value_range: options.RangeOption = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pictures.")] = 0,
    runs_dir: options.ResultsOption = Path("runs"),
    exports_dir: options.EvaluatorOption = None,
) -> None:
    """Draw an interpolation between two digits, as a strip of images and as a film."""
    from toolkit.train.generators.generator import Generator
    from toolkit.train.generators.interpolate import interpolate_generator
    from toolkit.train.workspace import evaluation_workspace

    workspace = evaluation_workspace(runs_dir / "interpolate", exports_dir)
    file = generator or workspace.generator
    adopted = Generator(file, latent_dim, value_range)
    interpolate_generator(adopted, workspace, (digit_from, digit_to), frames, slerp, seed)


@app.command()
@reports_errors
def clinic(
    failure: options.FailureArgument,
    data_dir: options.DataOption = None,
    runs_dir: options.ResultsOption = Path("runs"),
    exports_dir: options.EvaluatorOption = None,
) -> None:
    """Reproduce classic GAN failures on purpose, and explain how to cure them."""
    from toolkit.train.clinic import LESSONS, hold_clinic
    from toolkit.train.workspace import evaluation_workspace

    workspace = evaluation_workspace(runs_dir / "clinic", exports_dir, data_dir)
    hold_clinic([*LESSONS, "batch-statistics"] if failure == "all" else [failure], workspace)


@app.command()
@reports_errors
def restore(
    trainings: options.TrainingsArgument, exports_dir: options.FolderOption = EXPORTS_DIR
) -> None:
    """Restore the exported files that the last training run replaced."""
    names = [name for name in SIGNATURES if training_of(f"{name}.pt") in trainings]
    for note in restore_exports(names, exports_dir).notes:
        print(f"Note: {note}")
    print(f"{exports_dir}: {', '.join(names)} are back as they were before the last training.")


FormatOption = Annotated[
    Literal["onnx", "pt2", "pt"], typer.Option("--format", help="What to write.")
]


@app.command()
@reports_errors
def convert(format_: FormatOption, exports_dir: options.FolderOption = EXPORTS_DIR) -> None:
    """Convert the exported weights to another format, without any training."""
    from toolkit.export.saving import write

    for sentence in write(format_, exports_dir):
        print(sentence)


@app.command(name="export", hidden=True)
def export_as(format_: FormatOption, exports_dir: options.FolderOption = EXPORTS_DIR) -> None:
    """Run the command `convert` when it is called by its old name, `export`."""
    print("Note: `toolkit train export` is now `toolkit train convert`.", file=sys.stderr)
    convert(format_, exports_dir)


@app.command()
@reports_errors
def playground(
    exports_dir: options.ReadOption = None,
    out: options.PageOption = Path("playground.html"),
    discriminator: Annotated[
        bool, typer.Option("--discriminator", help="Of your own networks also this one.")
    ] = False,
) -> None:
    """Write a self-contained web page that shows the exported networks; viewing it requires only a
    browser.

    The page shows your own networks, exported by `toolkit export`, beside the toolkit's networks.
    """
    from toolkit.train.playground.page import write_playground

    print(write_playground(exports_dir or readable_exports(), out, discriminator))
