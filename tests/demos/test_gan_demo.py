"""Every endpoint of the latent studio as a program calls it, and bad input."""

import base64
from pathlib import Path
from typing import Any

import gradio_client
import httpx
import imageio.v3 as iio
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from toolkit.common.device import make_rng
from toolkit.export import torchscript
from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.latent import sample_latents
from toolkit.gan.sketch import MAX_PIXELS

from .conftest import ROOT, Served

pytestmark = pytest.mark.xdist_group("gan_demo")


@pytest.fixture(scope="module")
def client(gan_page: str, tmp_path_factory: pytest.TempPathFactory) -> gradio_client.Client:
    downloads = tmp_path_factory.mktemp("downloads")
    return gradio_client.Client(gan_page, verbose=False, download_files=downloads)


def picture(tile: dict[str, Any]) -> np.ndarray:
    return iio.imread(base64.b64decode(tile["image"].removeprefix("data:image/png;base64,")))


def refused(client: gradio_client.Client, *inputs: Any, api_name: str) -> str:
    """The message that a call ends with; the next call must work."""
    with pytest.raises(gradio_client.exceptions.AppError) as caught:
        client.predict(*inputs, api_name=api_name)
    assert len(client.predict(1, "any", 1, api_name="/samples")[0]) == 25
    return str(caught.value)


def test_the_endpoints_have_names_and_types(client: gradio_client.Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    parameters = {
        name: [(p["parameter_name"], p["python_type"]["type"]) for p in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    digits = "Literal['any', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']"
    latent = [("seed", "int"), ("digit", digits), ("scale", "float")]
    path = [("path", "Literal['linear', 'spherical']"), ("frames", "int")]
    ends = [("first", "int"), ("second", "int")]
    assert parameters.keys() == {"/samples", "/between_samples", "/between_classes", "/judge"}
    assert parameters["/samples"] == latent
    assert parameters["/between_samples"] == [*latent, *ends, *path]
    assert [name for name, _ in parameters["/between_classes"]] == [
        "seed",
        "digit_from",
        "digit_to",
        "path",
        "frames",
    ]
    assert parameters["/judge"] == [("file", "filepath")]


def test_samples_are_the_generators_and_judged_by_the_others(client: gradio_client.Client) -> None:
    tiles, summary = client.predict(5, "any", 1.0, api_name="/samples")
    again, _ = client.predict(5, "any", 1.0, api_name="/samples")
    other, _ = client.predict(6, "any", 1.0, api_name="/samples")
    assert len(tiles) == 25
    assert tiles == again
    assert tiles != other
    assert len({tile["image"] for tile in tiles}) == 25
    images = torch.stack([torch.from_numpy(picture(tile)) for tile in tiles])[:, None] / 255
    with torch.no_grad():
        digits = torchscript.load("classifier", ROOT / "exports")(images).softmax(dim=1)
        real = torchscript.load("discriminator", ROOT / "exports")(images).sigmoid()
    for n, tile in enumerate(tiles):  # within a percent: the pictures are rounded to 8 bits
        assert tile["digit"] == int(digits[n].argmax())
        assert tile["sure"] == pytest.approx(100 * float(digits[n].max()), abs=1.5)
        assert tile["real"] == pytest.approx(100 * float(real[n]), abs=1.5)
    assert f"90% sure of {sum(tile['sure'] >= 90 for tile in tiles)} of these 25" in summary


@pytest.mark.parametrize("digit", "0123456789")
def test_more_of_one_class(client: gradio_client.Client, digit: str) -> None:
    tiles, _ = client.predict(0, digit, 1.0, api_name="/samples")
    assert [tile["digit"] for tile in tiles] == [int(digit)] * 25
    assert all(tile["sure"] >= 90 for tile in tiles)
    assert len({tile["image"] for tile in tiles}) == 25


def test_truncation_multiplies_z(client: gradio_client.Client) -> None:
    generator = torchscript.load("generator", ROOT / "exports")
    z = sample_latents(25, generator.latent_dim, make_rng(3, "samples"))
    for scale in (0, 0.5, 1.5):
        tiles, _ = client.predict(3, "any", scale, api_name="/samples")
        with torch.no_grad():
            images = generator(scale * z).mul(255).squeeze(1).numpy()
        assert np.abs(np.stack([picture(tile) for tile in tiles]) - images).max() <= 0.51
        assert (len({tile["image"] for tile in tiles}) == 1) == (scale == 0)


@pytest.mark.parametrize("path", ["linear", "spherical"])
@pytest.mark.parametrize("frames", [3, 9, 60])
def test_walk_between_samples(client: gradio_client.Client, path: str, frames: int) -> None:
    """There and back, from the first sample's very pixels to the second's."""
    tiles, _ = client.predict(2, "any", 1.0, api_name="/samples")
    film, strip, film_again, strip_again, summary = client.predict(
        2, "any", 1.0, 4, 17, path, frames, api_name="/between_samples"
    )
    assert Path(film).suffix == ".gif"
    shown = iio.imread(film)
    assert len(shown) == 2 * frames - 2
    for frame, tile in ((0, 4), (frames - 1, 17)):
        small = shown[frame][::6, ::6, 0]
        assert np.array_equal(small, picture(tiles[tile - 1]))
    nine = iio.imread(strip)
    assert nine.shape == (30 * 4, 9 * 30 * 4)
    assert np.array_equal(nine[4:-4:4, 4 : 29 * 4 : 4], picture(tiles[3]))
    assert Path(film_again).read_bytes() == Path(film).read_bytes()
    assert Path(strip_again).read_bytes() == Path(strip).read_bytes()
    assert f"{frames} frames, {path}" in summary


def test_linear_and_spherical_differ_between_the_ends(client: gradio_client.Client) -> None:
    films = [
        iio.imread(client.predict(2, "any", 1.0, 4, 17, path, 9, api_name="/between_samples")[0])
        for path in ("linear", "spherical")
    ]
    assert np.array_equal(films[0][[0, 8]], films[1][[0, 8]])
    assert not np.array_equal(films[0][4], films[1][4])


def test_walk_between_classes(client: gradio_client.Client) -> None:
    film, *_, summary = client.predict(0, 7, 1, "spherical", 5, api_name="/between_classes")
    assert summary.startswith("From 7 to 1 in 5 frames")
    ends = torch.from_numpy(iio.imread(film)[[0, 4], ::6, ::6, 0].copy())[:, None] / 255
    with torch.no_grad():
        assert torchscript.load("classifier", ROOT / "exports")(ends).argmax(dim=1).tolist() == [
            7,
            1,
        ]


def test_the_discriminator_judges_an_upload(
    client: gradio_client.Client, mnist: MNIST, tmp_path: Path
) -> None:
    """Real test images, as they are and as dark ink on a large white sheet."""
    right = 0
    for n in range(5):
        small = to_unit(mnist.test_images[n : n + 1])[0, 0].mul(255).byte().numpy()
        large = np.full((600, 400), 255, dtype=np.uint8)
        large[200:396, 50:246] -= small.repeat(7, axis=0).repeat(7, axis=1)
        for name, array in (("small", small), ("large", large)):
            iio.imwrite(tmp_path / f"{name}.png", array)
            seen, verdict, digits = client.predict(
                gradio_client.handle_file(tmp_path / f"{name}.png"), api_name="/judge"
            )
            assert iio.imread(seen).shape == (240, 240)
            shares = {entry["label"]: entry["confidence"] for entry in verdict["confidences"]}
            assert shares["real"] + shares["generated"] == pytest.approx(1)
            right += digits["label"] == str(int(mnist.test_labels[n]))
    assert right >= 9


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((1, "any", 9), "greater than maximum value 1.5"),
        ((1, "any", -1), "less than minimum value 0"),
        ((-1, "any", 1), "less than minimum value 0"),
        ((None, "any", 1), "Seed is empty. Fill it in."),
        ((1, None, 1), "Class is empty. Fill it in."),
        (("seven", "any", 1), "wrong type"),
        ((1, "seven", 1), "not in the list of choices"),
        ((1, "any", [1]), "wrong type"),
    ],
)
def test_bad_input_to_samples(
    client: gradio_client.Client, inputs: tuple[Any, ...], message: str
) -> None:
    assert message in refused(client, *inputs, api_name="/samples")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_not_finite(
    client: gradio_client.Client, gan_page: str, number: str
) -> None:
    """Sent as only a program written for it can: no JSON library writes NaN."""
    call = f"{gan_page}gradio_api/call/samples"
    headers = {"content-type": "application/json"}
    reply = httpx.post(call, content=f'{{"data": [1, "any", {number}]}}', headers=headers)
    if reply.status_code == 200:
        answer = httpx.get(f"{call}/{reply.json()['event_id']}").text
        assert "event: error" in answer
        assert "finite" in answer or "greater than maximum" in answer
    else:
        assert reply.status_code == 422
    assert len(client.predict(1, "any", 1, api_name="/samples")[0]) == 25


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((0, 3, 3, "linear", 9), "must be different digits, not 3 and 3"),
        ((0, 3, 8, "linear", 2), "less than minimum value 3"),
        ((0, 3, 8, "linear", 61), "greater than maximum value 60"),
        ((0, 3, 10, "linear", 9), "not in the list of choices"),
        ((0, 3, 8, "zigzag", 9), "not in the list of choices"),
        ((0, 3, None, "linear", 9), "To class is empty"),
    ],
)
def test_bad_input_to_a_walk(
    client: gradio_client.Client, inputs: tuple[Any, ...], message: str
) -> None:
    assert message in refused(client, *inputs, api_name="/between_classes")


def test_no_walk_from_a_sample_to_itself(client: gradio_client.Client) -> None:
    sentence = refused(client, 0, "any", 1, 3, 3, "linear", 9, api_name="/between_samples")
    assert "two different samples" in sentence


def test_files_that_are_not_pictures(client: gradio_client.Client, tmp_path: Path) -> None:
    text, broken, blank = (tmp_path / name for name in ("text.png", "broken.png", "blank.png"))
    text.write_text("This is a text.")
    broken.write_bytes((ROOT / "docs" / "samples.png").read_bytes()[:2000])
    iio.imwrite(blank, np.full((50, 50), 255, dtype=np.uint8))
    for path, message in ((text, "not a picture"), (broken, "not a picture"), (blank, "blank")):
        upload = gradio_client.handle_file(path)
        assert message in refused(client, upload, api_name="/judge")


@pytest.mark.parametrize("height", [5001, 6000, 10_001])
def test_too_many_pixels(client: gradio_client.Client, tmp_path: Path, height: int) -> None:
    """Just above the limit, above it, and so far above it that Gradio itself refuses the file."""
    Image.new("1", (5000, height)).save(tmp_path / "large.png")
    upload = gradio_client.handle_file(tmp_path / "large.png")
    message = refused(client, upload, api_name="/judge")
    assert f"has more than {MAX_PIXELS:,} pixels" in message
    assert MAX_PIXELS == 5000 * 5000


def test_as_many_pixels_as_are_allowed(client: gradio_client.Client, tmp_path: Path) -> None:
    sheet = Image.new("1", (5000, 5000), 1)
    ImageDraw.Draw(sheet).line((2500, 500, 2500, 4500), fill=0, width=400)
    sheet.save(tmp_path / "one.png")
    upload = gradio_client.handle_file(tmp_path / "one.png")
    _, _, digits = client.predict(upload, api_name="/judge")
    assert digits["label"] == "1"


def test_fifty_megabytes_are_refused(client: gradio_client.Client, gan_demo: Served) -> None:
    files = {"files": ("large.png", bytes(50_000_000))}
    reply = httpx.post(f"{gan_demo.url}gradio_api/upload", files=files, timeout=60)
    assert reply.status_code == 413
    assert "exceeded maximum allowed size" in reply.text
    assert all(path.stat().st_size < 5_300_000 for path in gan_demo.files())
    assert len(client.predict(1, "any", 1, api_name="/samples")[0]) == 25
