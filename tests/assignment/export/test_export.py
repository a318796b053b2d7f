"""A student's own networks as files: the files say what the student's own code says.

That they load in other languages is tested beside ours, in tests/export/test_load_exports.py.
"""

import contextlib
import itertools
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from _pytest.mark import ParameterSet
from exported import attempt, distinct, own

from tests.assignment.export.conftest import SOLUTION, make_student
from toolkit.assignment.asking.host import Host
from toolkit.assignment.export import gan, lstm
from toolkit.assignment.export.command import Exporter, export
from toolkit.assignment.export.own import OwnDiscriminator, own_files
from toolkit.assignment.export.weights import Missing
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.submission import prepare
from toolkit.assignment.judging.gan.drawing.stand_ins import digits
from toolkit.assignment.running.parts import Part
from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export import loading
from toolkit.export.film import load_film, network_at, trainings
from toolkit.export.formats.torchscript import from_bytes
from toolkit.export.manifest import Format, read_export, read_manifest


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as host:
        host.helps["digits"] = digits
        yield host


def own_code(student: Path, file: str, name: str, *sizes: int) -> torch.nn.Module:
    """A network of the student's, with the weights that were kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(student)
        network = runpy.run_path(str(student / file))[name](*sizes)
    kept = "gan" if file == "my_gan.py" else f"{name.lower()}-T5-rate0.001"
    states = torch.load(student / "records" / f"{kept}.pt", weights_only=True)
    network.load_state_dict(states.get(name.lower(), states))
    return network.eval()


@pytest.mark.parametrize("ending", get_args(Format))
@torch.no_grad()
def test_each_file_says_what_the_students_code_says(hand_in_exports: Path, ending: str) -> None:
    def ask(name: str, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(loading.load(name, hand_in_exports, format=ending)(x))

    student = hand_in_exports.parent / "student"
    x = torch.randint(10, (50, 12), generator=torch.Generator().manual_seed(0))
    encoded = {1: x[:, :, None].float(), 10: torch.nn.functional.one_hot(x, 10).float()}
    for name, file, input_dim in (("LSTM", "lstm.py", 1), ("RNN", "train.py", 10)):
        expected = own_code(student, file, name, 5, input_dim, 24, 10)(encoded[input_dim])
        torch.testing.assert_close(ask(name.lower(), x), expected, rtol=1e-5, atol=1e-5)
    z = torch.randn(50, 100, generator=torch.Generator().manual_seed(0))
    images = own_code(student, "my_gan.py", "Generator")(z)
    unit = (images + 1) / 2
    torch.testing.assert_close(ask("generator", z), unit, rtol=1e-5, atol=1e-5)
    expected = own_code(student, "my_gan.py", "Discriminator")(images)
    given = ask("discriminator", unit.contiguous())
    torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-5)


def test_the_trace_is_that_of_the_equations(hand_in_exports: Path) -> None:
    """Equations (1) to (6) in numpy, with the weights that the student has kept."""
    kept = torch.load(
        hand_in_exports.parent / "student/records/lstm-T5-rate0.001.pt", weights_only=True
    )
    w = {name: value.double().numpy() for name, value in kept.items()}
    digits = [3, 1, 4, 1, 5]
    h = c = np.zeros(24)
    steps = []
    for x in np.array(digits, float)[:, None]:
        inside = {k: w[f"W_{k}x"] @ x + w[f"W_{k}h"] @ h + w[f"b_{k}"] for k in "gifo"}
        i, f, o = (1 / (1 + np.exp(-inside[k])) for k in "ifo")
        g = np.tanh(inside["g"])
        c = g * i + c * f
        h = np.tanh(c) * o
        steps.append([i, f, o, g, c, h])
    trace = loading.load("lstm", hand_in_exports).trace(torch.tensor([digits]))
    np.testing.assert_allclose(torch.stack(trace).detach()[:, 0].swapaxes(0, 1), steps, atol=1e-5)


def test_the_manifest_says_whose_they_are(hand_in_exports: Path) -> None:
    listed = read_manifest(hand_in_exports)
    assert {entry["whose"] for entry in listed.values()} == {"student"}
    assert listed["lstm.safetensors"]["own"] == {"file": "lstm.py", "class": "LSTM"}
    assert listed["generator.onnx"]["own"]["z"] == "normal"
    assert listed["discriminator.safetensors"]["own"]["returns"] == "logits"
    assert listed["generator.safetensors"]["own"]["range"] == "-1,1"


@torch.no_grad()
def test_the_film_is_that_of_their_training(hand_in_exports: Path) -> None:
    """Each frame draws and judges as the student's code does with the weights of that step."""
    student, film = hand_in_exports.parent / "student", load_film(hand_in_exports)
    z = torch.from_numpy(film["z"]).float()
    for k, frame in enumerate(torch.load(student / "records/gan.pt", weights_only=True)["film"]):
        generator, judge = (
            own_code(student, "my_gan.py", name) for name in ("Generator", "Discriminator")
        )
        generator.load_state_dict(frame["generator"])
        judge.load_state_dict(frame["discriminator"])
        drawn = network_at(film, "generator", 10 * (k + 1), hand_in_exports)(z)
        torch.testing.assert_close(drawn, (generator(z) + 1) / 2, rtol=1e-5, atol=1e-5)
        logits = judge(generator(z))[:, 0]
        found = torch.from_numpy(film["drawn_logits"][k])
        torch.testing.assert_close(found.float(), logits, rtol=1e-3, atol=1e-3)
    assert k == 2
    shown = trainings(hand_in_exports)["film"]
    assert (shown["whose"], shown["loss"], len(shown["digits"])) == ("student", "non-saturating", 3)
    with pytest.raises(Missing, match="for one, call keep_weights with the step"):
        gan.film([], *2 * [read_export("generator", hand_in_exports)])


def test_a_film_has_16_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 300, those whose steps are about a constant factor apart; of another network, others."""
    monkeypatch.chdir(tmp_path)
    keep = runpy.run_path(str(SOLUTION / "my_gan.py"))["keep_weights"]
    for network in (torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)):
        for step in range(300):
            torch.nn.init.constant_(network.weight, step)
            keep(network, network, step)
    film = torch.load("records/gan.pt", weights_only=True)["film"]
    steps = [frame["step"] for frame in film]
    assert [float(frame["generator"]["weight"]) for frame in film] == steps
    assert (len(steps), steps[:2], steps[-1]) == (16, [0, 1], 299)
    assert max(b / a for a, b in itertools.pairwise(steps[1:])) <= 2


def networks() -> Iterator[ParameterSet]:
    """Each network of the own corpus; four of five are exported by `make nightly` alone."""
    for kind in ("lstm", "gan"):
        for k, name in enumerate(distinct(kind)):
            by_day = k % 5 == 0 or "labels as an input" in name
            yield pytest.param(kind, name, marks=() if by_day else pytest.mark.nightly)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), list(networks()))
def test_every_right_network_is_exported(kind: Part, name: str, host: Host) -> None:
    """Each file is compared with its author's code; a generator also draws."""
    for given in own([name]):
        reached, why = attempt(host, kind, given)
    if kind == "gan" and "labels as an input" in name:
        assert why.startswith("The discriminator was not exported: it is given 2 tensors")
    assert len(reached) >= (1 if kind == "lstm" else 2), why


@pytest.mark.rows(1)
@pytest.mark.parametrize(
    ("last", "outputs", "words"),
    [
        ("return logits", "logits", "it answers as your code does, within"),
        ("return logits.softmax(1)", "probabilities", "your code returns probabilities; on"),
        ("return logits.log_softmax(1)", "logarithms", "returns logarithms of probabilities"),
    ],
)
def test_the_output_says_what_the_code_returns(
    last: str, outputs: str, words: str, host: Host, tmp_path: Path
) -> None:
    """The exported network returns logits, whatever the code returns."""
    text = (SOLUTION / "lstm.py").read_text(encoding="utf-8")
    (returned,) = re.findall(r"        return (.*self\.W_ph.*)", text)
    changed = text.replace(f"return {returned}", f"logits = {returned}\n        {last}")
    (tmp_path / "lstm.py").write_text(changed, encoding="utf-8")
    with contextlib.ExitStack() as stack:
        submission = prepare(tmp_path, stack.enter_context(scratch_directory("export")))
        child = stack.enter_context(host.child("lstm", str(submission.root)))
        network = lstm.proved(child, submission.parts["lstm"], Verdicts("lstm", "lstm.py"))
        network.build()
        states = {}
        for tensor in network.tensors:
            states[tensor["name"]] = torch.randn(tensor["shape"]) / 4
        fitted = lstm.fitted(network, states)
        assert fitted is not None
        carried = fitted.carry("LSTM")
    assert carried.outputs == outputs
    assert words in carried.agreement()


@torch.no_grad()
def test_a_sure_discriminator_keeps_its_logits() -> None:
    """1 - p has three digits left where p is 0.99999."""
    layers = torch.nn.Linear(784, 1), torch.nn.Sigmoid()
    layers[0].bias.fill_(12.0)
    facts = {"image_shape": (784,), "value_range": (0.0, 1.0), "probabilities": True}
    made = own_files("discriminator", torch.nn.Sequential(*layers), facts)
    (case,) = made["golden"]["cases"]
    images = torch.tensor(case["input"]["values"]).reshape(2, 784)
    expected = layers[0](images)[:, 0]
    torch.testing.assert_close(torch.tensor(case["output"]["values"]), expected)


class NoScript(torch.nn.Module):
    """TorchScript has no `*more`."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(784, 1)

    def forward(self, images: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        return self.layer(images)


def test_code_that_is_no_script_is_traced() -> None:
    facts = {"image_shape": (784,), "value_range": (0.0, 1.0), "probabilities": False}
    network = NoScript()
    made = own_files("discriminator", network, facts)
    assert made["problems"] == []
    images = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    judged = from_bytes(made["pt"])(images)
    torch.testing.assert_close(judged, network(images.flatten(1)))


def tried(student: Path, host: Host, *chosen: Path) -> Exporter:
    return export(student, student.parent / "made", chosen, print, host)


@pytest.mark.slow
def test_what_deviates_is_not_exported(host: Host, tmp_path: Path) -> None:
    student = make_student(tmp_path / "student")
    text = (student / "lstm.py").read_text()
    (student / "lstm.py").write_text(text.replace("return g * i + c * f", "return g + c * f"))
    for file in ("my_gan.py", "train.py"):
        (student / file).unlink()
    done = tried(student, host)
    assert (done.refused, done.exports) == (True, [])
    assert done.said[0].startswith("The LSTM was not exported (wrong): ")
    command = [sys.executable, "-m", "toolkit.assignment", "export", student, "--out", tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, f"{done.said[0]}\n")


@pytest.mark.slow
def test_weights_are_found_or_asked_for(host: Host, tmp_path: Path) -> None:
    student = make_student(tmp_path / "student")
    for file in ("my_gan.py", "train.py"):
        (student / file).unlink()
    kept = student / "records" / "lstm-T5-rate0.001.pt"
    (student / "other.pth").write_bytes(kept.read_bytes())
    (said,) = (done := tried(student, host)).said
    assert "Name one of them with --weights" in said
    assert [*done.exports, done.refused] == [True]
    with contextlib.chdir(student), pytest.MonkeyPatch.context() as patch:  # all of it, pickled
        patch.syspath_prepend(student)
        own = own_code(student, "lstm.py", "LSTM", 5, 1, 24, 10)
        type(own).__module__ = "__main__"
        patch.setattr(sys.modules["__main__"], "LSTM", type(own), raising=False)
        torch.save(own, tmp_path / "whole.pt")
    torch.save({"weight": torch.ones(3, 2)}, tmp_path / "strange.pt")
    done = tried(student, host, tmp_path / "whole.pt")
    made = [export.file for export in done.exports]
    assert made == ["lstm.safetensors", "lstm.onnx", "lstm.pt2", "lstm.pt"]
    (student / "other.pth").unlink()
    done = tried(student, host, tmp_path / "strange.pt")  # another network's: the folder's are used
    assert done.refused
    assert f"with {kept.name}; " in done.said[0]
    assert done.said[1] == f"{tmp_path / 'strange.pt'} was not used for any network."
    for path in (kept, student / "records" / "gan.pt"):
        path.unlink()
    (student / "records" / "rnn-T5-rate0.001.pt").unlink()
    digest = "0" * 64  # exports are no weights; other files beside some manifest are
    (student / "manifest.json").write_text(f'{{"lstm.pt": {{"sha256": "{digest}"}}}}')
    (student / "lstm.pt").touch()
    with pytest.raises(ToolkitError, match=r"has no weights\. Call keep_weights"):
        tried(student, host)
    (student / "manifest.json").write_text("[]")
    assert "none of the weights fits it" in tried(student, host).said[0]
    with pytest.raises(UsageError, match="is not a file"):
        tried(student, host, kept)


def test_the_toolkits_own_exports_stay(host: Host, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"lstm.pt": {"sha256": "%s"}}' % ("0" * 64))
    with pytest.raises(UsageError, match="has the toolkit's own exports"):
        export(tmp_path, tmp_path, (), print, host)


def test_probabilities_become_logits() -> None:
    """Of a discriminator whose last layer is a sigmoid: its linear map, as far as float32 goes."""
    linear = torch.nn.Linear(784, 1)
    module = torch.nn.Sequential(linear, torch.nn.Sigmoid())
    discriminator = OwnDiscriminator(module, [784], probabilities=True)
    images = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    expected = linear(2 * images.flatten(1) - 1)
    torch.testing.assert_close(discriminator(images), expected, rtol=1e-4, atol=1e-4)
