"""Every endpoint of the latent studio as a program calls it, and bad input."""

import base64
from typing import Any

import gradio_client
import httpx
import imageio.v3 as iio
import numpy as np
import pytest
import torch

from toolkit.common.device import make_rng
from toolkit.export import loading
from toolkit.gan.data import MNIST
from toolkit.gan.latent import interpolate, sample_latents

from ..conftest import HANGS
from .conftest import ROOT, Served, data_uri

pytestmark = pytest.mark.xdist_group("gan_demo")


@pytest.fixture(scope="module")
def client(gan_page: str, tmp_path_factory: pytest.TempPathFactory) -> gradio_client.Client:
    downloads = tmp_path_factory.mktemp("downloads")
    return gradio_client.Client(gan_page, verbose=False, download_files=downloads)


@pytest.fixture(scope="module")
def networks() -> dict[str, torch.jit.ScriptModule]:
    """The exports, called directly."""
    names = ("generator", "discriminator", "classifier")
    return {name: loading.load(name, ROOT / "exports") for name in names}


@torch.no_grad()
def assert_theirs(
    pictures: list[dict[str, Any]], z: torch.Tensor, networks: dict[str, Any]
) -> None:
    """The pictures are the generator's of z, judged by the other two networks."""
    images = networks["generator"](z)
    shares = networks["classifier"](images).softmax(dim=1)
    logits = networks["discriminator"](images).squeeze(1)
    assert len(pictures) == len(z)
    for k, picture in enumerate(pictures):
        expected = images[k, 0].mul(255).numpy()
        assert np.abs(np.array(picture["image"]) - expected).max() <= 0.51
        assert picture["digit"] == int(shares[k].argmax())
        assert picture["probability"] == pytest.approx(float(shares[k].max()), abs=1e-4)
        assert picture["logit"] == pytest.approx(float(logits[k]), abs=1e-3)
        assert picture["z"] == pytest.approx(z[k].tolist(), abs=1e-6)


def refused(client: gradio_client.Client, *inputs: Any, api_name: str, **named: Any) -> str:
    """The message that a call ends with; the next call must work."""
    with pytest.raises(gradio_client.exceptions.AppError) as caught:
        client.predict(*inputs, api_name=api_name, **named)
    assert len(client.predict(seed=1, api_name="/samples")) == 25
    return str(caught.value)


@pytest.mark.slow
def test_the_endpoints_have_names_types_and_words(client: gradio_client.Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    walk = ["pictures", "arc", "gif"]
    assert {
        name: [p["parameter_name"] for p in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    } == {
        "/samples": ["seed", "digit"],
        "/walk": ["seed", "first", "second", *walk],
        "/between_classes": ["seed", "digit_from", "digit_to", *walk],
        "/generate": ["z"],
        "/judge": ["picture"],
    }
    for endpoint in endpoints.values():
        assert len(endpoint["description"]) > 40
    types = {p["parameter_name"]: p["type"] for p in endpoints["/walk"]["parameters"]}
    assert types["seed"] == {"type": "integer"}


def test_samples(client: gradio_client.Client, networks: dict[str, Any]) -> None:
    found = client.predict(seed=5, api_name="/samples")
    z = sample_latents(25, networks["generator"].latent_dim, make_rng(5, "samples"))
    assert_theirs(found, z, networks)
    assert found == client.predict(seed=5, digit="any", api_name="/samples")
    assert found != client.predict(seed=6, api_name="/samples")


@pytest.mark.rows(1)
@pytest.mark.parametrize("digit", range(10))
def test_more_of_one_class(
    client: gradio_client.Client, networks: dict[str, Any], digit: int
) -> None:
    """A class is given as 3 or as "3"."""
    found = client.predict(seed=0, digit=digit, api_name="/samples")
    assert found == client.predict(seed=0, digit=str(digit), api_name="/samples")
    assert_theirs(found, torch.tensor([one["z"] for one in found]), networks)
    assert {one["digit"] for one in found} == {digit}
    assert all(one["probability"] >= 0.9 for one in found)
    assert len({str(one["image"]) for one in found}) == 25


@pytest.mark.parametrize("arc", [False, True])
@pytest.mark.parametrize("count", [2, 9, 60])
def test_walk(
    client: gradio_client.Client, networks: dict[str, Any], arc: bool, count: int
) -> None:
    """From the first sample to the second, and back in the film."""
    samples = client.predict(seed=2, api_name="/samples")
    walk = client.predict(
        seed=2, first=4, second=17, pictures=count, arc=arc, gif=True, api_name="/walk"
    )
    ends = torch.tensor([samples[3]["z"], samples[16]["z"]])
    assert_theirs(walk["pictures"], interpolate(*ends, count, arc), networks)
    for end, sample in ((0, 3), (-1, 16)):
        drawn, again = walk["pictures"][end]["image"], samples[sample]["image"]
        np.testing.assert_allclose(drawn, again, atol=1)  # a batch of another size may round so
    digits = samples[3]["digit"], samples[16]["digit"]
    assert walk["name"] == f"walk_{digits[0]}_to_{digits[1]}_seed2.gif"
    film = iio.imread(base64.b64decode(walk["gif"]))
    assert len(film) == 2 * count - 2
    for frame, one in zip(film, walk["pictures"], strict=False):
        assert np.array_equal(frame[::6, ::6, 0], one["image"])


def test_between_classes(client: gradio_client.Client) -> None:
    found = client.predict(seed=0, digit_from=7, digit_to="1", api_name="/between_classes")
    assert found.keys() == {"pictures"}
    digits = [one["digit"] for one in found["pictures"]]
    assert (len(digits), digits[0], digits[-1]) == (9, 7, 1)


def test_own_points(client: gradio_client.Client, networks: dict[str, Any]) -> None:
    z = torch.randn(3, networks["generator"].latent_dim)
    assert_theirs(client.predict(z=z.tolist(), api_name="/generate"), z, networks)


@torch.no_grad()
def test_a_picture_is_judged(
    client: gradio_client.Client, mnist: MNIST, networks: dict[str, Any]
) -> None:
    """Real test images: as they are, in base64; as dark ink on a white sheet, in a data URI."""
    right = 0
    for n in range(5):
        small = mnist.test_images[n, 0].numpy()
        large = np.full((600, 400), 255, dtype=np.uint8)
        large[200:396, 50:246] -= small.repeat(7, axis=0).repeat(7, axis=1)
        for picture in (data_uri(small).partition(",")[2], data_uri(large)):
            found = client.predict(picture=picture, api_name="/judge")
            image = torch.tensor(found["image"])[None, None] / 255
            logit = float(networks["discriminator"](image))
            assert found["logit"] == pytest.approx(logit, abs=0.1)  # the image is rounded
            assert sum(found["probabilities"]) == pytest.approx(1)
            assert found["probability"] == max(found["probabilities"])
            right += found["digit"] == int(mnist.test_labels[n])
    assert right >= 9


SEED = "seed must be a whole number from 0 to 999,999, not "


@pytest.mark.rows(7)
@pytest.mark.parametrize(
    ("api_name", "inputs", "message"),
    [
        ("/samples", {"seed": 1_000_000}, f"{SEED}1000000."),
        ("/samples", {"seed": True}, f"{SEED}True."),
        ("/samples", {"digit": "seven"}, "digit must be a whole number from 0 to 9, not 'seven'."),
        ("/walk", {"first": 3, "second": 3}, "two different samples"),
        ("/walk", {"second": 26}, "second must be a whole number from 1 to 25, not 26."),
        ("/walk", {"pictures": 61}, "pictures must be a whole number from 2 to 60, not 61."),
        ("/walk", {"arc": "false"}, "arc must be true or false, not 'false'."),
        ("/between_classes", {"digit_from": 3, "digit_to": "3"}, "different digits, not 3 and 3"),
        ("/generate", {"z": [[0.0] * 63]}, "z must be 1 to 100 lists of 64 numbers each."),
        ("/generate", {"z": [[0.0] * 64] * 101}, "z must be 1 to 100 lists of 64 numbers each."),
        ("/generate", {"z": [["a"] * 64]}, "z must be 1 to 100 lists of 64 numbers each."),
        ("/generate", {"z": [[101.0] * 64]}, "Each number of z must be from -100 to 100."),
        ("/judge", {"picture": base64.b64encode(b"a text").decode()}, "not a picture"),
        ("/judge", {"picture": "A" * 6_700_000}, "The file has more than 5 MB."),
    ],
)
def test_bad_input(
    client: gradio_client.Client, api_name: str, inputs: dict[str, Any], message: str
) -> None:
    assert message in refused(client, api_name=api_name, **inputs)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_not_finite(
    client: gradio_client.Client, gan_page: str, number: str
) -> None:
    """Sent as only a program written for it can: no JSON library writes NaN."""
    call = f"{gan_page}gradio_api/call/samples"
    headers = {"content-type": "application/json"}
    reply = httpx.post(call, content=f'{{"data": [{number}, "any"]}}', headers=headers)
    if reply.status_code == 200:
        answer = httpx.get(f"{call}/{reply.json()['event_id']}").text
        assert "event: error" in answer
        assert "must be a" in answer
    else:
        assert reply.status_code == 422
    assert len(client.predict(seed=1, api_name="/samples")) == 25


def ask(demo: Served, function: str, **given: Any) -> Any:
    """What the page's script gets: it asks the component, not the API."""
    config = httpx.get(f"{demo.url}config").json()
    (part,) = (one["id"] for one in config["components"] if one["type"] == "html")
    body = {"data": given, "fn_name": function, "session_hash": "s", "component_id": part}
    return httpx.post(f"{demo.url}gradio_api/component_server", json=body, timeout=HANGS).json()


def test_the_page_gets_what_the_api_says(gan_demo: Served, client: gradio_client.Client) -> None:
    """The same samples for a seed."""
    asked = ask(gan_demo, "samples", seed=11, digit="any")
    for one, said in zip(asked, client.predict(seed=11, api_name="/samples"), strict=True):
        image = np.frombuffer(base64.b64decode(one["image"]), dtype=np.uint8).reshape(28, 28)
        assert np.array_equal(image, said["image"])
        assert (one["digit"], one["z"]) == (said["digit"], said["z"])


@pytest.mark.parametrize(
    ("function", "given", "message"),
    [
        ("samples", {"seed": 1.5, "digit": "any"}, f"{SEED}1.5."),
        ("samples", {}, "samples cannot be asked like this"),
        ("draw", {"corners": [[0] * 64], "weights": [[1, 2]]}, "weights must be 1 to 100 lists"),
        ("draw", {"corners": [[90] * 64], "weights": [[9]]}, "from -100 to 100"),
        ("judge", {"images": ["AAAA"]}, "784 bytes"),
        ("judge", {"images": 3}, "784 bytes"),
        ("read", {"picture": "?"}, "in base64 or in a data URL"),
    ],
)
def test_the_page_gets_a_sentence(
    gan_demo: Served, function: str, given: dict[str, Any], message: str
) -> None:
    assert message in ask(gan_demo, function, **given)["error"]


def test_what_was_recorded(gan_demo: Served, mnist: MNIST) -> None:
    """The film as the page gets it, against film.npz, and the failures."""
    recorded = ask(gan_demo, "recorded")
    with np.load(ROOT / "exports" / "film.npz") as film:
        assert recorded["film"]["steps"] == film["steps"].tolist()
        assert recorded["film"]["auc"] == film["auc"].tolist()
        logits = np.frombuffer(base64.b64decode(recorded["film"]["drawn_logits"]), dtype="<f2")
        assert np.array_equal(logits, film["drawn_logits"].ravel())
        z = torch.from_numpy(film["z"][:25]).float()
        reals = film["real_indices"][:36]
    shown, real = (
        iio.imread(base64.b64decode(recorded["film"][name]), mode="L")
        for name in ("png", "real_png")
    )
    assert shown.shape == (28 * 16, 28 * 25)
    with torch.no_grad():
        last = loading.load("generator", ROOT / "exports")(z).mul(255)
    expected = torch.cat(list(last[:, 0]), dim=1).numpy()
    # The grey of 16 shades is off by up to 8.5; the film's weights are in half precision.
    assert np.abs(shown[-28:] - expected).max() < 11
    for k, index in enumerate(reals):
        image = mnist.test_images[index, 0].numpy().astype(int)
        assert np.abs(real[:, 28 * k : 28 * k + 28] - image).max() <= 9
    assert recorded["clinic"].keys() == {"healthy", "collapse", "saturation", "overpowered"}
    tiles = torch.from_numpy(shown[-28:]).float().div(255).unfold(1, 28, 28).transpose(0, 1)
    with torch.no_grad():
        shares = loading.load("classifier", ROOT / "exports")(tiles[:, None]).softmax(1)
    clear = shares[shares.max(1).values >= 0.8].argmax(1)
    counts = [*np.bincount(clear, minlength=10).tolist(), 25 - len(clear)]
    assert recorded["film"]["digits"][-1] == counts
