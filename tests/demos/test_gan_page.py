"""The latent studio as a visitor sees it, in Chromium."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from toolkit.common.device import make_rng
from toolkit.export import loading
from toolkit.gan.latent import sample_latents

from .chromium import PATIENCE, PHONE, expect, visit
from .conftest import ROOT

pytestmark = pytest.mark.xdist_group("gan_demo")
HEIGHT = 800


@pytest.fixture(scope="module")
def window(browser: Any, gan_page: str) -> Iterator[Any]:
    with visit(browser, gan_page, HEIGHT) as page:
        yield page


@pytest.fixture
def page(window: Any, gan_page: str) -> Any:
    """The first tab at seed 42, as a visitor finds it; halfway on a walk."""
    window.goto("about:blank")
    window.goto(gan_page)
    return ready(window)


def ready(page: Any) -> Any:
    """The page when all that it shows at first is there."""
    expect(page.locator(".tile").last).to_be_enabled()
    expect(page.locator(".ways .said").last).not_to_be_empty()
    expect(page.locator(".point .caption")).not_to_be_empty()
    return page


@torch.no_grad()
def drawn(z: torch.Tensor) -> np.ndarray:
    """What the exported generator draws, uint8 (n, 28, 28)."""
    images: torch.Tensor = loading.load("generator", ROOT / "exports")(z)
    return images.mul(255).round().byte().squeeze(1).numpy()


@torch.no_grad()
def said(images: np.ndarray) -> tuple[list[int], list[float]]:
    """The digits and the discriminator's logits of images, uint8 (n, 28, 28)."""
    x = torch.from_numpy(images)[:, None] / 255
    digits = loading.load("classifier", ROOT / "exports")(x).argmax(dim=1).tolist()
    return digits, loading.load("discriminator", ROOT / "exports")(x).flatten().tolist()


def points(seed: int) -> torch.Tensor:
    return sample_latents(25, 64, make_rng(seed, "samples"))


def shown(canvas: Any) -> np.ndarray:
    """What a canvas of 28 x 28 shows."""
    uri = canvas.evaluate("e => e.toDataURL()")
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return iio.imread(io.BytesIO(data))[..., 0]


def pressed(page: Any) -> list[int]:
    """The tiles that are marked, counted from 1."""
    marks = page.locator(".tile").evaluate_all("all => all.map(e => e.ariaPressed === 'true')")
    return [k + 1 for k, mark in enumerate(marks) if mark]


def number(text: str) -> float:
    return float(text.replace("\u2212", "-"))


def test_the_first_screen(page: Any) -> None:
    """Samples and film stand on it, and what it says is what the exports say."""
    for seen in (".tile >> nth=24", ".ways canvas >> nth=1", ".player", ".plane"):
        box = page.locator(seen).first.bounding_box()
        assert box["y"] + box["height"] <= HEIGHT, seen
    images = drawn(points(42))
    for k, tile in enumerate(page.locator(".tile canvas").all()):
        assert np.array_equal(shown(tile), images[k])
    a, b = (k - 1 for k in pressed(page))
    z = points(42)
    halfway = drawn((0.5 * z[a] + 0.5 * z[b])[None])
    mixed = ((images[a].astype(int) + images[b]) / 2).round().astype(np.uint8)[None]
    for k, expected in enumerate((halfway, mixed)):
        picture = shown(page.locator(".ways canvas").nth(k))
        assert np.abs(picture.astype(int) - expected[0]).max() <= 1
        (digit,), (logit,) = said(expected)
        text = page.locator(".ways .said").nth(k).inner_text()
        assert re.search(rf"\b{digit} \([\d.]+%\)", text)
        (found,) = re.findall(r"D: (\S+)", text)
        assert number(found) == pytest.approx(logit, abs=0.1)


@pytest.mark.slow
def test_two_clicks_walk_at_once_and_the_film_is_kept(page: Any, tmp_path: Path) -> None:
    page.locator(".tile").nth(6).click()
    assert np.all(shown(page.locator(".ways canvas").first) == 0)  # the last walk is gone
    expect(page.get_by_text("Now click the sample where the walk ends.")).to_be_visible()
    page.locator(".tile").nth(12).click()
    assert pressed(page) == [7, 13]
    expect(page.get_by_role("button", name="Pause")).to_be_visible()  # it plays
    page.get_by_role("button", name="Pause").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Save film (GIF)").click()
    z, images = points(42), drawn(points(42))
    (a, b), _ = said(images[[6, 12]])
    assert downloading.value.suggested_filename == f"walk_{a}_to_{b}_seed42.gif"
    downloading.value.save_as(tmp_path / "walk.gif")
    frames = iio.imread(tmp_path / "walk.gif")[:, ::12, ::12, 0].astype(int)
    assert frames.shape == (32, 28, 56)  # 336 points each, mixed pixels on the right
    way = torch.linspace(0, 1, 17)[:, None]
    expected = drawn(torch.lerp(z[6], z[12], way))
    mixed = torch.lerp(*(torch.from_numpy(images[k]).float() for k in (6, 12)), way[..., None])
    classifier = loading.load("classifier", ROOT / "exports")
    with torch.no_grad():
        shares = classifier(torch.cat([torch.from_numpy(expected), mixed])[:, None] / 255)
    unsure = (shares.softmax(dim=1).amax(dim=1) < 0.8).reshape(2, 17).sum(dim=1)
    sentence = "of 17: {} through z, {} with pixels mixed.".format(*unsure.tolist())
    expect(page.locator(".caption").first).to_contain_text(sentence)
    assert np.abs(frames[:17, :, :28] - expected).max() <= 1
    assert np.abs(frames[:17, :, 28:] - mixed.numpy()).max() <= 1
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Save nine pictures (PNG)").click()
    assert downloading.value.suggested_filename == f"walk_{a}_to_{b}_seed42.png"
    downloading.value.save_as(tmp_path / "walk.png")
    assert iio.imread(tmp_path / "walk.png").shape[:2] == (112, 9 * 112)


@pytest.mark.slow
def test_less_motion(browser: Any, gan_page: str) -> None:
    """Who asks the system for less of it gets a still film."""
    with visit(browser, gan_page, HEIGHT) as page:
        page.emulate_media(reduced_motion="reduce")
        ready(page)
        page.locator(".tile").nth(6).click()
        page.locator(".tile").nth(12).click()
        expect(page.locator(".ways .said").last).not_to_be_empty()
        assert page.get_by_role("button", name="Play").is_visible()


@pytest.mark.slow
def test_other_samples(page: Any) -> None:
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Seed").press("Enter")
    ready(page)
    assert np.array_equal(shown(page.locator(".tile canvas").nth(3)), drawn(points(7))[3])
    page.get_by_role("button", name="New samples").click()
    expect(page.get_by_label("Seed")).not_to_have_value("7")
    ready(page)


@pytest.mark.slow
def test_more_of_a_class(page: Any) -> None:
    page.get_by_label("Only of class").select_option("7")
    expect(page.locator('.tile[aria-label*=": 7 ("]')).to_have_count(25)
    page.get_by_label("Only of class").select_option("any")
    ready(page)
    assert np.array_equal(shown(page.locator(".tile canvas").first), drawn(points(42))[0])


@pytest.mark.rows(1)
@pytest.mark.parametrize("seed", [42, 5])
def test_from_class_to_class(page: Any, seed: int) -> None:
    """The class changes in the middle of the film, and it is said where."""
    page.get_by_label("Seed").fill(str(seed))
    page.get_by_label("Seed").press("Enter")
    ready(page)
    page.get_by_role("button", name="Walk", exact=True).click()
    sentence = page.locator(".caption", has_text="the classifier sees 3 up to picture")
    expect(sentence).to_be_visible()
    assert "then 8" in sentence.inner_text()
    ends = page.locator(".tile[aria-pressed=true]").evaluate_all("all => all.map(e => e.ariaLabel)")
    assert sorted(re.findall(r": (\d) \(", " ".join(ends))) == ["3", "8"]
    labels = page.locator(".studio .chart").get_attribute("aria-label")
    line = labels.split("; ")[0].rpartition(": ")[2].split()
    assert line[:4] == ["3"] * 4
    assert line[-4:] == ["8"] * 4
    page.get_by_label("to class").select_option("3")
    page.get_by_role("button", name="Walk", exact=True).click()
    expect(page.get_by_text("Choose two different classes.")).to_be_visible()
    assert page.locator(".tile:enabled").count() == 25  # the rest is untouched


@pytest.mark.slow
def test_dragging_in_the_plane(page: Any) -> None:
    """At A it shows A; wherever it is let go, the point's own picture."""
    plane = page.locator(".plane")
    page.wait_for_load_state("networkidle")
    box = plane.bounding_box()

    def at(x: float, y: float) -> tuple[float, float]:
        place = [(value + 0.25) / 1.5 for value in (x, y)]
        return box["x"] + place[0] * box["width"], box["y"] + (1 - place[1]) * box["height"]

    page.mouse.move(*at(0.5, 0.5))
    page.mouse.down()
    for step in range(10):
        page.mouse.move(*at(0.05 * step, 0.5 - 0.05 * step))
    page.mouse.move(*at(0, 0))
    page.mouse.up()
    expect(page.locator(".point .caption")).to_contain_text("A + 0.00 (B \u2212 A) + 0.00 (C")
    a = drawn(points(42))[pressed(page)[0] - 1].astype(int)
    assert np.abs(shown(page.locator(".seen")).astype(int) - a).mean() < 3  # within a pixel of A
    plane.press("ArrowRight")
    plane.press("ArrowUp")
    expect(page.locator(".point .caption")).to_contain_text("A + 0.05 (B \u2212 A) + 0.05 (C")


PLAY = """() => {  // at once, whatever the clock says: what the player has put off is done 40 times
  const later = window.setTimeout, slider = document.querySelector('.player input');
  let advance = null;
  window.setTimeout = (what, when) => {
    advance ??= what;
    return what === advance ? 1 : later(what, when);
  };
  [...document.querySelectorAll('.player button')].find(b => b.textContent === 'Play').click();
  const seen = Array.from({length: 40}, () => { advance(); return Number(slider.value); });
  window.setTimeout = later;
  return seen;
}"""


@pytest.mark.slow
def test_a_walk_is_played_there_and_back(page: Any) -> None:
    """Over both ends, each of which is shown once."""
    page.get_by_label("Place on the walk from A to B").press("Home")
    there, back = list(range(17)), list(range(15, 0, -1))
    assert page.evaluate(PLAY) == [*there[1:], *back, *there][:40]


NOTED = """
  globalThis.noted = [];
  const draw = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
    if (!this.canvas.isConnected) noted.push(text);  // as the plane's ground
    return draw.call(this, text, ...more);
  };
"""
REGIONS = 14  # in a row and in a column of the plane


@pytest.mark.slow
def test_every_class_of_the_plane_is_named(browser: Any, gan_page: str) -> None:
    """As the server has answered: with each row all that are known are drawn anew."""
    rows: list[list[int]] = []

    def note(route: Any) -> None:
        reply = route.fetch()
        answer = reply.json()
        if '"name"' in route.request.post_data and len(answer) == REGIONS:
            answer[0] = 0  # for there may be none
            rows.append(answer)
        route.fulfill(response=reply, json=answer)

    with visit(browser, gan_page, HEIGHT) as page:
        ready(page)
        page.wait_for_load_state("networkidle")
        page.route("**/component_server/", note)
        page.add_init_script(NOTED)
        page.reload()
        wanted, drawn = [""], []
        for _ in range(PATIENCE // 100):
            wanted = [str(digit) for row in rows[-REGIONS:] for digit in row]
            drawn = page.evaluate(f"noted.slice(-{REGIONS**2})")
            if len(rows) >= REGIONS and drawn == wanted:
                break
            page.wait_for_timeout(100)
        assert drawn == wanted
        page.unroute_all(behavior="ignoreErrors")


def test_keyboard_alone(page: Any) -> None:
    """The main action within ten Tabs; arrows lead through the grid; the focus can be seen."""
    page.locator("body").click(position={"x": 5, "y": 5})
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "New samples":
            break
    else:
        pytest.fail("New samples is not within ten Tabs")
    page.locator(".tile").first.focus()
    for key in ("ArrowRight", "ArrowDown", "Enter", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    expect(page.locator(".tile").nth(5)).to_be_focused()
    assert pressed(page) == [6, 7]
    outline = page.locator(".tile").nth(5).evaluate("e => getComputedStyle(e).outlineWidth")
    assert outline == "3px"
    expect(page.locator(".ways .said").last).not_to_be_empty()
    page.get_by_role("button", name="Pause").press("Enter")
    slider = page.get_by_label("Place on the walk from A to B")
    slider.press("Home")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext").startswith("picture 2: ")
    for key, tab in (("End", "Your own digit"), ("Home", "Samples and walks")):
        page.get_by_role("tab", selected=True).press(key)
        expect(page.get_by_role("tab", name=tab)).to_be_focused()


@pytest.mark.slow
def test_the_address_has_it_all(page: Any, browser: Any, gan_page: str) -> None:
    """Reload, a mailed link and Back show the same."""
    page.get_by_label("Seed").fill("9")
    page.get_by_label("Seed").press("Enter")
    ready(page)
    page.locator(".tile").nth(2).click()
    page.locator(".tile").nth(20).click()
    ready(page)
    page.get_by_role("button", name="Pause").click()
    slider = page.get_by_label("Place on the walk from A to B")
    slider.press("Home")
    slider.press("ArrowRight")
    page.wait_for_function("location.hash.includes('picture=2')")
    before = shown(page.locator(".ways canvas").first)
    assert {"seed=9", "a=3", "b=21"} <= set(page.url.partition("#")[2].split("&"))
    with visit(browser, page.url) as other:
        ready(other)
        assert pressed(other) == [3, 21]
        assert np.array_equal(shown(other.locator(".ways canvas").first), before)
    page.go_back()
    page.wait_for_function("!location.hash.includes('b=21')")
    ready(page)
    assert page.get_by_label("Seed").input_value() == "9"
    assert pressed(page) != [3, 21]


@pytest.mark.slow
@pytest.mark.parametrize("value", ["1.5", "-1", "1000000", ""])
def test_a_seed_that_is_none(page: Any, value: str) -> None:
    """It is said beside the field, and the rest stays."""
    before = page.locator(".ways .said").first.inner_text()
    walk = page.get_by_role("button", name="Walk", exact=True)
    page.get_by_label("Seed").focus()  # which may scroll to it
    place = walk.bounding_box()
    page.get_by_label("Seed").fill(value)
    page.get_by_label("Seed").press("Tab")
    message = page.locator(".beside", has=page.get_by_label("Seed")).get_by_role("alert")
    expect(message).to_have_text("The seed is a whole number from 0 to 999,999.")
    assert walk.bounding_box() == place
    assert page.get_by_label("Seed").get_attribute("aria-invalid") == "true"
    assert page.locator(".ways .said").first.inner_text() == before
    page.get_by_label("Seed").fill("42")
    page.get_by_label("Seed").press("Tab")
    expect(message).to_be_empty()


@pytest.mark.slow
def test_a_server_that_is_gone(page: Any) -> None:
    page.route("**/component_server**", lambda route: route.abort())
    page.get_by_role("button", name="New samples").click()
    expect(page.get_by_text("The demo's server does not answer.").first).to_be_visible()
    page.unroute("**/component_server**")
    page.get_by_role("button", name="New samples").click()
    ready(page)


def test_the_training(page: Any) -> None:
    """At each step what film.npz says, and below it the failures at one step."""
    with np.load(ROOT / "exports" / "film.npz") as film:
        steps, auc = film["steps"].tolist(), film["auc"].tolist()
        spreads = [film[name][6].std(dtype=float) for name in ("drawn_logits", "real_logits")]
    page.get_by_role("tab", name="A GAN's training").click()
    slider = page.get_by_label("Step of the training")
    expect(slider).to_have_value("0")  # it begins at the beginning
    for frame in (0, 5, 15, 6):
        slider.fill(str(frame))
        text = f"step {steps[frame]:,}, AUC {auc[frame]:.2f}"
        expect(slider).to_have_attribute("aria-valuetext", text)
        assert f"{auc[frame]:.2f}" in page.locator(".film .figures").inner_text()
    said = "generated images spread by {:.3f}, those of real ones by {:.3f}".format(*spreads)
    expect(page.locator(".film .sentence")).to_contain_text(said)
    assert "hinge loss of D" in page.locator(".film .figures").inner_text()
    beds = page.locator(".ward article")
    assert all("log loss of D" in bed.inner_text() for bed in beds.all())
    assert beds.locator("h3").all_inner_texts() == [
        "Healthy", "Collapse", "Saturation", "The discriminator wins",
    ]  # fmt: skip
    four = page.get_by_label("Step of the four trainings")
    expect(four).to_have_value("7")  # where one sees that they failed
    for frame, different in (("0", 1), ("7", 4)):  # from the same weights
        four.fill(frame)
        sheets = [bed.evaluate("e => e.toDataURL()") for bed in beds.locator(".sheet").all()]
        assert len(set(sheets)) == different


@pytest.mark.slow
def test_spot_the_fake(page: Any, browser: Any, gan_page: str) -> None:
    """Everyone with the link gets the same twelve; the scores are those of what is shown after."""
    page.goto(f"{gan_page}#tab=fake&game=77")
    page.reload()
    cards = page.locator(".card")
    expect(cards).to_have_count(12)
    expect(page.get_by_role("button", name="Show the answer")).to_be_disabled()
    for k in range(7):  # the seventh is one too many
        cards.nth(k).click()
    chosen = cards.evaluate_all("all => all.map(e => e.ariaPressed === 'true')")
    assert chosen == [True] * 6 + [False] * 6
    dealt = cards.locator("canvas").evaluate_all("all => all.map(e => e.toDataURL())")
    page.get_by_role("button", name="Show the answer").click()
    labels = cards.evaluate_all("all => all.map(e => e.ariaLabel)")
    is_drawn = ["was generated" in label for label in labels]
    logits = [number(re.findall(r"logit is ([^\s;]+)", label)[0]) for label in labels]
    assert sum(is_drawn) == 6
    you = sum(a == b for a, b in zip(chosen, is_drawn, strict=True))
    lowest = sorted(logits)[5]
    it = sum((logit <= lowest) == truth for logit, truth in zip(logits, is_drawn, strict=True))
    scores = page.locator(".scores tbody tr")
    assert scores.nth(0).inner_text().split()[:2] == ["you", str(you)]
    assert scores.nth(1).inner_text().split()[2] == str(it)
    class_ = page.locator(".join")
    expect(class_).to_contain_text("Answers to this round: 1")
    assert scores.nth(2).inner_text().split()[:3] == ["the", "class", f"{you}.0"]
    assert class_.get_by_role("link").get_attribute("href") == f"{gan_page}#tab=fake&game=77"
    lowest_six = page.locator(".card", has=page.locator(".badge"))
    assert lowest_six.evaluate_all("all => all.length") == 6
    assert all(
        "takes it for generated" in card.get_attribute("aria-label") for card in lowest_six.all()
    )
    with visit(browser, page.url) as other:
        expect(other.locator(".card")).to_have_count(12)
        there = other.locator(".card canvas").evaluate_all("all => all.map(e => e.toDataURL())")
        assert there == dealt
    page.get_by_role("button", name="Next round").click()
    page.wait_for_function("location.hash.includes('round=2')")
    page.reload()
    expect(page.get_by_role("heading", name="Round 2 of 3")).to_be_visible()
    assert scores.nth(0).inner_text().split()[:2] == ["you", str(you)]


@pytest.mark.slow
def test_uploads(page: Any, tmp_path: Path) -> None:
    """A text, a digit, and a file that is too large."""
    page.get_by_role("tab", name="Your own digit").click()
    chooser = page.get_by_label("A picture with one digit")
    (tmp_path / "text.png").write_text("This is a text.", encoding="utf-8")
    chooser.set_input_files(tmp_path / "text.png")
    expect(page.get_by_text("The file is not a picture")).to_be_visible()
    one = np.zeros((28, 28), dtype=np.uint8)
    one[4:24, 13:15] = 255
    iio.imwrite(tmp_path / "one.png", one)
    chooser.set_input_files(tmp_path / "one.png")
    expect(page.get_by_text("The classifier says 1 and is")).to_be_visible()
    expect(page.get_by_text("uploaded: one.png")).to_be_visible()
    assert page.get_by_text("The file is not a picture").count() == 0
    (tmp_path / "large.png").write_bytes(bytes(6_000_000))
    chooser.set_input_files(tmp_path / "large.png")
    expect(page.get_by_text("The file has 6.0 MB; at most 5 MB are accepted.")).to_be_visible()


@pytest.mark.slow
def test_on_a_phone(browser: Any, gan_page: str) -> None:
    """The film stands directly under the grid, whose tiles a finger can hit."""
    with visit(browser, gan_page, 844, width=PHONE) as page:
        ready(page)
        assert page.locator(".tile").first.bounding_box()["width"] >= 44
        tiles, film, plane = (
            page.locator(name).first.bounding_box() for name in (".tiles", ".ways", ".plane")
        )
        assert 0 < film["y"] - (tiles["y"] + tiles["height"]) < 200
        assert plane["y"] > film["y"]


@pytest.mark.slow
def test_a_projector_enlarges_the_pictures(browser: Any, gan_page: str) -> None:
    with visit(browser, gan_page, 768, width=1024) as page:
        seen = [ready(page).locator(name).first for name in (".tile", ".ways canvas", ".plane")]
        small = [picture.bounding_box()["width"] for picture in seen]
        page.get_by_role("button", name="Projector").click()
        for picture, before in zip(seen, small, strict=True):
            assert picture.bounding_box()["width"] > 1.3 * before
