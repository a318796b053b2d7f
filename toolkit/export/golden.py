"""Golden values: example inputs and outputs of each export.

They are stored in the manifest, so that a program in any language can prove that it loads and calls
a model correctly.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from toolkit.common.checks import check_digits, check_images, check_latents
from toolkit.common.errors import ToolkitError
from toolkit.export.manifest import DIGITS, LATENTS, SIGNATURES, Export

# An output y may be off by TOLERANCE * (1 + |y|), because other processors and runtimes add in
# another order. A damaged weight or a transposed input causes a far larger error.
TOLERANCE = 1e-5


def example_inputs(name: str, model: Any, batch_size: int) -> tuple[Tensor, ...]:
    """Random inputs of a model; the same `batch_size` always gives the same ones.

    Args:
        name: a key of `toolkit.export.manifest.SIGNATURES`.
        model: a generator must have the attribute `latent_dim`.
        batch_size: also determines the length of sequences, 2 * batch_size + 1.

    Returns:
        the arguments of `forward`.
    """
    rng = torch.Generator().manual_seed(batch_size)
    wanted = SIGNATURES[name].input
    if wanted == DIGITS:
        return (torch.randint(10, (batch_size, 2 * batch_size + 1), generator=rng),)
    if wanted == LATENTS:
        return (torch.randn(batch_size, model.latent_dim, generator=rng),)
    return (torch.rand(batch_size, 1, 28, 28, generator=rng),)


class Checked:
    """A model in a format that cannot check its input itself; it takes what the .pt file takes.

    It has the attributes that the manifest lists, such as `latent_dim` of a generator.

    Args:
        export: the file, with its entry.
        run: from an input to the output, both numpy arrays or both tensors.
    """

    def __init__(self, export: Export, run: Callable[[Any], Any]) -> None:
        self._wanted = SIGNATURES[export.file.rpartition(".")[0]].input
        self._run = run
        vars(self).update(export.entry.get("attributes", {}))

    def __call__(self, x: Any) -> Any:
        """The output for x.

        Raises:
            ValueError: x has another dtype or shape, or a digit outside 0 to 9.
        """
        if self._wanted == DIGITS:
            check_digits(torch.as_tensor(x))
        elif self._wanted == LATENTS:
            check_latents(torch.as_tensor(x), vars(self)["latent_dim"])
        else:
            check_images(torch.as_tensor(x))
        return self._run(x)


@torch.no_grad()
def golden_values(name: str, model: Any) -> dict[str, Any]:
    """Example inputs, and the outputs of `model`, which is on the CPU and in eval mode.

    Returns:
        `{"tolerance": float, "cases": [{"input": array, "output": array}, ...]}` for JSON, where an
        array is `{"dtype": "int64" or "float32", "shape": [...], "values": [...]}` with its values
        in row-major order.
    """
    cases = []
    sizes = (1, 8) if SIGNATURES[name].input == DIGITS else (2,)  # sequences of 3 and 17 digits
    for batch_size in sizes:
        (example,) = example_inputs(name, model, batch_size)
        given = example if example.dtype == torch.int64 else example.round(decimals=2)
        cases.append({"input": _to_json(given, 2), "output": _to_json(model(given), 7)})
    return {"tolerance": TOLERANCE, "cases": cases}


def check_golden(
    file: str, golden: Mapping[str, Any], model: Callable[[Tensor], Any], consequence: str = ""
) -> float:
    """The largest difference of a model from its golden outputs.

    Args:
        file: its name, for the message.
        golden: as `golden_values` returns them.
        model: from an input to the output, a tensor or an array.
        consequence: the end of the message, such as ", so it was not written".

    Raises:
        ToolkitError: a difference exceeds the tolerance.
    """
    largest = 0.0
    for case in golden["cases"]:
        expected = _to_array(case["output"])
        given = torch.from_numpy(_to_array(case["input"]))
        difference = np.abs(np.asarray(model(given)) - expected)
        if not np.all(difference <= golden["tolerance"] * (1 + np.abs(expected))):
            raise ToolkitError(
                f"{file} differs from the golden outputs by {difference.max():.1e}{consequence}."
            )
        largest = max(largest, float(difference.max()))
    return largest


def _to_json(tensor: Tensor, decimals: int) -> dict[str, Any]:
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "values": [round(value, decimals) for value in tensor.flatten().tolist()],
    }


def _to_array(golden: Mapping[str, Any]) -> NDArray[Any]:
    return np.array(golden["values"], dtype=golden["dtype"]).reshape(golden["shape"])
