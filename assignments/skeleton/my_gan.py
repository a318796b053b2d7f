"""A GAN that draws digits: python my_gan.py --epochs 200

The noise Z is standard normal, and the two networks play

    min_G max_D V(D, G) = E_p[log D(X)] + E_q[log(1 - D(G(Z)))]      (10)
"""

import argparse
import csv
import json
import shlex
import sys
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.utils import save_image


class Generator(nn.Module):
    """From noise to images. The template: latent_dim -> 128 -> 256 -> 512 -> 1024 -> 784.

    Use LeakyReLU(0.2) between the layers, batch norm on the inner layers, and a final non-linearity
    that suits the range of your images.

    Args:
        latent_dim: numbers in z.
    """

    def __init__(self, latent_dim: int = 100) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        raise NotImplementedError("Generator.__init__: the layers")

    def forward(self, z: Tensor) -> Tensor:
        """Map z, float32 (batch, latent_dim), to images (batch, 1, 28, 28)."""
        raise NotImplementedError("Generator.forward")


class Discriminator(nn.Module):
    """Map images to scores that say how real the images look. The template: 784 -> 512 -> 256 -> 1,
    LeakyReLU(0.2).
    """

    def __init__(self) -> None:
        super().__init__()
        raise NotImplementedError("Discriminator.__init__: the layers")

    def forward(self, images: Tensor) -> Tensor:
        """Map images (batch, 1, 28, 28), whose pixel values have the same range as the generator's
        output, to scores (batch, 1).

        Choose whether the scores are logits or probabilities, and choose the loss to match.
        """
        raise NotImplementedError("Discriminator.forward")


def train_discriminator(
    generator: Generator,
    discriminator: Discriminator,
    optimizer: torch.optim.Optimizer,
    real: Tensor,
) -> float:
    """Update only the discriminator, to increase V in equation (10); the generator produces images
    but is not updated.

    Args:
        real: MNIST images, (batch, 1, 28, 28).

    Returns:
        the loss.
    """
    raise NotImplementedError("train_discriminator")


def train_generator(
    generator: Generator,
    discriminator: Discriminator,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
) -> float:
    """Update only the generator; the discriminator passes gradients back to it but is not updated.

    Returns:
        the loss.
    """
    raise NotImplementedError("train_generator")


def sample(generator: Generator, count: int = 25) -> Tensor:
    """Generate images, (count, 1, 28, 28), without computing gradients. How should batch norm
    behave here?
    """
    raise NotImplementedError("sample")


def choose_ends(generator: Generator, classifier: nn.Module) -> tuple[Tensor, Tensor]:
    """Choose two latent points, each (latent_dim,), whose images belong to different classes.

    Args:
        classifier: your own network that maps images (batch, 1, 28, 28) to logits (batch, 10).
    """
    raise NotImplementedError("choose_ends")


def interpolate(generator: Generator, z_from: Tensor, z_to: Tensor) -> Tensor:
    """Return 9 images, (9, 1, 28, 28), generated from z_from, 7 latent points between z_from and
    z_to, and z_to.
    """
    raise NotImplementedError("interpolate")


def load_data(batch_size: int) -> DataLoader:
    """Return a loader for batches of MNIST training images, scaled to the generator's range.

    They are downloaded into the folder data, or put there by: toolkit skeleton --mnist
    """
    raise NotImplementedError("load_data: torchvision.datasets.MNIST('data', download=True)")


def train(config: argparse.Namespace) -> Generator:
    """Train both networks with Adam.

    At the start of training, halfway through and at the end, generate 25 samples, always from the
    same noise. Then generate the 9 interpolation images. Pass each of these sets of images to
    `keep_images`. Every so often, append the step and the two losses to a list; when the training
    has ended, pass this list to `keep_record`. The report and the notebook show the images and the
    losses. Every `save_every` batches, and at the end, call `keep_weights` with the step: `toolkit
    export` exports the last weights, and makes a film of the training from all the weights that
    were kept.
    """
    raise NotImplementedError("train: data, networks, two optimisers, and the loop over batches")


def keep_images(images: Tensor, name: str, columns: int) -> None:
    """Already implemented: write the images to the folder records/ as a single picture.

    Args:
        images: float32 (n, 1, 28, 28), from -1 to 1 or from 0 to 1.
        name: samples-start, samples-halfway or samples-end (25 images in 5 columns), or
            interpolation (9 images in 9 columns).
        columns: the number of images in each row.
    """
    folder = Path("records")
    folder.mkdir(exist_ok=True)
    low = -1.0 if images.min() < 0 else 0.0
    path = folder / f"{name}.png"
    save_image(images, path, nrow=columns, normalize=True, value_range=(low, 1.0))


def keep_record(rows: list[tuple[int, float, float]], config: argparse.Namespace) -> None:
    """Already implemented: write the losses and the settings to the folder records/.

    Args:
        rows: each row contains the step, the discriminator's loss and the generator's loss.
        config: the settings.
    """
    folder = Path("records")
    folder.mkdir(exist_ok=True)
    with open(folder / "gan.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(("step", "loss_discriminator", "loss_generator"))
        csv.writer(file).writerows((int(step), float(a), float(b)) for step, a, b in rows)
    settings = {**vars(config), "command": shlex.join(["python", *sys.argv])}
    (folder / "gan.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")


FILMS: WeakKeyDictionary = WeakKeyDictionary()  # given: the frames of each generator's film


def keep_weights(generator: nn.Module, discriminator: nn.Module, step: int | None = None) -> None:
    """Already implemented: write both networks' weights to records/gan.pt.

    If `step` is given, these weights are also stored in the file, to be used as one frame of the
    film of training. If there are more than 16 frames, one frame between the first and the last is
    dropped. This is the frame for which the step of the next frame, divided by the step of the
    previous frame, is smallest.
    """
    folder = Path("records")
    folder.mkdir(exist_ok=True)
    networks = {"generator": generator, "discriminator": discriminator}
    film = FILMS.setdefault(generator, {})
    if step is not None:
        film[step] = {"step": step}
        for name, network in networks.items():
            film[step][name] = {
                key: (x.half() if x.is_floating_point() else x.clone()).cpu()
                for key, x in network.state_dict().items()
            }
        if len(film) > 16:
            steps = sorted(film)
            least = min(range(1, 16), key=lambda k: steps[k + 1] / max(steps[k - 1], 1))
            del film[steps[least]]
    new = folder / "gan.new"
    weights = {name: network.state_dict() for name, network in networks.items()}
    torch.save({**weights, "film": list(film.values())}, new)
    new.replace(folder / "gan.pt")  # all of it, or what was there before


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--latent-dim", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=500, help="batches between pictures")
    train(parser.parse_args())
