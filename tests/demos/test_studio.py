"""What the latent studio's scripts compute, in Node, against PyTorch and by hand."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from toolkit.common.device import make_rng
from toolkit.common.package_data import package_data
from toolkit.export import loading
from toolkit.gan.latent import NUM_CANDIDATES, interpolate

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


@pytest.mark.parametrize(("seed", "purpose"), [(42, "samples"), (999_999, "interpolation")])
def test_a_seed_gives_torchs_numbers(call: Callable[..., Any], seed: int, purpose: str) -> None:
    expected = torch.randn(25, 64, generator=make_rng(seed, purpose)).flatten()
    found = torch.tensor(call("normals", {"seed": seed, "purpose": purpose, "count": 1600}))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_digit_is_looked_for_among_as_many_candidates_as_in_python(
    call: Callable[..., Any],
) -> None:
    assert call("candidates")[-1] == NUM_CANDIDATES


@pytest.mark.slow
@torch.no_grad()
def test_which_way_is_better_as_the_page_says() -> None:
    """ "0.7 of the 17 pictures" ... "and 2.4"; "better in 80% of the pairs and worse in 6%"."""
    generator, classifier = (loading.load(name) for name in ("generator", "classifier"))
    images = generator(z := torch.randn(400, 64, generator=torch.Generator().manual_seed(3)))
    sure, digit = classifier(images).softmax(dim=1).max(dim=1)
    counts = []
    for k in range(400):
        if len(counts) == 200 or digit[k] == digit[k - 1] or min(sure[k], sure[k - 1]) < 0.9:
            continue
        walks = (torch.stack([x[k].lerp(x[k - 1], n / 16) for n in range(17)]) for x in (z, images))
        ways = torch.cat([generator(next(walks)), next(walks)])
        unsure = classifier(ways).softmax(dim=1).amax(dim=1) < 0.8
        counts.append(unsure.reshape(2, 17).sum(dim=1).tolist())
    z_way, mix = np.array(counts).T
    found = np.array([z_way.mean(), mix.mean(), (z_way < mix).mean(), (z_way > mix).mean()])
    assert (np.abs(found - [0.72, 2.41, 0.80, 0.06]) < [0.3, 0.5, 0.11, 0.07]).all(), found


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


@pytest.fixture(scope="module")
def clinic() -> dict[str, Any]:
    """The trainings that fail, as pages show them."""
    data = package_data("clinic").read_bytes()
    assert len(data) < 250_000
    films: dict[str, Any] = json.loads(data)
    return films


def tiles(film: dict[str, Any]) -> np.ndarray:
    """Its pictures after the last step, (25, 28, 28) in 0..1."""
    sheet = iio.imread(base64.b64decode(film["png"]), mode="L") / 255
    return sheet.reshape(len(film["steps"]), 28, 25, 28)[-1].transpose(1, 0, 2)


def test_failures_look_as_the_page_says(clinic: dict[str, Any]) -> None:
    healthy, collapse = clinic["healthy"], clinic["collapse"]
    saturation, overpowered = clinic["saturation"], clinic["overpowered"]
    assert len({str(film["steps"]) for film in clinic.values()}) == 1
    after = healthy["steps"].index(100)  # all have begun by then

    # "Its loss hardly tells"
    assert all(0.5 < auc < 1 for auc in healthy["auc"][after + 1 :])
    assert np.ptp(healthy["loss_d"][after + 1 :]) < 0.5
    # "Every z gives nearly the same image"; "the AUC is 0"
    assert tiles(collapse).std(axis=0).mean() < 0.3 * tiles(healthy).std(axis=0).mean()
    paused = collapse["steps"].index(200)
    assert max(collapse["auc"][paused + 1 :]) < 0.02
    assert max(collapse["loss_g"][paused + 1 :]) < collapse["loss_g"][paused]
    # "Its loss stands at 0"
    for name in ("loss_d", "loss_g"):
        assert max(np.abs(saturation[name][after:])) < 0.005
    # "The heaps lie apart"; "has jumped"
    for film in (saturation, overpowered):
        assert min(film["auc"][after:]) > 0.99
    assert 1.5 < min(overpowered["loss_g"][1:]) < 3
    assert 10 < max(overpowered["loss_g"]) < 13
    # A digit has paper around it, noise has not.
    paper = {name: float((tiles(film) < 0.1).mean()) for name, film in clinic.items()}
    assert paper["healthy"] > 0.6
    assert max(paper["saturation"], paper["overpowered"]) < 0.3
