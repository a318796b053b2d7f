"""The settings of a training run in Part II. Importing this module does not import torch."""

from dataclasses import dataclass, replace
from typing import Literal

from toolkit.common.errors import UsageError
from toolkit.common.settings import (
    Precision,
    check_decay,
    check_kinds,
    check_positive,
    check_range,
    check_weight,
)

Loss = Literal["hinge", "non-saturating", "minimax"]


@dataclass(frozen=True)
class Config:
    """The settings of one training run; the defaults are those of the convolutional GAN.

    `mlp_config` returns the settings of the assignment's code template, whose networks are MLPs.
    """

    architecture: Literal["conv", "mlp"] = "conv"
    loss: Loss = "hinge"  # of both players; see `toolkit.gan.losses`
    latent_dim: int = 64  # size of z
    mapping_size: int = 128  # units per layer of the mapping network; 0 for no mapping network
    batch_size: int = 32  # real images in the first step, and as many generated images
    growing_batch: bool = True  # twice the size after half of the steps, four times after 80%
    num_steps: int = 10_000
    learning_rate: float = 2e-3  # of Adam; constant for the first half, then falling
    final_lr_ratio: float = 0.4  # the rate stops falling at this fraction of learning_rate
    mapping_lr_ratio: float = 0.1  # the mapping network's rate, as a fraction of the other rate
    beta1: float = 0.0  # Adam's decay rate for gradients; 0: no momentum
    beta2: float = 0.99  # Adam's decay rate for squared gradients
    r1_gamma: float = 0.5  # weight of the R1 penalty; 0 switches it off
    r1_every: int = 8  # steps between R1 penalties, each weighted by this number (lazy R1)
    auxiliary_weight: float = 1.0  # of the auxiliary classification loss; 0 switches it off
    ema_decay: float = 0.998  # of the generator's moving average, which is exported
    eval_every: int = 2000  # steps between evaluations
    save_every: int = 500  # steps between checkpoints
    precision: Precision = "float32"
    num_threads: int = 2  # to compute on; another number gives slightly different weights
    seed: int = 0

    def __post_init__(self) -> None:
        check_kinds(self)
        check_range(
            self,
            latent_dim=(1, 10_000),
            mapping_size=(0, 10_000),
            batch_size=(2, 15_000),
            num_steps=(2, 10**9),
            r1_every=(1, 10**9),
            eval_every=(1, 10**9),
            save_every=(1, 10**9),
            num_threads=(1, 1000),
            final_lr_ratio=(0, 1),
            mapping_lr_ratio=(0, 1),
        )
        check_positive(self, "learning_rate")
        check_weight(self, "r1_gamma", "auxiliary_weight")
        check_decay(self, "beta1", "beta2", "ema_decay")
        if self.architecture == "mlp" and self.auxiliary_weight:
            raise UsageError(
                "The MLP discriminator has no auxiliary head; set auxiliary_weight to 0."
            )

    def batch_size_at(self, step: int) -> int:
        """Return the number of real images in the batch at training step `step` (from 1 to
        `num_steps`).

        With small batches, a network learns more per second of computation. Large batches have less
        noise in their gradients, which matters towards the end of training (Smith et al., "Don't
        Decay the Learning Rate, Increase the Batch Size", 2018).
        """
        done = (step - 1) / self.num_steps
        if not self.growing_batch or done < 0.5:
            return self.batch_size
        return self.batch_size * (2 if done < 0.8 else 4)

    @property
    def cost(self) -> tuple[float, float]:
        """Return rough estimates of the number of multiplications, and of the memory in bytes, that
        a run needs.
        """
        tenths = [self.batch_size_at(1 + k * self.num_steps // 10) for k in range(10)]
        of_an_image = 24e6 if self.architecture == "conv" else 8e6  # in a step of both players
        num_images = self.num_steps * sum(tenths) / 10
        return of_an_image * num_images, 0.5e9 + 0.5e6 * max(tenths)


def mlp_config(config: Config) -> Config:
    """Return a copy of `config` with the settings of the assignment's code template, such as MLP
    networks and no R1 penalty.
    """
    return replace(
        config,
        architecture="mlp",
        loss="non-saturating",
        latent_dim=100,
        mapping_size=0,
        batch_size=64,
        growing_batch=False,
        learning_rate=2e-4,
        final_lr_ratio=0.0,
        beta1=0.5,
        beta2=0.999,
        r1_gamma=0.0,
        auxiliary_weight=0.0,
    )


@dataclass(frozen=True)
class ClassifierConfig:
    """The settings for training the classifier."""

    num_epochs: int = 3
    num_images: int = 60_000  # the first images of the training set
    batch_size: int = 100
    learning_rate: float = 2e-3  # of AdamW; falls linearly to 0
    weight_decay: float = 0.05  # of AdamW
    precision: Precision = "float32"
    num_threads: int = 2  # to compute on; another number gives slightly different weights
    seed: int = 0

    def __post_init__(self) -> None:
        check_kinds(self)
        check_range(self, num_epochs=(1, 10_000), batch_size=(1, 60_000), num_threads=(1, 1000))
        check_range(self, num_images=(self.batch_size, 60_000))
        check_positive(self, "learning_rate")
        check_weight(self, "weight_decay")
