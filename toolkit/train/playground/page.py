"""The self-contained web page, which contains exported networks and the code that shows them.

The page template, including its script and styles, is `playground/dist/playground.html`, which
`make playground` builds from `playground/`. This module adds the networks' weights, in half
precision, and their manifest entries. The page needs no other file.
"""

import base64
import datetime
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write
from toolkit.common.package_data import package_data
from toolkit.common.texts.language import chinese_of_pages
from toolkit.export import load
from toolkit.export.film import has_film, trainings
from toolkit.export.manifest import MINE, Shown, identity, networks_of, read_export
from toolkit.gan.measure.copies import has_images, nearest_images
from toolkit.lstm.model import LSTM, RNN
from toolkit.train.playground.layers import layers_of

PLACE = "{/* the exports */}"  # the text in the page that the exports replace
MAX_BYTES = 16_000_000  # a browser opens a page of this size in a few seconds


def write_playground(exports_dir: Path, out: Path, discriminator: bool = False) -> str:
    """Write the web page that shows the networks in a folder of exports.

    Args:
        discriminator: True to include the student's own discriminator.

    Returns:
        a one-sentence message for the user.

    Raises:
        ToolkitError: the folder contains no exported network, a network is damaged or cannot be run
            by the page, or the page is too large or cannot be written. In all these cases, no page
            is written.
    """
    shown = networks_of(exports_dir)
    if not discriminator:
        shown.pop(f"discriminator{MINE}", None)
    if not shown:
        raise ToolkitError(
            f"{exports_dir / 'manifest.json'} lists no network, so there is nothing to show; train "
            "one, or give the folder of your exports with --exports."
        )
    drawers = [place.folder for place in shown.values() if place.name == "generator"]
    films: dict[str, Any] = {}
    if drawers:
        films = trainings(next(filter(has_film, drawers), drawers[-1]))
    content = {
        "made": datetime.date.today().isoformat(),
        "models": {name: _model(place) for name, place in shown.items()},
        "film": None,
        "clinic": None,
        **films,
        "copies": _copies(shown),
        "zh": chinese_of_pages(),
    }
    page = (package_data("pages") / "playground.html").read_text(encoding="utf-8")
    # Without "<", no text in the data can end the element that contains the data.
    data = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")
    whole = page.replace(PLACE, data, 1).encode()
    if len(whole) > MAX_BYTES:
        raise ToolkitError(
            f"The page would have {len(whole) / 1e6:.1f} MB, and browsers are slow with more than "
            f"{MAX_BYTES / 1e6:.0f}: a weight takes 2.7 bytes. The demos show networks of any "
            "size; nothing was written."
        )
    atomic_write(out, whole)
    return f"{out}: {len(shown)} networks, {len(whole) / 1e6:.1f} MB; open it in a browser."


def _copies(shown: dict[str, Shown]) -> dict[str, Any]:
    """Return, for each generator, the training images nearest to its first samples."""
    copies: dict[str, Any] = {}
    if not has_images():
        return copies
    for name, place in shown.items():
        if place.name == "generator":
            copies[name] = nearest_images(load(place.name, place.folder))
    return copies


def _model(place: Shown) -> dict[str, Any]:
    """Return a network in the page's format, with its manifest entry, layers and weights."""
    name, folder, owner = place
    export = read_export(name, folder)
    network = load(name, folder)
    path = folder / name  # without an ending, because a network has several files
    written = datetime.date.fromtimestamp((folder / export.file).stat().st_mtime)
    if "lstm" in name or "rnn" in name:
        tensors, layers = _weights(path, network, name), None
    else:
        tensors, layers = layers_of(path, network, name)
    model = {
        "sha256": identity(export.entry),
        "date": written.isoformat(),
        "config": export.entry.get("config", {}),
        "metrics": export.entry.get("metrics", {}),
    }
    if owner:
        model["whose"] = owner
    encoded = {}
    for key, tensor in tensors.items():
        encoded[key] = {"shape": list(tensor.shape), "data": _half(name, tensor)}
    return model | {"layers": layers, "tensors": encoded}


def _weights(path: Path, network: Any, name: str) -> dict[str, Tensor]:
    """Return the weights of a recurrent network, which must be the toolkit's LSTM or RNN.

    Raises:
        ToolkitError: the network is not an instance of the toolkit's LSTM or RNN class, whichever
            `name` calls for.
    """
    if not isinstance(network, RNN if "rnn" in name else LSTM):
        raise ToolkitError(
            f"{path} has another architecture than the {name} that the page can run, which is the "
            "toolkit's; nothing was written."
        )
    return network.state_dict()


def _half(name: str, tensor: Tensor) -> str:
    """Convert a tensor to half precision, and return its bytes (little-endian, row-major) as base64
    text.
    """
    values = tensor.half()
    if not values.isfinite().all():
        raise ToolkitError(
            f"The {name} has weights that half precision cannot hold, beyond 65,504; nothing was "
            "written."
        )
    return base64.b64encode(values.numpy().astype("<f2").tobytes()).decode()
