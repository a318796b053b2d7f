"""Functions that read the recording of a GAN's training in `film.npz`, and rebuild the networks at
the recorded steps.

For example:

    film = load_film()
    generator = network_at(film, "generator", step=1805)
    images = generator(torch.from_numpy(film["z"]).float())
"""

import json
import zipfile
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from toolkit.common.errors import ToolkitError
from toolkit.common.package_data import package_data
from toolkit.export.loading import load
from toolkit.export.manifest import EXPORTS_DIR, is_current, networks_of, read_file, read_manifest
from toolkit.gan.data import EMBEDDED, load_mnist, to_unit
from toolkit.gan.film import Arrays, from_bytes, state_dict_at
from toolkit.gan.film_page import for_pages, with_digits

NUM_REALS = 36  # real images on a page, for a game with real and drawn images


def load_film(exports_dir: Path = EXPORTS_DIR) -> Arrays:
    """Return the arrays of film.npz, without running any code in the file; see `toolkit.gan.film`.

    Raises:
        ToolkitError: the file is missing or damaged, or records the training of a different
            generator from the one in the folder.
    """
    data = read_file("film.npz", exports_dir).data
    try:
        return from_bytes(data)
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
    """Return a network with the weights that it had at one recorded step of its training.

    Raises:
        UsageError: the recording of the training does not contain this network's weights at this
            step.
        ToolkitError: see `load`.
    """
    weights = state_dict_at(film, network, step)
    module: nn.Module = load(network, exports_dir)
    module.load_state_dict(weights)
    return module


def has_film(exports_dir: Path) -> bool:
    """Return True if a folder's manifest lists a film.npz that records the training of the folder's
    generator.
    """
    listed = read_manifest(exports_dir)
    return "film.npz" in listed and is_current("film.npz", listed)


def trainings(exports_dir: Path = EXPORTS_DIR) -> dict[str, Any]:
    """Return a dictionary with the keys `film` and `clinic`, which contain the animations of GAN
    training that are shown on the web pages.

    `film` shows the training of the generator in `exports_dir`. If this training was not recorded,
    `film` is None. `clinic` contains the films of a healthy training run and of failed ones. If a
    classifier is available, each film also includes, for each step, the number of generated images
    that the classifier assigns to each digit. `film` also includes the name of the loss; the
    owner's name, if a student made the generator; and real images, if the installed toolkit
    contains MNIST.

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
