"""Somebody's own networks on the pages, beside ours: against PyTorch, and what is refused."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from toolkit.assignment.export.own import OwnGenerator
from toolkit.common.device import make_rng
from toolkit.common.errors import ToolkitError
from toolkit.export import loading
from toolkit.export.manifest import networks_of
from toolkit.export.replacing import copy_export
from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.measure.evaluation import Evaluator, sample_images
from toolkit.gan.measure.scorecard import Scorecard
from toolkit.lstm.data import split_last
from toolkit.train.playground.layers import layers_of
from toolkit.train.playground.page import write_playground

from ..mine import LENGTH, WHOSE, networks, write_mine
from .chromium import expect, visit
from .conftest import ROOT
from .test_cuts import ask, asked
from .test_playground import HALF, forward

sys.path.insert(0, str(ROOT / "demos"))
from gate_microscope.events import GateMicroscope
from latent_studio import standing
from latent_studio.studio import studios_of

FOUR = ["lstm", "rnn", "lstm_plain", "rnn_plain"]


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mine(tmp_path_factory.mktemp("mine"), networks())


@pytest.fixture(scope="module")
def own_page(mine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "mine.html"
    write_playground(mine, path, discriminator=True)
    return path


@pytest.mark.slow
def test_the_page_computes_what_they_compute(
    node: Callable[..., str], own_page: Path, mine: Path
) -> None:
    """And the slopes of their discriminator are those of autograd."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(9, 1, 28, 28, generator=rng).requires_grad_()
    digits, z = torch.randint(10, (40, 30), generator=rng), torch.randn(9, 20, generator=rng)
    given = {"lstm": digits, "generator": z, "discriminator": images}
    asked_of = [(f"{name}_mine", x.detach().numpy()) for name, x in given.items()]
    for (name, x), answer in zip(given.items(), forward(node, own_page, asked_of), strict=True):
        network = loading.load(name, mine)
        for weight in network.parameters():
            weight.data = weight.data.half().float()
        expected = network(x).flatten(1)
        assert expected.std() > 0.05
        np.testing.assert_allclose(answer, expected.detach(), HALF, HALF, err_msg=name)
    (slopes,) = torch.autograd.grad(expected.sum(), images)
    found = ask(node, own_page, slopes=images.detach().flatten(1).tolist())["slopes"]
    for one, exact in zip(found, slopes.flatten(1), strict=True):
        np.testing.assert_allclose(one["found"], exact, atol=0.005 * float(exact.abs().max()))


def generators() -> dict[str, nn.Module]:
    """What else is common: the assignment's template, a DCGAN for 64 x 64, sub-pixel layers."""
    mlp = nn.Sequential(nn.Linear(9, 16), nn.LeakyReLU(0.2), nn.Linear(16, 784), nn.Sigmoid())
    large = nn.Sequential(
        nn.ConvTranspose2d(9, 8, 4, 1, 0, bias=False), nn.BatchNorm2d(8), nn.ReLU(True),
        nn.ConvTranspose2d(8, 6, 8, 4, 2), nn.ReLU(), nn.ConvTranspose2d(6, 1, 8, 4, 2), nn.Tanh(),
    )  # fmt: skip
    odd = nn.Sequential(
        nn.Linear(9, 2 * 16), nn.Unflatten(1, (2, 4, 4)), nn.ConvTranspose2d(2, 4, 3, 2, 1),
        nn.PixelShuffle(2), nn.ConvTranspose2d(1, 1, 5, 2, 2, output_padding=1), nn.Tanh(),
    )  # fmt: skip
    return {
        "mlp": OwnGenerator(mlp, (9,), value_range=(0, 1)),
        "large": OwnGenerator(large, (9, 1, 1), (64, 64)),
        "odd": OwnGenerator(odd, (9,)),
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of tracing
@pytest.mark.parametrize("kind", list(generators()))
@torch.no_grad()
def test_generators(node: Callable[..., str], tmp_path: Path, kind: str) -> None:
    write_mine(tmp_path, {"generator": (network := generators()[kind].eval())})
    write_playground(tmp_path, tmp_path / "page.html")
    z = torch.randn(5, 9, generator=torch.Generator().manual_seed(2))
    (answer,) = forward(node, tmp_path / "page.html", [("generator_mine", z.numpy())])
    np.testing.assert_allclose(answer, network(z).flatten(1).numpy(), HALF, HALF)
    traced = torch.jit.trace(network, z)
    traced.latent_dim = 9
    both = [layers_of(tmp_path, one, "generator")[1] for one in (network, traced)]
    plain, same = ([x for x in layers if x["op"] not in ("affine", "reshape")] for layers in both)
    assert [x["op"] for x in plain] == [x["op"] for x in same]


class Noisy(nn.Module):
    latent_dim = 1

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(z + torch.rand(len(z), 784))


@pytest.mark.rows(1)
@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([nn.Linear(1, 784), nn.GELU()], "generator calls torch's gelu, which the page"),
        ([nn.Linear(1, 6000), nn.Linear(6000, 784)], "and browsers are slow with more than 16"),
    ],
)
def test_what_the_page_cannot_show(tmp_path: Path, layers: list[nn.Module], sentence: str) -> None:
    folder = write_mine(
        tmp_path / "mine", {"generator": OwnGenerator(nn.Sequential(*layers), (1,))}
    )
    with pytest.raises(ToolkitError) as error:
        write_playground(folder, tmp_path / "page.html")
    assert sentence in str(error.value)
    assert not (tmp_path / "page.html").exists()


def test_what_depends_on_chance_is_no_list_of_layers() -> None:
    with pytest.raises(ToolkitError, match=r"my\.pt calls torch's rand, which"):
        layers_of(Path("my.pt"), Noisy(), "generator")


def test_the_microscope_has_theirs_first(mine: Path) -> None:
    microscope = GateMicroscope(mine)
    assert list(microscope.networks) == ["lstm_mine", *FOUR]
    assert microscope.described["lstm_mine"]["whose"] == WHOSE
    assert len(microscope.first()) == LENGTH - 1
    read = split_last(asked(400))
    with torch.no_grad():
        expected = (loading.load("lstm", mine)(read[0]).argmax(dim=1) == read[1]).float().mean()
    found = microscope.accuracy("lstm_mine", 400, "", 1)  # beyond where wires can be cut
    assert found == pytest.approx(float(expected), abs=0.005)
    with pytest.raises(ToolkitError, match="100"):
        microscope.accuracy("lstm_mine", 400, "f0", 1)


def test_a_part_of_theirs(mine: Path, tmp_path: Path) -> None:
    """With an LSTM alone the studio is ours; damage is said."""
    copy_export("lstm", mine, tmp_path)
    assert list(networks_of(tmp_path))[:2] == ["lstm_mine", "lstm"]
    (studio,) = studios_of(tmp_path)
    assert studio.whose == {}
    with open(tmp_path / "lstm.safetensors", "r+b") as file:
        file.seek(9000)
        file.write(b"?")
    with pytest.raises(ToolkitError, match=r"lstm\.safetensors is damaged"):
        GateMicroscope(tmp_path)


@pytest.mark.slow
def test_where_it_stands(mine: Path, monkeypatch: pytest.MonkeyPatch, mnist: MNIST) -> None:
    """Of two draws of 300 images, against the same numbers from their parts."""
    monkeypatch.setattr(standing, "NUM_IMAGES", 300)
    studios = studios_of(mine)
    assert [studio.whose.get("generator") for studio in studios] == [WHOSE, None]
    assert [studio.has_film for studio in studios] == [False, True]
    assert studios[0].recorded["film"] is None
    found = standing.Standing(studios).measure(2)
    own, ours, real = found["columns"]
    evaluator = Evaluator(studios[1].classifier, "", mnist, torch.device("cpu"), 300)
    for column, studio in zip((own, ours), studios, strict=True):
        draws = [sample_images(studio.generator, seed, 300) for seed in (0, 1)]
        scores = [evaluator.measure(images) for images in draws]
        for name in ("frechet_distance", "share_unsure"):
            each = [getattr(score, name) for score in scores]
            assert column[name]["mean"] == pytest.approx(sum(each) / 2, rel=1e-4)
            assert column[name]["sd"] == pytest.approx(abs(each[0] - each[1]) / 2**0.5, rel=1e-2)
        assert sum(share["mean"] for share in column["class_shares"]) == pytest.approx(1)
    assert real["frechet_distance"]["mean"] < ours["frechet_distance"]["mean"]
    assert own["recall"]["mean"] < 0.1 < ours["recall"]["mean"]


def test_as_many_real_images_are_measured(monkeypatch: pytest.MonkeyPatch, mnist: MNIST) -> None:
    """As each generator draws; in the second draw others than in the first."""
    measured: list[torch.Tensor] = []
    evaluator = SimpleNamespace(predict=measured.append)
    scorer = SimpleNamespace(evaluator=evaluator, score=lambda predictions, images: None)
    monkeypatch.setattr(standing, "NUM_IMAGES", 30)
    monkeypatch.setattr(standing, "sample_images", lambda _, seed, count: torch.zeros(count))
    studio: Any = SimpleNamespace(generator=None, mnist=mnist)
    stand = standing.Standing([studio])
    vars(stand)["_scorer"] = scorer
    for k in (0, 1):
        stand._measured(k)
    assert [len(images) for images in measured] == [30, 30, 30, 30]
    order = torch.randperm(len(mnist.train_images), generator=make_rng(0, "floor"))
    real = torch.cat([measured[1], measured[3]])
    torch.testing.assert_close(real, to_unit(mnist.train_images[order[:60]]))


def test_the_scores_of_all_draws_are_joined() -> None:
    """Of three draws, by hand: the mean of 0, 1 and 2 is 1, and so is their deviation."""
    card = Scorecard(*[0.5] * 8, class_shares=[0.1] * 10)
    studio: Any = SimpleNamespace(generator=None)
    stand = standing.Standing([studio])
    vars(stand)["_draw"] = lambda draw: [card._replace(recall=float(draw)), card]
    drawn, real = stand.measure(3)["columns"]
    assert drawn["recall"] == {"mean": 1, "sd": 1, "num_draws": 3}
    assert real["recall"] == {"mean": 0.5, "sd": 0, "num_draws": 3}


@pytest.mark.slow
def test_in_the_browser(browser: Any, own_page: Path) -> None:
    with visit(browser, own_page.as_uri()) as page:
        page.get_by_text("What all of them would answer").click()
        names = page.locator(".strips .name b")
        assert names.all_inner_texts()[1:3] == [f"LSTM, {WHOSE}", "LSTM, curriculum"]
        expect(page.locator(".of-lstm figcaption")).to_have_text(f"LSTM, {WHOSE}")
        page.get_by_text("How far each gets").click()
        page.get_by_role("button", name="Measure", exact=True).click()
        expect(page.locator(".curves output").first).to_contain_text("%")
        page.get_by_role("tab", name="Latent studio").click()
        expect(page.locator(".studio .task")).to_contain_text("z has 20 numbers")
        page.get_by_role("button", name="the toolkit", exact=True).click()
        expect(page.locator(".studio .task")).to_contain_text("z has 64 numbers")
        expect(page.get_by_text("Generator: the toolkit's.")).to_be_visible()
