"""The latent studio's page, and what its script asks: playground/src/served/latent_studio.js."""

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
    """The page.

    Raises: as `studios_of`.
    """
    studios, tally = studios_of(exports_dir), Tally()
    others = (tally.vote, tally.tally, Standing(studios).measure)
    asked: dict[str, Any] = {function.__name__: function for function in others}
    for k, studio in enumerate(studios):
        end = f"_{k}" if k else ""
        asked |= {f"{one.__name__}{end}": one for one in Answers(studio).functions()}
    with gr.Blocks(title="Latent studio", analytics_enabled=False) as page:
        part(
            "latent_studio",
            asked,
            {
                "all": [
                    {"whose": one.whose, "latent_dim": one.latent_dim, "has_film": one.has_film}
                    for one in studios
                ],
                "has_images": studios[0].has_images,
            },
        )
        for endpoint in Endpoints(studios[0]).functions():
            on(gr.api, endpoint, api_name=endpoint.__name__)
    return page


class Answers:
    """What the page's script asks: one function for each of its questions.

    Points are asked for by `corners`, a few z, and `weights`, for each point one of each corner.
    Pictures travel as their 784 bytes, in base64.
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
        """Of images that the browser has mixed; they do not come back."""
        found = _sent(self.studio.judge(_received(images)))
        return [{key: one[key] for key in ("digit", "share", "logit")} for one in found]

    def slopes(self, image: str) -> list[float]:
        return self.studio.slopes(_received([image])).flatten().tolist()

    def nearest(self, image: str, digit: int) -> dict[str, Any]:
        found, distance, of_real = self.studio.nearest(_received([image]), digit)
        return {"image": _bytes(found), "distance": distance, "of_real": of_real}

    def early(self, corners: Any, weights: Any) -> dict[str, Any]:
        """The same points by the generator early in its training."""
        step, generator = self.studio.early
        pictures = self.studio.draw(self.studio.mixtures(corners, weights), generator)
        return {"step": step, "pictures": _sent(pictures)}

    def recorded(self) -> dict[str, Any]:
        return self.studio.recorded

    def read(self, picture: str) -> dict[str, Any]:
        found = self.studio.read(picture)
        (sent,) = _sent(found)
        return {"image": sent["image"], "logit": sent["logit"], "shares": found.shares[0].tolist()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(image: Tensor) -> str:
    return _base64(to_bytes(image).numpy().tobytes())


def _sent(pictures: Pictures, z: Tensor | None = None) -> list[dict[str, Any]]:
    """Pictures in the form of the script's `Sent`."""
    share, digit = pictures.shares.max(dim=1)
    return [
        {
            "image": _bytes(pictures.images[k]),
            "digit": int(digit[k]),
            "share": float(share[k]),
            "logit": float(pictures.logits[k]),
            **({} if z is None else {"z": z[k].tolist()}),
        }
        for k in range(len(digit))
    ]


def _received(images: Any) -> Tensor:
    """Images that the script has sent: float32 (n, 1, 28, 28) in 0..1."""
    try:
        data = b"".join(base64.b64decode(image, validate=True) for image in images)
        found = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, 1, 28, 28)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError("images must be lists of 784 bytes, in base64.") from error
    if len(found) > MAX_POINTS:
        raise UsageError(f"At most {MAX_POINTS} images at once.")
    return to_unit(found)
