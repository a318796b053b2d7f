"""Lines of a student's GAN that speak of something."""

import re

import pytest

from toolkit.assignment.check.gan.drawing.interpolation import MENTIONS
from toolkit.assignment.check.gan.lines import Lines

CALL = (
    "def {}(a, b, eps):\n    interpolated = eps * {} + (1 - eps) * {}\n    return D(interpolated)\n"
)


@pytest.mark.parametrize(
    ("mixed", "interpolates"), [(("penalise", "real", "fake"), False), (("walk", "z0", "z1"), True)]
)
def test_what_is_penalised_is_no_interpolation(
    mixed: tuple[str, str, str], interpolates: bool
) -> None:
    lines = Lines({"my_gan.py": CALL.format(*mixed)}, "my_gan.py")
    assert lines.mention(re.compile("interpol")) is interpolates


@pytest.mark.parametrize(
    ("text", "interpolates"),
    [("momentum = (1 - a) * momentum + a * last", False), ("z = (1 - a) * z0 + a * z1", True)],
)
def test_what_is_averaged_over_time_is_no_interpolation(text: str, interpolates: bool) -> None:
    assert Lines({"my_gan.py": text}, "my_gan.py").mention(MENTIONS) is interpolates
