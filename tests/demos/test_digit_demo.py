"""Every endpoint of the gate microscope as a program calls it, against torch's own networks."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from toolkit.export import loading
from toolkit.gan.data import MNIST

from . import reference
from .conftest import LOOPBACK, Served, data_uri
from .reference import probabilities

DIGITS = "3141592951413"
NAMES = ["read", "cut", "step", "edit", "predict", "gates", "accuracy", "gradient", "draw"]
NETWORKS = ("lstm", "rnn", "lstm_plain", "rnn_plain")

pytestmark = pytest.mark.xdist_group("digit_demo")


@pytest.fixture(scope="module")
def client(digit_page: str) -> Iterator[Client]:
    connected = Client(digit_page, verbose=False)
    yield connected
    connected.close()


def states(name: str, digits: str) -> dict[str, np.ndarray]:
    """Gates and states of an export, (length, 128)."""
    kept = reference.states(name, [list(map(int, digits))])
    return {gate: values[:, 0] for gate, values in kept.items()}


@pytest.mark.rows(4)
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("step", [1, 2, 13])
def test_gates_are_those_of_torch(client: Client, name: str, step: int) -> None:
    found = client.predict(DIGITS, step, name, api_name="/gates")
    expected = states(name, DIGITS)
    assert set(found) == set(expected)
    for gate, values in expected.items():
        np.testing.assert_allclose(found[gate], values[step - 1], atol=2e-5, err_msg=gate)


def test_predictions(client: Client) -> None:
    found = client.predict(" 3,1 4\n1 5", api_name="/predict")
    assert set(found) == set(NETWORKS)
    for name in NETWORKS:
        expected = probabilities(name, states(name, "31415")["h"][-1])
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


def test_the_answers_after_every_step(client: Client) -> None:
    found = client.predict(DIGITS, api_name="/read")["networks"]
    for name in NETWORKS:
        h = states(name, DIGITS)["h"]
        each = [probabilities(name, step) for step in h]
        assert found[name]["answers"] == [int(p.argmax()) for p in each]
        np.testing.assert_allclose(found[name]["probabilities"], each[-1], atol=1e-5)
        order = found[name]["order"]
        assert sorted(order) == list(range(128))
        weight = loading.load(name).state_dict()["readout.weight"].numpy()
        says = np.abs(h[-1] * (weight[each[-1].argmax()] - weight.mean(axis=0)))
        np.testing.assert_allclose(says[order], -np.sort(-says), atol=1e-6)


@pytest.mark.rows(1)
@pytest.mark.parametrize("step", [1, 5, 13])
def test_a_step(client: Client, step: int) -> None:
    found = client.predict(DIGITS, step, api_name="/step")
    assert found["digit"] == int(DIGITS[step - 1])
    for name in NETWORKS:
        own = states(name, DIGITS)
        memory = "h" if name.startswith("rnn") else "c"
        np.testing.assert_allclose(
            found["networks"][name]["probabilities"],
            probabilities(name, own["h"][step - 1]),
            atol=1e-5,
        )
        remembers = found["networks"][name]["remembers"]
        assert len(remembers) == step
        for k in {0, step - 1}:
            others = [d for d in "0123456789" if d != DIGITS[k]]
            moved = [
                states(name, f"{DIGITS[:k]}{d}{DIGITS[k + 1 : step]}")[memory][-1]
                - own[memory][step - 1]
                for d in others
            ]
            expected = np.linalg.norm(moved, axis=1).mean() / np.linalg.norm(own[memory][step - 1])
            assert remembers[k] == pytest.approx(expected, abs=1e-3)


@pytest.mark.rows(1)
@pytest.mark.parametrize(("place", "digit"), [(1, 7), (6, 0)])
def test_an_edit(client: Client, place: int, digit: int) -> None:
    edited = DIGITS[: place - 1] + str(digit) + DIGITS[place:]
    found = client.predict(DIGITS, place, digit, api_name="/edit")
    assert "".join(map(str, found["digits"])) == edited
    for name in NETWORKS:
        old, new = states(name, DIGITS)["h"], states(name, edited)["h"]
        change = found["networks"][name]
        for key, h in (("before", old), ("after", new)):
            np.testing.assert_allclose(change[key], probabilities(name, h[-1]), atol=1e-5)
        np.testing.assert_allclose(change["moved"], np.linalg.norm(new - old, axis=1), atol=1e-4)
        assert not any(change["moved"][: place - 1])


@pytest.mark.parametrize("dark", [False, True])
def test_drawn_digits(client: Client, mnist: MNIST, dark: bool) -> None:
    large = mnist.test_images[:5, 0].repeat_interleave(10, dim=1).repeat_interleave(10, dim=2)
    for picture, label in zip(large.numpy(), mnist.test_labels[:5].tolist(), strict=True):
        found = client.predict(data_uri(255 - picture if dark else picture), api_name="/draw")
        assert found["digit"] == label == int(np.argmax(found["probabilities"]))
        assert sum(found["probabilities"]) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(found["image"], picture[5::10, 5::10] / 255, atol=0.02)


BLANK = data_uri(np.full((280, 280), 255, dtype=np.uint8))


@pytest.mark.rows(10)
@pytest.mark.parametrize(
    ("endpoint", "given", "sentence"),
    [
        ("read", ("31a",), "Character 3 is 'a'"),
        ("read", ("3<b>",), "Character 2 is '&lt;'"),  # a page renders HTML
        ("read", ("1" * 1_000_000,), "1,000,000 digits; at most 5,000"),
        ("read", (None,), "no digits yet"),
        ("read", (314,), "must be a text"),
        ("predict", ("\u0663",), "Only the digits 0 to 9"),
        ("step", ("123", 4), "The step must be a whole number from 1 to 3, not 4"),
        ("step", ("123", "1"), "a whole number from 1 to 3, not '1'"),
        ("gates", ("123", True), "a whole number from 1 to 3"),
        ("gates", ("123", 1, "gpt"), "There is no network 'gpt'; there is 'lstm', 'rnn'"),
        ("edit", ("123", 4, 0), "The place must be a whole number from 1 to 3"),
        ("edit", ("123", 1, 10), "The new digit must be a whole number from 0 to 9"),
        ("cut", ("123", "f0,f1", 1), "Wires are some of i0, f1, f0"),
        ("gradient", ("123", "i1", 1), "Wires are some of i0, f1, f0"),
        ("accuracy", ("lstm", 101, "f0", 1), "T must be a whole number from 2 to 100,"),
        ("draw", (None,), "There is no picture yet"),
        ("draw", (BLANK,), "is blank"),
        ("draw", ("3333",), "not a picture"),
        ("draw", ("data:image/png;base64,!",), "in base64 or in a data URL"),
        ("draw", (base64.b64encode(bytes(5_000_001)).decode(),), "more than 5 MB"),
    ],
)
def test_bad_input_gets_a_sentence(
    client: Client, endpoint: str, given: tuple[Any, ...], sentence: str
) -> None:
    with pytest.raises(AppError, match=re.escape(sentence)):
        client.predict(*given, api_name=f"/{endpoint}")
    assert set(client.predict("121", api_name="/predict")) == set(NETWORKS)


def test_every_endpoint_is_described(client: Client) -> None:
    described = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(described) == {f"/{name}" for name in NAMES}
    for endpoint in described.values():
        assert endpoint["parameters"][0]["parameter_name"] in ("digits", "picture", "network")
        assert endpoint["description"]


def test_no_look_up_outside_of_loopback(digit_demo: Served, client: Client) -> None:
    """Not while it started, and not in any test before this one."""
    client.predict("121", api_name="/predict")
    assert digit_demo.hosts()
    assert digit_demo.hosts() <= LOOPBACK
