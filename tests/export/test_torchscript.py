"""The bytes of an export depend on the model alone."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from itertools import permutations
from pathlib import Path

import pytest
import torch
from torch import nn

from toolkit.export.formats.torchscript import canonical, script
from toolkit.export.manifest import SIGNATURES
from toolkit.gan.model import Classifier
from toolkit.lstm.model import LSTM

ROOT = Path(__file__).parents[2]
NAMES = list(SIGNATURES)
# Each model before and after each other, and after modules that are none of ours.
ORDERS = [NAMES, NAMES[::-1], ["others", *NAMES]]


def hashes(orders: list[list[str]], **environment: str) -> list[dict[str, str]]:
    """Those of the models that are exported in each order."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/export/export_in_order.py", *map(",".join, orders)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def differing(found: list[dict[str, str]]) -> list[str]:
    """The models that do not have the same hash wherever they occur."""
    return [name for name in NAMES if len({one[name] for one in found if name in one}) != 1]


def archive(scripted: torch.jit.ScriptModule) -> bytes:
    """As torch writes it."""
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer)
    return buffer.getvalue()


def code(data: bytes) -> dict[str, str]:
    """The Python files in an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as files:
        paths = [path for path in files.namelist() if path.endswith(".py")]
        return {path: files.read(path).decode() for path in paths}


@pytest.mark.parametrize("model", [Classifier(), LSTM(8)], ids=["classifier", "lstm"])
def test_same_bytes_again(model: nn.Module) -> None:
    one, two = archive(script(model.eval())), archive(script(model))
    assert code(one).keys() != code(two).keys()  # torch counts what was scripted before
    assert canonical(one) == canonical(two) == canonical(canonical(two))
    inputs = torch.randint(10, (3, 5)) if isinstance(model, LSTM) else torch.rand(3, 1, 28, 28)
    loaded = torch.jit.load(io.BytesIO(canonical(two)))
    torch.testing.assert_close(loaded(inputs), model(inputs))


def test_torch_forgets_nothing() -> None:
    """Classes that others have scripted stay in use, and keep working."""
    before = torch.jit.script(model := LSTM(8).eval())
    script(model)
    after, digits = torch.jit.script(model), torch.tensor([[1, 2, 3]])
    assert before._c._type() == after._c._type()
    torch.testing.assert_close(before(digits), model(digits))


def test_files_by_hand() -> None:
    """Each class has a file of its own: three convolutions, and five activations of one class."""
    files = code(canonical(archive(script(Classifier()))))
    found = [re.sub(r"_\d+", "_k", path.removeprefix("archive/code/__torch__/")) for path in files]
    convolutions = [path for path in files if "/conv/" in path]
    assert found.count("torch/nn/modules/conv/___torch_mangle_k.py") == len(convolutions) == 3
    assert found.count("torch/nn/modules/activation/___torch_mangle_k.py") == 1
    assert found[0] == "toolkit/gan/model/___torch_mangle_k.py"
    numbers = [int(x) for path in files for x in re.findall(r"mangle_(\d+)", path)]
    assert numbers == list(range(len(numbers)))
    constants = [x for x in files[convolutions[0]].splitlines() if "Final[" in x]
    assert constants == sorted(constants)
    assert len(constants) == 9


@pytest.mark.slow
def test_same_bytes_in_every_order_and_process() -> None:
    found = hashes(ORDERS, PYTHONHASHSEED="1", OMP_NUM_THREADS="1")
    assert len(found) == len(ORDERS)
    found += hashes([[name] for name in NAMES], PYTHONHASHSEED="2", OMP_NUM_THREADS="2")
    assert differing(found) == []


@pytest.mark.nightly
def test_same_bytes_in_many_orders() -> None:
    orders = [list(order) for order in permutations(["others", *NAMES])][::97]
    assert differing(hashes(orders)) == []
