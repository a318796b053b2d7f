"""Digits in the place of files and of tables that are not there."""

import ast
import gzip
import importlib
import importlib.util
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from toolkit.assignment.check.child.script.digits import replace_readers, write_file


def _digits(train: bool) -> dict[str, torch.Tensor]:
    n = 6 if train else 4
    images = torch.arange(n * 784, dtype=torch.int64).remainder(256).to(torch.uint8)
    return {"images": images.reshape(n, 28, 28), "labels": torch.arange(n)}


def test_idx_files_have_their_header(tmp_path: Path) -> None:
    images = write_file(Path("data/train-images-idx3-ubyte"), _digits, tmp_path)
    labels = write_file(Path("t10k-labels-idx1-ubyte.gz"), _digits, tmp_path)
    assert images is not None
    assert labels is not None
    content = images.read_bytes()
    assert struct.unpack(">4i", content[:16]) == (2051, 6, 28, 28)
    assert content[16:] == _digits(True)["images"].numpy().tobytes()
    assert gzip.decompress(labels.read_bytes()) == struct.pack(">2i", 2049, 4) + bytes(range(4))


def test_tables_have_a_header_as_on_kaggle_or_none(tmp_path: Path) -> None:
    plain = write_file(Path("mnist_test.csv"), _digits, tmp_path)
    headed = write_file(Path("train.csv"), _digits, tmp_path)
    assert plain is not None
    assert headed is not None
    assert np.loadtxt(plain, delimiter=",").shape == (4, 785)
    assert headed.read_text().startswith("label,pixel0")


def test_other_files_are_not_made_up(tmp_path: Path) -> None:
    assert write_file(Path("weights.pt"), _digits, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("header", "first"), [("infer", "label"), (None, 0)])
def test_a_table_that_is_read_by_pandas(
    header: str | None, first: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pandas = pytest.importorskip("pandas")
    monkeypatch.setattr(pandas, "read_csv", pandas.read_csv)
    replace_readers(ast.parse("import pandas as pd\npd.read_csv('x')"), _digits)
    table = pandas.read_csv("nowhere/mnist_train.csv", header=header)
    assert table.shape == (6, 785)
    assert table.columns[0] == first
    with pytest.raises(FileNotFoundError):
        pandas.read_csv("nowhere/grades.csv")


@pytest.mark.skipif(importlib.util.find_spec("keras") is not None, reason="it is no stand-in")
def test_digits_of_keras_are_as_many_as_there_are() -> None:
    """And whatever else is asked of the package is lacking."""
    before = dict(sys.modules)
    text = "from keras.datasets import mnist\nmnist.load_data()"
    try:
        replace_readers(ast.parse(text), _digits)
        (x, y), (x_test, _) = importlib.import_module("keras.datasets").mnist.load_data()
        assert (x.shape, y.shape, x_test.shape) == ((60_000, 28, 28), (60_000,), (10_000, 28, 28))
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("keras").utils  # noqa: B018
    finally:
        for name in sys.modules.keys() - before.keys():
            del sys.modules[name]
