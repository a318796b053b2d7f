"""The page in one file: its JavaScript against PyTorch, in Node and Chromium; what is refused."""

import base64
import io
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from gate_microscope.memory import remembered
from toolkit.common.errors import ToolkitError
from toolkit.export import loading
from toolkit.export.manifest import SIGNATURES, entry_of
from toolkit.export.replacing import copy_export
from toolkit.gan.data import MNIST, to_unit
from toolkit.lstm.data import palindromes, split_last
from toolkit.train.playground.page import write_playground

from .chromium import expect, visit

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPTS = ROOT / "playground"
EXPORTS = ROOT / "exports"

# The page's weights are in half precision, so an output y may be off by HALF * (1 + |y|). A half
# has 11 significant bits: each weight is off by up to 2.4e-4 of itself.
HALF = 3e-3

Array = NDArray[Any]


def forward(node: Callable[..., str], page: Path, questions: list[tuple[str, Array]]) -> Any:
    """What the page's networks answer to arrays (n, ...), in JavaScript: one array for each."""
    asked = [{"model": name, "inputs": x.reshape(len(x), -1).tolist()} for name, x in questions]
    answers = json.loads(node(HERE / "forward.mjs", page, text=json.dumps(asked)))
    return [np.array(answer) for answer in answers]


def test_products(node: Callable[..., str]) -> None:
    """In JavaScript and in WebAssembly the same to the last bit; and all half-precision numbers."""
    rng = np.random.default_rng(0)
    shapes = [
        (1, 1, 1),
        (3, 5, 2),
        (2, 7, 16),
        (5, 3, 17),
        (50, 128, 128),
        (1, 128, 10),
        (4, 9, 49),
    ]
    matrices = []
    for rows, inner, columns in shapes:
        sizes = (rows, inner), (inner, columns)
        matrices.append([rng.normal(size=size).astype(np.float32) for size in sizes])
    halves = np.arange(2**16, dtype="<u2")
    questions = {
        "pairs": [[a.ravel().tolist(), b.ravel().tolist(), len(a)] for a, b in matrices],
        "half": base64.b64encode(halves.tobytes()).decode(),
    }
    answers = json.loads(node(HERE / "product.mjs", text=json.dumps(questions)))
    for (a, b), answer in zip(matrices, answers["javascript"], strict=True):
        np.testing.assert_allclose(answer, (a @ b).ravel(), 1e-5, 1e-5)
    assert answers["javascript"] == answers["webassembly"] == answers["kept"]
    np.testing.assert_array_equal(np.array(answers["halves"], float), halves.view("<f2"))


def test_golden_values(node: Callable[..., str], page: Path) -> None:
    """Every golden value of the manifest, through the JavaScript."""
    cases = [
        (name, case) for name in SIGNATURES for case in entry_of(name, EXPORTS)["golden"]["cases"]
    ]
    assert {name for name, _ in cases} == set(SIGNATURES)
    given, expected = (
        [np.array(case[key]["values"]).reshape(case[key]["shape"]) for _, case in cases]
        for key in ("input", "output")
    )
    questions = [(name, x) for (name, _), x in zip(cases, given, strict=True)]
    for (name, _), answer, y in zip(
        questions, forward(node, page, questions), expected, strict=True
    ):
        np.testing.assert_allclose(answer, y.reshape(answer.shape), HALF, HALF, err_msg=name)


@pytest.mark.slow
@torch.no_grad()
def test_the_same_answers(node: Callable[..., str], page: Path, mnist: MNIST) -> None:
    """1,000 palindromes and 1,000 images get the same digit as from the exports."""
    rng = torch.Generator().manual_seed(0)
    digits, _ = split_last(palindromes(1000, 36, split="test", rng=rng))
    images = to_unit(mnist.test_images[:1000])
    questions = [("lstm", digits), ("classifier", images)]
    answers = forward(node, page, [(name, x.numpy()) for name, x in questions])
    for (name, x), answer in zip(questions, answers, strict=True):
        expected = loading.load(name, EXPORTS)(x).argmax(dim=1)
        assert (answer.argmax(axis=1) == expected.numpy()).all(), name


def test_the_committed_pages_are_what_their_sources_make(
    node: Callable[..., str], tmp_path: Path
) -> None:
    if not (SCRIPTS / "node_modules" / "uqr").exists():
        pytest.skip("needs esbuild: make playground")
    node(SCRIPTS / "build.mjs", tmp_path)
    made, committed = (
        {file.name: file.read_bytes() for file in folder.iterdir()}
        for folder in (tmp_path, SCRIPTS / "dist")
    )
    assert made == committed, "make playground"


def test_the_committed_page_has_the_committed_networks(page: Path, tmp_path: Path) -> None:
    """And the script and the texts of now; but for the day on which it and the files were made.

    After a training the networks here are others: then those of the last commit are compared.
    """

    def timeless(file: Path) -> str:
        return re.sub(r'"(made|date)": "[\d-]+"', "", file.read_text(encoding="utf-8"))

    committed = timeless(ROOT / "playground.html")
    if committed != timeless(page):
        archive = ["git", "-C", str(ROOT), "archive", "--format=zip", "HEAD", "exports"]
        done = subprocess.run(archive, capture_output=True)
        if done.returncode != 0:
            pytest.skip("needs the committed exports: git clone")
        ZipFile(io.BytesIO(done.stdout)).extractall(tmp_path)
        write_playground(tmp_path / "exports", tmp_path / "playground.html")
        same = committed == timeless(tmp_path / "playground.html")
        assert same, "make playground"  # pytest would compare 3.7 MB for an hour


def refused(exports_dir: Path) -> str:
    """The sentence with which a folder is refused."""
    out = exports_dir / "out" / "playground.html"
    out.parent.mkdir()
    with pytest.raises(ToolkitError) as error:
        write_playground(exports_dir, out)
    assert os.listdir(out.parent) == []
    return str(error.value)


def test_no_manifest(tmp_path: Path) -> None:
    assert "lists no network" in refused(tmp_path)


def test_damaged_file(tmp_path: Path) -> None:
    copy_export("rnn", EXPORTS, tmp_path)
    with open(tmp_path / "rnn.safetensors", "r+b") as file:
        file.seek(40_000)
        file.write(b"?")
    assert "rnn.safetensors is damaged" in refused(tmp_path)


@torch.no_grad()
def test_a_part_of_the_exports(node: Callable[..., str], tmp_path: Path) -> None:
    """A student's own folder may have one network only."""
    copy_export("rnn", EXPORTS, tmp_path)
    write_playground(tmp_path, tmp_path / "page.html")
    (answer,) = forward(node, tmp_path / "page.html", [("rnn", np.array([[3, 1, 4, 1]]))])
    expected = loading.load("rnn", EXPORTS)(torch.tensor([[3, 1, 4, 1]]))
    np.testing.assert_allclose(answer, expected.numpy(), HALF, HALF)


def test_gradients(node: Callable[..., str]) -> None:
    """Backpropagation in the page against finite differences of its loss."""
    found = json.loads(node(HERE / "gradients.mjs"))
    assert len(found) == 9
    for name, (error, largest) in found.items():
        assert largest > 0.05, name
        assert error < (1e-6 if name == "penalty" else 1e-8), name


@torch.no_grad()
def test_what_is_remembered(node: Callable[..., str], page: Path) -> None:
    """The page's numbers are those of the demo's server."""
    digits = [3, 1, 4, 1, 5, 9, 2]
    found = json.loads(node(HERE / "remembered.mjs", page, json.dumps(digits)))
    assert list(found) == ["lstm", "rnn", "lstm_plain", "rnn_plain"]
    for name, rows in found.items():
        expected = remembered(loading.load(name, EXPORTS), torch.tensor(digits)).tolist()
        for t, row in enumerate(rows):
            np.testing.assert_allclose(row, expected[t][: t + 1], 0.01, HALF, err_msg=name)


def test_gif(node: Callable[..., str], tmp_path: Path) -> None:
    """A film written by the page, read by Pillow."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 64, (3, 28, 28))  # as shades, which the file keeps
    node(HERE / "gif.mjs", tmp_path / "film.gif", text=json.dumps((frames / 63).tolist()))
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (3, (140, 140), 0)
        for frame, expected in zip(ImageSequence.Iterator(film), frames, strict=True):
            assert frame.info["duration"] == 120
            grey = np.array(frame.convert("L"))[::5, ::5]
            np.testing.assert_array_equal(grey, np.round(expected * 255 / 63))


def test_every_text_is_in_chinese() -> None:
    """And nothing else is, and both have the same places to fill in."""
    written = set()
    for script in (SCRIPTS / "src").rglob("*.js"):
        code = script.read_text(encoding="utf-8")
        assert not re.findall(r'(?<!function )\bt\((?!\s*")', code), f"{script}: not a literal"
        written |= {json.loads(x) for x in re.findall(r'\bt\(\s*("(?:[^"\\]|\\.)*")', code)}
    file = ROOT / "toolkit" / "common" / "texts" / "playground.zh.toml"
    tables = tomllib.loads(file.read_text(encoding="utf-8")).values()
    chinese = {english: text for table in tables for english, text in table.items()}
    assert chinese.keys() == written
    for english, text in chinese.items():
        assert set(re.findall(r"%\(\w+\)s", english)) == set(re.findall(r"%\(\w+\)s", text)), (
            english
        )
        if re.search("[a-z]{2}", re.sub(r"%\(\w+\)s", "", english)):
            assert re.search("[\u4e00-\u9fff]", text), english


def test_webassembly_runs_in_the_browser(browser: Any, page: Path) -> None:
    """The page's policy lets it, and the page uses it."""
    with visit(browser, page.as_uri()) as opened:
        opened.add_init_script("""
            WebAssembly.Instance = class extends WebAssembly.Instance {
              constructor(...given) {
                super(...given);
                globalThis.madeOf = WebAssembly.Module.exports(given[0]).map(({ name }) => name);
              }
            };""")
        opened.reload()
        expect(opened.locator(".of-lstm .answer-digit.good")).to_be_visible()
        assert opened.evaluate("madeOf") == ["memory", "product"]


def test_in_the_browser(browser: Any, page: Path) -> None:
    """Opened as a file: golden values, and a network that fails beside others that do not."""
    with visit(browser, page.as_uri()) as opened:
        for name in SIGNATURES:
            case = entry_of(name, EXPORTS)["golden"]["cases"][0]
            given, expected = (
                np.array(case[key]["values"]).reshape(case[key]["shape"][0], -1)[0]
                for key in ("input", "output")
            )
            call = "([name, x]) => [...playground[name].forward(Float32Array.from(x))]"
            answer = opened.evaluate(call, [name, given.tolist()])
            np.testing.assert_allclose(answer, expected, HALF, HALF, err_msg=name)
        # The plain RNN fails beside the others.
        expect(opened.locator(".end.good")).to_have_count(3)
        assert opened.locator(".end.bad").count() == 1
        opened.get_by_label("Digits to read").fill("31x")
        expect(opened.locator("#part-gates .message")).to_contain_text("Only the digits 0 to 9")
        opened.get_by_label("Digits to read").fill("314")
        expect(opened.locator("#part-gates .sentence")).to_contain_text("After step 3, digit 4")
        opened.get_by_role("button", name="Cut f from step 9 on").click()
        expect(opened).to_have_url(re.compile("since=9"))
        opened.get_by_role("tab", name="Spot the fake").click()
        expect(opened.locator(".card")).to_have_count(12)
        opened.get_by_role("button", name="中文").click()
        assert opened.locator("html").get_attribute("lang") == "zh-Hans"


@pytest.mark.slow
def test_it_trains_and_saves_in_the_browser(browser: Any, page: Path, tmp_path: Path) -> None:
    """A setting that the address keeps, a training, and the figure and films that are saved."""
    with visit(browser, page.as_uri()) as opened:
        opened.get_by_role("tab", name="Gate microscope").press("ArrowRight")
        opened.get_by_label("T", exact=True).select_option("5")
        expect(opened).to_have_url(re.compile("T=5"))
        opened.reload()
        expect(opened.get_by_label("T", exact=True)).to_have_value("5")
        opened.get_by_role("button", name="Start", exact=True).click()
        facts = opened.locator(".learner .facts")
        expect(facts.first).to_contain_text("99% after")
        opened.get_by_role("tab", name="Latent studio").click()
        expect(opened.locator(".tile").last).to_be_enabled()
        opened.get_by_role("button", name="Walk", exact=True).click()
        expect(opened.get_by_text("The steps are spread")).to_be_visible()
        with opened.expect_download() as download:
            opened.get_by_role("button", name="Save film (GIF)").click()
        assert download.value.suggested_filename == "walk_3_to_8_seed42.gif"
        for name, button in (
            ("latent.svg", "Save figure (SVG)"),
            ("latent.gif", "Record 3 seconds"),
        ):
            with opened.expect_download() as download:
                opened.get_by_role("button", name=button).locator("visible=true").click()
            download.value.save_as(tmp_path / name)
        svg = ElementTree.parse(tmp_path / "latent.svg")
        assert "The walk from A to B" in " ".join(svg.getroot().itertext())
        assert len(svg.findall(".//{*}image")) > 25  # the tiles; the chart is lines
        assert len(svg.findall(".//{*}path")) > 4
        with Image.open(tmp_path / "latent.gif") as film:
            assert film.size[0] == 720
