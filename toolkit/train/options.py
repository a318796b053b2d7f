"""The options that several commands of `python -m toolkit.train` share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit.gan.config import Loss
from toolkit.lstm.config import Encoding
from toolkit.train.presets import Preset

Device = Literal["auto", "cpu", "cuda", "mps"]
BY_PRESET = "by preset"

PresetOption = Annotated[Preset, typer.Option(help="Train for seconds, minutes, or much longer.")]
SeedOption = Annotated[int, typer.Option(help="The same seed on the same CPU: the same exports.")]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute.")]
RunsOption = Annotated[
    Path, typer.Option(help="Facts, metrics, checkpoints and figures go to RUNS_DIR/PRESET.")
]
ResultsOption = Annotated[
    Path, typer.Option(help="Results go to a folder in RUNS_DIR, named after the command.")
]
ExportsOption = Annotated[
    Path | None,
    typer.Option(
        help="Where the networks and manifest.json go.",
        show_default="exports; with --preset smoke RUNS_DIR/smoke/exports",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(help="Your own copy of MNIST.", show_default="the one inside the toolkit"),
]
RestartOption = Annotated[
    bool,
    typer.Option("--restart", help="Start from scratch; the old run is kept under another name."),
]
YesOption = Annotated[
    bool,
    typer.Option("--yes", help="Train even if it takes hours, or more memory than there is."),
]
BatchSizeOption = Annotated[
    int | None, typer.Option(help="Examples in each step.", show_default=BY_PRESET)
]
LearningRateOption = Annotated[
    float | None, typer.Option(help="Learning rate of the optimiser.", show_default=BY_PRESET)
]
StepsOption = Annotated[
    int | None, typer.Option(help="Training steps, at most.", show_default=BY_PRESET)
]

LengthOption = Annotated[
    int | None,
    typer.Option(
        help="T: read T-1 digits, predict digit T.",
        show_default="36, or 100 with --curriculum; less in the smoke preset",
    ),
]
NumSeedsOption = Annotated[
    int,
    typer.Option(
        "--seeds",
        min=1,
        max=100,
        help="Train this many networks, from SEED on. The first one is exported; the manifest has "
        "the accuracy of each.",
    ),
]
EncodingOption = Annotated[
    Encoding | None,
    typer.Option(help="Ten inputs for each digit, or its bare value.", show_default="one-hot"),
]
HiddenSizeOption = Annotated[
    int | None, typer.Option(help="How many numbers the hidden state has.", show_default="128")
]
FastOption = Annotated[
    bool,
    typer.Option(
        "--fast/--no-fast",
        help="Derivatives of the LSTM by hand, which is quicker, or by autograd.",
    ),
]
CurriculumOption = Annotated[
    bool,
    typer.Option(
        "--curriculum",
        help="Short palindromes first, then all lengths up to T mixed, at a falling rate.",
    ),
]


ArchitectureOption = Annotated[
    Literal["conv", "mlp"],
    typer.Option(
        help="Convolutional, or the multilayer perceptron (MLP) of the assignment's template."
    ),
]
LossOption = Annotated[
    Loss | None,
    typer.Option(
        help="What the players minimise; minimax is objective (10) to the letter.",
        show_default="hinge; non-saturating for the MLP",
    ),
]
AuxiliaryWeightOption = Annotated[
    float | None,
    typer.Option(
        help="Weight of the discriminator's auxiliary classification head on real images; "
        "0 leaves it out.",
        show_default="1; 0 for the MLP",
    ),
]

ClusterOption = Annotated[
    str | None,
    typer.Option(
        help="Address of a Dask scheduler, tcp://HOST:PORT.",
        show_default="the cores of this machine",
    ),
]
GeneratorArgument = Annotated[
    Path | None,
    typer.Argument(
        help="Weights in a folder of exports, or a TorchScript file. Loading it runs code from it, "
        "so trust whoever made it.",
        show_default="the generator of EXPORTS_DIR",
    ),
]
LatentDimOption = Annotated[
    int | None,
    typer.Option(min=1, help="How many numbers z has.", show_default="read from the file"),
]
RangeOption = Annotated[
    Literal["0,1", "-1,1"] | None,
    typer.Option(
        "--range", help="The range of its pixel values.", show_default="measured on 100 images"
    ),
]
EvaluatorOption = Annotated[
    Path | None,
    typer.Option(
        help="The folder of the classifier that measures.",
        show_default="exports, or the ones inside the toolkit",
    ),
]
FolderOption = Annotated[Path, typer.Option(help="The folder of the exports.")]
ReadOption = Annotated[
    Path | None,
    typer.Option(
        "--exports",
        "--exports-dir",
        help="The folder of the exports to show.",
        show_default="exports, or the ones inside the toolkit",
    ),
]
PageOption = Annotated[Path, typer.Option("--out", help="The file to write.")]
FailureArgument = Annotated[
    Literal["saturation", "collapse", "overpowered", "batch-statistics", "all"],
    typer.Argument(help="The failure to show."),
]
Training = StrEnum("Training", ["lstm", "rnn", "lstm_plain", "rnn_plain", "gan", "classifier"])
TrainingsArgument = Annotated[
    list[Training], typer.Argument(help="The trainings whose exports come back.")
]
FromOption = Annotated[int | None, typer.Option("--from", min=0, max=9, help="The first digit.")]
ToOption = Annotated[int | None, typer.Option("--to", min=0, max=9, help="The last digit.")]
