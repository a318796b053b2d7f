"""A GAN that draws digits: python my_gan.py --epochs 200

The complete solution to this assignment, for teachers. Students write their own.

The noise Z is standard normal, and the two networks play

    min_G max_D V(D, G) = E_p[log D(X)] + E_q[log(1 - D(G(Z)))]      (10)
"""

import argparse
import csv
import itertools
import json
import shlex
import sys
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
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
        layers: list[nn.Module] = []
        sizes = [latent_dim, 128, 256, 512, 1024]
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], 784), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        """Map z, float32 (batch, latent_dim), to images (batch, 1, 28, 28)."""
        return self.layers(z).view(-1, 1, 28, 28)


class Discriminator(nn.Module):
    """Map images to scores that say how real the images look. The template: 784 -> 512 -> 256 -> 1,
    LeakyReLU(0.2).
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 512),
            nn.LeakyReLU(0.2),
            nn.Linear(512, 256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images (batch, 1, 28, 28), whose pixel values have the same range as the generator's
        output, to scores (batch, 1).

        Choose whether the scores are logits or probabilities, and choose the loss to match.
        """
        return self.layers(images)  # logits


def noise(generator: Generator, count: int) -> Tensor:
    """Return standard normal noise Z, (count, latent_dim)."""
    return torch.randn(count, generator.latent_dim)


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
    with torch.no_grad():  # the images are data here
        drawn = generator(noise(generator, len(real)))
    on_real, on_drawn = discriminator(real), discriminator(drawn)
    loss = F.softplus(-on_real).mean() + F.softplus(on_drawn).mean()  # -log D(X) - log(1 - D(G(Z)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


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
    on_drawn = discriminator(generator(noise(generator, batch_size)))
    loss = F.softplus(-on_drawn).mean()  # -log D(G(Z)): the gradient of (10) vanishes at first
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def sample(generator: Generator, count: int = 25) -> Tensor:
    """Generate images, (count, 1, 28, 28), without computing gradients. How should batch norm
    behave here?
    """
    return draw(generator, noise(generator, count))


def draw(generator: Generator, z: Tensor) -> Tensor:
    """Generate images (n, 1, 28, 28) from z (n, latent_dim), in eval mode and without gradients."""
    generator.eval()
    with torch.no_grad():
        images = generator(z)
    generator.train()
    return images


def choose_ends(generator: Generator, classifier: nn.Module) -> tuple[Tensor, Tensor]:
    """Choose two latent points, each (latent_dim,), whose images belong to different classes.

    Args:
        classifier: your own network that maps images (batch, 1, 28, 28) to logits (batch, 10).

    Raises:
        LookupError: all of the 100 samples belong to the same class, so the generator has
            collapsed.
    """
    z = noise(generator, 100)
    classes = classifier(draw(generator, z)).argmax(dim=1)
    (others,) = torch.where(classes != classes[0])
    if len(others) == 0:
        raise LookupError(f"all of {len(z)} samples are of class {int(classes[0])}")
    return z[0], z[others[0]]


def interpolate(generator: Generator, z_from: Tensor, z_to: Tensor) -> Tensor:
    """Return 9 images, (9, 1, 28, 28), generated from z_from, 7 latent points between z_from and
    z_to, and z_to.
    """
    weights = torch.linspace(0, 1, 9)[:, None]
    return draw(generator, (1 - weights) * z_from + weights * z_to)


def load_data(batch_size: int) -> DataLoader:
    """Return a loader for batches of MNIST training images, scaled to the generator's range.

    They are downloaded into the folder data, or put there by: toolkit skeleton --mnist
    """
    to_range = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    mnist = datasets.MNIST("data", train=True, download=True, transform=to_range)
    return DataLoader(mnist, batch_size, shuffle=True, drop_last=True)


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
    loader = load_data(config.batch_size)
    generator, discriminator = Generator(config.latent_dim), Discriminator()
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))  # learns beside them
    adam_g, adam_d, adam_c = (
        torch.optim.Adam(network.parameters(), lr=config.learning_rate)
        for network in (generator, discriminator, classifier)
    )
    fixed = noise(generator, 25)
    keep_images(draw(generator, fixed), "samples-start", columns=5)
    rows: list[tuple[int, float, float]] = []
    total, step = config.epochs * len(loader), 0
    for _ in range(config.epochs):
        for real, digits in loader:
            loss_c = F.cross_entropy(classifier(real), digits)
            adam_c.zero_grad()
            loss_c.backward()
            adam_c.step()
            loss_d = train_discriminator(generator, discriminator, adam_d, real)
            loss_g = train_generator(generator, discriminator, adam_g, len(real))
            step += 1
            if step % 50 == 0 or step == total:
                rows.append((step, loss_d, loss_g))
            if step == total // 2:
                keep_images(draw(generator, fixed), "samples-halfway", columns=5)
            if step % config.save_every == 0:
                print(f"step {step} of {total}: D {loss_d:.3f}, G {loss_g:.3f}")
                keep_weights(generator, discriminator, step)
    keep_images(draw(generator, fixed), "samples-end", columns=5)
    keep_record(rows, config)  # first of all, whatever happens below
    keep_weights(generator, discriminator, step)
    try:
        ends = choose_ends(generator, classifier)
        keep_images(interpolate(generator, *ends), "interpolation", columns=9)
    except LookupError as error:
        print(f"There is no interpolation: {error}. Train for longer, or balance the players.")
    return generator


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
