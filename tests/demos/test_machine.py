"""The drawn cells of the page in one file: what they show, how they are cut. Whose each key is."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from toolkit.common.device import make_rng
from toolkit.export import loading
from toolkit.gan.data import MNIST
from toolkit.gan.latent import sample_latents
from toolkit.gan.measure.copies import nearest_images

from .chromium import expect, visit
from .conftest import ROOT
from .reference import states
from .test_cuts import ask, share

pytestmark = pytest.mark.xdist_group("machine")


@pytest.fixture(scope="module")
def window(browser: Any, page: Path) -> Iterator[Any]:
    with visit(browser, page.as_uri(), height=800) as opened:
        yield opened


@pytest.mark.rows(1)
@pytest.mark.parametrize(("width", "height", "large"), [(1280, 800, ""), (1024, 768, "#large=1")])
def test_the_first_screen(browser: Any, page: Path, width: int, height: int, large: str) -> None:
    """Task, cell, answer and legend; what is below is closed."""
    with visit(browser, f"{page.as_uri()}{large}", width=width, height=height) as opened:
        expect(opened.locator(".of-lstm .answer-digit.good")).to_have_count(1)
        for seen in (".microscope > .question", ".of-lstm .machine", ".of-rnn .machine",
                     ".of-lstm .answer-digit", ".machines > .legend"):  # fmt: skip
            box = opened.locator(seen).bounding_box()
            assert box["y"] + box["height"] <= height, seen
        assert opened.locator(".microscope details[open]").count() == 0


def test_a_wire_is_cut_with_the_mouse_and_mended_with_a_key(window: Any) -> None:
    """The numbers name network, T and step, and are those of 500 palindromes; cuts combine."""
    window.get_by_role("button", name="T = 9", exact=True).click()
    digits = window.get_by_label("Digits to read").input_value()
    wire = window.locator(".of-lstm .place", has_text="f = 0")
    wire.locator(".mark").click()
    expect(wire).to_have_attribute("aria-pressed", "true")
    window.get_by_label("cut from step").fill("3")
    line = window.locator(".count").first
    expect(line).to_contain_text("LSTM, curriculum, T = 9, f = 0 from step 3 on:")
    expect(line).to_contain_text("of 500 other palindromes are right", timeout=60_000)
    (found,) = re.findall(r"([\d.]+)%", line.locator("b").inner_text())
    assert float(found) / 100 == pytest.approx(share("lstm", 9, "f0", 3), abs=0.015)
    i, f = (window.locator(".of-lstm .value.end").nth(k) for k in (1, 0))
    kept = states("lstm", [[int(digit) for digit in digits]], "f0", 3)
    expect(i).to_have_text(f"{kept['i'][-1].mean():.2f}")
    expect(f).to_have_text("0.00")
    other = window.locator(".of-lstm .place", has_text="f = 1")
    other.press("Enter")
    expect(wire).to_have_attribute("aria-pressed", "false")  # a gate stands at one value
    window.locator(".of-lstm .place", has_text="i = 0").press(" ")
    expect(window.locator(".scene")).to_contain_text("i = 0, f = 1 from step 3 on")
    window.locator(".of-rnn .place").press("Enter")
    expect(window.locator(".scene")).to_contain_text("RNN, curriculum, T = 9, h \u219b h")
    window.get_by_role("button", name="Mend all wires").click()
    expect(window.locator(".place[aria-pressed=true]")).to_have_count(0)


@pytest.mark.slow
def test_the_error_comes_back_through_what_is_read_next(window: Any) -> None:
    """Other digits and other networks while the error is shown: both drawings follow."""
    back = window.get_by_role("button", name="Send the error back", exact=False).first
    kinds = window.get_by_role("group", name="How they were trained")
    kinds.get_by_role("button", name="plain").click()
    window.get_by_role("button", name="T = 9", exact=True).click()
    back.click()
    expect(window.locator(".sent").nth(1)).to_contain_text("the last step's")
    window.get_by_role("button", name="T = 1,000", exact=True).click()
    kinds.get_by_role("button", name="curriculum").click()
    for kind, title in (("lstm", "LSTM, curriculum"), ("rnn", "RNN, curriculum")):
        expect(window.locator(f".of-{kind} figcaption")).to_have_text(title)
        expect(window.locator(f".of-{kind} .sent").first).to_contain_text("\u2202loss")
    expect(window.locator(".now-step")).to_contain_text("step 1 of 999")
    back.click()
    for kind in ("lstm", "rnn"):
        expect(window.locator(f".of-{kind} .answer-digit.good")).to_have_count(1)
        expect(window.locator(f".of-{kind} .sent").first).to_have_text("")
    window.get_by_role("button", name="T = 9", exact=True).click()


def test_one_unit(window: Any) -> None:
    """The drawing shows the numbers of a unit, step by step."""
    digits = window.get_by_label("Digits to read").input_value()
    units = window.locator(".knobs-of-bench select").first
    unit = units.locator("option").nth(3).get_attribute("value")
    units.select_option(unit)
    kept = states("lstm", [[int(digit) for digit in digits]])
    for key, step in (("End", len(digits)), ("Home", 1)):
        window.get_by_label("Step", exact=True).press(key)
        expect(window.locator(".of-lstm .value.end").first).to_have_text(
            f"{kept['f'][step - 1, 0, int(unit)]:.2f}"
        )
    units.select_option("mean")
    window.get_by_label("Step", exact=True).press("End")


@pytest.mark.slow
def test_a_figure_keeps_the_drawing(window: Any, tmp_path: Path) -> None:
    for name, button in (("gates.svg", "Save figure (SVG)"), ("gates.gif", "Record 3 seconds")):
        with window.expect_download() as download:
            window.get_by_role("button", name=button).locator("visible=true").click()
        download.value.save_as(tmp_path / name)
    svg = ElementTree.parse(tmp_path / "gates.svg")
    assert "forget gate (3)" in " ".join(svg.getroot().itertext())
    assert len(svg.findall(".//{*}circle")) >= 5
    with Image.open(tmp_path / "gates.gif") as film:
        colours = film.convert("RGB").getcolors(10_000)
    assert len(colours or []) > 10


def test_from_the_cell_to_one_that_is_born_so(window: Any) -> None:
    window.get_by_role("button", name="Train an LSTM with f = 0").click()
    expect(window.get_by_label("Forget gate (3)")).to_have_value("zero")
    expect(window.get_by_role("button", name="Pause")).to_be_visible()
    window.get_by_role("button", name="Pause").click()
    window.get_by_role("tab", name="Gate microscope").click()


# Of each tab something that it keeps in the address.
DEEDS: dict[str, Callable[[Any], None]] = {
    "gates": lambda page: page.locator(".of-lstm .place").first.press("Enter"),
    "learn": lambda page: page.get_by_label("T", exact=True).select_option("7"),
    "latent": lambda page: page.get_by_role("button", name="Walk", exact=True).click(),
    "draw": lambda page: page.get_by_role("button", name="Clear").click(),
    "ring": lambda page: page.locator("#part-ring input").fill("2"),
    "film": lambda page: page.get_by_label("Step of the training").fill("3"),
    "fake": lambda page: page.get_by_role("button", name="Another twelve").click(),
}


@pytest.mark.slow
def test_no_mark_of_the_source_is_left_in_a_text(window: Any) -> None:
    """Back-quotes and braces become elements, on every tab."""
    for name in DEEDS:
        window.locator(f"#tab-{name}").click()
        expect(window.locator(f"#part-{name} .saves")).to_have_count(1)
    expect(window.locator("#part-film .ward")).to_have_count(1)
    seen = window.evaluate(
        "[...document.querySelectorAll('main, footer')].map(e => e.textContent).join(' ')"
    )
    assert re.findall(r".{20}[`{}].{20}", seen) == []
    window.locator("#tab-gates").click()


@pytest.mark.slow
def test_no_two_tabs_share_a_key(browser: Any, page: Path) -> None:
    """What one tab writes into the address no other tab changes, whichever pair it is."""
    with visit(browser, page.as_uri()) as opened:
        expect(opened.locator(".of-lstm .answer-digit.good")).to_have_count(1)
        written: dict[str, dict[str, str]] = {}

        def address() -> dict[str, str]:
            opened.wait_for_timeout(400)  # it is written after a pause
            parts = opened.url.partition("#")[2].split("&")
            return dict(part.split("=") for part in parts if "=" in part)

        for name, deed in DEEDS.items():
            opened.locator(f"#tab-{name}").click()
            opened.wait_for_timeout(1500)
            before = address()
            deed(opened)
            opened.wait_for_timeout(1500)
            after = address()
            changed = {k: after[k] for k in after if after[k] != before.get(k) and k != "tab"}
            for earlier, keys in written.items():
                assert not set(changed) & set(keys), (earlier, name)
                assert {key: after.get(key) for key in keys} == keys, (earlier, name)
            written[name] = changed
        assert written["gates"].keys() >= {"cut", "since"}
        assert written["latent"].keys() >= {"from", "to"}


def test_an_interval(node: Callable[..., str], page: Path) -> None:
    """Wilson's ends are where the share lies 1.96 standard deviations away."""
    counts = [{"right": right, "asked": 50} for right in (0, 7, 33, 50)]
    found = ask(node, page, sentences=[("interval", count) for count in counts])["sentences"]
    for text, count in zip(found, counts, strict=True):
        observed = count["right"] / 50
        for end in json.loads(text).values():
            far = abs(observed - end) - 1.96 * np.sqrt(end * (1 - end) / 50)
            assert far == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
@torch.no_grad()
def test_the_nearest_of_all_training_images(
    node: Callable[..., str], page: Path, mnist: MNIST
) -> None:
    """Against distances in numpy, of three of the samples; and what is said of them."""
    generator = loading.load("generator", ROOT / "exports")
    found = nearest_images(generator, mnist)
    z = sample_latents(25, 64, make_rng(42, "samples"))[:3]
    training = mnist.train_images.numpy().reshape(60_000, 784).astype(np.float32) / 255
    for k, sample in enumerate(generator(z).numpy().reshape(3, 784)):
        exact = np.sqrt(((training - sample) ** 2).sum(axis=1, dtype=np.float64)).min()
        assert found["distance"][k] == pytest.approx(exact, abs=2e-3)
    real = [[1.0, 2.0, 3.0]] * 10
    cases = [
        ([1.5, 2.5], ["None of the 2 samples is a copy", "at least 150%", ": 0 of 2", "about 0.5"]),
        (
            [0.9, 2.5],
            ["None of the 2 samples is a copy", "at least 90%", ": 1 of 2", "On average, 33%"],
        ),
        ([0.4, 0.1], ["2 of 2 samples may be copies", ": 2 of 2"]),
    ]
    given = [("copiesSaid", distances, [3, 8], real) for distances, _ in cases]
    for text, (_, words) in zip(ask(node, page, sentences=given)["sentences"], cases, strict=True):
        for word in words:
            assert word in text
