"""What a student's GAN is given in place of what it would download or train.

A few digits stand for MNIST. A student's own generator is hardly trained when it is checked, so
their functions are given one that generates digits, and a classifier that recognises them.
"""

from typing import Any

import torch
import torchvision.datasets
from torch import Tensor, nn
from torchvision.transforms.functional import to_pil_image

from toolkit.common.package_data import package_data
from toolkit.export.torchscript import load
from toolkit.gan.data import load_mnist

NUM_IMAGES = 256  # in an epoch: few, so that the first epochs end soon


class FewDigits(torchvision.datasets.VisionDataset):  # type: ignore[misc]
    """Replaces torchvision's MNIST: the same arguments and items, short epochs, no download."""

    def __init__(
        self,
        root: str = "",
        train: bool = True,
        transform: Any = None,
        target_transform: Any = None,
        download: bool = False,
    ) -> None:
        super().__init__(str(root), transform=transform, target_transform=target_transform)
        mnist = load_mnist()
        self.data = (mnist.train_images if train else mnist.test_images)[:, 0]
        self.targets = (mnist.train_labels if train else mnist.test_labels).long()

    def __len__(self) -> int:
        """How many images an epoch has; `data` holds more."""
        return NUM_IMAGES

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """One image, a PIL image unless it is transformed, and its digit."""
        image: Any = to_pil_image(self.data[index])
        label: Any = int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return image, label


class StandInGenerator(nn.Module):
    """The toolkit's generator, whose images have the shape and range of a student's.

    Args:
        like: one of their images, which has the shape to return.
        signed: whether their images lie in -1..1 rather than 0..1.
        latent_dim: how many numbers their z has.
    """

    def __init__(self, like: Tensor, signed: bool, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.shape = like.shape
        self.signed = signed
        self.network = load("generator", package_data("exports"))
        self.norm = nn.BatchNorm1d(1)  # so that it has the two modes
        self.ran_in_training_mode = False

    def forward(self, z: Tensor, *more: Any) -> Tensor:
        """Images for z, (batch, latent_dim) or (batch, latent_dim, 1, 1).

        The network's own z may have another size: theirs is repeated, or cut, to fit. Other
        arguments, such as labels, make no difference.
        """
        self.ran_in_training_mode |= self.training
        z = z.reshape(len(z), -1).float()
        size: int = self.network.latent_dim
        z = z.repeat(1, -(-size // z.size(1)))[:, :size].contiguous()
        with torch.no_grad():
            images: Tensor = self.network(z)
        if self.signed:
            images = 2 * images - 1
        return images.reshape(len(z), *self.shape)


class StandInClassifier(nn.Module):
    """The toolkit's classifier on a student's images: logits (batch, 10)."""

    def __init__(self, signed: bool) -> None:
        super().__init__()
        self.signed = signed
        self.network = load("classifier", package_data("exports"))

    def forward(self, images: Tensor) -> Tensor:
        """From images of any shape with 784 pixels each."""
        images = images.reshape(-1, 1, 28, 28).float()
        if self.signed:
            images = (images + 1) / 2
        with torch.no_grad():
            logits: Tensor = self.network(images.clamp(0, 1).contiguous())
        return logits
