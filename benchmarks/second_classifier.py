"""A second opinion on generated digits: python benchmarks/second_classifier.py [FILE.pt ...]

A recipe that was chosen with one classifier may get good scores only from this classifier. The
benchmark therefore trains a second classifier with another architecture. It uses the second
classifier to measure generators and, for comparison, real images. The second classifier is trained
once and stored in runs/second-classifier. It is never exported, and its scores are never used to
choose anything.

Our own classifier has batch norm, max pooling, ReLU and a dense layer of features. The second
classifier is a residual network without normalisation. It uses SiLU, and its features are maxima
over the image. Its training images are shifted at random. The training takes some minutes on one
thread, and the same machine always gets the same bytes.
"""

import argparse
import io
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW

from toolkit.common.device import make_rng, seeded
from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write, make_directory, read_bytes, sha256
from toolkit.common.record import Spread
from toolkit.gan.classifier import accuracy
from toolkit.gan.data import MNIST, epoch_order, load_mnist, to_unit
from toolkit.gan.measure.evaluation import SURE, Evaluator, Scores
from toolkit.train.generators.generator import Generator

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[1]
MAX_SHIFT = 2  # pixels; every digit has at least this margin


@dataclass(frozen=True)
class Settings:
    """The settings of the second classifier's training."""

    num_epochs: int = 5
    num_images: int = 60_000
    batch_size: int = 100
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    seed: int = 0


class Block(nn.Module):
    """A residual block, x + scale * f(x); `scale` starts at 0, so no normalisation is needed.

    See De and Smith, "Batch Normalization Biases Residual Blocks Towards the Identity Function in
    Deep Networks" (2020), section 5: SkipInit.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.f = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to a tensor of the same shape."""
        y: Tensor = x + self.scale * self.f(x)
        return y


class ResidualClassifier(nn.Module):
    """A classifier with feature maps of 14 x 14 and 7 x 7; the maximum over each of the last maps
    is a feature, and the features determine ten logits.
    """

    def __init__(self, width: int = 24, num_features: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            Block(width),
            nn.Conv2d(width, 2 * width, 2, stride=2),
            Block(2 * width),
            Block(2 * width),
            nn.Conv2d(2 * width, num_features, 1),
            nn.SiLU(),
        )
        self.readout = nn.Linear(num_features, 10)
        for layer in self.layers.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def features(self, images: Tensor) -> Tensor:
        """Map images (batch, 1, 28, 28), 0 to 1, to features, float32 (batch, num_features)."""
        features: Tensor = self.layers(images * 2 - 1).amax(dim=(2, 3))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Map images (batch, 1, 28, 28), 0 to 1, to logits (batch, 10)."""
        logits: Tensor = self.readout(self.features(images))
        return logits


def train(settings: Settings, mnist: MNIST) -> ResidualClassifier:
    """Train the classifier; the learning rate rises for a tenth of the steps and then falls to 0.

    The training uses float32. For so few channels, float32 is three times as fast as bfloat16.

    Returns:
        the classifier in eval mode; the test images were not used.
    """
    with seeded(settings.seed, "second classifier"):
        model = ResidualClassifier().to(memory_format=torch.channels_last)
    rate, decay = settings.learning_rate, settings.weight_decay
    optimizer = AdamW(model.parameters(), lr=rate, weight_decay=decay)
    shifts = make_rng(settings.seed, "shifts")
    steps_per_epoch = settings.num_images // settings.batch_size
    num_steps = settings.num_epochs * steps_per_epoch
    step = 0
    for epoch in range(settings.num_epochs):
        order = epoch_order(settings.num_images, settings.seed, epoch)
        for chosen in order.split(settings.batch_size)[:steps_per_epoch]:
            step += 1
            ramp = min(step / (0.1 * num_steps), (1 - step / num_steps) / 0.9)
            optimizer.param_groups[0]["lr"] = rate * ramp
            shift = torch.randint(-MAX_SHIFT, MAX_SHIFT + 1, (2,), generator=shifts).tolist()
            images = to_unit(mnist.train_images[chosen]).roll(shift, dims=(2, 3))
            loss = F.cross_entropy(model(images), mnist.train_labels[chosen].long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"second classifier: epoch {epoch + 1}/{settings.num_epochs}", file=sys.stderr)
    return model.to(memory_format=torch.contiguous_format).eval()


def trained_once(path: Path, settings: Settings, mnist: MNIST) -> tuple[ResidualClassifier, str]:
    """Load the classifier from `path`; if there is no file, first train the classifier and save it.

    Returns:
        the classifier, and the SHA-256 of its file.

    Raises:
        ToolkitError: the file is not a classifier, or the classifier was trained with other
            settings.
    """
    if not path.exists():
        model = train(settings, mnist)
        buffer = io.BytesIO()
        torch.save({"settings": asdict(settings), "weights": model.state_dict()}, buffer)
        make_directory(path.parent)
        atomic_write(path, buffer.getvalue())
    data = read_bytes(path)
    model = ResidualClassifier().eval()
    try:
        saved = torch.load(io.BytesIO(data), weights_only=True)
        known = saved["settings"]
        model.load_state_dict(saved["weights"])
    except Exception as error:  # torch.load can raise any exception
        raise ToolkitError(f"{path} is damaged. Delete it, and the next call trains it.") from error
    if known != asdict(settings):
        raise ToolkitError(
            f"{path} was trained with other settings, {known}. Name another --directory, or delete "
            "it to train anew."
        )
    return model, sha256(data)


def print_table(evaluator: Evaluator, share: float, measured: dict[str, Scores[Spread]]) -> None:
    """Print a Markdown table with a row for real images and a row for each generator."""
    print(
        f"| by a second classifier ({evaluator.sha256[:12]}, {share:.2%} of the test images right) "
        f"| Frechet distance | no clear digit (below {SURE:.0%}) | rarest and commonest digit |\n"
        "|---|---|---|---|"
    )
    for name, scores in {"real images": evaluator.real, **measured}.items():
        shares = sorted(scores.class_shares, key=lambda spread: spread.mean)
        print(
            f"| {name} | {scores.frechet_distance:.2f} | {scores.share_unsure:.1%} "
            f"| {shares[0]:.1%}, {shares[-1]:.1%} |"
        )
    print(
        f"\nEach is the mean of {evaluator.num_draws} draws of {evaluator.num_images:,} images, ± "
        "their standard deviation; the real ones are training images, against the test images."
    )


def main() -> None:
    """Train or load the classifier, measure the generators, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", help="generators, by default the committed")
    parser.add_argument("--directory", type=Path, default=ROOT / "runs" / "second-classifier")
    parser.add_argument("--seed", type=int, default=0, help="of the samples")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        generators = [Generator(path) for path in options.files or [ROOT / "exports/generator.pt"]]
        mnist = load_mnist()
        model, digest = trained_once(options.directory / "classifier.pt", Settings(), mnist)
    except ToolkitError as error:
        sys.exit(f"Error: {error}")
    evaluator = Evaluator(model, digest, mnist, CPU)
    share = accuracy(model, mnist.test_images, mnist.test_labels)
    measured = {}
    for generator in generators:
        with seeded(options.seed, "sampling"):  # a student's generator may have a dropout layer
            measured[generator.name] = evaluator.measure_generator(generator, options.seed)
    print_table(evaluator, share, measured)


if __name__ == "__main__":
    main()
