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
from toolkit.lstm.model import LSTM

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


def test_it_is_short_and_shown() -> None:
    """The page about the exports has it, word for word."""
    code = PROGRAM.read_text(encoding="utf-8")
    assert len(code.splitlines()) <= 50
    shown = code[code.index("def sigmoid") : code.index("def main")].strip()
    assert shown in (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
