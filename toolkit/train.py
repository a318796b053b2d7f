"""The command line: python -m toolkit.train COMMAND; --help lists the commands."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from toolkit import export, jobs
from toolkit.clinic import LESSONS, hold_clinic
from toolkit.commands import reports_errors
from toolkit.device import pick_device, pick_precision
from toolkit.files import make_directory, set_aside
from toolkit.gan import classifier as classifier_training
from toolkit.gan import training as gan_training
from toolkit.generators import Generator
from toolkit.lstm import training as lstm_training
from toolkit.onnx_export import write_onnx
from toolkit.scoring import draw_interpolation, score_generator
from toolkit.study import run_study

Preset = Literal["smoke", "default", "long"]

RECURRENT_PRESETS = {
    "smoke": lstm_training.Config(length=5, num_steps=150, eval_every=25),
    "default": lstm_training.Config(),
    "long": lstm_training.Config(length=36, num_steps=20_000),
}
CURRICULUM_PRESETS: dict[Preset, dict[str, Any]] = {  # what differs from `curriculum_config`
    "smoke": {"length": 20, "num_steps": 150, "eval_every": 25},
    "default": {},
    "long": {"num_steps": 5000},
}
NUM_TEST: dict[Preset, int] = {"smoke": 500, "default": 10_000, "long": 10_000}  # palindromes
GAN_PRESETS = {
    "smoke": gan_training.Config(num_steps=800, eval_every=400, save_every=200),
    "default": gan_training.Config(),
    "long": gan_training.Config(num_steps=90_000, eval_every=9000, save_every=1000),
}
CLASSIFIER_PRESETS = {
    "smoke": classifier_training.Config(num_epochs=2, num_images=5000),
    "default": classifier_training.Config(),
    "long": classifier_training.Config(num_epochs=10),
}

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


def places(
    preset: Preset,
    device: str,
    runs_dir: Path,
    exports_dir: Path | None,
    restart: bool,
    data_dir: Path | None = None,
) -> jobs.Places:
    """The places that the options name."""
    exports_dir = exports_dir or export.default_directory(preset, runs_dir)
    make_directory(exports_dir)  # before hours of training, not after
    return jobs.Places(runs_dir / preset, exports_dir, data_dir, pick_device(device), restart)


def customise(config: Any, name: str, **options: Any) -> tuple[Any, str]:
    """The preset with the options that were given, and a run name that tells them apart."""
    given = {key: value for key, value in options.items() if value is not None}
    changed = {key: value for key, value in given.items() if value != getattr(config, key)}
    return replace(config, **given), "-".join([name, *(f"{k}={v}" for k, v in changed.items())])


def recurrent_preset(
    model: Literal["lstm", "rnn"], preset: Preset, curriculum: bool
) -> tuple[lstm_training.Config, str]:
    """The settings that the preset names, and the name of the run."""
    if curriculum:
        config = lstm_training.curriculum_config(model)
        return replace(config, **CURRICULUM_PRESETS[preset]), f"{model}-curriculum"
    return replace(RECURRENT_PRESETS[preset], model=model), model


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
        where = places(preset, device, runs_dir, exports_dir, restart)
        jobs.train_recurrent(config, name, where, NUM_TEST[preset])


add_recurrent("lstm", "Part I: the LSTM, on palindromes.")
add_recurrent("rnn", "Part I: the vanilla RNN, the baseline.")


@app.command()
@reports_errors
def gan(
    preset: PresetOption = "default",
    architecture: Annotated[
        Literal["conv", "perceptron"],
        typer.Option(help="Convolutional, or the assignment's template with its settings."),
    ] = "conv",
    loss: Annotated[
        gan_training.Loss | None,
        typer.Option(
            help="What the players minimise: minimax is (10) to the letter.",
            show_default="hinge; non-saturating for the perceptron",
        ),
    ] = None,
    naming_weight: Annotated[
        float | None,
        typer.Option(
            help="Of the discriminator's second task, to name digits; 0 leaves it out.",
            show_default="1; none for the perceptron",
        ),
    ] = None,
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
    where = places(preset, device, runs_dir, exports_dir, restart, data_dir)
    config = replace(GAN_PRESETS[preset], precision=pick_precision(where.device))
    if architecture == "perceptron":
        config = gan_training.perceptron_config(config)
    config, name = customise(
        config,
        "gan" if architecture == "conv" else "gan-perceptron",
        loss=loss,
        naming_weight=naming_weight,
        batch_size=batch_size,
        learning_rate=learning_rate,
        num_steps=num_steps,
        seed=seed,
    )
    jobs.train_gan(config, name, where)


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
    where = places(preset, device, runs_dir, exports_dir, restart, data_dir)
    config, name = customise(CLASSIFIER_PRESETS[preset], "classifier", seed=seed)
    config = replace(config, precision=pick_precision(where.device))
    jobs.train_classifier(config, name, where)


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
    """Everything: LSTM and RNN with the curriculum, and the GAN.

    The classifier is trained only where there is none yet.
    """
    where = places(preset, device, runs_dir, exports_dir, restart, data_dir)
    precision = pick_precision(where.device)
    runs = {}
    for model in ("lstm", "rnn"):
        recurrent, name = customise(*recurrent_preset(model, preset, curriculum=True), seed=seed)
        runs[model.upper()] = jobs.train_recurrent(recurrent, name, where, NUM_TEST[preset])
    jobs.draw_accuracy(where.runs_dir / "lstm_and_rnn.png", runs, recurrent.length)
    if not jobs.has_classifier(where.exports_dir):
        config, name = customise(CLASSIFIER_PRESETS[preset], "classifier", seed=seed)
        jobs.train_classifier(replace(config, precision=precision), name, where)
    config, name = customise(GAN_PRESETS[preset], "gan", seed=seed)
    jobs.train_gan(replace(config, precision=precision), name, where)


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
InstrumentOption = Annotated[Path, typer.Option(help="Where the classifier, which measures, is.")]


@app.command()
@reports_errors
def score(
    generator: GeneratorArgument = None,
    latent_dim: LatentDimOption = None,
    value_range: RangeOption = None,
    seed: Annotated[int, typer.Option(help="Same seed, same numbers.")] = 0,
    data_dir: DataOption = None,
    runs_dir: Annotated[Path, typer.Option(help="It goes to RUNS_DIR/score.")] = Path("runs"),
    exports_dir: InstrumentOption = export.EXPORTS_DIR,
) -> None:
    """The scorecard of a generator, ours or your own."""
    where = jobs.Places(runs_dir / "score", exports_dir, data_dir, pick_device("cpu"), False)
    file = generator or exports_dir / "generator.pt"
    score_generator(Generator(file, latent_dim, value_range), where, seed)


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
    exports_dir: InstrumentOption = export.EXPORTS_DIR,
) -> None:
    """Images on the way from one digit to another, as a strip and as a film."""
    where = jobs.Places(runs_dir / "interpolate", exports_dir, None, pick_device("cpu"), False)
    file = generator or exports_dir / "generator.pt"
    adopted = Generator(file, latent_dim, value_range)
    draw_interpolation(adopted, where, (digit_from, digit_to), frames, slerp, seed)


@app.command()
@reports_errors
def clinic(
    failure: Annotated[
        Literal["saturation", "collapse", "overpowered", "batch-statistics", "all"],
        typer.Argument(help="What is to go wrong."),
    ],
    data_dir: DataOption = None,
    runs_dir: Annotated[Path, typer.Option(help="It goes to RUNS_DIR/clinic.")] = Path("runs"),
    exports_dir: InstrumentOption = export.EXPORTS_DIR,
) -> None:
    """The classic failures of a GAN, made on purpose, and how to cure them."""
    where = jobs.Places(runs_dir / "clinic", exports_dir, data_dir, pick_device("cpu"), False)
    hold_clinic([*LESSONS, "batch-statistics"] if failure == "all" else [failure], where)


@app.command()
@reports_errors
def restore(
    model: Annotated[Literal["lstm", "rnn", "gan", "classifier"], typer.Argument()],
    exports_dir: Annotated[Path, typer.Option(help="The exports.")] = export.EXPORTS_DIR,
) -> None:
    """Bring back the export that was replaced last."""
    names = ("generator", "discriminator") if model == "gan" else (model,)
    export.restore(names, exports_dir)
    print(f"{exports_dir}: {' and '.join(names)} are as before the last training.")


@app.command(name="export")
@reports_errors
def export_as(
    format_: Annotated[Literal["onnx"], typer.Option("--format", help="The other format.")],
    exports_dir: Annotated[Path, typer.Option(help="The exports.")] = export.EXPORTS_DIR,
) -> None:
    """Write the five exports in another format as well, beside the .pt files, without training."""
    for name in export.SIGNATURES:
        print(write_onnx(name, exports_dir))


if __name__ == "__main__":
    app(prog_name="python -m toolkit.train")
