"""Replaces the results of a student's networks with images and logits from the process that checks
the submission.

During a check, a script trains its networks for only a few steps. After so few steps, a generator's
images do not look like digits, so a script that searches them for images of two classes would never
end. After a given number of training steps, the generator's images are therefore replaced by images
of digits, which the process that checks the submission supplies. The new images are attached to the
autograd graph of the images that they replace, so further training is not disturbed.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.assignment.running.answering import Back
from toolkit.assignment.running.record.script.values import unwatched

NUM_CLASSES = 10
MANY = 1000  # images in one request to the judge
Shapes = list[tuple[str, torch.Size]]


class Drawing:
    """Replaces the results of networks with images and logits from the checking process.

    Args:
        back: the function that sends requests to the checking process: `draw` to get images for
            latent vectors z, and `classify` to get logits for images.
        generator: the names and shapes of the generator's parameters, by which the generator is
            recognised.
        pixels: the number of pixels in one of the generator's images.
        steps: the number of training steps after which images and logits from the checking process
            replace the networks' results.
    """

    def __init__(self, back: Back, generator: Shapes, pixels: int, steps: int) -> None:
        self._back, self._generator = back, generator
        self._pixels, self._steps = pixels, steps
        self._drawn: Tensor | None = None  # the last result, which outer modules may return, too

    @unwatched
    def instead(self, steps: int, network: nn.Module, inputs: Any, result: Any) -> Any:
        """Return the images or logits that are to replace a network's result, or the result itself
        if it is not to be replaced.

        Args:
            steps: the number of training steps so far.
        """
        if steps < self._steps or result is self._drawn or not isinstance(result, Tensor):
            return result
        if "forward" in vars(network):  # the judge has drawn this result
            return result
        source = _first_tensor(inputs)
        if source is None or not source.numel() or not len(result):
            return result
        if self._draws(network, result):
            values = draw(self._back, source, network.training)
        elif self._reads(source, result):
            values = classify(self._back, source)
        else:
            return result
        self._drawn = self._own_graph(result, values)
        return self._drawn

    def _draws(self, network: nn.Module, result: Tensor) -> bool:
        """Return True if a network matches the generator. The network's parameters must have the
        same names and shapes as the generator's. The network's output must have the right number of
        values for a whole number of images.
        """
        return shapes_of(network) == self._generator and result.numel() % self._pixels == 0

    def _reads(self, images: Tensor, result: Tensor) -> bool:
        """Return True if a network reads images and its result has ten values for each of them."""
        if len(images) != len(result) or result.shape[1:] != (NUM_CLASSES,):
            return False
        return images.numel() // len(images) == self._pixels

    @staticmethod
    def _own_graph(result: Tensor, values: Tensor) -> Tensor:
        """Return `values` in the shape of the network's own result, attached to the autograd graph
        of that result.
        """
        if values.numel() != result.numel():
            return result
        values = values.reshape(result.shape).to(result.dtype)
        if not result.requires_grad:
            return values
        return result + (values - result).detach()


def _first_tensor(inputs: Iterable[Any]) -> Tensor | None:
    for value in inputs:
        if isinstance(value, Tensor):
            return value
    return None


def draw(back: Back, z: Tensor, training: bool) -> Tensor:
    """Ask the checking process for images (batch, ...), one for each latent vector in a batch, or
    for one image if z is a single latent vector.
    """
    parts = (z.detach(),)
    if z.dim() > 1:
        parts = z.detach().split(MANY)
    return torch.cat([back("draw", z=part, training=training) for part in parts])


def classify(back: Back, images: Tensor) -> Tensor:
    """Ask the checking process for the logits (batch, 10) of images."""
    parts = images.detach().split(MANY)
    return torch.cat([back("classify", images=part) for part in parts])


def shapes_of(network: nn.Module) -> Shapes:
    """Return the names and shapes of a network's parameters, by which other copies of the network
    can be recognised.
    """
    return [(name, parameter.shape) for name, parameter in network.named_parameters()]
