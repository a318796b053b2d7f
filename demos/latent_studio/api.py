"""The functions of the latent studio's API; programs call them with JSON values, and they return
JSON values.
"""

import base64
from typing import Any

from torch import Tensor

from latent_studio.studio import ANY, NUM_SAMPLES, Pictures, Studio, flag
from serving.numbers import whole
from toolkit.common.errors import UsageError
from toolkit.gan.data import to_bytes
from toolkit.gan.latent import interpolate

MIN_PICTURES, MAX_PICTURES = 2, 60  # of a walk


class Endpoints:
    """The endpoints of the API; each takes its name and its description from the method that
    implements it.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def functions(self) -> list[Any]:
        return [self.samples, self.walk, self.between_classes, self.generate, self.judge]

    def samples(self, seed: int = 42, digit: int | str = ANY) -> list[dict[str, Any]]:
        """Generate 25 pictures; the same seed gives the same pictures.

        digit: a number from 0 to 9 for pictures that clearly show this digit (there may be fewer
        than 25 of them), or "any" for pictures of any digit. For each picture, the result contains
        its image (28 rows of 28 numbers from 0 for paper to 255 for ink) and z. The result also
        contains the digit that the classifier sees, the probability of this digit, and the
        discriminator's logit (above 0 means real).
        """
        z = self.studio.samples(seed, digit)
        return _plain(self.studio.draw(z), z)

    def walk(
        self, seed: int = 42, first: int = 1, second: int = 2, pictures: int = 9,
        arc: bool = False, gif: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Walk through latent space between two of the 25 samples that the seed generates: from
        number `first` to number `second`, counted from 1.

        pictures: the number of pictures, 2 to 60. The pictures are evenly spaced and include both
        ends. arc: true to follow an arc around 0 instead of the straight line. gif: true to also
        return an animated GIF of the walk there and back. The GIF is in base64 and comes with a
        file name.
        """
        first = whole("first", first, 1, NUM_SAMPLES)
        second = whole("second", second, 1, NUM_SAMPLES)
        if first == second:
            raise UsageError("Choose two different samples to walk between.")
        z = self.studio.samples(seed)
        return self._walk(seed, z[first - 1], z[second - 1], pictures, arc, gif)

    def between_classes(
        self, seed: int = 42, digit_from: int | str = 3, digit_to: int | str = 8,
        pictures: int = 9, arc: bool = False, gif: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Walk from a clear picture of one digit to a clear picture of another digit; for
        `pictures`, `arc` and `gif`, see `walk`.

        The steps are of equal length in latent space, but the class does not necessarily change at
        the halfway point. The `digit` of each picture shows where the class changes.
        """
        z_from, z_to = self.studio.pair(seed, digit_from, digit_to)
        return self._walk(seed, z_from, z_to, pictures, arc, gif)

    def generate(self, z: list[list[float]]) -> list[dict[str, Any]]:
        """Generate pictures from 1 to 100 latent points of your own; each point is a list with as
        many numbers as the z of a sample.
        """
        points = self.studio.points(z)
        return _plain(self.studio.draw(points), points)

    def judge(self, picture: str) -> dict[str, Any]:
        """Let the networks judge your picture of a digit; `picture` is a PNG or JPEG file in
        base64.

        Returns the image as the networks see it, the classifier's ten probabilities, and the
        discriminator's logit (above 0 means real).
        """
        pictures = self.studio.read(picture)
        (plain,) = _plain(pictures)
        return plain | {"probabilities": pictures.shares[0].tolist()}

    def _walk(
        self, seed: int, z_from: Tensor, z_to: Tensor, pictures: int, arc: bool, gif: bool
    ) -> dict[str, Any]:
        count = whole("pictures", pictures, MIN_PICTURES, MAX_PICTURES)
        z = interpolate(z_from, z_to, count, spherical=flag("arc", arc))
        walked = _plain(self.studio.draw(z), z)
        if not flag("gif", gif):
            return {"pictures": walked}
        name = f"walk_{walked[0]['digit']}_to_{walked[-1]['digit']}_seed{seed}.gif"
        film = base64.b64encode(self.studio.gif(z)).decode()
        return {"pictures": walked, "name": name, "gif": film}


def _plain(pictures: Pictures, z: Tensor | None = None) -> list[dict[str, Any]]:
    probability, digit = pictures.shares.max(dim=1)
    plain = []
    for k in range(len(digit)):
        picture = {
            "image": to_bytes(pictures.images[k, 0]).tolist(),
            "digit": int(digit[k]),
            "probability": float(probability[k]),
            "logit": float(pictures.logits[k]),
        }
        if z is not None:
            picture["z"] = z[k].tolist()
        plain.append(picture)
    return plain
