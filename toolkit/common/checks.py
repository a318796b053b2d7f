"""Checks of the arguments that a network receives.

The tensor checks are compiled into the .pt files, so a network in C++ rejects invalid input with
the same message as the Python class. Therefore, all functions in this module that take a tensor
must be valid TorchScript.
"""

import torch
from torch import Tensor


def describe(x: Tensor) -> str:
    """Return a tensor's dtype and shape for error messages, e.g. "float32 of shape [2, 64]"."""
    name = "another dtype"
    if x.dtype == torch.float32:
        name = "float32"
    elif x.dtype == torch.float64:
        name = "float64"
    elif x.dtype == torch.float16:
        name = "float16"
    elif x.dtype == torch.bfloat16:
        name = "bfloat16"
    elif x.dtype == torch.int64:
        name = "int64"
    elif x.dtype == torch.int32:
        name = "int32"
    elif x.dtype == torch.int16:
        name = "int16"
    elif x.dtype == torch.int8:
        name = "int8"
    elif x.dtype == torch.uint8:
        name = "uint8"
    elif x.dtype == torch.bool:
        name = "bool"
    return f"{name} of shape {list(x.size())}"


def check_digits(digits: Tensor) -> None:
    """Raise a ValueError unless `digits` is int64 (batch, length), with a length of at least 1 and
    values 0 to 9.
    """
    if digits.dtype != torch.int64 or digits.dim() != 2 or digits.size(1) == 0:
        raise ValueError(
            "digits must be int64 of shape (batch, length), with at least one digit each; "
            + f"got {describe(digits)}"
        )
    if digits.numel() > 0 and (int(digits.min()) < 0 or int(digits.max()) > 9):
        raise ValueError(
            "digits must lie between 0 and 9; "
            + f"got values from {int(digits.min())} to {int(digits.max())}"
        )


def check_images(images: Tensor) -> None:
    """Raise a ValueError unless `images` is float32 (batch, 1, 28, 28)."""
    if images.dtype != torch.float32 or list(images.size())[1:] != [1, 28, 28]:
        raise ValueError(
            "images must be float32 of shape (batch, 1, 28, 28) with values from 0 (background) "
            + f"to 1 (ink); got {describe(images)}"
        )


def check_latents(z: Tensor, latent_dim: int) -> None:
    """Raise a ValueError unless `z` is float32 (batch, latent_dim)."""
    if z.dtype != torch.float32 or z.dim() != 2 or z.size(1) != latent_dim:
        raise ValueError(
            f"z must be float32 of shape (batch, {latent_dim}), sampled from a standard normal; "
            + f"got {describe(z)}"
        )


def check_sizes(least: int = 1, **sizes: int) -> None:
    """Raise a ValueError unless each of a network's sizes, such as its hidden size, is an integer
    of at least `least`.
    """
    for name, size in sizes.items():
        if not isinstance(size, int) or size < least:
            raise ValueError(f"{name} must be a whole number, at least {least}; got {size!r}")
