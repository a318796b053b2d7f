"""A textbook DCGAN, with which `gan_per_minute.py` compares our GAN."""

import torch
from torch import Tensor, nn


class TextbookGenerator(nn.Module):
    """A DCGAN's generator (Radford, Metz and Chintala, 2016) for 28 x 28 images: transposed
    convolutions with batch norm.
    """

    def __init__(self, latent_dim: int = 100, width: int = 16) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.layers = nn.Sequential(
            nn.Unflatten(1, (latent_dim, 1, 1)),
            nn.ConvTranspose2d(latent_dim, 4 * width, 7, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, 1, 4, stride=2, padding=1, bias=False),
        )
        self.apply(init_dcgan)

    def forward(self, z: Tensor) -> Tensor:
        """Map z (batch, latent_dim) to images (batch, 1, 28, 28), 0 to 1."""
        return (torch.tanh(self.layers(z)) + 1) / 2


class TextbookDiscriminator(nn.Module):
    """The discriminator for `TextbookGenerator`: strided convolutions, batch norm after the second
    one only, and one logit.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 7, bias=False),
            nn.Flatten(),
        )
        self.apply(init_dcgan)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (batch, 1, 28, 28), 0 to 1, to logits (batch, 1)."""
        logits: Tensor = self.layers(images * 2 - 1)
        return logits


def init_dcgan(layer: nn.Module) -> None:
    """Draw a layer's weights from N(0, 0.02^2), or from N(1, 0.02^2) for batch norm."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, mean=1, std=0.02)
