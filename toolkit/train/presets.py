"""How long a training takes: seconds (smoke), minutes (default), or much longer."""

from dataclasses import replace
from typing import Any, Literal

from toolkit.gan.config import ClassifierConfig
from toolkit.gan.config import Config as GANConfig
from toolkit.lstm.config import Config as RecurrentConfig
from toolkit.lstm.config import curriculum_config

Preset = Literal["smoke", "default", "long"]

RECURRENT: dict[Preset, RecurrentConfig] = {
    "smoke": RecurrentConfig(length=5, num_steps=150, eval_every=25),
    "default": RecurrentConfig(),
    "long": RecurrentConfig(length=36, num_steps=20_000),
}
CURRICULUM: dict[Preset, dict[str, Any]] = {  # what differs from `curriculum_config`
    "smoke": {"length": 20, "num_steps": 150, "eval_every": 25},
    "default": {},
    "long": {"num_steps": 5000},
}
NUM_TEST: dict[Preset, int] = {"smoke": 500, "default": 10_000, "long": 10_000}  # palindromes
GAN: dict[Preset, GANConfig] = {
    "smoke": GANConfig(num_steps=800, eval_every=400, save_every=200),
    "default": GANConfig(),
    "long": GANConfig(num_steps=90_000, eval_every=9000, save_every=1000),
}
CLASSIFIER: dict[Preset, ClassifierConfig] = {
    "smoke": ClassifierConfig(num_epochs=2, num_images=5000),
    "default": ClassifierConfig(),
    "long": ClassifierConfig(num_epochs=10),
}


def recurrent_preset(
    model: Literal["lstm", "rnn"], preset: Preset, curriculum: bool
) -> tuple[RecurrentConfig, str]:
    """The settings of a preset, and the name of its run."""
    if curriculum:
        return replace(curriculum_config(model), **CURRICULUM[preset]), f"{model}-curriculum"
    return replace(RECURRENT[preset], model=model), model


def customise(config: Any, name: str, **options: Any) -> tuple[Any, str]:
    """The preset with the options that were given, and a run name that tells them apart."""
    given = {key: value for key, value in options.items() if value is not None}
    changed = {key: value for key, value in given.items() if value != getattr(config, key)}
    return replace(config, **given), "-".join([name, *(f"{k}={v}" for k, v in changed.items())])
