"""A student's own networks as files: the files say what the student's own code says.

That they load in other languages is tested beside ours, in tests/export/test_load_exports.py.
"""

import contextlib
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.assignment.check.corpus import build, cases
from tests.assignment.export.conftest import make_student
from toolkit.assignment.check.gan.drawing.stand_ins import digits
from toolkit.assignment.check.host import Host, Student
from toolkit.assignment.check.submission import Located, prepare
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.export import gan, lstm
from toolkit.assignment.export.command import Exporter, export
from toolkit.assignment.parts import Part
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export import onnx, program, torchscript
from toolkit.export.formats import convert
from toolkit.export.manifest import read_manifest

ENDINGS: dict[str, Callable[..., Any]] = {
    "pt": torchscript.load,
    "pt2": program.load,
    "onnx": lambda *names: _as_torch(onnx.load(*names)),
}


def _as_torch(session: Any) -> Any:
    return lambda x: torch.from_numpy(session(x.numpy()))


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


@pytest.mark.parametrize("ending", ENDINGS)
@torch.no_grad()
def test_each_file_says_what_the_students_code_says(mine: Path, ending: str) -> None:
    student, load = mine.parent / "student", ENDINGS[ending]
    x = torch.randint(10, (50, 12), generator=torch.Generator().manual_seed(0))
    one_hot = torch.nn.functional.one_hot(x, 10).float()
    for name, file in (("LSTM", "lstm.py"), ("RNN", "train.py")):
        expected = own_code(student, file, name, 5, 10, 24, 10)(one_hot)
        torch.testing.assert_close(load(name.lower(), mine)(x), expected, rtol=1e-5, atol=1e-5)
    z = torch.randn(50, 100, generator=torch.Generator().manual_seed(0))
    images = own_code(student, "my_gan.py", "Generator")(z)
    unit = (images + 1) / 2
    torch.testing.assert_close(load("generator", mine)(z), unit, rtol=1e-5, atol=1e-5)
    expected = own_code(student, "my_gan.py", "Discriminator")(images)
    given = load("discriminator", mine)(unit.contiguous())
    torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-5)


def test_the_trace_is_that_of_the_equations(mine: Path) -> None:
    """Equations (1) to (6) in numpy, with the weights that the student has kept."""
    kept = torch.load(mine.parent / "student/records/lstm-T5-rate0.001.pt", weights_only=True)
    w = {name: value.double().numpy() for name, value in kept.items()}
    digits = [3, 1, 4, 1, 5]
    h = c = np.zeros(24)
    steps = []
    for x in np.eye(10)[digits]:
        inside = {k: w[f"W_{k}x"] @ x + w[f"W_{k}h"] @ h + w[f"b_{k}"] for k in "gifo"}
        i, f, o = (1 / (1 + np.exp(-inside[k])) for k in "ifo")
        g = np.tanh(inside["g"])
        c = g * i + c * f
        h = np.tanh(c) * o
        steps.append([i, f, o, g, c, h])
    trace = torchscript.load("lstm", mine).trace(torch.tensor([digits]))
    np.testing.assert_allclose(torch.stack(trace).detach()[:, 0].swapaxes(0, 1), steps, atol=1e-5)


def test_the_manifest_says_whose_they_are(mine: Path) -> None:
    listed = read_manifest(mine)
    assert {entry["whose"] for entry in listed.values()} == {"student"}
    assert listed["lstm.pt"]["own"] == {"file": "lstm.py", "class": "LSTM"}
    assert listed["generator.onnx"]["own"]["z"] == "normal"
    assert listed["discriminator.pt"]["own"]["returns"] == "logits"
    assert listed["generator.pt"]["own"]["range"] == "-1,1"


@contextlib.contextmanager
def opened(name: str, part: Part, host: Host, folder: Path) -> Iterator[tuple[Student, Located]]:
    """A right submission of the corpus, ready to be asked."""
    (folder / "given").mkdir()
    (folder / "copy").mkdir()
    build.write(cases.RIGHT[name], build.texts(cases.RIGHT[name]), folder / "given")
    submission = prepare(folder / "given", folder / "copy")
    host.limits = {**host.limits, part: 120}
    with host.student(part, str(submission.root)) as student:
        yield student, submission.parts[part]


def random_weights(shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    """As after a training, roughly: outputs are neither all the same nor saturated."""
    rng = torch.Generator().manual_seed(3)
    values = {}
    for name, shape in shapes.items():
        values[name] = (
            torch.randn(shape, generator=rng) / max(1, torch.Size(shape[1:]).numel()) ** 0.5
        )
        if name.endswith(("running_var", "num_batches_tracked")):
            values[name] = torch.ones(shape, dtype=torch.long if not shape else torch.float)
    return values


def distinct(part: Part) -> list[str]:
    """The names of right submissions whose code for a part differs."""
    texts = {build.texts(right)[part]: name for name, right in reversed(cases.RIGHT.items())}
    return sorted(texts.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", distinct("lstm"))
def test_every_right_lstm_is_carried_over(name: str, host: Host, tmp_path: Path) -> None:
    """`carry` compares with the student's own code, or raises."""
    with opened(name, "lstm", host, tmp_path) as (student, located):
        network = lstm.proved(student, located, Verdicts("lstm", located.file))
        network.build(hidden=network.way.hidden and 24)
        kept = {t["name"]: t for t in network.tensors}
        states = random_weights({name: t["shape"] for name, t in kept.items()})
        states |= {n: 0 * states[n] for n, t in kept.items() if t["zero"] and not t["grad"]}
        own = lstm.fitted(network, states)
        assert own is not None
        assert own.carry("LSTM")[1] < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", distinct("gan"))
def test_every_right_gan_is_exported(name: str, host: Host, tmp_path: Path) -> None:
    """`convert` compares each file with golden values from the student's own code."""
    with opened(name, "gan", host, tmp_path) as (student, located):
        for describe in gan.look(student, located):
            if "labels as an input" in name:
                with pytest.raises(ToolkitError, match="labels"):
                    describe()
                continue
            own = describe()
            states = random_weights(student.ask("shapes", network=own.network.id))
            made, graph, problem = gan.exported(student, tmp_path / "copy", own, states, {})
            assert graph is not None, problem
            assert len(convert([made], graphs={made.file: graph})) == 2


@torch.no_grad()
def test_a_sure_discriminator_keeps_its_logits() -> None:
    """1 - p has three digits left where p is 0.99999."""
    layers = torch.nn.Linear(784, 1), torch.nn.Sigmoid()
    layers[0].bias.fill_(12.0)
    facts = {"image_shape": (784,), "value_range": (0.0, 1.0), "probabilities": True}
    made = torchscript.own_files("discriminator", torch.nn.Sequential(*layers), facts)
    (case,) = made["golden"]["cases"]
    images = torch.tensor(case["input"]["values"]).reshape(2, 784)
    expected = layers[0](images)[:, 0]
    torch.testing.assert_close(torch.tensor(case["output"]["values"]), expected)


def tried(student: Path, host: Host, *chosen: Path) -> Exporter:
    return export(student, student.parent / "made", chosen, print, host)


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


def test_weights_are_found_or_asked_for(host: Host, tmp_path: Path) -> None:
    student = make_student(tmp_path / "student")
    for file in ("my_gan.py", "train.py"):
        (student / file).unlink()
    kept = student / "records" / "lstm-T5-rate0.001.pt"
    (student / "other.pth").write_bytes(kept.read_bytes())
    (said,) = (done := tried(student, host)).said
    assert "Name one of them with --weights" in said
    assert [*done.exports, done.refused] == [False]
    with contextlib.chdir(student), pytest.MonkeyPatch.context() as patch:  # all of it, pickled
        patch.syspath_prepend(student)
        own = own_code(student, "lstm.py", "LSTM", 5, 10, 24, 10)
        type(own).__module__ = "__main__"
        patch.setattr(sys.modules["__main__"], "LSTM", type(own), raising=False)
        torch.save(own, tmp_path / "whole.pt")
    done = tried(student, host, tmp_path / "whole.pt")
    assert [made.file for made in done.exports] == ["lstm.pt", "lstm.onnx", "lstm.pt2"]
    for path in (kept, student / "other.pth", student / "records" / "gan.pt"):
        path.unlink()
    (student / "records" / "rnn-T5-rate0.001.pt").unlink()
    digest = "0" * 64  # exports are no weights; other files beside some manifest are
    (student / "manifest.json").write_text(f'{{"lstm.pt": {{"sha256": "{digest}"}}}}')
    (student / "lstm.pt").touch()
    with pytest.raises(ToolkitError, match=r"has no weights\. Call keep_weights"):
        tried(student, host)
    (student / "manifest.json").write_text("[]")
    assert "none of the weights fits it" in tried(student, host).said[0]
    with pytest.raises(UsageError, match="is no file"):
        tried(student, host, kept)


def test_the_toolkits_own_exports_stay(host: Host, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"lstm.pt": {"sha256": "%s"}}' % ("0" * 64))
    with pytest.raises(UsageError, match="has the toolkit's own exports"):
        export(tmp_path, tmp_path, (), print, host)
