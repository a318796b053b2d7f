"""The latent studio's page, and the functions that playground/src/served/latent_studio.js calls."""

import base64
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from latent_studio.api import Endpoints
from latent_studio.standing import Standing
from latent_studio.studio import MAX_POINTS, Pictures, Studio, studios_of
from latent_studio.tally import Tally
from serving.messages import on
from serving.part import part
from toolkit.common.errors import UsageError
from toolkit.gan.data import to_bytes, to_unit


def build(exports_dir: Path) -> gr.Blocks:
    """Build the page.

    Raises: see `studios_of`.
    """
    studios = studios_of(exports_dir)
    tally = Tally()
    functions: dict[str, Any] = {
        "vote": tally.vote,
        "tally": tally.tally,
        "measure": Standing(studios).measure,
    }
    described = []
    for number, studio in enumerate(studios):
        ending = f"_{number}" if number else ""
        for function in Answers(studio).functions():
            functions[f"{function.__name__}{ending}"] = function
        described.append(
            {
                "whose": studio.whose,
                "latent_dim": studio.latent_dim,
                "has_film": studio.has_film,
            }
        )
    settings = {"all": described, "has_images": studios[0].has_images}
    with gr.Blocks(title="Latent studio", analytics_enabled=False) as page:
        part("latent_studio", functions, settings)
        for endpoint in Endpoints(studios[0]).functions():
            on(gr.api, endpoint, api_name=endpoint.__name__)
    return page


class Answers:
    """The functions that the page's script calls.

    The latent points to be drawn are weighted sums of a few latent points, which are called
    corners. The argument `corners` contains the z of each corner, and `weights` contains, for each
    point, the weights of all corners. A picture is sent as its 784 bytes in base64.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def functions(self) -> list[Any]:
        return [
            self.samples, self.pair, self.draw, self.name, self.judge, self.slopes, self.nearest,
            self.early, self.recorded, self.read,
        ]  # fmt: skip

    def samples(self, seed: int, digit: str) -> list[dict[str, Any]]:
        z = self.studio.samples(seed, digit)
        return _sent(self.studio.draw(z), z)

    def pair(self, seed: int, digit_from: int, digit_to: int) -> list[dict[str, Any]]:
        z = self.studio.pair(seed, digit_from, digit_to)
        return _sent(self.studio.draw(z), z)

    def draw(self, corners: Any, weights: Any) -> list[dict[str, Any]]:
        return _sent(self.studio.draw(self.studio.mixtures(corners, weights)))

    def name(self, corners: Any, weights: Any) -> list[int]:
        return self.studio.digits(self.studio.mixtures(corners, weights))

    def judge(self, images: Any) -> list[dict[str, Any]]:
        """Return the networks' outputs for images that the browser has computed, such as mixtures
        of two pictures.
        """
        pictures = _sent(self.studio.judge(_received(images)))
        for picture in pictures:
            del picture["image"]
        return pictures

    def slopes(self, image: str) -> list[float]:
        return self.studio.slopes(_received([image])).flatten().tolist()

    def nearest(self, image: str, digit: int) -> dict[str, Any]:
        nearest, distance, of_real = self.studio.nearest(_received([image]), digit)
        return {"image": _bytes(nearest), "distance": distance, "of_real": of_real}

    def early(self, corners: Any, weights: Any) -> dict[str, Any]:
        """Generate the images of latent points with the generator as it was early in its
        training.
        """
        step, generator = self.studio.early
        pictures = self.studio.draw(self.studio.mixtures(corners, weights), generator)
        return {"step": step, "pictures": _sent(pictures)}

    def recorded(self) -> dict[str, Any]:
        return self.studio.recorded

    def read(self, picture: str) -> dict[str, Any]:
        pictures = self.studio.read(picture)
        (sent,) = _sent(pictures)
        shares = pictures.shares[0].tolist()
        return {"image": sent["image"], "logit": sent["logit"], "shares": shares}


def _bytes(image: Tensor) -> str:
    """Return the bytes of an image in base64."""
    return base64.b64encode(to_bytes(image).numpy().tobytes()).decode()


def _sent(pictures: Pictures, z: Tensor | None = None) -> list[dict[str, Any]]:
    """Return pictures as dictionaries that can be sent to the page's JavaScript; each dictionary
    has the fields of the JavaScript type `Sent`.
    """
    share, digit = pictures.shares.max(dim=1)
    sent = []
    for k in range(len(digit)):
        picture = {
            "image": _bytes(pictures.images[k]),
            "digit": int(digit[k]),
            "share": float(share[k]),
            "logit": float(pictures.logits[k]),
        }
        if z is not None:
            picture["z"] = z[k].tolist()
        sent.append(picture)
    return sent


def _received(texts: Any) -> Tensor:
    """Return the images that the script has sent, as float32 (n, 1, 28, 28) from 0 to 1."""
    try:
        data = b"".join(base64.b64decode(text, validate=True) for text in texts)
        images = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, 1, 28, 28)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError("images must be lists of 784 bytes, in base64.") from error
    if len(images) > MAX_POINTS:
        raise UsageError(f"At most {MAX_POINTS} images at once.")
    return to_unit(images)
