"""Reading the film of a GAN's training, verified, with the networks that it belongs to.

film = load_film()
generator = network_at(film, "generator", step=1805)
images = generator(torch.from_numpy(film["z"]).float())
"""

import zipfile
from pathlib import Path
from typing import Literal

import torch

from toolkit.common.errors import ToolkitError
from toolkit.export import torchscript
from toolkit.export.manifest import EXPORTS_DIR, read_file
from toolkit.gan.film import Arrays, from_bytes, state_dict_at


def load_film(exports_dir: Path = EXPORTS_DIR) -> Arrays:
    """The arrays of film.npz, see `toolkit.gan.film`.

    Raises:
        ToolkitError: the file is missing or damaged, or belongs to another generator.
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
) -> torch.jit.ScriptModule:
    """A network as it was at one step of the film.

    Raises:
        UsageError: the film has no such network at this step.
        ToolkitError: see `torchscript.load`.
    """
    weights = state_dict_at(film, network, step)
    module = torchscript.load(network, exports_dir)
    module.load_state_dict(weights)
    return module
