"""Functions that convert the film of a GAN's training (see `toolkit.gan.film`) to JSON values for
web pages, with the pictures as base64-encoded PNG.
"""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from toolkit.gan.film import Arrays, state_dict_at
from toolkit.gan.measure.evaluation import SURE

NUM_TILES = 25  # pictures of each step
SHADES = 16  # of grey, four bits each; more would only cost bytes


@torch.no_grad()
def for_pages(film: Arrays, generator: nn.Module, real: Tensor | None) -> dict[str, Any]:
    """Convert a recording of a GAN's training to JSON values for a web page; the type `Film` in
    playground/src/models.js describes their structure.

    Args:
        generator: any generator with the architecture of the film's generator; the weights of each
            frame are loaded into it, so its own weights are lost.
        real: the first n of the real images for which the discriminator's logits were recorded,
            float (n, 1, 28, 28), 0 to 1. If the page does not show real images, `real` is None.

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
    """Return the result of `for_pages` with an additional entry, `digits`, which says how many
    images of each digit the classifier finds at each step.

    `classifier` maps images (n, 1, 28, 28) to logits (n, 10). For each step, `digits` has 11 counts
    of generated images. The first ten count the images classified as each digit from 0 to 9. The
    last one counts the images for which no digit has a probability of at least `SURE`.
    """
    with Image.open(io.BytesIO(base64.b64decode(recorded["png"]))) as picture:
        sheet = torch.from_numpy(np.array(picture.convert("L"))).float() / 255
    tiles = sheet.unflatten(0, (-1, 28)).unflatten(2, (-1, 28)).transpose(1, 2)  # (step, tile)
    confidence, named = classifier(tiles.reshape(-1, 1, 28, 28)).softmax(dim=1).max(dim=1)
    named[confidence < SURE] = 10
    steps = named.reshape(len(tiles), -1)
    return recorded | {"digits": [step.bincount(minlength=11).tolist() for step in steps]}


def _png(rows: Sequence[Tensor]) -> str:
    """Return rows of images as a single PNG picture, encoded in base64.

    Each row of images is a tensor of shape (n, 1, 28, 28) with values from 0 to 1.
    """
    sheet = torch.cat([torch.cat(list(images[:, 0]), dim=1) for images in rows])
    picture = Image.fromarray((sheet * (SHADES - 1)).round().byte().numpy(), "P")
    picture.putpalette([shade * 255 // (SHADES - 1) for shade in range(SHADES) for _ in "RGB"])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", bits=4, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
