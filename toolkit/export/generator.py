"""Any generator file, ours or a student's, held to one contract: z in, images in 0..1 out."""

from pathlib import Path

import torch
from torch import Tensor, nn

from toolkit.common.checks import describe
from toolkit.common.device import make_rng
from toolkit.common.errors import ToolkitError
from toolkit.export import torchscript
from toolkit.gan.latent import sample_latents

LIMITS = {"0,1": (0.0, 1.0), "-1,1": (-1.0, 1.0)}  # the ranges that a student's images may have
TOLERANCE = 1e-3  # how far a value may lie outside of its range
NUM_PROBES = 100  # images by which the range is told


class Generator(nn.Module):
    """A generator from a file. Each batch that it draws is checked.

    Args:
        path: a TorchScript file; it is executable code.
        latent_dim: numbers in z; by default the file's own attribute of that name.
        value_range: "0,1" or "-1,1", what the file's images lie in; by default their smallest
            value tells.

    Attributes:
        name: the file's name with the beginning of its hash.
        origin: a sentence on where the file comes from.
        value_range: what it is taken for, "0,1" or "-1,1".

    Raises:
        ToolkitError: the file cannot be read, or breaks the contract.
    """

    def __init__(
        self, path: Path, latent_dim: int | None = None, value_range: str | None = None
    ) -> None:
        super().__init__()
        self.path = path
        self.module, self.sha256, self.verified = torchscript.load_file(path)
        self.name = f"{path.stem}-{self.sha256[:12]}"
        self.origin = (
            f"{path} is the file that its manifest vouches for."
            if self.verified
            else f"{path} is in no manifest: its code is run as it is."
        )
        self.latent_dim = self._attribute() if latent_dim is None else latent_dim
        probes = sample_latents(NUM_PROBES, self.latent_dim, make_rng(0, "probes"))
        if value_range is None:
            value_range = "-1,1" if float(self._images(probes).min()) < -TOLERANCE else "0,1"
        self.value_range = value_range
        self(probes)

    def forward(self, z: Tensor) -> Tensor:
        """From z, float32 (batch, latent_dim), to images (batch, 1, 28, 28) in 0..1.

        Raises:
            ToolkitError: the file cannot take z, or returns anything but such images.
        """
        images = self._images(z)
        low, high = LIMITS[self.value_range]
        smallest, largest = float(images.min()), float(images.max())
        if smallest < low - TOLERANCE or largest > high + TOLERANCE:
            raise ToolkitError(
                f"{self.path} returns values from {smallest:.4g} to {largest:.4g}, which are not "
                f"in {low:g}..{high:g}. Images lie in 0..1, or with --range -1,1 in -1..1; is the "
                "last layer a sigmoid or a tanh?"
            )
        return ((images - low) / (high - low)).clamp(0, 1)

    def _attribute(self) -> int:
        latent_dim = getattr(self.module, "latent_dim", None)
        if not isinstance(latent_dim, int) or latent_dim < 1:
            raise ToolkitError(
                f"{self.path} does not say how many numbers z has (its latent_dim is "
                f"{latent_dim!r}). Say it with --latent-dim, or set self.latent_dim before "
                "scripting."
            )
        return latent_dim

    @torch.no_grad()
    def _images(self, z: Tensor) -> Tensor:
        """What the file makes of z, in its own range."""
        try:
            images = self.module(z)
        except torchscript.SCRIPT_ERRORS as error:
            reason = str(error).strip().splitlines()[-1]
            raise ToolkitError(
                f"{self.path} cannot take z, {describe(z)}: {reason}. Another size of z is named "
                "with --latent-dim."
            ) from error
        if not isinstance(images, Tensor):
            raise ToolkitError(
                f"{self.path} returns a {type(images).__name__}, not images (batch, 1, 28, 28)."
            )
        if not images.is_floating_point() or list(images.shape) != [len(z), 1, 28, 28]:
            raise ToolkitError(
                f"{self.path} returns {describe(images)} for {len(z)} latent points; images are "
                f"floating point of shape [{len(z)}, 1, 28, 28]."
            )
        if not images.isfinite().all():
            raise ToolkitError(
                f"{self.path} returns numbers that are NaN or infinite: has its training diverged?"
            )
        return images.float()
