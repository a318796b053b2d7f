"""Wrappers that give a student's networks the same interface as the toolkit's exported networks.

A wrapper holds the student's unchanged generator or discriminator in the attribute `module`. The
wrapper converts z to the right distribution and shape, images to the right shape and value range,
and probabilities to logits. The student's LSTM needs no wrapper, because its weights are copied
into the toolkit's LSTM.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.common.checks import check_images, check_latents
from toolkit.common.errors import ToolkitError, first_line
from toolkit.common.files import sha256
from toolkit.export.formats import program, torchscript, weights
from toolkit.export.golden import example_inputs, golden_values
from toolkit.export.manifest import WEIGHTS
from toolkit.export.saving import possible


class OwnGenerator(nn.Module):
    """A student's generator, wrapped to map standard normal z to images with values from 0 to 1.

    Args:
        module: maps z (batch, *z_shape) to images that can be reshaped to (batch, *image_shape).
        z_shape: the shape of a single z as the module takes it, such as (100,) or (100, 1, 1). The
            product of its entries is usually `latent_dim`. If the wrapper's z has an additional
            last entry that determines the digit to draw, the product is `latent_dim` - 1.
        image_shape: the shape of one of the module's images (see `sizes_of`); the wrapper converts
            colour images to greyscale by averaging their channels.
        value_range: the smallest and largest values in the images that the module generates.
        uniform: the smallest and largest values of z if the module expects uniformly distributed z;
            None if it expects standard normal z.
        labels: the form in which the module takes the digit to draw, "numbers" or "one-hot" (see
            `Labelled`); "" if the module takes no digit.
    """

    def __init__(
        self,
        module: nn.Module,
        z_shape: Sequence[int],
        image_shape: Sequence[int] = (28, 28),
        value_range: tuple[float, float] = (-1.0, 1.0),
        uniform: tuple[float, float] | None = None,
        labels: str = "",
    ) -> None:
        super().__init__()
        self.module = Labelled(module, z_shape, labels == "one-hot") if labels else module
        self.latent_dim = latent_dim_of({"z_shape": z_shape, "labels": labels})
        self.z_shape = [self.latent_dim] if labels else list(z_shape)
        self.channels, self.height, self.width = sizes_of(image_shape)
        self.low, self.high = value_range
        self.is_uniform = uniform is not None
        self.z_low, self.z_high = uniform or (0.0, 1.0)

    def forward(self, z: Tensor) -> Tensor:
        """Map standard normal z to images.

        Args:
            z: float32 (batch, latent_dim).

        Returns:
            images (batch, 1, 28, 28) with values from 0 to 1.

        Raises:
            ValueError: z has the wrong shape or dtype.
        """
        check_latents(z, self.latent_dim)
        images: Tensor = self.module(self.given(z))
        images = images.float().reshape(z.size(0), self.channels, self.height, self.width)
        if self.channels > 1:
            images = images.mean(1, keepdim=True)
        if self.height != 28 or self.width != 28:
            images = F.interpolate(images, (28, 28), mode="bilinear", align_corners=False)
        return ((images - self.low) / (self.high - self.low)).clamp(0, 1)

    def given(self, z: Tensor) -> Tensor:
        """Convert z to the input that `module` expects."""
        if self.is_uniform:  # the normal distribution function makes z uniform
            z = self.z_low + (self.z_high - self.z_low) * (1 + torch.erf(z / 2**0.5)) / 2
        shaped: Tensor = z.unflatten(1, self.z_shape)
        return shaped


def latent_dim_of(facts: Mapping[str, Any]) -> int:
    """Return the number of entries in one latent point z of the `OwnGenerator` whose constructor
    arguments are in `facts`.
    """
    return torch.Size(facts["z_shape"]).numel() + bool(facts["labels"])


class Labelled(nn.Module):
    """A generator that takes the digit to draw from an extra number at the end of z.

    Args:
        module: maps z (batch, *z_shape) and labels to images; the labels are int64 (batch,) or, if
            `one_hot`, float32 (batch, 10).
    """

    def __init__(self, module: nn.Module, z_shape: Sequence[int], one_hot: bool) -> None:
        super().__init__()
        self.module, self.z_shape, self.one_hot = module, list(z_shape), one_hot

    def forward(self, z: Tensor) -> Tensor:
        """Map standard normal z to images; the last entry of z determines the digit, and the ten
        digits are equally likely.

        Args:
            z: (batch, n + 1), where n is the product of `z_shape`.
        """
        digits = (5 * (1 + torch.erf(z[:, -1] / 2**0.5))).long().clamp(0, 9)
        labels = torch.eye(10)[digits] if self.one_hot else digits
        images: Tensor = self.module(z[:, :-1].unflatten(1, self.z_shape), labels)
        return images


class OwnDiscriminator(nn.Module):
    """A student's discriminator, wrapped to return logits for images with values from 0 to 1.

    Args:
        module: maps images (batch, *image_shape) to one number for each image.
        image_shape: the shape of one image; see `sizes_of`.
        value_range: the smallest and largest values in the images that the module expects.
        probabilities: True if the module's outputs are probabilities, not logits.
    """

    def __init__(
        self,
        module: nn.Module,
        image_shape: Sequence[int],
        value_range: tuple[float, float] = (-1.0, 1.0),
        probabilities: bool = False,
    ) -> None:
        super().__init__()
        self.module = module
        self.image_shape = list(image_shape)
        self.channels, self.height, self.width = sizes_of(image_shape)
        self.low, self.high = value_range
        self.probabilities = probabilities

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits; a logit above 0 classifies the image as real.

        Args:
            images: (batch, 1, 28, 28) with values from 0 to 1.

        Returns:
            logits (batch, 1).

        Raises:
            ValueError: `images` has the wrong shape or dtype.
        """
        check_images(images)
        judged: Tensor = self.module(self.given(images))
        judged = judged.float().reshape(images.size(0), 1)
        if self.probabilities:
            judged = judged.clamp(1e-30, 1 - 6e-8)  # in float32, this range has finite logits
            judged = torch.log(judged) - torch.log(1 - judged)
        return judged

    def given(self, images: Tensor) -> Tensor:
        """Convert images to the input that `module` expects."""
        if self.height != 28 or self.width != 28:
            size = (self.height, self.width)
            images = F.interpolate(images, size, mode="bilinear", align_corners=False)
        images = images * (self.high - self.low) + self.low
        images = images.repeat(1, self.channels, 1, 1)
        shaped: Tensor = images.flatten(1).unflatten(1, self.image_shape)
        return shaped


@torch.no_grad()
def without_sigmoid(model: OwnDiscriminator) -> OwnDiscriminator:
    """Return the discriminator without its final nn.Sigmoid, if it has one, because large logits
    cannot be recovered from the rounded outputs of a sigmoid.
    """
    last = [name for name, part in model.named_modules() if isinstance(part, nn.Sigmoid)]
    if len(last) == 1:
        other = copy.deepcopy(model)
        other.set_submodule(last[0], nn.Identity())
        images = model.given(torch.rand(7, 1, 28, 28, generator=torch.Generator().manual_seed(0)))
        if torch.allclose(other.module(images).sigmoid(), model.module(images)):
            other.probabilities = False
            return other
    return model


def sizes_of(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """Return (channels, height, width) for images with a shape such as (784,) or (3, 64, 64).

    Raises:
        ToolkitError: `image_shape` is not the shape of a greyscale or colour image.
    """
    count = torch.Size(image_shape).numel()
    side = round(count**0.5)
    height, width = image_shape[-2:] if len(image_shape) > 1 else (side, side)
    channels = count // (height * width)
    if channels not in (1, 3) or channels * height * width != count:
        raise ToolkitError(f"{tuple(image_shape)} is not the shape of an image, grey or in colours")
    return channels, height, width


def own_files(name: str, module: nn.Module, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contents of the export files for a student's generator or discriminator; `module`
    must be in eval mode.

    Args:
        name: "generator" or "discriminator".
        facts: the arguments of `OwnGenerator` or `OwnDiscriminator` other than `module`.

    Returns:
        a dictionary. The entries `safetensors`, `pt2` and `pt` are the contents of the files (b""
        for a `pt2` or `pt` file that cannot be made). The entry `golden` contains example inputs
        with the outputs of the student's own code, and `problems` lists the reasons for missing
        files.
    """
    kind = {"generator": OwnGenerator, "discriminator": OwnDiscriminator}[name]
    model = kind(module, **facts).requires_grad_(False)
    if isinstance(model, OwnDiscriminator) and model.probabilities:
        model = without_sigmoid(model)
    state = weights.to_bytes(model)
    files: dict[str, Any] = {WEIGHTS: state, "pt2": b"", "pt": b""}
    problems = []
    for format_ in possible(("pt2", "pt")):
        try:
            if format_ == "pt":
                files["pt"] = _script(name, model)
            else:
                files["pt2"] = program.to_bytes(program.to_graph(name, model), sha256(state))
        except ToolkitError as error:
            problems.append(str(error))
    return files | {"golden": golden_values(name, model), "problems": problems}


def _script(name: str, model: OwnGenerator | OwnDiscriminator) -> bytes:
    """Convert the network to TorchScript, and return the bytes of the `.pt` file; code that torch
    cannot script is traced instead.

    Raises:
        ToolkitError: torch can neither script nor trace the student's code, or the outputs of the
            exported network differ from those of the original network.
    """
    try:
        return torchscript.to_bytes(name, model)
    except ToolkitError:
        (example,) = example_inputs(name, model, batch_size=7)
    traced = copy.copy(model)
    traced._modules = dict(model._modules)
    try:
        traced.module = torchscript.trace(model.module, model.given(example))
    except Exception as error:  # torch can raise any error about a student's code
        raise ToolkitError(
            f"The {name} has no .pt file: torch can neither script nor trace it "
            f"({first_line(error)})."
        ) from error
    return torchscript.to_bytes(name, traced)
