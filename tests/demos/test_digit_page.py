"""The gate microscope in Chromium: type, scrub, follow, edit and draw as a student does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gradio_client import Client
from PIL import Image

from toolkit.export import loading

from .chromium import PHONE, expect, visit
from .conftest import Served
from .strokes import HANDS

pytestmark = pytest.mark.xdist_group("digit_demo")

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def window(browser: Any, digit_page: str) -> Iterator[Any]:
    with visit(browser, digit_page, height=800) as page:
        yield page


@pytest.fixture
def page(window: Any) -> Any:
    """The first tab of the page that all tests share, with what they left in its fields."""
    window.get_by_role("tab", name="Palindromes").click()
    window.locator(".microscope details").evaluate_all(
        "all => all.forEach(e => { e.open = true; })"
    )
    return window


def read(page: Any, digits: str) -> None:
    """Type digits and wait for all that is shown of them."""
    page.get_by_label("Digits to read").fill(digits)
    expect(page.locator(".panel .sentence")).to_contain_text(f"After step {len(digits)},")
    expect(page.locator(".stale")).to_have_count(0)


def traced(name: str, digits: str) -> dict[str, torch.Tensor]:
    """i, f, o, g, c, h of an LSTM's export, (length, 128)."""
    with torch.no_grad():
        gates = loading.load(name).trace(torch.tensor([[int(d) for d in digits]]))
    return dict(zip("ifogch", (values[0] for values in gates), strict=True))


def shown(text: str) -> float:
    """A number as the page writes it."""
    return float(text.replace(MINUS, "-").replace(",", ""))


def inside_view(page: Any, locator: Any) -> bool:
    """Whether the whole of an element is on the screen without scrolling."""
    box = locator.bounding_box()
    return box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"]


@pytest.mark.slow
def test_what_all_networks_say_after_each_step(page: Any) -> None:
    digits = "81255218"
    read(page, digits)
    names = ("lstm", "rnn", "lstm_plain", "rnn_plain")
    titles = dict(zip(names, page.locator(".strips .name b").all_inner_texts()[1:], strict=True))
    slider = page.get_by_label("Step", exact=True)
    slider.focus()
    for step in (len(digits), len(digits) - 1, len(digits) - 2):
        sentence = page.locator(".panel .sentence")
        expect(sentence).to_contain_text(f"After step {step}, digit {digits[step - 1]} (the first")
        for name, title in titles.items():
            with torch.no_grad():
                given = torch.tensor([[int(d) for d in digits[:step]]])
                answer = int(loading.load(name)(given).argmax())
            says = f"would say {answer}" + ", the first digit" * (answer == int(digits[0]))
            expect(sentence).to_contain_text(f"{title} {says}")
        slider.press("ArrowLeft")


def test_whether_there_is_a_right_answer(page: Any) -> None:
    read(page, "8, 1 2\n1".replace("\n", " ").replace(",", "").replace(" ", ""))
    expect(page.locator(".results .verdict")).to_contain_text(
        "the right answer is the first digit, 8."
    )
    assert page.locator(".end.good, .end.bad").count() == 4
    read(page, "8123")
    verdict = page.locator(".results .verdict")
    expect(verdict).to_contain_text("digit 2 is 1, and its mirror, digit 4, is 3")
    assert page.locator(".end.good, .end.bad").count() == 0  # none of them is right or wrong
    read(page, "8")
    expect(verdict).to_contain_text("This digit begins a palindrome of T = 2")


@pytest.mark.slow
def test_a_wire_is_cut_and_the_error_comes_back(page: Any, digit_demo: Served) -> None:
    """The drawing, the shares beside it and the gradients, as the server's endpoints have them."""
    read(page, "3141592653562951413")
    ask = Client(digit_demo.url, verbose=False).predict
    page.locator(".of-lstm .place", has_text="f = 0").locator(".mark").click()
    page.get_by_label("cut from step").fill("5")
    cut = ask("3141592653562951413", "f0", 5, api_name="/cut")["networks"]
    for k, name in enumerate(("lstm", "rnn", "lstm_plain", "rnn_plain")):
        last = str(cut[name]["answers"][-1])
        expect(page.locator(".strips .end b").nth(k)).to_contain_text(last)
    said = page.locator(".of-lstm .answer-digit")
    expect(said).to_contain_text(str(cut["lstm"]["answers"][-1]))
    mean = page.locator(".of-lstm .value.end").nth(1)  # of i
    expect(mean).to_have_text(f"{cut['lstm']['sizes']['i'][-1]:.2f}")
    lines = page.locator(".count")
    expect(lines.nth(0)).to_contain_text("LSTM, curriculum, T = 20, f = 0 from step 5 on:")
    expect(lines.nth(1)).to_contain_text("LSTM, curriculum, T = 20, nothing cut:")
    expect(page.locator(".follows .why")).to_contain_text("With f = 0", timeout=60_000)
    for line, wires in zip(lines.all(), ("f0", ""), strict=True):
        expected = 100 * ask("lstm", 20, wires, 5, api_name="/accuracy")
        (share,) = re.findall(r"([\d.]+)%", line.locator("b").inner_text())
        assert float(share) == pytest.approx(expected, abs=0.5)
    page.get_by_role("button", name="← Send the error back").click()
    norms = ask("3141592653562951413", "f0", 5, api_name="/gradient")["lstm"]
    word = "vanishing" if norms[0] < 1e-3 * norms[-1] else "at step 1"
    expect(page.locator(".word").first).to_contain_text(word, timeout=60_000)
    expect(page.locator(".of-lstm .sent").first).to_have_text("← ∂loss/∂c(t)")
    expect(page.locator(".now-step")).to_contain_text("step 1 of 19")
    page.get_by_role("button", name="← Send the error back").click()
    page.get_by_role("button", name="Mend all wires").click()
    expect(page.locator(".without:visible")).to_have_count(0)


@pytest.mark.slow
def test_examples(page: Any) -> None:
    for length in ("9", "20", "36", "1,000"):
        page.get_by_role("button", name=f"T = {length}", exact=True).click()
        expect(page.locator(".results .verdict")).to_contain_text(f"palindrome of T = {length}:")
    expect(page.locator(".bars")).to_contain_text("up to 60 digits")
    page.get_by_role("button", name="T = 9", exact=True).click()
    expect(page.locator(".results .verdict")).to_contain_text("T = 9:")
    page.get_by_role("button", name="zeros after the first").click()
    expect(page.get_by_label("Digits to read")).to_have_value(re.compile(r"^[1-9]0{7}$"))
    page.get_by_role("button", name="change one digit").click()
    expect(page.locator(".results .verdict")).to_contain_text("Digit 5 was 0 and is 1 now.")
    expect(page.locator(".panel .sentence")).to_contain_text("After step 5, digit 1")


@pytest.mark.slow
def test_a_map_under_the_pointer(page: Any) -> None:
    """The step and the value are those below the pointer; a click follows the cell."""
    digits = "314159265"
    read(page, digits)
    gates = traced("lstm", digits)
    frame = page.locator(".maps figure", has_text="f, forget gate").locator(".heat")
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    where = {"x": 3.5 / 9 * box["width"], "y": 2.5 / 12 * box["height"]}
    frame.hover(position=where)
    expect(page.locator(".panel .sentence")).to_contain_text("After step 4,")
    value = page.locator(".maps figure", has_text="f, forget gate").locator("output")
    expect(value).to_have_text(re.compile(r"unit \d+: [\d.]+"))
    cell, number = re.fullmatch(r"unit (\d+): ([\d.]+)", value.inner_text()).groups()
    assert shown(number) == pytest.approx(float(gates["f"][3, int(cell)]), abs=1e-3)
    frame.click(position=where)
    expect(page.locator(".equations")).to_contain_text(f"Unit {cell} at step 4")
    assert page.locator(".cells .chosen th").inner_text() == cell
    # The graph below the map has no rows: there the caption is about the followed unit.
    graph = page.locator(".maps figure", has_text="f, forget gate").locator(".line")
    graph.hover(position={"x": 5.5 / 9 * box["width"], "y": 2})
    expect(page.locator(".panel .sentence")).to_contain_text("After step 6,")
    number = value.inner_text().removeprefix(f"unit {cell}: ")
    assert shown(number) == pytest.approx(float(gates["f"][5, int(cell)]), abs=1e-3)


def test_the_equations_of_the_followed_cell(page: Any) -> None:
    """What they say is nn.LSTM's, and adds up as it is written."""
    digits = "27182818"
    read(page, digits)
    page.get_by_label("Step", exact=True).press("ArrowLeft")
    expect(page.locator(".equations")).to_contain_text("at step 7")
    cell = int(re.findall(r"Unit (\d+)", page.locator(".equations").inner_text())[0])
    lines = page.locator(".equations dd").all_inner_texts()
    gates = {name: values[:, cell] for name, values in traced("lstm", digits).items()}
    numbers = [[shown(x) for x in re.findall(rf"{MINUS}?\d+\.\d+", line)] for line in lines]
    (g, i), (f, o), _, (_, _, before, _), (added, kept, c), (_, _, h) = numbers
    for name, value in {"g": g, "i": i, "f": f, "o": o, "c": c, "h": h}.items():
        assert value == pytest.approx(float(gates[name][6]), abs=1e-3), name
    assert before == pytest.approx(float(gates["c"][5]), abs=1e-3)
    assert added + kept == pytest.approx(c, abs=0.002)


def test_arrow_keys_in_a_map(page: Any) -> None:
    read(page, "31415")
    frame = page.get_by_role("slider", name="c, cell state (5)")
    frame.focus()
    frame.press("Home")
    expect(page.locator(".panel .sentence")).to_contain_text("After step 1,")
    frame.press("ArrowRight")
    expect(page.locator(".panel .sentence")).to_contain_text("After step 2,")
    rows = page.locator(".cells th[scope=row]").all_inner_texts()
    frame.press("ArrowDown")
    expect(page.locator(".equations")).to_contain_text(f"Unit {rows[1]} at step 2")
    assert frame.get_attribute("aria-valuetext").startswith(f"step 2, unit {rows[1]}: ")


@pytest.mark.slow
def test_all_cells_and_another_network(page: Any) -> None:
    read(page, "31415")
    rows = "document.querySelector('.matrix').height"
    all_cells = page.get_by_label("all units")
    page.get_by_label("Network").press("Tab")
    expect(all_cells).to_be_focused()
    assert all_cells.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    all_cells.check()
    page.wait_for_function(f"{rows} === 128")
    page.get_by_label("Network").select_option("rnn_plain")
    expect(page.locator(".maps figure")).to_have_count(1)
    page.get_by_label("all units").uncheck()
    page.wait_for_function(f"{rows} === 12")
    page.get_by_label("Network").select_option("lstm")
    expect(page.locator(".maps figure")).to_have_count(6)


@pytest.mark.slow
def test_what_it_cannot_read_is_said_beside_the_field(page: Any) -> None:
    """And what was read before is greyed out, until it reads again."""
    read(page, "314")
    field = page.get_by_label("Digits to read")
    message = page.locator("#part-gates .message")
    for wrong, sentence in {
        "31x": "Only the digits 0 to 9",
        "": "Type a digit or more",
        "1" * 5001: "At most 5,000 digits, please; these are 5,001",
    }.items():
        field.fill(wrong)
        expect(message).to_contain_text(sentence)
        expect(page.locator(".stale")).to_have_count(1)
        assert field.get_attribute("aria-invalid") == "true"
    read(page, "41")
    expect(message).to_have_text("")
    assert field.get_attribute("aria-invalid") == "false"


LISTEN = """() => {
  globalThis.told = [];
  const panel = document.querySelector('.panel');
  const note = () => told.push(panel.querySelector('.sentence').textContent);
  new MutationObserver(note).observe(panel, {childList: true, characterData: true, subtree: true});
}"""


def test_late_answers_are_not_shown(page: Any) -> None:
    """The server answers the first question when the page has a newer one."""
    held: list[Any] = []

    def hold_the_first(route: Any) -> None:
        if not held and '"77777"' in route.request.post_data:
            held.append(route)
        else:
            route.continue_()

    page.route("**/component_server/", hold_the_first)
    page.evaluate(LISTEN)
    field = page.get_by_label("Digits to read")
    field.fill("77777")
    while not held:
        page.wait_for_timeout(10)
    field.fill("88")
    held[0].continue_()
    expect(page.locator(".panel .sentence")).to_contain_text("After step 2, digit 8")
    assert not [sentence for sentence in page.evaluate("told") if "After step 5" in sentence]
    page.unroute("**/component_server/")


def test_the_address_says_what_is_shown(browser: Any, digit_page: str) -> None:
    with visit(browser, digit_page) as page:
        expect(page.locator(".end.bad")).to_have_count(1)
        page.get_by_role("button", name="T = 9", exact=True).click()
        expect(page.locator(".results .verdict")).to_contain_text("T = 9:")
        digits = page.get_by_label("Digits to read").input_value()
        page.get_by_role("button", name="plain", exact=True).click()
        slider = page.get_by_label("Step", exact=True)
        slider.press("ArrowLeft")
        expect(page.locator(".panel .sentence")).to_contain_text("After step 7,")
        page.wait_for_function("location.hash.includes('step=7')")
        page.reload()
        expect(page.get_by_label("Digits to read")).to_have_value(digits)
        expect(page.locator(".panel .sentence")).to_contain_text("After step 7,")
        expect(page.locator(".of-lstm figcaption")).to_have_text("LSTM, plain")
        page.go_back()
        expect(page.locator(".results .verdict")).to_contain_text("palindrome of T = 36:")


@pytest.mark.slow
@pytest.mark.parametrize("width", [PHONE, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(browser: Any, digit_page: str, width: int, scheme: str) -> None:
    """The LSTM's cell stands on the first screen, and its table fits."""
    with visit(browser, digit_page, width=width, height=844, scheme=scheme) as page:
        expect(page.locator(".end.bad")).to_have_count(1)
        assert inside_view(page, page.locator(".of-lstm .machine"))
        page.get_by_text("Every unit at every step", exact=True).click()
        expect(page.locator(".maps figure")).to_have_count(6)
        table = page.locator(".panel .scroll")
        assert table.evaluate("e => e.scrollWidth <= e.clientWidth") or width < PHONE


def open_pad(page: Any) -> None:
    """The second tab with an empty pad."""
    page.get_by_role("tab", name="Draw a digit").click()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".row.best")).to_have_count(0)


def draw(page: Any, *strokes: list[tuple[float, float]]) -> None:
    """Strokes through points, given as shares of the pad's width and height."""
    canvas = page.locator(".pad")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    for stroke in strokes:
        (first, *rest) = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke
        ]
        page.mouse.move(*first)
        page.mouse.down()
        for point in rest:
            page.mouse.move(*point, steps=2)
        page.mouse.up()


PIXELS = """([selector]) => { const c = document.querySelector(selector);
    return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]; }"""


def given_image(page: Any) -> np.ndarray:
    """The image that the networks get, as the page shows it: (28, 28), 0 to 1."""
    pixels = np.array(page.evaluate(PIXELS, [".given"]), dtype=np.float32)
    return pixels.reshape(28, 28, 4)[..., 0] / 255


def test_draw_with_the_mouse(page: Any) -> None:
    open_pad(page)
    draw(page, [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)])
    expect(page.locator(".row.best b")).to_have_text("7")
    expect(page.locator("#part-draw .sentence")).to_contain_text("The classifier says 7")
    digits = page.locator(".bars .row b").all_inner_texts()
    assert digits == list("0123456789")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".row.best")).to_have_count(0)
    draw(page, [(0.5, 0.15), (0.5, 0.85)])
    expect(page.locator(".row.best b")).to_have_text("1")


def test_the_feature_maps_are_the_classifiers(page: Any) -> None:
    """Through torch: the brightest of the first 16 maps, of the image that the page shows."""
    open_pad(page)
    draw(page, [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)])
    expect(page.locator(".row.best b")).to_have_text("7")
    given = given_image(page)
    mosaic = np.array(page.evaluate(PIXELS, [".mosaic"])).reshape(57, 231, 4)[..., 0]
    state = loading.load("classifier").layers
    with torch.no_grad():
        layers = list(state.children())
        first = torch.from_numpy(given).float()[None, None]
        for layer in layers[:3]:
            first = layer(first)
    strength = first[0].mean(dim=(1, 2)).numpy()
    darkness = [
        255 - mosaic[r * 29 : r * 29 + 28, c * 29 : c * 29 + 28].mean()
        for r in range(2)
        for c in range(8)
    ]
    assert np.corrcoef(strength, darkness)[0, 1] > 0.8


@pytest.mark.slow
def test_draw_with_the_keyboard(page: Any) -> None:
    """Space puts the pen down; the arrow keys draw a 1."""
    open_pad(page)
    pad = page.locator(".pad")
    pad.focus()
    pad.press("Space")
    for _ in range(14):
        pad.press("ArrowDown")
    pad.press("Space")
    expect(page.locator(".row.best b")).to_have_text("1")


@pytest.mark.slow
def test_two_digits_are_said_to_be_two(page: Any) -> None:
    open_pad(page)
    message = page.locator("#part-draw .message")
    draw(page, [(0.3, 0.2), (0.3, 0.8)], [(0.6, 0.25), (0.8, 0.25), (0.65, 0.8)])
    expect(message).to_contain_text("These seem to be two digits")
    expect(page.locator(".row.best")).to_have_count(0)
    page.get_by_role("button", name="Clear").click()
    expect(message).to_have_text("")
    draw(page, [(0.6, 0.2), (0.3, 0.6), (0.7, 0.6)], [(0.6, 0.45), (0.6, 0.85)])  # a 4
    expect(page.locator(".row.best b")).to_have_text("4")
    page.get_by_role("button", name="Clear").click()
    draw(page, [(0.5, 0.5), (0.5, 0.5)])
    expect(message).to_contain_text("only a dot")


@pytest.mark.slow
def test_tiny_drawings(page: Any) -> None:
    """Of 8% to 14% of the pad, anywhere on it: what the classifier gets of them, it can read."""
    rng, classifier = np.random.default_rng(0), loading.load("classifier")
    right = []
    for hand in HANDS:
        for digit, strokes in enumerate(hand):
            open_pad(page) if not right else page.get_by_role("button", name="Clear").click()
            expect(page.locator(".row.best")).to_have_count(0)
            size, (left, top) = rng.uniform(0.08, 0.14), rng.uniform(0.05, 0.8, 2)
            draw(page, *[[(left + size * x, top + size * y) for x, y in s] for s in strokes])
            page.evaluate("() => new Promise(requestAnimationFrame)")  # in which it is drawn again
            with torch.no_grad():
                right.append(
                    int(classifier(torch.from_numpy(given_image(page))[None, None]).argmax())
                    == digit
                )
    assert sum(right) >= 18, right


@pytest.mark.slow
def test_a_picture_that_is_none(page: Any, tmp_path: Path) -> None:
    open_pad(page)
    message = page.locator("#part-draw .message")
    (tmp_path / "seven.png").write_text("I am a seven", encoding="utf-8")
    (tmp_path / "large.png").write_bytes(bytes(5_100_000))
    photo = np.full((6000, 8000), 255, dtype=np.uint8)  # 48 megapixels, as a phone takes them
    photo[1000:5000, 3800:4200] = 0
    Image.fromarray(photo).save(tmp_path / "photo.png")
    for name, sentence in {"seven": "not a picture", "large": "5.1 MB; at most 5 MB"}.items():
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a picture").click()
        chooser.value.set_files(tmp_path / f"{name}.png")
        expect(message).to_contain_text(sentence)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(tmp_path / "photo.png")
    expect(page.locator(".row.best b")).to_have_text("1")
    expect(message).to_have_text("")
