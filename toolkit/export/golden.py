"""Golden values: example inputs for each export, with the correct outputs.

The golden values are stored in the manifest, so a program in any language can check that it loads
and calls a model correctly.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from toolkit.common.checks import check_digits, check_images, check_latents
from toolkit.common.errors import ToolkitError
from toolkit.export.manifest import DIGITS, LATENTS, SIGNATURES, Export

# An output y may be off by TOLERANCE * (1 + |y|), because other processors and runtimes add numbers
# in another order. A damaged weight or a transposed input causes a far larger error.
TOLERANCE = 1e-5
LONG = 1000  # digits of the long input


def example_inputs(name: str, model: Any, batch_size: int) -> tuple[Tensor, ...]:
    """Return random inputs for a model; the same `batch_size` always gives the same inputs.

    Args:
        name: a key of `toolkit.export.manifest.SIGNATURES`.
        model: the network; a generator must have the attribute `latent_dim`.
        batch_size: the number of examples; if the model reads sequences of digits, their length is
            2 * batch_size + 1, so the batch size and the length always differ.

    Returns:
        the arguments of `forward`.
    """
    rng = torch.Generator().manual_seed(batch_size)
    wanted = SIGNATURES[name].input
    if wanted == DIGITS:
        return (_random_digits(batch_size, 2 * batch_size + 1),)
    if wanted == LATENTS:
        return (torch.randn(batch_size, model.latent_dim, generator=rng),)
    return (torch.rand(batch_size, 1, 28, 28, generator=rng),)


class Checked(nn.Module):
    """A network loaded from a file whose format provides no input checks; this class adds the
    toolkit's checks.

    The attributes in the file's manifest entry, such as `latent_dim` for a generator, become
    attributes of the network.

    Args:
        export: the exported file and its manifest entry.
        run: a function that maps an input to the output; both are numpy arrays, or both are
            tensors.
    """

    def __init__(self, export: Export, run: Callable[[Any], Any]) -> None:
        super().__init__()
        self._wanted = SIGNATURES[export.file.rpartition(".")[0]].input
        self.run: Any = run
        vars(self).update(export.entry.get("attributes", {}))

    def train(self, mode: bool = True) -> "Checked":
        """Return the network unchanged, because an exported graph has no training mode."""
        return self

    def forward(self, x: Any) -> Any:
        """Return the output for x.

        Raises:
            ValueError: x has the wrong dtype or shape, or is a sequence of digits in which a value
                lies outside 0 to 9.
        """
        if self._wanted == DIGITS:
            check_digits(torch.as_tensor(x))
        elif self._wanted == LATENTS:
            check_latents(torch.as_tensor(x), vars(self)["latent_dim"])
        else:
            check_images(torch.as_tensor(x))
        return self.run(x)


@torch.no_grad()
def golden_values(name: str, model: Any) -> dict[str, Any]:
    """Return example inputs and a model's outputs; the model must be on the CPU in eval mode.

    Returns:
        `{"tolerance": float, "cases": [{"input": array, "output": array}, ...]}`, which can be
        stored as JSON. Each array is `{"dtype": "int64" or "float32", "shape": [...], "values":
        [...]}` with the values in row-major order. For a network whose inputs are sequences of
        digits, the key `long` contains one more case, with a long input. This input is stored as
        `{"seed": int, "shape": [...]}`, the arguments from which `long_digits` computes the digits.
    """
    golden: dict[str, Any] = {"tolerance": TOLERANCE}
    if SIGNATURES[name].input == DIGITS:
        shapes = ((1, 3), (8, 17), (7, 36))
        examples = [_random_digits(batch_size, length) for batch_size, length in shapes]
        asked: dict[str, Any] = {"seed": 1, "shape": [7, LONG]}
        golden["long"] = {"input": asked, "output": _to_json(model(long_digits(**asked)), 7)}
    else:
        examples = [example_inputs(name, model, batch_size=2)[0].round(decimals=2)]
    golden["cases"] = [
        {"input": _to_json(example, 2), "output": _to_json(model(example), 7)}
        for example in examples
    ]
    return golden


def long_digits(seed: int, shape: Sequence[int]) -> Tensor:
    """Return pseudo-random int64 digits of shape `shape`, computed by a formula that can be
    implemented in any language.

    Let x(0) be the seed, which is at least 1. Then x(k) = 48271 x(k-1) mod (2^31 - 1), and the k-th
    digit is the last decimal digit of x(k). The formula for x(k) comes from Park and Miller,
    "Random number generators: good ones are hard to find", 1988. The multiplier 48271 is the one
    that they recommended in 1993.
    """
    digits = []
    x = seed
    for _ in range(math.prod(shape)):
        x = 48271 * x % (2**31 - 1)
        digits.append(x % 10)
    return torch.tensor(digits).reshape(*shape)


def check_golden(
    file: str, golden: Mapping[str, Any], model: Callable[[Tensor], Any], consequence: str = ""
) -> float:
    """Check a model's outputs against the golden values, and return the largest difference.

    Args:
        file: the name of the file, for the error message.
        golden: the result of `golden_values`; only the examples in `cases` are checked, not the
            long input stored under `long`.
        model: a function that maps an input to the output, which is a tensor or an array.
        consequence: text to append to the error message, such as ", so it was not written".

    Raises:
        ToolkitError: a difference exceeds the tolerance.
    """
    largest = 0.0
    for case in golden["cases"]:
        expected = _to_array(case["output"])
        example = torch.from_numpy(_to_array(case["input"]))
        difference = np.abs(_outputs(model, example) - expected)
        if not np.all(difference <= golden["tolerance"] * (1 + np.abs(expected))):
            raise ToolkitError(
                f"{file} differs from the golden outputs by {difference.max():.1e}{consequence}."
            )
        largest = max(largest, float(difference.max()))
    return largest


def difference_at_length(
    golden: Mapping[str, Any], model: Callable[[Tensor], Any]
) -> tuple[int, float] | None:
    """Compare a model's outputs for long sequences of digits with the correct outputs stored in
    `golden`.

    The relative difference from a golden output y is |difference| / (1 + |y|).

    Rounding errors grow from step to step, at a rate that depends on the network. A large
    difference is therefore no reason to reject a network.

    Returns:
        the length of the sequences and the largest relative difference between the model's outputs
        and those in `golden`, or None if `golden` contains no long sequences.
    """
    case = golden.get("long")
    if case is None:
        return None
    expected = _to_array(case["output"])
    outputs = _outputs(model, long_digits(**case["input"]))
    difference = np.abs(outputs - expected) / (1 + np.abs(expected))
    return case["input"]["shape"][1], float(difference.max())


def _outputs(model: Callable[[Tensor], Any], example: Tensor) -> NDArray[Any]:
    with torch.no_grad():
        return np.asarray(model(example))


def _random_digits(batch_size: int, length: int) -> Tensor:
    rng = torch.Generator().manual_seed(batch_size)
    return torch.randint(10, (batch_size, length), generator=rng)


def _to_json(tensor: Tensor, decimals: int) -> dict[str, Any]:
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "values": [round(value, decimals) for value in tensor.flatten().tolist()],
    }


def _to_array(golden: Mapping[str, Any]) -> NDArray[Any]:
    return np.array(golden["values"], dtype=golden["dtype"]).reshape(golden["shape"])
