"""The film of a training: by hand, against the networks themselves, and after an interruption."""

import io
import itertools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import sha256
from toolkit.common.runs import Run
from toolkit.export import loading, saving
from toolkit.export.film import load_film, network_at
from toolkit.export.manifest import Export
from toolkit.export.replacing import Replaced, replace_exports
from toolkit.gan.config import Config
from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.film import Film, area_under_curve, frame_steps, state_dict_at, to_bytes
from toolkit.gan.losses import hinge_discriminator_loss, hinge_generator_loss
from toolkit.gan.training import Networks, build, train

CONFIG = Config(
    num_steps=24, batch_size=4, growing_batch=False, ema_decay=0.5, eval_every=9, save_every=8
)


def film_of(mnist: MNIST, directory: Path, film: Film | None, interrupted_at: int = 0) -> Networks:
    """A short training, which may be interrupted at its first or a later evaluation."""
    looks = 0

    def measure(network: nn.Module) -> dict[str, float | str]:
        nonlocal looks
        looks += 1
        if looks == interrupted_at:
            raise KeyboardInterrupt
        return {"distance": 0.0}

    images, labels = mnist.train_images[:64], mnist.train_labels[:64]
    run = Run(directory, CONFIG)
    return train(CONFIG, run, images, labels, torch.device("cpu"), measure, film)[0]


@pytest.fixture(scope="module")
def made(mnist: MNIST, tmp_path_factory: pytest.TempPathFactory) -> tuple[Film, Networks]:
    film = Film(CONFIG, mnist.test_images)
    return film, film_of(mnist, tmp_path_factory.mktemp("film"), film)


def test_steps_by_hand() -> None:
    """From 50 to 50 * 400 in 14 equal factors, after the 0."""
    steps = frame_steps(20_000)
    assert steps[:3] == [0, 50, round(50 * 400 ** (1 / 14))]
    assert steps[8] == 1000  # half of the way: 50 * sqrt(400)
    assert steps[-1] == 20_000
    assert len(steps) == 16
    assert frame_steps(3) == [0, 1, 2, 3]
    for num_steps in (2, 24, 800, 90_000):
        steps = frame_steps(num_steps)
        assert steps[0] == 0
        assert steps[-1] == num_steps
        assert steps == sorted(set(steps))


def test_area_by_hand() -> None:
    """Of six pairs, four in the right order and one equal: 4.5 / 6."""
    assert area_under_curve(torch.tensor([1.0, 2, 3]), torch.tensor([0.0, 2])) == 0.75
    assert area_under_curve(torch.tensor([5.0, 6]), torch.tensor([1.0, 2, 3])) == 1.0
    assert area_under_curve(torch.tensor([1.0, 2]), torch.tensor([3.0])) == 0.0
    assert area_under_curve(torch.ones(3), torch.ones(7)) == 0.5
    assert area_under_curve(torch.tensor([0.0, 1]), torch.tensor([0.0, 1])) == 0.5


def test_area_is_that_under_the_curve() -> None:
    """The trapezoids under the points (false, true positive rate) of all thresholds."""
    rng = torch.Generator().manual_seed(0)
    real = torch.randn(40, generator=rng).mul(2).round() + 1
    drawn = torch.randn(70, generator=rng).mul(2).round()
    thresholds = torch.cat([real, drawn, torch.tensor([-99.0, 99.0])]).unique().flip(0)
    x, y = ([float((part >= t).double().mean()) for t in thresholds] for part in (drawn, real))
    assert area_under_curve(real, drawn) == pytest.approx(np.trapezoid(y, x))


@pytest.mark.slow
def test_frames_are_the_networks(made: tuple[Film, Networks], mnist: MNIST) -> None:
    film, networks = made
    arrays = dict(np.load(io.BytesIO(to_bytes(film.arrays()))))
    first, last = 0, CONFIG.num_steps
    for step, network in ((first, build(CONFIG).average), (last, networks.average)):
        kept = state_dict_at(arrays, "generator", step)
        assert kept.keys() == network.state_dict().keys()
        for name, value in network.state_dict().items():
            expected = value.half().float() if value.is_floating_point() else value
            assert torch.equal(kept[name], expected), name
    kept = state_dict_at(arrays, "discriminator", last)
    assert torch.equal(kept["readout.weight"], networks.discriminator.readout.weight.half().float())

    with torch.no_grad():
        drawn = networks.average(torch.from_numpy(arrays["z"]).float())
        real = to_unit(mnist.test_images[torch.from_numpy(arrays["real_indices"])])
        for name, images in (("drawn_logits", drawn), ("real_logits", real)):
            logits = networks.discriminator(images).flatten().half().numpy()
            np.testing.assert_array_equal(arrays[name][-1], logits)
    assert arrays["z"].shape == (500, CONFIG.latent_dim)
    assert len({*arrays["real_indices"].tolist()}) == 500
    assert not np.array_equal(arrays["drawn_logits"][0], arrays["drawn_logits"][-1])


def test_numbers_belong_to_the_logits(made: tuple[Film, Networks]) -> None:
    arrays = made[0].arrays()
    assert arrays["steps"].tolist() == frame_steps(CONFIG.num_steps)
    assert len(arrays["discriminator_steps"]) == 3
    assert {*arrays["discriminator_steps"]} <= {*arrays["steps"]}
    for k in (0, 1, -1):
        real, drawn = (
            torch.from_numpy(arrays[name][k].astype(float))
            for name in ("real_logits", "drawn_logits")
        )
        pairs = list(itertools.product(real.tolist(), drawn.tolist()))
        ahead = sum(r > d for r, d in pairs) + sum(r == d for r, d in pairs) / 2
        assert arrays["auc"][k] == pytest.approx(ahead / len(pairs))
        assert arrays["loss_d"][k] == pytest.approx(float(hinge_discriminator_loss(real, drawn)))
        assert arrays["loss_g"][k] == pytest.approx(float(hinge_generator_loss(drawn)))


@pytest.mark.slow
def test_interrupted_film(made: tuple[Film, Networks], mnist: MNIST, tmp_path: Path) -> None:
    """Frames before the checkpoint come back, those after it are recorded again."""
    with pytest.raises(KeyboardInterrupt):  # at step 18, after the checkpoint of step 16
        film_of(mnist, tmp_path, Film(CONFIG, mnist.test_images), interrupted_at=2)
    film = Film(CONFIG, mnist.test_images)
    film_of(mnist, tmp_path, film)
    assert to_bytes(film.arrays()) == to_bytes(made[0].arrays())
    film = Film(CONFIG, mnist.test_images)
    film_of(mnist, tmp_path, film)  # it was finished
    assert to_bytes(film.arrays()) == to_bytes(made[0].arrays())


def test_recording_changes_nothing(
    made: tuple[Film, Networks], mnist: MNIST, tmp_path: Path
) -> None:
    without = film_of(mnist, tmp_path, None)
    for one, other in zip(without, made[1], strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict(), rtol=0, atol=0)


def test_same_bytes_at_any_time(
    made: tuple[Film, Networks], monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = made[0].arrays()
    now = to_bytes(arrays)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert to_bytes(arrays) == now


def test_a_step_that_is_not_there(made: tuple[Film, Networks]) -> None:
    arrays = made[0].arrays()
    with pytest.raises(UsageError, match=r"no discriminator at step 0; choose one of \d+, \d+, 24"):
        state_dict_at(arrays, "discriminator", 0)


def save(film: Film, networks: Networks, directory: Path) -> Replaced:
    return saving.save(
        {"generator": networks.average, "discriminator": networks.discriminator},
        {"generator": {"frechet_distance": 1.0}, "discriminator": {}},
        exports_dir=directory,
        seed=0,
        config={},
        film=film.arrays(),
    )


@pytest.mark.slow
def test_film_of_the_exports(made: tuple[Film, Networks], tmp_path: Path) -> None:
    film, networks = made
    assert save(film, networks, tmp_path).notes == []
    arrays = load_film(tmp_path)
    z = torch.randn(3, CONFIG.latent_dim, generator=torch.Generator().manual_seed(0))
    untrained = build(CONFIG).average
    with torch.no_grad():
        at_first = network_at(arrays, "generator", 0, tmp_path)(z)
        torch.testing.assert_close(at_first, untrained(z), rtol=0, atol=2e-3)
        at_last = network_at(arrays, "generator", 24, tmp_path)(z)
        exported: Tensor = loading.load("generator", tmp_path)(z)
        torch.testing.assert_close(at_last, exported, rtol=0, atol=2e-3)
        assert not torch.allclose(at_first, at_last, atol=1e-2)
        logits = network_at(arrays, "discriminator", 24, tmp_path)(at_last)
        torch.testing.assert_close(logits, networks.discriminator(at_last), rtol=0, atol=2e-3)


def test_a_film_that_is_there_is_known_by_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another zlib packs the same numbers into other bytes."""
    generator = Export("generator.safetensors", b"it", {"sha256": sha256(b"it")})
    names = ("steps", "discriminator_steps", "auc", "loss_d", "loss_g")
    arrays = {name: np.array([k / 2, 1.0]) for k, name in enumerate(names)}
    assert not saving._is_film_there(tmp_path, generator, arrays)

    film = saving.film_of(generator, arrays, {})
    replace_exports([generator, film], tmp_path)
    monkeypatch.setattr(np, "savez_compressed", np.savez)
    assert saving.film_of(generator, arrays, {}).data != film.data
    assert saving._is_film_there(tmp_path, generator, arrays)

    assert not saving._is_film_there(tmp_path, generator, {**arrays, "auc": np.array([1.0, 0.9])})
    assert not saving._is_film_there(tmp_path, generator, {**arrays, "z": np.zeros(3)})
    other = Export("generator.safetensors", b"other", {"sha256": sha256(b"other")})
    assert not saving._is_film_there(tmp_path, other, arrays)


@pytest.mark.slow
def test_the_film_of_another_generator_is_refused(
    made: tuple[Film, Networks], tmp_path: Path
) -> None:
    film, networks = made
    save(film, networks, tmp_path)
    other = build(replace(CONFIG, seed=1)).average
    saving.save(
        {"generator": other},
        {"generator": {"frechet_distance": 1.0}},
        exports_dir=tmp_path,
        seed=1,
        config={},
    )
    with pytest.raises(
        ToolkitError, match=r"film.npz was made from .* `python -m toolkit.train gan`"
    ):
        load_film(tmp_path)
