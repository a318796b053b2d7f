"""The command line: python -m toolkit.train COMMAND; --help lists the commands.

Each command imports what it needs when it is called, so that --help does not wait for torch.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from toolkit.common.console import reports_errors
from toolkit.common.files import make_directory, set_aside
from toolkit.export.manifest import EXPORTS_DIR, SIGNATURES, default_directory, readable_exports
from toolkit.export.manifest import restore as restore_exports
from toolkit.gan.config import Loss, mlp_config
from toolkit.train import presets
from toolkit.train.presets import NUM_TEST, Preset, customise, recurrent_preset

if TYPE_CHECKING:
    from toolkit.train.workspace import Workspace

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Train the networks of the assignment, draw its pictures and write TorchScript exports. "
    "A command that was interrupted, even by SIGKILL, goes on where it was when it is repeated.",
)

BY_PRESET = "by preset"
PresetOption = Annotated[Preset, typer.Option(help="How long: seconds, minutes, or much longer.")]
SeedOption = Annotated[int, typer.Option(help="Same seed, same CPU: the same exports.")]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")
]
RunsOption = Annotated[
    Path, typer.Option(help="Settings, metrics, checkpoints and figures go to RUNS_DIR/PRESET.")
]
ExportsOption = Annotated[
    Path | None,
    typer.Option(
        help="Where the .pt files and manifest.json go.",
        show_default="exports; with --preset smoke RUNS_DIR/smoke/exports",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(help="Your own copy of MNIST.", show_default="the one inside the toolkit"),
]
RestartOption = Annotated[
    bool, typer.Option("--restart", help="Set the old run aside and begin anew.")
]
BatchSizeOption = Annotated[
    int | None, typer.Option(help="Examples a step.", show_default=BY_PRESET)
]
LearningRateOption = Annotated[
    float | None, typer.Option(help="Of the optimiser.", show_default=BY_PRESET)
]
StepsOption = Annotated[
    int | None, typer.Option(help="Steps of training, at most.", show_default=BY_PRESET)
]


def open_workspace(
    preset: Preset,
    device: str,
    runs_dir: Path,
    exports_dir: Path | None,
    restart: bool,
    data_dir: Path | None = None,
) -> "Workspace":
    """The workspace that the options of a training name."""
    from toolkit.common.device import pick_device
    from toolkit.train.workspace import Workspace

    exports_dir = exports_dir or default_directory(preset, runs_dir)
    make_directory(exports_dir)  # before hours of training, not after
    return Workspace(runs_dir / preset, exports_dir, data_dir, pick_device(device), restart)


def evaluation_workspace(
    runs_dir: Path, exports_dir: Path | None, data_dir: Path | None = None
) -> "Workspace":
    """The workspace of a command that measures a generator and trains nothing."""
    from toolkit.common.device import pick_device
    from toolkit.train.workspace import Workspace

    return Workspace(runs_dir, exports_dir or readable_exports(), data_dir, pick_device("cpu"))


def parse_architecture(name: str) -> str:
    """conv or mlp; "perceptron" is what the MLP was called before."""
    if name not in ("conv", "mlp", "perceptron"):
        raise typer.BadParameter(f"There is no architecture {name!r}; choose conv or mlp.")
    return "mlp" if name == "perceptron" else name


def add_recurrent(model: Literal["lstm", "rnn"], help_text: str) -> None:
    """The commands `lstm` and `rnn` have the same options."""

    @app.command(name=model, help=help_text)
    @reports_errors
    def recurrent(
        preset: PresetOption = "default",
        length: Annotated[
            int | None,
            typer.Option(
                help="T: read T-1 digits, predict digit T.",
                show_default="5, 30 or 36 by preset; 20 or 100 with --curriculum",
            ),
        ] = None,
        encoding: Annotated[
            Literal["one-hot", "digit"] | None,
            typer.Option(help="Ten inputs a digit, or the bare digit.", show_default="one-hot"),
        ] = None,
        hidden_size: Annotated[
            int | None, typer.Option(help="Numbers in the hidden state.", show_default="128")
        ] = None,
        batch_size: BatchSizeOption = None,
        learning_rate: LearningRateOption = None,
        num_steps: StepsOption = None,
        curriculum: Annotated[
            bool,
            typer.Option(
                "--curriculum",
                help="Short palindromes first, then all lengths up to T mixed, at a falling rate.",
            ),
        ] = False,
        seed: SeedOption = 0,
        device: DeviceOption = "auto",
        runs_dir: RunsOption = Path("runs"),
        exports_dir: ExportsOption = None,
        restart: RestartOption = False,
    ) -> None:
        from toolkit.train.recurrent import train_recurrent

        config, name = customise(
            *recurrent_preset(model, preset, curriculum),
            length=length,
            encoding=encoding,
            hidden_size=hidden_size,
            batch_size=batch_size,
            learning_rate=learning_rate,
            num_steps=num_steps,
            seed=seed,
        )
        workspace = open_workspace(preset, device, runs_dir, exports_dir, restart)
        train_recurrent(config, name, workspace, NUM_TEST[preset])


add_recurrent("lstm", "Part I: the LSTM, on palindromes.")
add_recurrent("rnn", "Part I: the vanilla RNN, the baseline.")


@app.command()
@reports_errors
def gan(
    preset: PresetOption = "default",
    architecture: Annotated[
        str,
        typer.Option(
            parser=parse_architecture,
            metavar="[conv|mlp]",
            help="Convolutional, or the multilayer perceptron of the assignment's template.",
        ),
    ] = "conv",
    loss: Annotated[
        Loss | None,
        typer.Option(
            help="What the players minimise: minimax is (10) to the letter.",
            show_default="hinge; non-saturating for the MLP",
        ),
    ] = None,
    auxiliary_weight: Annotated[
        float | None,
        typer.Option(
            help="Weight of the discriminator's auxiliary classification head on real images; "
            "0 leaves it out.",
            show_default="1; 0 for the MLP",
        ),
    ] = None,
    naming_weight: Annotated[float | None, typer.Option(hidden=True)] = None,
    batch_size: BatchSizeOption = None,
    learning_rate: LearningRateOption = None,
    num_steps: StepsOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    data_dir: DataOption = None,
    runs_dir: RunsOption = Path("runs"),
    exports_dir: ExportsOption = None,
    restart: RestartOption = False,
) -> None:
    """Part II: the GAN, on MNIST."""
    from toolkit.common.device import pick_precision
    from toolkit.train.gan import train_gan

    workspace = open_workspace(preset, device, runs_dir, exports_dir, restart, data_dir)
    config = replace(presets.GAN[preset], precision=pick_precision(workspace.device))
    if architecture == "mlp":
        config = mlp_config(config)
    config, name = customise(
        config,
        "gan" if architecture == "conv" else "gan-mlp",
        loss=loss,
        auxiliary_weight=naming_weight if auxiliary_weight is None else auxiliary_weight,
        batch_size=batch_size,
        learning_rate=learning_rate,
        num_steps=num_steps,
        seed=seed,
    )
    train_gan(config, name, workspace)


@app.command()
@reports_errors
def classifier(
    preset: PresetOption = "default",
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    data_dir: DataOption = None,
    runs_dir: RunsOption = Path("runs"),
    exports_dir: ExportsOption = None,
    restart: RestartOption = False,
) -> None:
    """A new digit classifier: distances measured with another one no longer compare."""
    from toolkit.common.device import pick_precision
    from toolkit.train.classifier import train_classifier

    workspace = open_workspace(preset, device, runs_dir, exports_dir, restart, data_dir)
    config, name = customise(presets.CLASSIFIER[preset], "classifier", seed=seed)
    config = replace(config, precision=pick_precision(workspace.device))
    train_classifier(config, name, workspace)


@app.command(name="all")
@reports_errors
def train_all(
    preset: PresetOption = "default",
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    data_dir: DataOption = None,
    runs_dir: RunsOption = Path("runs"),
    exports_dir: ExportsOption = None,
    restart: RestartOption = False,
) -> None:
    """Everything: LSTM and RNN with the curriculum, and the GAN."""
    from toolkit.common.device import pick_precision
    from toolkit.train.gan import train_gan
    from toolkit.train.recurrent import plot_accuracy, train_recurrent

    workspace = open_workspace(preset, device, runs_dir, exports_dir, restart, data_dir)
    runs = {}
    for model in ("lstm", "rnn"):
        recurrent, name = customise(*recurrent_preset(model, preset, curriculum=True), seed=seed)
        runs[model.upper()] = train_recurrent(recurrent, name, workspace, NUM_TEST[preset])
    plot_accuracy(workspace.runs_dir / "lstm_and_rnn.png", runs, recurrent.length)
    config, name = customise(presets.GAN[preset], "gan", seed=seed)
    precision = pick_precision(workspace.device)
    train_gan(replace(config, precision=precision), name, workspace)


@app.command()
@reports_errors
def horizon(
    preset: PresetOption = "default",
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Address of a Dask scheduler, tcp://...", show_default="the cores of this machine"
        ),
    ] = None,
    runs_dir: RunsOption = Path("runs"),
    restart: RestartOption = False,
) -> None:
    """How far do LSTM and RNN remember? A study over lengths, seeds and choices."""
    from toolkit.train.horizon import run_study

    directory = runs_dir / preset / "horizon"
    if restart and directory.exists():
        print(f"The old study is kept in {set_aside(directory)}.")
    print(run_study(preset, directory, cluster))
    print(f"{directory}/: horizon.csv, horizon.md, horizon.png, gradients.png, gates.png")


GeneratorArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A TorchScript file. It is executable code, and is run: trust who made it.",
        show_default="generator.pt of EXPORTS_DIR",
    ),
]
LatentDimOption = Annotated[
    int | None,
    typer.Option(min=1, help="Numbers in z.", show_default="what the file says itself"),
]
RangeOption = Annotated[
    Literal["0,1", "-1,1"] | None,
    typer.Option(
        "--range", help="What the file's images lie in.", show_default="told from 100 of them"
    ),
]
EvaluatorOption = Annotated[
    Path | None,
    typer.Option(
        help="Where the classifier that measures is.",
        show_default="exports, or those that come with the toolkit",
    ),
]


@app.command()
@reports_errors
def score(
    generator: GeneratorArgument = None,
    latent_dim: LatentDimOption = None,
    value_range: RangeOption = None,
    seed: Annotated[int, typer.Option(help="Same seed, same numbers.")] = 0,
    data_dir: DataOption = None,
    runs_dir: Annotated[Path, typer.Option(help="It goes to RUNS_DIR/score.")] = Path("runs"),
    exports_dir: EvaluatorOption = None,
) -> None:
    """The scorecard of a generator, ours or your own."""
    from toolkit.export.generator import Generator
    from toolkit.train.score import score_generator

    workspace = evaluation_workspace(runs_dir / "score", exports_dir, data_dir)
    file = generator or workspace.exports_dir / "generator.pt"
    score_generator(Generator(file, latent_dim, value_range), workspace, seed)


@app.command()
@reports_errors
def interpolate(
    generator: GeneratorArgument = None,
    digit_from: Annotated[
        int | None, typer.Option("--from", min=0, max=9, help="Digit to start with.")
    ] = None,
    digit_to: Annotated[
        int | None, typer.Option("--to", min=0, max=9, help="Digit to end with.")
    ] = None,
    slerp: Annotated[
        bool, typer.Option("--slerp", help="On an arc round 0, not on the straight line.")
    ] = False,
    frames: Annotated[int, typer.Option(min=2, max=500, help="Images, both ends included.")] = 9,
    latent_dim: LatentDimOption = None,
    value_range: RangeOption = None,
    seed: Annotated[int, typer.Option(help="Same seed, same pictures.")] = 0,
    runs_dir: Annotated[Path, typer.Option(help="They go to RUNS_DIR/interpolate.")] = Path("runs"),
    exports_dir: EvaluatorOption = None,
) -> None:
    """Images on the way from one digit to another, as a strip and as a film."""
    from toolkit.export.generator import Generator
    from toolkit.train.interpolate import interpolate_generator

    workspace = evaluation_workspace(runs_dir / "interpolate", exports_dir)
    file = generator or workspace.exports_dir / "generator.pt"
    adopted = Generator(file, latent_dim, value_range)
    interpolate_generator(adopted, workspace, (digit_from, digit_to), frames, slerp, seed)


@app.command()
@reports_errors
def clinic(
    failure: Annotated[
        Literal["saturation", "collapse", "overpowered", "batch-statistics", "all"],
        typer.Argument(help="What is to go wrong."),
    ],
    data_dir: DataOption = None,
    runs_dir: Annotated[Path, typer.Option(help="It goes to RUNS_DIR/clinic.")] = Path("runs"),
    exports_dir: EvaluatorOption = None,
) -> None:
    """The classic failures of a GAN, made on purpose, and how to cure them."""
    from toolkit.train.clinic import LESSONS, hold_clinic

    workspace = evaluation_workspace(runs_dir / "clinic", exports_dir, data_dir)
    hold_clinic([*LESSONS, "batch-statistics"] if failure == "all" else [failure], workspace)


@app.command()
@reports_errors
def restore(
    model: Annotated[Literal["lstm", "rnn", "gan", "classifier"], typer.Argument()],
    exports_dir: Annotated[Path, typer.Option(help="The exports.")] = EXPORTS_DIR,
) -> None:
    """Bring back the export that was replaced last."""
    names = ("generator", "discriminator") if model == "gan" else (model,)
    restore_exports(names, exports_dir)
    print(f"{exports_dir}: {' and '.join(names)} are as before the last training.")


@app.command(name="export")
@reports_errors
def export_as(
    format_: Annotated[Literal["onnx"], typer.Option("--format", help="The other format.")],
    exports_dir: Annotated[Path, typer.Option(help="The exports.")] = EXPORTS_DIR,
) -> None:
    """Write the five exports in another format as well, beside the .pt files, without training."""
    from toolkit.export.onnx import write_onnx

    for name in SIGNATURES:
        print(write_onnx(name, exports_dir))
