"""What a setting may be, and the learning rate by hand."""

import dataclasses
from typing import Any

import pytest

from toolkit.common.errors import UsageError
from toolkit.common.settings import annealed
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.config import Config as GANConfig
from toolkit.lstm.config import Config as RecurrentConfig

CONFIGS = (RecurrentConfig, GANConfig, ClassifierConfig)
FIELDS = [(kind, field.name) for kind in CONFIGS for field in dataclasses.fields(kind)]
INFINITY = float("inf")
NOT_A_NUMBER = float("nan")
NO_SETTING = ["3", None, [1], INFINITY, -INFINITY, NOT_A_NUMBER, 10**400]  # of any field but seed


@pytest.mark.parametrize(("config", "name"), FIELDS)
def test_no_field_takes_what_no_setting_is(config: Any, name: str) -> None:
    """Every field of every config, so that a new one cannot be forgotten."""
    for value in NO_SETTING:
        if name == "seed" and value == 10**400:
            continue
        with pytest.raises(UsageError, match=name) as refused:
            config(**{name: value})
        assert str(refused.value).endswith(".")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("config", "name"), FIELDS)
def test_a_field_takes_no_value_of_another_kind(config: Any, name: str) -> None:
    """Python counts True as 1, and 5.0 is what somebody gets who divides."""
    default = getattr(config(), name)
    others: list[object] = [True, 5.0] if isinstance(default, int | float) else [True, 1]
    if isinstance(default, bool):
        others = [1, 0.0]
    elif isinstance(default, float):
        others = [True]
    for value in others:
        with pytest.raises(UsageError, match=name):
            config(**{name: value})


@pytest.mark.parametrize(
    ("config", "setting", "sentence"),
    [
        (GANConfig, {"beta1": 2}, "beta1 must be at least 0 and below 1, not 2."),
        (GANConfig, {"beta2": 1.0}, "beta2 must be at least 0 and below 1, not 1.0."),
        (GANConfig, {"r1_gamma": -1}, "r1_gamma must be at least 0, not -1."),
        (GANConfig, {"ema_decay": 1.5}, "ema_decay must be at least 0 and below 1, not 1.5."),
        (
            GANConfig,
            {"precision": "fp8"},
            "There is no precision 'fp8'; choose float32 or bfloat16.",
        ),
        (GANConfig, {"seed": "0"}, "seed must be a whole number, an int, not '0'."),
        (GANConfig, {"growing_batch": "no"}, "growing_batch must be True or False, not 'no'."),
        (RecurrentConfig, {"length": 5.5}, "length must be a whole number, an int, not 5.5."),
        (RecurrentConfig, {"forget_bias": "1"}, "forget_bias must be a finite number, not '1'."),
        (
            RecurrentConfig,
            {"target_accuracy": 99.9},
            "target_accuracy must be from 0 to 1, not 99.9.",
        ),
        (ClassifierConfig, {"weight_decay": -0.1}, "weight_decay must be at least 0, not -0.1."),
    ],
)
def test_nonsense_is_refused_in_one_sentence(
    config: Any, setting: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageError) as refused:
        config(**setting)
    assert str(refused.value) == sentence


def test_a_whole_number_may_stand_for_a_fraction() -> None:
    assert GANConfig(beta1=0, learning_rate=1).beta1 == 0


def test_constant_then_falling() -> None:
    rates = [annealed(2.0, step, num_steps=100) for step in (1, 51, 76, 100)]
    assert rates == pytest.approx([2, 2, 1, 0.04])
    rates = [
        annealed(2.0, step, num_steps=100, final_lr_ratio=0.4) for step in (51, 76, 81, 82, 100)
    ]
    assert rates == pytest.approx([2, 1, 0.8, 0.8, 0.8])
