"""A common interface to generator files, both the toolkit's and those of students.

A generator maps z to images with values from 0 to 1. A file that contains no usable generator is
rejected with a one-sentence error.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from toolkit.common.checks import describe
from toolkit.common.device import make_rng
from toolkit.common.errors import ToolkitError, is_out_of_memory
from toolkit.export.formats.torchscript import SCRIPT_ERRORS
from toolkit.export.loading import load_file
from toolkit.gan.latent import sample_latents

LIMITS = {"0,1": (0.0, 1.0), "-1,1": (-1.0, 1.0)}  # the value ranges that are supported
TOLERANCE = 1e-3  # how far a value may lie outside its range
NUM_PROBES = 100  # images that are generated to detect the range


class Generator(nn.Module):
    """A generator loaded from a file; the shape and the value range of every generated batch are
    checked.

    Args:
        path: a TorchScript file, or a weight file that is listed in the manifest in the same
            folder. A TorchScript file is executable code, so load it only if you trust its author.
        latent_dim: the size of z; by default, the value of the network's attribute `latent_dim`.
        value_range: the range of the pixel values that the network returns, "0,1" or "-1,1"; by
            default, the range is detected from 100 images.

    Attributes:
        name: the file's stem, followed by a hyphen and the first 12 hexadecimal digits of the
            file's SHA-256.
        origin: a sentence that says whether a manifest lists the file.
        value_range: "0,1" or "-1,1".

    Raises:
        ToolkitError: the file cannot be loaded, or its network does not generate images of shape
            (batch, 1, 28, 28).
    """

    def __init__(
        self, path: Path, latent_dim: int | None = None, value_range: str | None = None
    ) -> None:
        super().__init__()
        self.path = path
        self.module, self.sha256, self.verified = load_file(path)
        self.name = f"{path.stem}-{self.sha256[:12]}"
        self.origin = (
            f"{path} is intact: its SHA-256 is the one in the manifest."
            if self.verified
            else f"{path} is not listed in a manifest, so it was not verified."
        )
        self.latent_dim = self._own_latent_dim() if latent_dim is None else latent_dim
        self._has_drawn = False  # so the size of z may be wrong
        probes = sample_latents(NUM_PROBES, self.latent_dim, make_rng(0, "probes"))
        if value_range is None:
            value_range = "-1,1" if float(self._generate(probes).min()) < -TOLERANCE else "0,1"
        self.value_range = value_range
        self(probes)

    def forward(self, z: Tensor) -> Tensor:
        """Map z to images.

        Args:
            z: float32 (batch, latent_dim).

        Returns:
            images (batch, 1, 28, 28) with values from 0 to 1.

        Raises:
            ToolkitError: the generator in the file does not accept z, or returns images with the
                wrong shape or value range.
        """
        images = self._generate(z)
        low, high = LIMITS[self.value_range]
        smallest, largest = float(images.min()), float(images.max())
        if smallest < low - TOLERANCE or largest > high + TOLERANCE:
            raise ToolkitError(
                f"{self.path} returns values from {smallest:.4g} to {largest:.4g}, which are not "
                f"in {low:g}..{high:g}. End the generator with a sigmoid, for 0..1, or with a "
                "tanh, for -1..1 (--range=-1,1)."
            )
        return ((images - low) / (high - low)).clamp(0, 1)

    def _own_latent_dim(self) -> int:
        latent_dim = getattr(self.module, "latent_dim", None)
        if not isinstance(latent_dim, int) or latent_dim < 1:
            raise ToolkitError(
                f"{self.path} does not say how many numbers z has (its latent_dim is "
                f"{latent_dim!r}). Pass --latent-dim, or set self.latent_dim before scripting."
            )
        return latent_dim

    @torch.no_grad()
    def _generate(self, z: Tensor) -> Tensor:
        """Return the images that the file's network generates from z, before they are rescaled."""
        try:
            images = self.module(z)
        except (ValueError, *SCRIPT_ERRORS) as error:  # the toolkit's networks raise a ValueError
            if is_out_of_memory(error):
                raise
            reason = str(error).strip().splitlines()[-1].rstrip(".")
            advice = "" if self._has_drawn else " If z has another size, pass --latent-dim."
            raise ToolkitError(
                f"{self.path} does not accept z, {describe(z)}: {reason}.{advice}"
            ) from error
        if not isinstance(images, Tensor):
            raise ToolkitError(
                f"{self.path} returns a {type(images).__name__}; expected a tensor of images, "
                "(batch, 1, 28, 28)."
            )
        if not images.is_floating_point() or list(images.shape) != [len(z), 1, 28, 28]:
            raise ToolkitError(
                f"{self.path} returns {describe(images)} for {len(z)} latent points; expected "
                f"floating-point images of shape [{len(z)}, 1, 28, 28]."
            )
        if not images.isfinite().all():
            raise ToolkitError(
                f"{self.path} returns values that are NaN or infinite. Did its training diverge?"
            )
        self._has_drawn = True
        return images.float()
