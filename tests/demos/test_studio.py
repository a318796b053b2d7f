"""What the latent studio's scripts compute, in Node, against PyTorch and by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from toolkit.gan.latent import interpolate

SCRIPT = Path(__file__).with_name("studio.mjs")


@pytest.fixture(scope="module")
def call(node: Callable[..., str]) -> Callable[..., Any]:
    return lambda name, given=None: json.loads(
        node(SCRIPT, text=json.dumps({"call": name, "given": given}))
    )


@pytest.mark.parametrize("is_arc", [False, True])
def test_a_path_is_that_of_the_toolkit(call: Callable[..., Any], is_arc: bool) -> None:
    a, b = torch.randn(2, 64, generator=torch.Generator().manual_seed(1))
    shares = torch.linspace(0, 1, 9).tolist()
    given = {"a": a.tolist(), "b": b.tolist(), "isArc": is_arc, "shares": shares}
    weights = torch.tensor(call("path", given))
    expected = interpolate(a, b, 9, spherical=is_arc)
    torch.testing.assert_close(weights @ torch.stack([a, b]), expected, rtol=0, atol=1e-5)


def test_an_arc_between_parallel_points_is_straight(call: Callable[..., Any]) -> None:
    given = {"a": [1, 2], "b": [2, 4], "isArc": True, "shares": [0, 0.5, 1]}
    assert call("path", given) == [[1, 0], [0.5, 0.5], [0, 1]]


def test_where_the_class_changes(call: Callable[..., Any]) -> None:
    """Between the last 3 and the first 8 that stays, as a share of the way; by hand."""
    sequences = [[3, 3, 3, 8], [3, 8, 8, 8, 8], [3, 3, 5, 8, 8], [3, 8, 3, 8, 8], [3, 3, 3]]
    assert call("changeOf", sequences) == pytest.approx([2.5 / 3, 0.125, 0.5, 0.375, 0.5])
    assert call("runs", [[3, 3, 5, 8, 8], [7]]) == [[[3, 1], [5, 2], [8, 4]], [[7, 0]]]


def test_one_question_at_a_time_and_then_the_newest(call: Callable[..., Any]) -> None:
    assert call("newest") == [
        *("ask 1", "show 1: 10", "ask 5", "show 5: 50"),
        *("ask 6", "no", "ask 7", "show 7: 70"),
    ]


def test_the_rounds_of_the_game(call: Callable[..., Any]) -> None:
    """Six real and six drawn in each, no real one twice, each with its own logit."""
    rng = np.random.default_rng(0)
    real, drawn = rng.normal(1, 1, (16, 40)), rng.normal(-1, 1, (16, 40))
    reel = {
        "steps": list(range(16)), "num_asked": 40, "num_tiles": 25,
        "real": real.ravel().tolist(), "drawn": drawn.ravel().tolist(),
    }  # fmt: skip
    first, again, other = call("rounds", {"reel": reel, "numReals": 36, "seeds": [1, 1, 2]})
    assert first == again
    assert first != other
    assert [one["frame"] for one in first] == [10, 12, 15]
    shown: list[int] = []
    for one in first:
        for card in one["cards"]:
            logits = real if card["isReal"] else drawn
            assert card["logit"] == pytest.approx(logits[one["frame"], card["column"]])
        shown += [card["column"] for card in one["cards"] if card["isReal"]]
        assert len({(c["isReal"], c["column"]) for c in one["cards"]}) == 12
        accused = sorted(c["logit"] for c in one["cards"] if c["accused"])
        spared = [c["logit"] for c in one["cards"] if not c["accused"]]
        assert len(accused) == 6
        assert accused[-1] <= min(spared)
    assert len(shown) == len(set(shown)) == 18
    places = {tuple(c["isReal"] for c in one["cards"]) for one in first + other}
    assert len(places) == 6  # the real ones are not always in the same places
