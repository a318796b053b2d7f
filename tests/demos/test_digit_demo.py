"""Every endpoint of the gate microscope as a program calls it, against torch's own LSTM cell."""

import base64
import io
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from torch import nn

from toolkit.export import torchscript
from toolkit.gan.data import MNIST

from .conftest import LOOPBACK, Served

BY_NUMBER = "by number"
DIGITS = "3141592951413"
LONGEST = 5000


pytestmark = pytest.mark.xdist_group("digit_demo")


@pytest.fixture(scope="module")
def client(digit_page: str) -> Iterator[Client]:
    connected = Client(digit_page, verbose=False)
    yield connected
    connected.close()


class Oracle(NamedTuple):
    """The LSTM of the export, computed by torch's own cell and by numpy."""

    gates: dict[str, np.ndarray]  # i, f, o, g, c, h: (length, 128)
    logits: np.ndarray  # (10,)


def oracle(digits: str) -> Oracle:
    weights = torchscript.load("lstm").state_dict()
    cell = nn.LSTMCell(10, 128)
    cell.load_state_dict(
        {
            "weight_ih": weights["cell.weight_ih"],
            "weight_hh": weights["cell.weight_hh"],
            "bias_ih": weights["cell.bias"],
            "bias_hh": torch.zeros(512),
        }
    )
    w_x, w_h, b = (weights[f"cell.{name}"].numpy() for name in ("weight_ih", "weight_hh", "bias"))
    state = (torch.zeros(1, 128), torch.zeros(1, 128))
    steps: dict[str, list[np.ndarray]] = {name: [] for name in "ifogch"}
    for digit in map(int, digits):
        before = w_x[:, digit] + w_h @ state[0][0].numpy() + b
        i, f, g, o = before.reshape(4, 128)
        with torch.no_grad():
            state = cell(torch.eye(10)[[digit]], state)
        for name, value in (("i", i), ("f", f), ("o", o)):
            steps[name].append(1 / (1 + np.exp(-value)))
        steps["g"].append(np.tanh(g))
        steps["h"].append(state[0][0].numpy())
        steps["c"].append(state[1][0].numpy())
    logits = weights["readout.weight"].numpy() @ steps["h"][-1] + weights["readout.bias"].numpy()
    return Oracle({name: np.stack(values) for name, values in steps.items()}, logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def pictures(html: str) -> list[np.ndarray]:
    """The heat maps of a piece of HTML; their scales have one row and are left out."""
    data = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    decoded = [np.asarray(Image.open(io.BytesIO(base64.b64decode(d)))) for d in data]
    return [picture for picture in decoded if len(picture) > 1]


def values(picture: np.ndarray, low: float, high: float, colours: str) -> np.ndarray:
    """From colours back to numbers: the nearest of the 256 colours of matplotlib's map."""
    palette = np.round(matplotlib.colormaps[colours](np.arange(256))[:, :3] * 255)
    distance = np.abs(picture[:, :, None].astype(int) - palette).sum(axis=3)
    assert distance.min(axis=2).max() <= 3
    return low + (high - low) * (distance.argmin(axis=2) + 0.5) / 256


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def data_url(array: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(png(array)).decode()


@pytest.mark.parametrize("step", [1, 2, 7, 13])
def test_gates_are_those_of_lstmcell(client: Client, step: int) -> None:
    found = client.predict(DIGITS, step, api_name="/gates")
    theirs = oracle(DIGITS).gates
    for name, expected in theirs.items():
        np.testing.assert_allclose(found[name], expected[step - 1], atol=2e-5, err_msg=name)
    np.testing.assert_allclose(
        found["product"], theirs["f"][1:step].astype(np.float64).prod(axis=0), rtol=1e-3
    )
    ten = [np.tanh(oracle(f"{first}{DIGITS[1:]}").gates["c"][step - 1]) for first in range(10)]
    np.testing.assert_allclose(found["held"], np.std(ten, axis=0), atol=2e-5)


def test_predictions(client: Client) -> None:
    found = client.predict(" 3,1 4\n1 5", api_name="/predict")
    np.testing.assert_allclose(found["LSTM"], softmax(oracle("31415").logits), atol=1e-5)
    with torch.no_grad():
        logits = torchscript.load("rnn")(torch.tensor([[3, 1, 4, 1, 5]]))[0].numpy()
    np.testing.assert_allclose(found["RNN"], softmax(logits), atol=1e-5)


@pytest.mark.parametrize("digits", ["3", "31", "314", "3141", "31415141", "314151413", "00000"])
def test_the_rule_by_reversing_strings(client: Client, digits: str) -> None:
    answer = client.predict(digits, BY_NUMBER, api_name="/read")[0]
    whole = digits + digits[0]
    assert ("<strong>not</strong>" not in answer) == (whole == whole[::-1])
    assert f"<b>{digits[0]}</b>the first digit" in answer
    wrong = [k + 1 for k in range(len(digits)) if whole[k] != whole[::-1][k]]
    if wrong:
        assert f"digit {wrong[0]} is {whole[wrong[0] - 1]}, but its mirror" in answer


@pytest.mark.parametrize("length", [2, 3, 20, 1001])
def test_generated_digits_begin_a_palindrome(client: Client, length: int) -> None:
    text = client.predict(length, 5, api_name="/generate")
    digits = text.replace(" ", "")
    whole = digits + digits[0]
    assert len(whole) == length
    assert whole == whole[::-1]
    assert client.predict(length, 5, api_name="/generate") == text
    if length > 3:
        assert client.predict(length, 6, api_name="/generate") != text


def test_heat_maps_show_the_gates(client: Client) -> None:
    maps = client.predict(DIGITS, BY_NUMBER, api_name="/read")[1]
    shown = pictures(maps)
    theirs = oracle(DIGITS).gates
    assert len(shown) == maps.count("Heat map of") == 8
    ranges = {"i": (0, 1), "g": (-1, 1), "f": (0, 1), "c": (-3, 3), "o": (0, 1), "h": (-1, 1)}
    for (name, (low, high)), picture in zip(ranges.items(), shown, strict=False):
        found = values(picture, low, high, "RdBu_r" if low < 0 else "viridis")
        expected = theirs[name].T.clip(low, high)
        np.testing.assert_allclose(found, expected, atol=(high - low) / 100, err_msg=name)
    survival = np.log10(np.vstack([np.ones((1, 128)), theirs["f"][1:]])).cumsum(axis=0)
    np.testing.assert_allclose(
        values(shown[6], -6, 0, "viridis"), survival.T.clip(-6, 0), atol=6 / 100
    )


def test_the_firmest_cells_are_on_top(client: Client) -> None:
    held = np.array(client.predict(DIGITS, len(DIGITS), api_name="/gates")["held"])
    maps = client.predict(DIGITS, "firmest at the end on top", api_name="/read")[1]
    found = values(pictures(maps)[7], 0, 1, "viridis")[:, -1]
    np.testing.assert_allclose(found, -np.sort(-held), atol=1 / 100)


def test_a_thousand_digits(client: Client) -> None:
    digits = client.predict(1001, 0, api_name="/generate").replace(" ", "")
    answer, maps, read, _, now, _ = client.predict(digits, BY_NUMBER, api_name="/read")
    assert f"must be digit 1 again: {digits[0]}" in answer
    assert read == digits
    assert [picture.shape for picture in pictures(maps)] == [(128, 1000, 3)] * 8
    assert "writes it again and again" in now


def test_the_longest_is_shortened_for_the_eye(client: Client) -> None:
    maps = client.predict("12345" * (LONGEST // 5), BY_NUMBER, api_name="/read")[1]
    assert [picture.shape for picture in pictures(maps)] == [(128, 1000, 3)] * 8
    assert "the mean of about 5.0 steps" in maps


def test_a_step(client: Client) -> None:
    html = client.predict(DIGITS, 4, api_name="/step")
    assert "--cursor: 26.9231%" in html  # the middle of the fourth of 13 columns
    held = np.array(client.predict(DIGITS, 4, api_name="/gates")["held"])
    rows = [int(cell) for cell in re.findall(r'scope="row">(\d+)<', html)]
    np.testing.assert_allclose(held[rows], -np.sort(-held)[:8])
    assert f"<strong>{(held > 0.5).sum()}</strong> of 128 cells" in html


@pytest.mark.parametrize(("place", "digit"), [(1, 7), (6, 0)])
def test_an_edit(client: Client, place: int, digit: int) -> None:
    edited = DIGITS[: place - 1] + str(digit) + DIGITS[place:]
    table, maps = client.predict(DIGITS, place, digit, BY_NUMBER, api_name="/edit")
    before, after = oracle(DIGITS), oracle(edited)
    for logits in (before.logits, after.logits):
        assert f"<td>{logits.argmax()} ({softmax(logits).max():.1%})</td>" in table
    verdict = table.split('scope="row">RNN')[0].count("<strong>changed</strong>")
    assert verdict == (before.logits.argmax() != after.logits.argmax())
    shown = pictures(maps)
    assert len(shown) == 6
    for name, picture in zip("igfcoh", shown, strict=True):
        high = 3 if name == "c" else 1
        found = values(picture, -high, high, "RdBu_r")
        expected = (after.gates[name] - before.gates[name]).T.clip(-high, high)
        np.testing.assert_allclose(found, expected, atol=2 * high / 100, err_msg=name)
    assert (shown[0][:, : place - 1] == shown[0][0, 0]).all() or place == 1  # no change before it


@pytest.mark.parametrize("dark", [False, True])
def test_drawn_and_uploaded_digits(
    client: Client, mnist: MNIST, tmp_path: Path, dark: bool
) -> None:
    large = mnist.test_images[:5, 0].repeat_interleave(10, dim=1).repeat_interleave(10, dim=2)
    for picture, label in zip(large.numpy(), mnist.test_labels[:5].tolist(), strict=True):
        sheet = 255 - picture if dark else picture
        opinion, seen = client.predict(data_url(sheet), api_name="/draw")
        assert opinion["label"] == str(label)
        confidences = {x["label"]: x["confidence"] for x in opinion["confidences"]}
        assert set(confidences) == set("0123456789")
        assert sum(confidences.values()) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(pictures(seen)[0], picture[5::10, 5::10], atol=5)
        (tmp_path / "digit.png").write_bytes(png(sheet))
        uploaded, _ = client.predict(handle_file(tmp_path / "digit.png"), api_name="/upload")
        assert uploaded == opinion


BLANK = data_url(np.full((280, 280), 255, dtype=np.uint8))


@pytest.mark.parametrize(
    ("endpoint", "given", "sentence"),
    [
        ("read", ("31a", BY_NUMBER), "Character 3 is 'a'"),
        ("read", ("3<b>", BY_NUMBER), "Character 2 is '&lt;'"),  # the page renders HTML
        ("read", ("1" * 1_000_000, BY_NUMBER), "1,000,000 digits; at most 5,000"),
        ("read", ("", BY_NUMBER), "no digits yet"),
        ("read", (None, BY_NUMBER), "no digits yet"),
        ("read", ("12", "upside down"), "not in the list of choices"),
        ("predict", ("\u0663",), "Only the digits 0 to 9"),
        ("step", ("123", 4), "The step must be from 1 to 3, not 4"),
        ("step", ("123", 0), "minimum value 1"),
        ("step", ("123", 1.5), "a whole number from 1 to 3"),
        ("gates", ("123", None), "a whole number from 1 to 3"),
        ("edit", ("123", 4, 0, BY_NUMBER), "The place must be from 1 to 3"),
        ("edit", ("123", 1, 10, BY_NUMBER), "maximum value 9"),
        ("edit", ("", 1, 1, BY_NUMBER), "no digits yet"),
        ("generate", (1, 0), "T must be from 2 to 5,001"),
        ("generate", (2.5, 0), "T must be a whole number"),
        ("generate", (10, 1e300), "The seed must be from 0"),
        ("draw", ("",), "The pad is empty"),
        ("draw", (None,), "The pad is empty"),
        ("draw", (BLANK,), "is blank"),
        ("draw", ("3",), "not a picture"),
        ("draw", ("data:image/png;base64,!",), "a PNG in a data URL"),
        ("upload", (None,), "There is no picture yet"),
    ],
)
def test_bad_input_gets_a_sentence(
    client: Client, endpoint: str, given: tuple[Any, ...], sentence: str
) -> None:
    with pytest.raises(AppError, match=re.escape(sentence)):
        client.predict(*given, api_name=f"/{endpoint}")
    assert set(client.predict("121", api_name="/predict")) == {"LSTM", "RNN"}


@pytest.mark.parametrize("name", ["text.png", "text.txt"])
def test_text_is_not_a_picture(client: Client, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("I am a seven")
    with pytest.raises(AppError, match="not a picture"):
        client.predict(handle_file(tmp_path / name), api_name="/upload")


@pytest.mark.parametrize("endpoint", ["step", "edit", "generate"])
def test_nan_gets_a_sentence(digit_page: str, client: Client, endpoint: str) -> None:
    """gradio_client refuses to send NaN, so this is what a browser's request looks like."""
    given = {"step": '"123", NaN', "edit": '"123", NaN, 1, "by number"', "generate": "NaN, 0"}
    index = next(n for n, event in client.endpoints.items() if event.api_name == f"/{endpoint}")
    body = f'{{"data": [{given[endpoint]}], "fn_index": {index}, "session_hash": "{endpoint}"}}'
    post(f"{digit_page}gradio_api/queue/join", body)
    address = f"{digit_page}gradio_api/queue/data?session_hash={endpoint}"
    with urllib.request.urlopen(address, timeout=30) as stream:
        messages = [json.loads(line[6:]) for line in stream if line.startswith(b"data: ")]
    (done,) = [m for m in messages if m["msg"] == "process_completed"]
    assert re.search("must be a (whole|finite) number", done["output"]["error"])


def test_no_look_up_outside_of_loopback(digit_demo: Served, client: Client) -> None:
    """Not while it started, and not in any test before this one."""
    client.predict("121", api_name="/predict")
    assert digit_demo.hosts()
    assert digit_demo.hosts() <= LOOPBACK


def post(address: str, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, body.encode(), headers)
    urllib.request.urlopen(request, timeout=30).close()
