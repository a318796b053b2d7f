"""The settings of a training run, which combine a preset with the command's options."""

from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from toolkit.common.console import as_options
from toolkit.gan.config import ClassifierConfig, mlp_config
from toolkit.gan.config import Config as GANConfig
from toolkit.lstm.config import Config as RecurrentConfig
from toolkit.lstm.config import curriculum_config

Preset = Literal["smoke", "default", "long"]  # seconds, minutes, or much longer
AnyConfig = TypeVar("AnyConfig", RecurrentConfig, GANConfig, ClassifierConfig)

RECURRENT: dict[Preset, RecurrentConfig] = {
    "smoke": RecurrentConfig(length=5, num_steps=150, eval_every=25),
    "default": RecurrentConfig(),
    "long": RecurrentConfig(num_steps=20_000),
}
CURRICULUM: dict[Preset, dict[str, Any]] = {  # the differences from `curriculum_config`
    "smoke": {"length": 20, "num_steps": 150, "eval_every": 25},
    "default": {},
    "long": {"num_steps": 5000},
}
NUM_TEST: dict[Preset, int] = {"smoke": 200, "default": 10_000, "long": 10_000}  # palindromes
NUM_IMAGES: dict[Preset, int] = {"smoke": 2000, "default": 10_000, "long": 10_000}  # in a draw
NUM_SEEDS: dict[Preset, int] = {"smoke": 2, "default": 5, "long": 5}  # that `all` trains at one T
GAN: dict[Preset, GANConfig] = {
    "smoke": GANConfig(
        num_steps=800, growing_batch=False, eval_every=400, save_every=200, num_threads=1
    ),
    "default": GANConfig(),
    "long": GANConfig(num_steps=40_000, eval_every=4000, save_every=1000),
}
CLASSIFIER: dict[Preset, ClassifierConfig] = {
    "smoke": ClassifierConfig(num_epochs=2, num_images=5000, num_threads=1),
    "default": ClassifierConfig(),
    "long": ClassifierConfig(num_epochs=10),
}


@dataclass(frozen=True)
class Plan(Generic[AnyConfig]):
    """The plan of a training run: its settings, its name and its command-line arguments."""

    config: AnyConfig
    name: str  # the name of the run directory, e.g. "lstm-curriculum-length=20"
    words: tuple[str, ...]  # of the command line, e.g. "lstm", "--curriculum", "--length", "20"

    @property
    def model(self) -> str:
        """The name of the model: lstm, rnn, gan or classifier."""
        return self.words[0]

    def customise(self, **options: Any) -> "Plan[AnyConfig]":
        """Return the plan with new values for some settings; None leaves a setting unchanged."""
        changed: dict[str, Any] = {}
        name = self.name
        for key, value in options.items():
            if value is not None and value != getattr(self.config, key):
                changed[key] = value
                name += f"-{key}={value}"
        words = (*self.words, *as_options(changed))
        return Plan(replace(self.config, **changed), name, words)


def plan_recurrent(
    model: Literal["lstm", "rnn"], preset: Preset, curriculum: bool
) -> Plan[RecurrentConfig]:
    """Return the settings, the name and the command-line arguments of a training run of the LSTM or
    the RNN.
    """
    if not curriculum:
        return Plan(replace(RECURRENT[preset], model=model), model, (model,))
    config = replace(curriculum_config(model), **CURRICULUM[preset])
    return Plan(config, f"{model}-curriculum", (model, "--curriculum"))


def plan_gan(preset: Preset, architecture: str = "conv") -> Plan[GANConfig]:
    """Return the plan for training either the convolutional GAN ("conv") or the MLP GAN from the
    assignment's code template ("mlp").
    """
    if architecture == "conv":
        return Plan(GAN[preset], "gan", ("gan",))
    return Plan(mlp_config(GAN[preset]), "gan-mlp", ("gan", "--architecture", "mlp"))


def plan_classifier(preset: Preset) -> Plan[ClassifierConfig]:
    """Return the settings, the name and the command-line arguments of a training run of the digit
    classifier.
    """
    return Plan(CLASSIFIER[preset], "classifier", ("classifier",))
