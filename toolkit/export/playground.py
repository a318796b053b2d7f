"""The page in one file: the networks of a folder of exports, and all that shows them.

The page itself, with its script and styles, is `playground/dist/playground.html`, made from
`playground/` by `make playground`. Here the weights are put into it, in half precision, with what
the manifest says of them. Batch norm is folded into the layer before it: once a network is trained,
it is a multiplication and an addition for each channel. Whoever opens the page needs nothing else.
"""

import base64
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write
from toolkit.common.package_data import package_data
from toolkit.common.texts.language import chinese_of_pages
from toolkit.export import torchscript
from toolkit.export.film import trainings
from toolkit.export.golden import check_golden
from toolkit.export.manifest import SIGNATURES, Export, read_export, read_manifest
from toolkit.gan.model import Classifier, ConvDiscriminator, ConvGenerator
from toolkit.lstm.model import LSTM, RNN

PLACE = "{/* the exports */}"  # in the page, where they are put
State = Mapping[str, Tensor]


def write_playground(exports_dir: Path, out: Path) -> str:
    """Write the page for the exports in a folder.

    Returns:
        a sentence for the user.

    Raises:
        ToolkitError: there are no exports, one is damaged or is no network that the page can run,
            or the page cannot be written; then there is none.
    """
    listed = read_manifest(exports_dir)
    names = [name for name in SIGNATURES if f"{name}.pt" in listed]
    if not names:
        raise ToolkitError(
            f"{exports_dir / 'manifest.json'} lists no network, so there is nothing to show; train "
            "one, or give the folder of your exports with --exports."
        )
    content = {
        "made": datetime.date.today().isoformat(),
        "models": {name: _model(name, exports_dir) for name in names},
        **(trainings(exports_dir) if "generator" in names else {"film": None, "clinic": None}),
        "zh": chinese_of_pages(),
    }
    page = (package_data("pages") / "playground.html").read_text(encoding="utf-8")
    # No text in the data can end the element of the page that holds it.
    data = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")
    whole = page.replace(PLACE, data, 1).encode()
    atomic_write(out, whole)
    return f"{out}: {len(names)} networks, {len(whole) / 1e6:.1f} MB; open it in a browser."


def _model(name: str, exports_dir: Path) -> dict[str, Any]:
    export = read_export(name, exports_dir)
    written = datetime.date.fromtimestamp((exports_dir / export.file).stat().st_mtime)
    return {
        "sha256": export.entry["sha256"],
        "date": written.isoformat(),
        "config": export.entry.get("config", {}),
        "metrics": export.entry.get("metrics", {}),
        "tensors": {
            key: {"shape": list(tensor.shape), "data": _half(name, tensor)}
            for key, tensor in fold_batch_norm(rebuild(name, export, exports_dir)).items()
        },
    }


def rebuild(name: str, export: Export, exports_dir: Path) -> nn.Module:
    """An export as the network that the page runs, in eval mode.

    Raises:
        ToolkitError: it has other weights, or computes something else.
    """
    state = torchscript.load(name, exports_dir).state_dict()
    path = exports_dir / export.file
    try:
        network = _like(name, state).eval()
        network.load_state_dict(state)
    except (KeyError, IndexError, RuntimeError) as error:
        raise ToolkitError(
            f"{path} has another architecture than the {name} that the page can run, which is the "
            "toolkit's default; nothing was written."
        ) from error

    @torch.no_grad()
    def call(x: NDArray[Any]) -> NDArray[Any]:
        result: NDArray[Any] = network(torch.from_numpy(x)).numpy()
        return result

    if "golden" not in export.entry:
        raise ToolkitError(f"The manifest has no golden values for {path}; nothing was written.")
    check_golden(f"The page's {name}, with the weights of {path},", export.entry["golden"], call)
    return network


def _like(name: str, state: State) -> nn.Module:
    """A network of the page with the sizes of these weights."""
    if name in ("classifier", "discriminator"):
        return Classifier() if name == "classifier" else ConvDiscriminator()
    if name == "generator":
        mapping_size = len(state["mapping.0.bias"]) if "mapping.0.bias" in state else 0
        latent_dim, width = state["layers.0.weight"].size(1), len(state["layers.4.weight"])
        return ConvGenerator(latent_dim, width, mapping_size)
    hidden_size = state["cell.weight_hh"].size(1)
    one_hot = state["cell.weight_ih"].size(1) == 10
    return (RNN if name.startswith("rnn") else LSTM)(hidden_size, one_hot)


def fold_batch_norm(network: nn.Module) -> dict[str, Tensor]:
    """The weights and biases of a network in eval mode without its batch norms.

    A batch norm computes s x + (b - s mean) with s = weight / sqrt(variance + epsilon) for each of
    its channels, of which the layer before it has one output, the 49 of an image of 7 x 7, or the
    four of a pixel shuffle. In double precision: in single, square roots depend on the processor.
    """
    state = {name: tensor.detach().double() for name, tensor in network.state_dict().items()}
    before = ""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            before = name
        elif isinstance(layer, nn.BatchNorm2d):
            weight, bias, mean, variance, _ = (
                state.pop(f"{name}.{key}")
                for key in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
            )
            scale = weight / (variance + layer.eps).sqrt()
            folded = state[f"{before}.weight"]
            repeats = len(folded) // len(scale)
            shift = (bias - mean * scale).repeat_interleave(repeats)
            scale = scale.repeat_interleave(repeats)
            state[f"{before}.weight"] = folded * scale.reshape(-1, *[1] * (folded.dim() - 1))
            state[f"{before}.bias"] = shift
    return state


def _half(name: str, tensor: Tensor) -> str:
    """A tensor in half precision, little-endian, row-major, in base64."""
    values = tensor.half()
    if not values.isfinite().all():
        raise ToolkitError(
            f"The {name} has weights that half precision cannot hold, beyond 65,504; nothing was "
            "written."
        )
    return base64.b64encode(values.numpy().astype("<f2").tobytes()).decode()
