"""Weights in a file that only a student's own classes can read: a whole network, pickled."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def unpickled(path: Path, names: Mapping[str, Any]) -> list[dict[str, Tensor]]:
    """The state_dicts of the networks in a file of `torch.save`.

    Args:
        names: what the script that saved it had defined.
    """
    vars(sys.modules["__main__"]).update(names)
    loaded = torch.load(path, map_location="cpu", weights_only=False)
    found = list(loaded.values()) if isinstance(loaded, Mapping) else [loaded]
    return [dict(one.state_dict()) for one in found if isinstance(one, nn.Module)]
