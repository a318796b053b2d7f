"""The film of a GAN's training: weights and logits from several steps, in `exports/film.npz`.

The film has 16 frames, most of them from early in training. Each frame contains the moving average
of the generator's weights, and the discriminator's logits for 500 real and 500 generated images.
Three of the frames also contain the discriminator's weights. The logits show how training proceeds:
early on, the discriminator learns to tell real images from generated ones. Once the generator is
good, the discriminator does little better than guessing. The file contains these arrays, in an
order that never changes:

    steps                       int64 (frames,): from 0 (before training) to the last step
    discriminator_steps         int64 (3,): the steps that have a discriminator
    real_indices                int64 (500,): the indices of MNIST's test images that were shown
    z                           float16 (500, latent_dim): the latent points of the drawn images
    real_logits, drawn_logits   float16 (frames, 500): above 0 means real
    auc, loss_d, loss_g         float64 (frames,): computed from these logits
    generator/<step>/<name>     float16: a state dict for the generator that the film belongs to
    discriminator/<step>/<name>   the same for the discriminator

In a state dict, floating-point tensors are stored as float16, and integer tensors keep their dtype.
The file contains no pickled objects, so `np.load` reads it with its default options.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from toolkit.common.device import device_of, make_rng
from toolkit.common.errors import UsageError
from toolkit.gan.config import Config
from toolkit.gan.data import to_unit
from toolkit.gan.latent import generate, sample_latents
from toolkit.gan.losses import LOSSES

NUM_FRAMES = 16
NUM_ASKED = 500  # real images that the discriminator judges, and as many drawn images
Arrays = dict[str, NDArray[Any]]


def frame_steps(num_steps: int) -> list[int]:
    """Return the steps at which frames are recorded: step 0, and then a geometric sequence, rounded
    to integers.

    The first frame after step 0 is recorded after 1/400 of all training steps, because until then
    the moving average hardly changes. If there are fewer than 400 training steps, this frame is
    recorded after step 1. In a very short training run, some numbers of the geometric sequence are
    rounded to the same step, so the film has fewer frames.
    """
    first = max(1.0, num_steps / 400)
    factor = (num_steps / first) ** (1 / (NUM_FRAMES - 2))
    steps = {0}
    for k in range(NUM_FRAMES - 1):
        steps.add(round(first * factor**k))
    return sorted(steps)


def area_under_curve(real: Tensor, drawn: Tensor) -> float:
    """Return the probability that a real image's logit is above a generated image's logit.

    If the discriminator guesses at random, the probability that it gives a real image the higher
    logit is 0.5. The probability is the area under the ROC curve. For n real and m generated
    images, the area equals U / (n m). Here, U is the Mann-Whitney statistic ("On a Test of Whether
    One of Two Random Variables is Stochastically Larger", 1947). A pair of equal logits adds one
    half to U.

    Args:
        real: logits (n,).
        drawn: logits (m,).
    """
    difference = real.double()[:, None] - drawn.double()[None, :]
    return float((difference.sign() + 1).mean() / 2)


def _halved(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's state dict on the CPU, with floating-point tensors cast to float16."""
    state = {}
    for name, value in network.state_dict().items():
        copy = value.detach().cpu().clone()
        state[name] = copy.half() if copy.is_floating_point() else copy
    return state


@dataclass
class Film:
    """A film, to which a training run adds frames one by one.

    Args:
        config: the training run's config; its seed determines which real images and which latent
            points all frames use.
        images: the test images, uint8 (n, 1, 28, 28).
        steps: the steps to record, in ascending order; by default, the result of `frame_steps`.

    Attributes:
        frames: a dictionary that maps each recorded step to the arrays of its frame; a run's
            checkpoints include this dictionary.
    """

    config: Config
    images: Tensor
    steps: Sequence[int] = ()
    frames: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = self.steps or frame_steps(self.config.num_steps)
        last = len(self.steps) - 1
        self.discriminator_steps = sorted({self.steps[k * last // 3] for k in (1, 2, 3)})
        rng = make_rng(self.config.seed, "film")
        self.real_indices = torch.randperm(len(self.images), generator=rng)[:NUM_ASKED]
        # The points are rounded before use, so the file has exactly the points that are drawn.
        self.z = sample_latents(NUM_ASKED, self.config.latent_dim, rng).half()

    @torch.no_grad()
    def record(self, step: int, generator: nn.Module, discriminator: nn.Module) -> None:
        """Record a frame if `step` is one of the film's steps."""
        if step not in self.steps:
            return
        real = to_unit(self.images[self.real_indices])
        drawn = generate(generator, self.z.float())
        self.frames[step] = {
            "generator": _halved(generator),
            "discriminator": {},
            "real_logits": _logits(discriminator, real),
            "drawn_logits": _logits(discriminator, drawn),
        }
        if step in self.discriminator_steps:
            self.frames[step]["discriminator"] = _halved(discriminator)

    def arrays(self) -> Arrays:
        """Return all arrays to be stored in film.npz."""
        real = torch.stack([self.frames[step]["real_logits"] for step in self.steps])
        drawn = torch.stack([self.frames[step]["drawn_logits"] for step in self.steps])
        losses = LOSSES[self.config.loss]
        auc = []
        loss_d = []
        loss_g = []
        for real_logits, drawn_logits in zip(real.double(), drawn.double(), strict=True):
            auc.append(area_under_curve(real_logits, drawn_logits))
            loss_d.append(float(losses.discriminator(real_logits, drawn_logits)))
            loss_g.append(float(losses.generator(drawn_logits)))
        arrays = {
            "steps": np.array(self.steps),
            "discriminator_steps": np.array(self.discriminator_steps),
            "real_indices": self.real_indices.numpy(),
            "z": self.z.numpy(),
            "real_logits": real.numpy(),
            "drawn_logits": drawn.numpy(),
            "auc": np.array(auc),
            "loss_d": np.array(loss_d),
            "loss_g": np.array(loss_g),
        }
        for network in ("generator", "discriminator"):
            for step in self.steps:
                for name, value in self.frames[step][network].items():
                    arrays[f"{network}/{step}/{name}"] = value.numpy()
        return arrays


def _logits(discriminator: nn.Module, images: Tensor) -> Tensor:
    """Return a discriminator's logits for images (n, 1, 28, 28) as float16 (n,) on the CPU."""
    logits: Tensor = discriminator(images.to(device_of(discriminator)))
    return logits.flatten().half().cpu()


def to_bytes(arrays: Arrays) -> bytes:
    """Return the contents of a film.npz file; equal arrays always produce equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # also other options
    return buffer.getvalue()


def from_bytes(data: bytes) -> Arrays:
    """Return the arrays of film.npz, without running any code in the file.

    Raises:
        ValueError, zipfile.BadZipFile: `data` is not the contents of an npz file.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def state_dict_at(
    arrays: Mapping[str, NDArray[Any]], network: Literal["generator", "discriminator"], step: int
) -> dict[str, Tensor]:
    """Return a network's weights at one recorded step of the GAN's training, as a state dict whose
    floating-point tensors are float32.

    Raises:
        UsageError: the recording of the training does not contain this network's weights at this
            step.
    """
    steps = arrays["steps" if network == "generator" else "discriminator_steps"].tolist()
    if step not in steps:
        raise UsageError(
            f"The film has no {network} at step {step}; choose one of {', '.join(map(str, steps))}."
        )
    prefix = f"{network}/{step}/"
    state = {}
    for name, array in arrays.items():
        if name.startswith(prefix):
            value = torch.from_numpy(array)
            state[name.removeprefix(prefix)] = value.float() if value.is_floating_point() else value
    return state
