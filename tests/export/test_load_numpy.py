"""The LSTM in numpy, without torch: the golden values, and a palindrome on the command line."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from toolkit.export import manifest, saving
from toolkit.export.golden import TOLERANCE, check_golden, difference_at_length
from toolkit.lstm.model import LSTM, RNN

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "exports" / "load_numpy.py"


@pytest.fixture(scope="module")
def load_numpy() -> dict[str, Any]:
    """The names in the program."""
    return runpy.run_path(str(PROGRAM))


@pytest.mark.parametrize("name", ["lstm", "lstm_plain"])
def test_golden_values(name: str, load_numpy: dict[str, Any]) -> None:
    weights = safetensors.numpy.load_file(ROOT / "exports" / f"{name}.safetensors")
    golden = manifest.entry_of(name, ROOT / "exports")["golden"]

    def run(digits: torch.Tensor) -> np.ndarray:
        logits: np.ndarray = load_numpy["logits_of"](weights, digits.numpy())
        assert logits.dtype == np.float32
        return logits

    check_golden("load_numpy.py", golden, run)
    _, difference = difference_at_length(golden, run) or (0, 1.0)
    assert difference <= (1e-3 if name == "lstm_plain" else TOLERANCE)


def test_bare_digits(load_numpy: dict[str, Any]) -> None:
    """A student's LSTM may read them as one number."""
    model = saving.for_export(LSTM(7, one_hot=False))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    digits = torch.randint(10, (3, 9))
    logits = load_numpy["logits_of"](weights, digits.numpy())
    np.testing.assert_allclose(logits, model(digits), atol=1e-5)


def test_it_needs_neither_torch_nor_the_toolkit(tmp_path: Path) -> None:
    program = (
        "import runpy, sys; sys.modules |= dict.fromkeys(('torch', 'toolkit')); "
        "sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    digits = "3 1 4 1 5 9 9 5 1 4 1"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            program,
            PROGRAM,
            PROGRAM.with_name("lstm.safetensors"),
            *digits.split(),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith(f"{digits} -> 3 (99.")


EXPORTS = ROOT / "exports"
REFUSED = {
    "a sign": (2, EXPORTS / "lstm.safetensors", "3 -1 4", "digits from 0 to 9"),
    "a number": (2, EXPORTS / "lstm.safetensors", "3 12", "digits from 0 to 9"),
    "a word": (2, EXPORTS / "lstm.safetensors", "three", "digits from 0 to 9"),
    "no digits": (2, EXPORTS / "lstm.safetensors", "", "digits from 0 to 9"),
    "an RNN": (1, EXPORTS / "rnn.safetensors", "3 1", "no weights of an LSTM"),
    "images": (1, EXPORTS / "generator.safetensors", "3 1", "no weights of an LSTM"),
    "another format": (1, EXPORTS / "lstm.pt", "3 1", "no weights of an LSTM"),
    "no file": (1, EXPORTS / "nothing", "3 1", "No such file"),
    "a folder": (1, EXPORTS, "3 1", "Is a directory"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses_in_one_line(
    what: str, load_numpy: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, path, digits, words = REFUSED[what]
    with pytest.raises(SystemExit) as stopped:
        load_numpy["main"](str(path), *digits.split())
    code, said = stopped.value.code, capsys.readouterr().err
    if isinstance(code, str):  # Python prints it, and ends with 1
        code, said = 1, f"{code}\n"
    assert code == exit_code
    assert words in said
    assert said.startswith("load_numpy.py: ")
    assert said.count("\n") == 1


def test_no_small_rnn_passes_for_an_lstm(tmp_path: Path, load_numpy: dict[str, Any]) -> None:
    """With four hidden units, the four parts of an RNN's state could be taken for gates."""
    path = tmp_path / "rnn.safetensors"
    weights = {name: tensor.numpy() for name, tensor in RNN(4).state_dict().items()}
    safetensors.numpy.save_file(weights, path)
    with pytest.raises(SystemExit, match="no weights of an LSTM"):
        load_numpy["main"](str(path), "3", "1")


def test_it_is_short_and_shown() -> None:
    """The page about the exports has it, word for word."""
    code = PROGRAM.read_text(encoding="utf-8")
    assert len(code.splitlines()) <= 50
    shown = code[code.index("def sigmoid") : code.index("def main")].strip()
    assert shown in (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
