"""Checks of what goes into a student's generator, and of the images that come out."""

import torch
from torch import Tensor, nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.student.training import Output

PIXELS = 784


def check_noise(generated: list[Output], channel: Channel) -> None:
    """z ~ N(0, 1): mean 0, variance 1, and a fourth moment of 3, which tells it from a uniform."""
    generated = [o for o in generated if isinstance(o.input, Tensor)]
    z = torch.cat([o.input.flatten() for o in generated])
    if len(z) < 1000:
        channel.not_seen("Too little noise was seen to know its distribution.")
        return
    if _is_normal(z):
        channel.right("The noise is standard normal.")
        return
    mean, deviation, kurtosis = _moments(z)
    odd = next((o for o in generated if not _is_normal(o.input)), generated[0])
    channel.fault(
        "wrong-noise",
        f"The noise has mean {mean:.2f}, standard deviation {deviation:.2f} and fourth moment "
        f"{kurtosis:.1f}, but a standard normal distribution has 0, 1 and 3.",
        at=odd,
    )


def _moments(z: Tensor) -> tuple[float, float, float]:
    """Mean, standard deviation, and the fourth moment after standardising by these."""
    z = z.double()
    mean, deviation = z.mean(), z.std().clamp_min(1e-9)
    return float(mean), float(deviation), float((((z - mean) / deviation) ** 4).mean())


def _is_normal(z: Tensor) -> bool:
    mean, deviation, kurtosis = _moments(z)
    return abs(mean) < 0.1 and abs(deviation - 1) < 0.1 and 2.5 < kurtosis < 3.5


@torch.no_grad()
def check_range(
    generator: nn.Module, generated: list[Output], seen: list[Output], channel: Channel
) -> None:
    """Generated images have the shape and the range of the real ones."""
    first = next((o for o in generated if is_batch(o.input) and is_batch(o.output)), None)
    if first is None or first.output[0].numel() != PIXELS:
        shape = None if first is None else tuple(first.output.shape)
        message = f"The generator returns {shape}, not images of 28 x 28."
        channel.fault("wrong-shape", message, at=first)
        return
    real = [o.input for o in seen if isinstance(o.input, Tensor)]
    lows = sorted({round(float(x.min()), 2) for x in real if not _is_generated(x, generated)})
    low_real = lows[0] if lows else None
    generator.eval()
    scales = (1.0, 30.0, 1000.0)
    extreme = torch.cat([generator(scale * first.input, *first.more) for scale in scales])
    low, high = float(extreme.min()), float(extreme.max())
    if low < -1.01 or high > 1.01:
        channel.fault(
            "output-range",
            f"The generator's images are not bounded: they had values from {low:.1f} to "
            f"{high:.1f}. What is its last function, and what range do the real images have?",
            at=generated[0],
        )
    elif low_real is not None and (low < -0.5) != (low_real < -0.5):
        channel.fault(
            "output-range",
            f"Generated images go down to {low:.0f} and real ones to {low_real:.0f}, so the "
            "discriminator can tell them apart by that alone. What is the range of the generator's "
            "last layer, and what is the range of the data?",
            at=generated[0],
        )
    else:
        channel.right("Generated images are 28 x 28 and have the range of the real ones.")


def is_batch(x: object) -> bool:
    """Whether it is a tensor with a batch axis and another one."""
    return isinstance(x, Tensor) and x.dim() > 1


def _is_generated(x: Tensor, generated: list[Output]) -> bool:
    return any(
        isinstance(o.output, Tensor)
        and o.output.numel() == x.numel()
        and torch.equal(o.output.flatten(), x.flatten())
        for o in generated
    )
