"""What to train in Part II, and how; nothing here needs torch."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from toolkit.common.errors import UsageError, check_positive, check_range

if TYPE_CHECKING:
    from toolkit.common.device import Precision

Loss = Literal["hinge", "non-saturating", "minimax"]


@dataclass(frozen=True)
class Config:
    """What to train and how; `mlp_config` has the settings of the assignment's template."""

    architecture: Literal["conv", "mlp"] = "conv"
    loss: Loss = "hinge"  # what the two players minimise
    latent_dim: int = 64  # numbers in z
    batch_size: int = 32  # real images a step, and as many drawn ones
    num_steps: int = 20_800
    learning_rate: float = 2e-3  # of Adam; constant for the first half, then falling
    final_lr_ratio: float = 0.4  # share of the learning rate below which it does not fall
    beta1: float = 0.5  # Adam's memory of gradients
    beta2: float = 0.99  # Adam's memory of squared gradients
    r1_gamma: float = 0.5  # weight of the R1 penalty; 0 leaves it out
    r1_every: int = 8  # steps from one R1 penalty, then that much heavier, to the next
    auxiliary_weight: float = (
        1.0  # of the discriminator's second task, naming digits; 0: no such task
    )
    ema_decay: float = 0.998  # memory of the averaged generator, the one that is exported
    eval_every: int = 2600  # steps from one measurement to the next
    save_every: int = 650  # steps from one checkpoint to the next
    precision: "Precision" = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.architecture not in ("conv", "mlp"):
            raise UsageError(f"There is no architecture {self.architecture!r}; choose conv or mlp.")
        if self.loss not in get_args(Loss):
            raise UsageError(
                f"There is no loss {self.loss!r}; choose one of {', '.join(get_args(Loss))}."
            )
        check_range(
            self,
            latent_dim=(1, 10_000),
            batch_size=(2, 60_000),
            num_steps=(2, 10**9),
            r1_every=(1, 10**9),
            eval_every=(1, 10**9),
            save_every=(1, 10**9),
        )
        check_positive(self, "learning_rate")
        if not 0 <= self.final_lr_ratio <= 1:
            raise UsageError(f"final_lr_ratio must be from 0 to 1, not {self.final_lr_ratio}.")
        if not 0 <= self.auxiliary_weight < float("inf"):
            raise UsageError(
                f"auxiliary_weight must be at least 0 and finite, not {self.auxiliary_weight}."
            )
        if self.architecture == "mlp" and self.auxiliary_weight:
            raise UsageError("The MLP has no auxiliary head; set auxiliary_weight to 0.")


def mlp_config(config: Config) -> Config:
    """The same run with the assignment's template: its networks, its Adam, no penalty."""
    return replace(
        config,
        architecture="mlp",
        loss="non-saturating",
        latent_dim=100,
        batch_size=64,
        learning_rate=2e-4,
        final_lr_ratio=0.0,
        beta2=0.999,
        r1_gamma=0.0,
        auxiliary_weight=0.0,
    )


@dataclass(frozen=True)
class ClassifierConfig:
    """How to train the classifier."""

    num_epochs: int = 3  # times through the training images
    num_images: int = 60_000  # training images used, the first ones
    batch_size: int = 100
    learning_rate: float = 2e-3  # of AdamW; falls linearly to 0
    weight_decay: float = 0.05  # of AdamW
    precision: "Precision" = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_range(self, num_epochs=(1, 10_000), batch_size=(1, 60_000))
        check_range(self, num_images=(self.batch_size, 60_000))
        check_positive(self, "learning_rate")
