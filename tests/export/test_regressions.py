"""A worse export is named, unless the difference may be the luck of the draws."""

from pathlib import Path

import pytest

from toolkit.export.manifest import Export
from toolkit.export.replacing import describe_regression


def generator(distance: float, **more: object) -> Export:
    metrics = {"frechet_distance": distance, "classifier_sha256": "c", **more}
    return Export("generator.pt", b"", {"metrics": metrics})


DRAWN = {"frechet_distance_sd": 0.5, "num_draws": 5}


@pytest.mark.parametrize(
    ("old", "new", "is_named"),
    [
        (generator(3.4), generator(3.5), True),  # nothing is known about luck
        (generator(3.4), generator(3.4), False),
        (generator(3.5), generator(3.4), False),
        # Two means of 5 draws with sd 0.5 differ by 2 sqrt(0.1) = 0.63 by luck.
        (generator(3.4, **DRAWN), generator(4.0, **DRAWN), False),
        (generator(3.4, **DRAWN), generator(4.1, **DRAWN), True),
        # One of them known, 2 sqrt(0.05) = 0.45; and a single draw, which has no sd.
        (generator(3.4), generator(3.8, **DRAWN), False),
        (generator(3.4), generator(3.9, **DRAWN), True),
        (generator(3.4), generator(3.5, frechet_distance_sd=None, num_draws=1), True),
    ],
)
def test_luck_is_no_regression(old: Export, new: Export, is_named: bool) -> None:
    note = describe_regression(old, new, Path("exports"))
    assert (note is not None) == is_named
    assert note is None or "replaces a file that was better: frechet_distance" in note
