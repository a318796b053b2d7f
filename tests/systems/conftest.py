"""Python as on Windows or macOS, as far as Linux can stand in for them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from . import other

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # the system itself is there to be tried


@pytest.fixture(scope="session")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("systems")


@pytest.fixture
def there(description: Path, tmp_path: Path) -> Run:
    """Run Python with some arguments, from the project's folder, as on another system."""

    def run(
        platform: str, *arguments: object, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = other.environment(platform, description)
        environment["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env=environment | variables,
            capture_output=True,
            encoding=variables.get("PYTHONIOENCODING", "utf-8"),
        )

    return run
