"""Part II: a GAN that generates MNIST digits, and the classifier that evaluates it.

`toolkit.gan.losses` defines the losses as functions of logits.
"""

from typing import TYPE_CHECKING

from toolkit.common import lazily

if TYPE_CHECKING:
    from toolkit.gan.config import Config, mlp_config
    from toolkit.gan.data import MNIST, load_mnist, to_unit
    from toolkit.gan.latent import generate, interpolate, sample_latents
    from toolkit.gan.measure.evaluation import Evaluator, fit_gaussian, frechet_distance
    from toolkit.gan.measure.neighbours import overlap
    from toolkit.gan.model import (
        Classifier,
        ConvDiscriminator,
        ConvGenerator,
        MLPDiscriminator,
        MLPGenerator,
    )
    from toolkit.gan.training import discriminator_step, generator_step, train
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "config": "Config mlp_config",
            "data": "MNIST load_mnist to_unit",
            "latent": "generate interpolate sample_latents",
            "measure.evaluation": "Evaluator fit_gaussian frechet_distance",
            "measure.neighbours": "overlap",
            "model": "Classifier ConvDiscriminator ConvGenerator MLPDiscriminator MLPGenerator",
            "training": "discriminator_step generator_step train",
        },
    )

__all__ = [
    "MNIST",
    "Classifier",
    "Config",
    "ConvDiscriminator",
    "ConvGenerator",
    "Evaluator",
    "MLPDiscriminator",
    "MLPGenerator",
    "discriminator_step",
    "fit_gaussian",
    "frechet_distance",
    "generate",
    "generator_step",
    "interpolate",
    "load_mnist",
    "mlp_config",
    "overlap",
    "sample_latents",
    "to_unit",
    "train",
]
