"""The verified film of a GAN's training, with the networks that the film belongs to.

For example:

    film = load_film()
    generator = network_at(film, "generator", step=1805)
    images = generator(torch.from_numpy(film["z"]).float())
"""

import base64
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from toolkit.common.errors import ToolkitError
from toolkit.common.package_data import package_data
from toolkit.export.loading import load
from toolkit.export.manifest import EXPORTS_DIR, is_current, networks_of, read_file, read_manifest
from toolkit.gan.data import EMBEDDED, load_mnist, to_unit
from toolkit.gan.film import Arrays, state_dict_at
from toolkit.gan.measure.evaluation import SURE

NUM_TILES = 25  # pictures of each step, in a page
NUM_REALS = 36  # real images in a page, for a game of real and drawn
SHADES = 16  # of grey, four bits each; more would only cost bytes


def load_film(exports_dir: Path = EXPORTS_DIR) -> Arrays:
    """Return the arrays of film.npz (see `toolkit.gan.film`); no code in the file is run.

    Raises:
        ToolkitError: the file is missing or damaged, or belongs to another generator.
    """
    data = read_file("film.npz", exports_dir).data
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return dict(file)
    except (ValueError, zipfile.BadZipFile) as error:
        raise ToolkitError(
            f"{exports_dir / 'film.npz'} is no film: {error}. `python -m toolkit.train gan` makes "
            "a new one."
        ) from error


def network_at(
    film: Arrays,
    network: Literal["generator", "discriminator"],
    step: int,
    exports_dir: Path = EXPORTS_DIR,
) -> nn.Module:
    """Return a network in its state at one step of the film.

    Raises:
        UsageError: the film has no such network at this step.
        ToolkitError: see `load`.
    """
    weights = state_dict_at(film, network, step)
    module: nn.Module = load(network, exports_dir)
    module.load_state_dict(weights)
    return module


def has_film(exports_dir: Path) -> bool:
    """Return True if a folder contains the film of its generator's training."""
    listed = read_manifest(exports_dir)
    return "film.npz" in listed and is_current("film.npz", listed)


def trainings(exports_dir: Path = EXPORTS_DIR) -> dict[str, Any]:
    """Return the training films that the pages show, as `film` and `clinic`.

    `film` is the film of this generator, or None, and `clinic` contains the films of the failures.
    If there is a classifier, all films include counts of digits. `film` also includes the name of
    the loss, the name of the owner, and real images if the package contains MNIST.

    Raises:
        ToolkitError: see `load_film` and `load`.
    """
    films = json.loads(package_data("clinic").read_bytes())
    if has_film(exports_dir):
        film, real = load_film(exports_dir), None
        if any(EMBEDDED.glob("*.gz")):  # nothing is downloaded for a page
            chosen = torch.from_numpy(film["real_indices"][:NUM_REALS])
            real = to_unit(load_mnist().test_images[chosen])
        recorded = for_pages(film, load("generator", exports_dir), real)
        entry = read_manifest(exports_dir)["film.npz"]
        said = {"loss": entry.get("config", {}).get("loss"), "whose": entry.get("whose", "")}
        films["film"] = recorded | said
    if (judge := networks_of(exports_dir).get("classifier")) is not None:
        classifier = load("classifier", judge.folder)
        films = {name: with_digits(film, classifier) for name, film in films.items()}
    return {"film": films.pop("film", None), "clinic": films}


@torch.no_grad()
def for_pages(film: Arrays, generator: nn.Module, real: Tensor | None) -> dict[str, Any]:
    """Return a film as values that JSON can hold; see `Film` in playground/src/models.js.

    Args:
        generator: any generator of the film's architecture; its weights are replaced.
        real: the first n of the film's real images, float (n, 1, 28, 28), 0 to 1; None if the page
            does not show real images.

    Returns:
        the AUC, the losses and the logits at each step, and two pictures: `png` has one row of
        generated images for each step, and `real_png` has one row of real images.
    """
    z = torch.from_numpy(film["z"][:NUM_TILES]).float()
    rows = []
    for step in film["steps"].tolist():
        generator.load_state_dict(state_dict_at(film, "generator", step))
        rows.append(generator(z))
    return {
        "steps": film["steps"].tolist(),
        **{name: film[name].tolist() for name in ("auc", "loss_d", "loss_g")},
        **{
            name: base64.b64encode(film[name].astype("<f2").tobytes()).decode()
            for name in ("real_logits", "drawn_logits")
        },
        "num_asked": film["real_logits"].shape[1],
        "num_tiles": NUM_TILES,
        "png": _png(rows),
        "real_png": None if real is None else _png([real]),
    }


@torch.no_grad()
def with_digits(recorded: dict[str, Any], classifier: nn.Module) -> dict[str, Any]:
    """Add `digits`, which the classifier (images to logits) counts, to a film of `for_pages`.

    For each step, `digits` contains the number of the page's pictures that show each digit, 0 to 9,
    and then the number of pictures that the classifier is not sure about.
    """
    with Image.open(io.BytesIO(base64.b64decode(recorded["png"]))) as picture:
        sheet = torch.from_numpy(np.array(picture.convert("L"))).float() / 255
    tiles = sheet.unflatten(0, (-1, 28)).unflatten(2, (-1, 28)).transpose(1, 2)  # (step, tile)
    confidence, named = classifier(tiles.reshape(-1, 1, 28, 28)).softmax(dim=1).max(dim=1)
    named[confidence < SURE] = 10
    steps = named.reshape(len(tiles), -1)
    return recorded | {"digits": [step.bincount(minlength=11).tolist() for step in steps]}


def _png(rows: Sequence[Tensor]) -> str:
    """Return rows of images (n, 1, 28, 28), 0 to 1, as one picture in base64."""
    sheet = torch.cat([torch.cat(list(images[:, 0]), dim=1) for images in rows])
    picture = Image.fromarray((sheet * (SHADES - 1)).round().byte().numpy(), "P")
    picture.putpalette([shade * 255 // (SHADES - 1) for shade in range(SHADES) for _ in "RGB"])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", bits=4, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
