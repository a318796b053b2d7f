"""The wheel alone, in an empty folder: nothing reaches for the repository."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RIGHT = ROOT / "tests" / "assignment" / "check" / "corpus" / "right"
Call = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]  # built once


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds, as pip would unpack it."""
    built = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", str(built)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


@pytest.fixture
def call(installed: Path, tmp_path: Path) -> Call:
    """Call `toolkit ...` from the wheel in an empty folder."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "toolkit", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
        )
        assert str(ROOT / "toolkit") not in done.stderr
        return done

    return run


def test_it_carries_its_data(installed: Path) -> None:
    data = installed / "toolkit" / "_data"
    for name in ("exports/lstm.pt", "exports/manifest.json", "skeleton/my_gan.py",
                 "report/report.tex", "demos/gan_demo.py"):  # fmt: skip
        assert (data / name).is_file(), name
    listed = json.loads((data / "exports" / "manifest.json").read_text())
    for name, entry in listed.items():
        found = hashlib.sha256((data / "exports" / name).read_bytes()).hexdigest()
        assert found == entry["sha256"], name
    assert not (data / "exports" / "previous").exists()


def test_interpolate_with_its_own_exports(call: Call, tmp_path: Path) -> None:
    done = call("train", "interpolate", "--from", 3, "--to", 8)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("runs/interpolate/*/3-to-8-line-9-seed-0.png"))


def test_report(call: Call, tmp_path: Path) -> None:
    done = call("report", "--student-number", "12345678")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "report.tex").is_file()


def test_check_of_an_interpolation(call: Call, tmp_path: Path) -> None:
    """It needs the exported generator and classifier, which stand in for a student's."""
    (tmp_path / "my_gan.py").write_bytes((RIGHT / "gan_mlp_tanh.py").read_bytes())
    done = call("check", ".", "--json")
    report = json.loads(done.stdout)
    assert {finding["id"] for finding in report["findings"]} == {"missing-file"}
    assert any("9 different images" in finding["message"] for finding in report["right"])


def test_demo_explains_itself(call: Call) -> None:
    done = call("demo", "gan", "--help")
    assert done.returncode == 0, done.stderr
    assert "--share" in done.stdout
