"""A torch without TorchScript: everything works but the .pt files, and one sentence says so.

Each command runs in processes of its own, in which torch.jit.script, trace, load and save raise.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio_client
import pytest

from tests.assignment.export.conftest import make_student
from tests.assignment.judging.corpus import cases
from tests.conftest import HANGS
from toolkit.export import loading, manifest, saving
from toolkit.lstm.model import RNN

ROOT = Path(__file__).parents[2]
REMOVED = ROOT / "tests" / "without_torchscript"
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{REMOVED}{os.pathsep}{ROOT}"}
SENTENCE = (
    r"torch \S+ writes no TorchScript, so no \.pt files are made \(TorchScript was removed\)\."
)
RUN_TOOLKIT = [sys.executable, "-m", "toolkit"]
FORMATS = ("safetensors", "pt2", "onnx")


def toolkit(*arguments: object, cwd: Path, code: int = 0) -> str:
    """What a command prints; it ends with this exit code."""
    done = subprocess.run(
        [*RUN_TOOLKIT, *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_torchscript_is_gone() -> None:
    """In such a process; otherwise the tests below would prove nothing."""
    for function in ("script", "trace", "load", "save"):
        program = f"import torch; torch.jit.{function}(torch.nn.Identity())"
        done = subprocess.run(
            [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True
        )
        assert done.stderr.endswith("DeprecationWarning: TorchScript was removed\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "names", "copies"),
    [
        ("rnn", {"rnn_plain"}, set()),
        # All that the toolkit trains; its generator is measured with a copy of our classifier.
        pytest.param("all", {*manifest.SIGNATURES}, {"classifier.pt"}, marks=pytest.mark.nightly),
    ],
)
def test_what_is_trained_is_written(
    model: str, names: set[str], copies: set[str], tmp_path: Path
) -> None:
    printed = toolkit("train", model, "--preset", "smoke", cwd=tmp_path)
    assert len(re.findall(SENTENCE, printed)) == 1
    exports = tmp_path / "runs" / "smoke" / "exports"
    written = {path.name for path in exports.glob("[!.]*.*")} - {"manifest.json", "film.npz"}
    expected = {f"{name}.{format_}" for name in names for format_ in FORMATS}
    assert written == expected | copies
    for file in expected:
        name, format_ = file.split(".")
        loading.verify(name, exports, format=format_)  # type: ignore[arg-type]


@pytest.mark.slow
def test_another_format_is_written(tmp_path: Path) -> None:
    saving.save({"rnn": RNN(4)}, {"rnn": {}}, exports_dir=tmp_path, seed=0, config={}, formats=())
    options = ("--exports-dir", tmp_path)
    toolkit("train", "convert", "--format", "onnx", *options, cwd=tmp_path)
    assert (tmp_path / "rnn.onnx").exists()
    printed = toolkit("train", "convert", "--format", "pt", *options, cwd=tmp_path, code=1)
    assert re.search(SENTENCE, printed)


@contextmanager
def demo(name: str, folder: Path) -> Iterator[gradio_client.Client]:
    """A demo that is running, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = [*RUN_TOOLKIT, "demo", name, "--port", str(port)]
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert str(port) in process.stdout.readline()
            yield gradio_client.Client(f"http://127.0.0.1:{port}/", verbose=False)
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.mark.slow
def test_the_demos_answer(tmp_path: Path) -> None:
    with demo("digit", tmp_path) as client:
        answers = client.predict("31415995141", api_name="/predict")
        assert set(answers) == {"lstm", "rnn", "lstm_plain", "rnn_plain"}
        gates = client.predict("31415", 3, "lstm", api_name="/gates")
        assert gates
    with demo("gan", tmp_path) as client:
        assert client.predict(3, "any", api_name="/samples")


@pytest.mark.slow
def test_the_page_is_written(tmp_path: Path) -> None:
    printed = toolkit("train", "playground", cwd=tmp_path)
    assert "playground.html: 7 networks" in printed


@pytest.mark.slow
def test_the_check_judges(tmp_path: Path) -> None:
    """All four files, of which one has a fault."""
    cases.write_planted("the label is the middle", tmp_path)
    printed = toolkit("check", tmp_path, cwd=tmp_path, code=1)
    assert re.findall(r"^ +\S+:\d+: (\S+)", printed, flags=re.MULTILINE) == ["wrong-label"]
    assert "not seen" not in printed.lower()


@pytest.mark.slow
def test_a_hand_in_is_exported(tmp_path: Path) -> None:
    student = make_student(tmp_path / "student")
    printed = toolkit("export", student, "--out", tmp_path / "mine", cwd=tmp_path)
    assert len(re.findall(SENTENCE, printed)) == 1
    made = {path.suffix for path in (tmp_path / "mine").glob("[!.]*.*")}
    assert made == {".safetensors", ".pt2", ".onnx", ".npz", ".json"}
    names = ("lstm", "rnn", "generator", "discriminator")
    assert all(loading.verify(name, tmp_path / "mine") <= 1e-4 for name in names)
    page = toolkit("train", "playground", "--exports", tmp_path / "mine", cwd=tmp_path)
    assert "networks" in page
