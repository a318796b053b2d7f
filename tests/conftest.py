"""Shared by all tests: the command line as users call it, and MNIST, read once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.gan.data import MNIST, load_mnist

ROOT = Path(__file__).parents[1]
RunTrain = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_train(tmp_path: Path) -> RunTrain:
    """Call `python -m toolkit.train ...` from the project's folder; runs go to tmp_path."""

    def run(*arguments: object, runs_dir: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "toolkit.train", *map(str, arguments), "--runs-dir", runs_dir],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def mnist() -> MNIST:
    return load_mnist()
