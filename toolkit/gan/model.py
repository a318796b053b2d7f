"""Generators, discriminators and the digit classifier. Pixel values range from 0 (background) to 1
(ink).

During training, the convolutional discriminator has an auxiliary classification head, which is not
exported (see `toolkit.gan.training`). Through this head, the discriminator also learns to classify
real digits; this improves its features, both for classifying digits and for telling real images
from generated ones. The technique of training a discriminator with the class labels of real images
comes from semi-supervised GANs (Salimans et al., "Improved Techniques for Training GANs", 2016,
section 5). The GAN in this module is not an AC-GAN (Odena et al., "Conditional Image Synthesis with
Auxiliary Classifier GANs", 2017). In an AC-GAN, the discriminator also classifies generated images,
and the generator is conditioned on a class. The generator in this module never sees a label.
"""

import torch
from torch import Tensor, nn

from toolkit.common.checks import check_images, check_latents, check_sizes


def init_dcgan(layer: nn.Module) -> None:
    """Draw weights from N(0, 0.02^2), as in DCGAN (Radford, Metz and Chintala, 2016, section 4)."""
    if isinstance(layer, nn.Linear | nn.Conv2d):
        nn.init.normal_(layer.weight, std=0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class ConvGenerator(nn.Module):
    """A small convolutional generator, which upsamples 7 x 7 pixels to 14 x 14 and then to 28 x 28.

    The upsampling uses convolutions and pixel shuffles. A pixel shuffle turns four channels into
    one channel of twice the height and width (Shi et al., "Real-Time Single Image and Video
    Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", 2016).

    A mapping network transforms the latent point z before the convolutional layers receive it.
    Images of the ten digits form separate groups, whereas the values of z form one connected cloud.
    If the image changes slowly with z, large parts of this cloud produce images that lie between
    two digits. The mapping network can shrink these parts. StyleGAN also has a mapping network
    (Karras, Laine and Aila, "A Style-Based Generator Architecture for GANs", 2019). In this
    generator, the output of the mapping network is added to z. This output is close to 0 at first,
    so an untrained mapping network has almost no effect.

    Args:
        latent_dim: size of z.
        width: number of channels in the feature maps of 7 x 7 and of 14 x 14 pixels, except just
            before a pixel shuffle.
        mapping_size: units in each of the mapping network's two hidden layers; 0 for no mapping
            network.
    """

    def __init__(self, latent_dim: int = 64, width: int = 32, mapping_size: int = 128) -> None:
        super().__init__()
        check_sizes(latent_dim=latent_dim, width=width)
        self.latent_dim = latent_dim
        self.mapping: nn.Module | None = None
        if mapping_size > 0:
            self.mapping = nn.Sequential(
                nn.Linear(latent_dim, mapping_size),
                nn.LeakyReLU(0.2),
                nn.Linear(mapping_size, mapping_size),
                nn.LeakyReLU(0.2),
                nn.Linear(mapping_size, latent_dim),
            )
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, width * 7 * 7, bias=False),
            nn.Unflatten(1, (width, 7, 7)),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 4 * width, 3, padding=1, bias=False),
            nn.PixelShuffle(2),  # (4 width, 7, 7) -> (width, 14, 14)
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 4, 3, padding=1),
            nn.PixelShuffle(2),  # (4, 14, 14) -> (1, 28, 28)
        )
        self.apply(init_dcgan)

    def forward(self, z: Tensor) -> Tensor:
        """Map z to images, which have shape (batch, 1, 28, 28) and values from 0 to 1.

        The latent points z are float32 (batch, latent_dim), drawn from N(0, 1).

        Raises:
            ValueError: z has the wrong shape or dtype.
        """
        check_latents(z, self.latent_dim)
        if self.mapping is not None:
            z = z + self.mapping(z)
        return (torch.tanh(self.layers(z).float()) + 1) / 2


class ConvDiscriminator(nn.Module):
    """A convolutional discriminator without normalisation.

    The layers reduce 28 x 28 pixels to 14 x 14, then to 7 x 7, and then to one logit.

    Args:
        width: number of channels at 7 x 7; there are half as many at 14 x 14.
        hidden_size: number of features in the last layer before the logit.
    """

    def __init__(self, width: int = 32, hidden_size: int = 256) -> None:
        super().__init__()
        check_sizes(hidden_size=hidden_size)
        check_sizes(2, width=width)
        self.layers = nn.Sequential(
            nn.Conv2d(1, width // 2, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width // 2, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(width * 7 * 7, hidden_size),
            nn.LeakyReLU(0.2),
        )
        self.readout = nn.Linear(hidden_size, 1)
        self.apply(init_dcgan)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (batch, 1, 28, 28) to logits (batch, 1); a logit above 0 means that the
        discriminator classifies the image as real.

        Pixel values range from 0 to 1.

        Raises:
            ValueError: `images` has the wrong shape or dtype.
        """
        logits: Tensor = self.readout(self.features(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Map images (batch, 1, 28, 28) to the features (batch, hidden_size) before the logit."""
        check_images(images)
        features: Tensor = self.layers(images * 2 - 1)
        return features


class MLPGenerator(nn.Module):
    """The generator of the assignment's code template, an MLP with layer sizes 100, 128, 256, 512,
    1024 and 784.
    """

    def __init__(self, latent_dim: int = 100) -> None:
        super().__init__()
        check_sizes(latent_dim=latent_dim)
        self.latent_dim = latent_dim
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, 128),
            nn.LeakyReLU(0.2),
            nn.Linear(128, 256),
            nn.BatchNorm1d(256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 512),
            nn.BatchNorm1d(512),
            nn.LeakyReLU(0.2),
            nn.Linear(512, 1024),
            nn.BatchNorm1d(1024),
            nn.LeakyReLU(0.2),
            nn.Linear(1024, 28 * 28),
            nn.Unflatten(1, (1, 28, 28)),
        )

    def forward(self, z: Tensor) -> Tensor:
        """See `ConvGenerator.forward`."""
        check_latents(z, self.latent_dim)
        return (torch.tanh(self.layers(z).float()) + 1) / 2


class MLPDiscriminator(nn.Module):
    """The discriminator of the assignment's code template, but without the final sigmoid: an MLP
    with layer sizes 784, 512, 256 and 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(28 * 28, 512),
            nn.LeakyReLU(0.2),
            nn.Linear(512, 256),
            nn.LeakyReLU(0.2),
        )
        self.readout = nn.Linear(256, 1)

    def forward(self, images: Tensor) -> Tensor:
        """See `ConvDiscriminator.forward`."""
        logits: Tensor = self.readout(self.features(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Return the features, (batch, 256); see `ConvDiscriminator.features`."""
        check_images(images)
        features: Tensor = self.layers(images * 2 - 1)
        return features


class Classifier(nn.Module):
    """A digit classifier, whose 128 features before the logits are used for Fréchet distances."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 7 * 7, 128),
            nn.ReLU(),
        )
        self.readout = nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, with shape (batch, 1, 28, 28) and values from 0 to 1, to logits (batch, 10).

        Raises:
            ValueError: `images` has the wrong shape or dtype.
        """
        logits: Tensor = self.readout(self.features(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Return the features from which the logits are computed, float32 (batch, 128); all are >=
        0.
        """
        check_images(images)
        features: Tensor = self.layers(images)
        return features
