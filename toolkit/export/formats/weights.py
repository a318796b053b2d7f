"""Functions that save a network's weights as a `.safetensors` file and rebuild the network.

The manifest describes the architecture of a network by the name of a toolkit class and the
arguments of this class:

    {"class": "LSTM", "hidden_size": 128, "one_hot": true}

The file contains the tensors of the `state_dict`, keyed by name. Loading the file runs no code, and
its tensors can be read as numpy arrays without torch.
"""

from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from toolkit.gan.model import (
    Classifier,
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
)
from toolkit.lstm.fast import FastLSTM
from toolkit.lstm.model import RNN

Architecture = Mapping[str, Any]
CLASSES: dict[str, type[nn.Module]] = {
    "LSTM": FastLSTM,
    "RNN": RNN,
    "ConvGenerator": ConvGenerator,
    "ConvDiscriminator": ConvDiscriminator,
    "MLPGenerator": MLPGenerator,
    "MLPDiscriminator": MLPDiscriminator,
    "Classifier": Classifier,
}


def architecture_of(kind: str, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """Return a network's architecture, in the form stored in the manifest, or None if the toolkit
    has no class called `kind`.

    Args:
        kind: the name of the network's class.
        state: the network's weights; sizes in the architecture, such as the hidden size, are read
            from their shapes.
    """
    sizes = {name: tensor.shape for name, tensor in state.items()}
    arguments: dict[str, Any] = {}
    match kind:
        case "LSTM" | "FastLSTM" | "ScriptedLSTM" | "RNN":
            kind = "RNN" if kind == "RNN" else "LSTM"
            arguments["hidden_size"] = sizes["readout.weight"][1]
            arguments["one_hot"] = sizes["cell.weight_ih"][1] == 10
        case "ConvGenerator":
            arguments["latent_dim"] = sizes["layers.0.weight"][1]
            arguments["width"] = sizes["layers.2.weight"][0]
            has_mapping = "mapping.0.weight" in sizes
            arguments["mapping_size"] = sizes["mapping.0.weight"][0] if has_mapping else 0
        case "ConvDiscriminator":
            arguments["width"] = sizes["layers.2.weight"][0]
            arguments["hidden_size"] = sizes["readout.weight"][1]
        case "MLPGenerator":
            arguments["latent_dim"] = sizes["layers.0.weight"][1]
        case "MLPDiscriminator" | "Classifier":
            pass
        case _:
            return None
    return {"class": kind, **arguments}


def build(architecture: Architecture, state: Mapping[str, Tensor]) -> nn.Module:
    """Return a network with the weights `state`, in eval mode, on the CPU, without gradients.

    Raises:
        ValueError: the toolkit has no class of this name, or the weights do not fit the
            architecture.
    """
    arguments = dict(architecture)
    kind = arguments.pop("class", None)
    if kind not in CLASSES:
        raise ValueError(f"the toolkit has no class {kind!r}")
    if not _fits(architecture, state):  # before memory is taken for sizes that may be huge
        raise ValueError(f"the weights are not those of {dict(architecture)}")
    try:
        with torch.random.fork_rng(devices=[]):  # the initial weights are drawn, and then replaced
            model = CLASSES[kind](**arguments)
        model.load_state_dict(state, assign=True)
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"the weights are not those of {dict(architecture)}") from error
    return model.eval().requires_grad_(False)


def _fits(architecture: Architecture, state: Mapping[str, Tensor]) -> bool:
    """Return True if the sizes in an architecture match those of the weights."""
    try:
        of_weights = architecture_of(architecture["class"], state)
    except (KeyError, IndexError):  # a tensor is missing, or has fewer dimensions
        return False
    return of_weights is not None and architecture.items() <= of_weights.items()


def to_bytes(model: nn.Module) -> bytes:
    """Return the content of a `.safetensors` file; equal weights give equal bytes."""
    state = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
    data: bytes = safetensors.torch.save(state)
    return data


def from_bytes(data: bytes) -> dict[str, Tensor]:
    """Decode the content of a `.safetensors` file into a dictionary from names to weights.

    Raises:
        ValueError: `data` is not the content of a `.safetensors` file.
    """
    try:
        state: dict[str, Tensor] = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise ValueError(f"this is not a .safetensors file: {error}") from error
    return state
