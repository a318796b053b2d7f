"""A picture looked at closely, a class that plays, and what is said of them."""

import base64
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from toolkit.common.errors import UsageError
from toolkit.common.package_data import package_data
from toolkit.export import loading
from toolkit.gan.data import MNIST
from toolkit.gan.model import ConvDiscriminator

from .conftest import ROOT, run_coroutine
from .test_cuts import ask

sys.path.insert(0, str(ROOT / "demos"))
from latent_studio.studio import Studio, studios_of
from latent_studio.tally import Tally

WORDS = ("nearly every", "all alike", "often right", "no better", "all eight", "still")
WORDS += ("generated becomes real", "may be a copy")


@pytest.fixture(scope="module")
def studio() -> Studio:
    return studios_of(ROOT / "exports")[0]


@pytest.mark.slow
def test_what_d_would_change(node: Callable[..., str], page: Path, studio: Studio) -> None:
    """Page and server against autograd in double precision; the logit moves as they say."""
    drawn = studio.draw(studio.samples(5)[:4]).images
    answers = ask(node, page, slopes=drawn.flatten(1).tolist())["slopes"]
    in_page, nudged = (torch.tensor([x[key] for x in answers]) for key in ("found", "nudged"))
    for half, found, tolerance in ((True, in_page, 1e-3), (False, studio.slopes(drawn), 1e-4)):
        state = loading.load("discriminator").state_dict()
        eager = ConvDiscriminator().double()
        eager.load_state_dict({k: v.half() if half else v for k, v in state.items()})
        given = drawn.double().requires_grad_()
        logits = eager.readout(eager.layers(given * 2 - 1))
        (exact,) = torch.autograd.grad(logits.sum(), given)
        large = exact.abs() > 1e-3 * exact.abs().amax()
        found = found.view_as(drawn).double()
        torch.testing.assert_close(found[large], exact[large], rtol=tolerance, atol=1e-7)
    nudged = nudged.view_as(drawn)
    assert (nudged - drawn).abs().max() <= 0.0501
    assert (studio.judge(nudged).logits > studio.judge(drawn).logits).all()


@pytest.mark.slow
def test_the_nearest_training_image(studio: Studio, mnist: MNIST) -> None:
    drawn = studio.draw(studio.samples(5)[:1]).images
    training = mnist.train_images.flatten(1).numpy().astype(np.float32) / 255
    first = mnist.test_images[mnist.test_labels == 3][:1] / 255
    for image in (drawn, first, mnist.train_images[7:8] / 255):
        squares = np.square(training - image.flatten().numpy()).sum(axis=1, dtype=float)
        found, distance, of_real = studio.nearest(image, 3)
        assert distance == pytest.approx(np.sqrt(squares.min()), abs=1e-3)
        np.testing.assert_array_equal(found.numpy(), training[squares.argmin()])
        assert image is not first or distance == pytest.approx(of_real[0], abs=1e-6)


def test_a_tally_counts_everybody_once() -> None:
    tally = Tally()

    async def play() -> Any:
        for visitor, picked in (("a", "10" * 6), ("b", "10" * 6), ("a", "1" * 6 + "0" * 6)):
            found = await tally.vote(visitor, 3, 1, picked)
        for wrong in ("1" * 12, "10" * 5, "x" * 12, 7):
            with pytest.raises(UsageError):
                await tally.vote("c", 3, 1, wrong)  # type: ignore[arg-type]
        return found, await tally.tally(3, 2)

    found, other = run_coroutine(play())
    assert found == {"visitors": 2, "marks": [2, 1] * 3 + [1, 0] * 3}
    assert other["visitors"] == 0


@pytest.mark.slow
def test_600_sentences(node: Callable[..., str], page: Path) -> None:
    """Of the film, the studio and the ring: what is said is what numpy finds."""
    rng = np.random.default_rng(1)
    given: list[Any] = []
    for _ in range(100):
        spread = 10.0 ** rng.uniform(-3, 0)
        real, fake = rng.normal(0, 1, (2, 40)), rng.normal(rng.uniform(-2, 2), spread, (2, 40))
        auc = [(real[k][:, None] > fake[k]).mean() for k in range(2)]
        reel = {
            "auc": auc,
            "real": [*real.flat],
            "drawn": [*fake.flat],
            "num_asked": 40,
            "steps": [0, 9],
        }
        given.append(("filmSaid", reel, 1))
        digits = np.repeat(rng.integers(0, 10, 4), rng.multinomial(13, [0.25] * 4) + 1)
        shares = rng.uniform(0.5, 1, (2, 17))
        lines = [[{"digit": int(d), "share": x} for d, x in zip(digits, s)] for s in shares]  # noqa: B905
        given.append(("walkSaid", lines, False))
        given.append(("ringSaid", 5, {"covered": int(rng.integers(9)), "inside": rng.random()}))
        before, after = ({"digit": int(rng.integers(2)), "logit": x} for x in rng.normal(0, 1, 2))
        given.append(("nudgeSaid", before, after))
        given.append(("nearestSaid", rng.uniform(0.5, 9), rng.uniform(1, 9, 5).tolist(), 4))
        given.append(("counted", rng.multinomial(25, rng.dirichlet([0.1] * 11)).tolist()))
    texts = ask(node, page, sentences=given)["sentences"]
    assert len(texts) == 600
    for text, (kind, *x) in zip(texts, given, strict=True):
        text = text.replace("\N{MINUS SIGN}", "-")
        numbers = [float(one) for one in re.findall(r"-?\d+\.?\d*", text)]
        says = {word: word in text for word in WORDS}
        if kind == "filmSaid":
            real, fake = (np.array(x[0][key][40:]) for key in ("real", "drawn"))
            pairs, alike = (real[:, None] > fake).mean(), fake.std() < 0.1 * real.std()
            assert says["nearly every"] == (pairs > 0.95)
            assert says["all alike"] == (alike and pairs <= 0.95)
            assert says["often right"] == (0.8 < pairs <= 0.95 and not alike)
            found, expected = numbers[:2], [fake.std(), real.std()][: 2 * says["all alike"]]
        elif kind == "walkSaid":
            seen = np.array([one["digit"] for one in x[0][0]])
            unsure = [sum(one["share"] < 0.8 for one in line) for line in x[0]]
            runs = [n for k in np.flatnonzero(np.diff(seen)) for n in (seen[k], k + 1)]
            assert says["no better"] == (unsure[0] >= unsure[1])
            found, expected = numbers, [*runs, seen[-1], 17, *unsure]
        elif kind == "ringSaid":
            covered, inside = x[1]["covered"], 100 * x[1]["inside"]
            assert says["all eight"] == (covered == 8)
            found, expected = numbers, [covered, inside][covered == 8 :]
        elif kind == "nudgeSaid":
            (digit, was), (a, b) = ([one[key] for one in x] for key in ("digit", "logit"))
            assert says["generated becomes real"] == (a <= 0 < b)
            assert says["still"] == (digit == was)
            found, expected = numbers[1:3], [a, b]
        elif kind == "counted":
            digits = np.repeat(np.arange(11), x[0])
            clear = digits[digits < 10]
            often = [[int((clear == d).sum()), d] for d in range(10) if (clear == d).sum() > 12]
            rest = [(digits == 10).sum(), len(set(clear))] if len(clear) else []
            found, expected = numbers, [25, *(often[0] if often else rest)]
        else:
            assert says["may be a copy"] == (x[0] < min(x[1]) / 2)
            found, expected = [numbers[0], *numbers[2:4]], [x[0], min(x[1]), np.median(x[1])]
        tolerance = {"ringSaid": 0.51, "nearestSaid": 0.051, "nudgeSaid": 0.0051}.get(kind, 6e-4)
        assert found == pytest.approx(expected, abs=tolerance)


def test_what_is_said_of_a_failure_is_so_at_that_step(node: Callable[..., str], page: Path) -> None:
    films = json.loads(package_data("clinic").read_bytes())
    for film in films.values():
        for key in ("real", "drawn"):
            film[key] = np.frombuffer(base64.b64decode(film[f"{key}_logits"]), "<f2").tolist()
    given = [("clinicSaid", x, films[x], k, films["healthy"]) for x in films for k in range(1, 8)]
    texts = ask(node, page, sentences=given)["sentences"]
    for text, (_, name, film, k, healthy) in zip(texts, given, strict=True):
        auc, losses = film["auc"][k], film["loss_g"]
        assert ("lie apart" in text) == (name == "overpowered" and auc == 1)
        assert ("Up to here" in text) == (name == "collapse" and losses[k] == healthy["loss_g"][k])
        assert ("success" in text) == (name == "collapse" and losses[k] < healthy["loss_g"][k])
        for low, high in re.findall(r"between (\S+) and ([\d.]+\d)", text):
            since = losses[4 if name == "healthy" else 1 : k + 1]  # both end with what is on screen
            assert [float(low), float(high)] == pytest.approx([min(since), max(since)], abs=0.0051)
