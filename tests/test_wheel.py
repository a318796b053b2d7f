"""The wheel alone, installed into an environment of its own: nothing reaches for the repository.

The folder has a space and Chinese letters in its name, the console knows neither, and on Linux the
commands run as on Windows (tests/systems/stand_in).
"""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import imageio.v3 as iio
import pytest

from toolkit.assignment.running.parts import FILES

from .assignment.judging.corpus import cases
from .assignment.layouts import notebook
from .assignment.submissions import FINE
from .conftest import HANGS
from .systems import other

ROOT = Path(__file__).parents[1]
Call = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]  # built once


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, which sees the packages here but not the source tree."""
    built = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", str(built)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # A line in such a file is only a path: the editable installation behind it is not followed.
    (site / "packages.pth").write_text("\n".join(packages), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)
    return environment


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a student works, from the skeleton to the archive."""
    folder = tmp_path_factory.mktemp("home") / "深度学习 été"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment variables of a machine where little is as here."""
    variables = dict(os.environ)
    if sys.platform == "linux":
        variables = other.environment("win32", tmp_path_factory.mktemp("systems"))
        variables["PYTHONPATH"] = str(other.STAND_IN)
    else:
        variables.pop("PYTHONPATH", None)
    return variables | {"PYTHONUTF8": "0", "PYTHONWARNDEFAULTENCODING": "1"}


@pytest.fixture
def call(installed: Path, folder: Path, environment: dict[str, str]) -> Call:
    """Call `toolkit ...` in the folder, on a console of some encoding."""

    def run(*arguments: object, console: str = "gbk") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [program(installed), *map(str, arguments)],
            cwd=folder,
            env=environment | {"PYTHONIOENCODING": console},
            capture_output=True,
            encoding=console,
        )
        assert str(ROOT / "toolkit") not in done.stderr
        assert "Traceback" not in done.stderr
        assert_no_encoding_is_left_open(done.stderr)
        return done

    return run


def program(environment: Path) -> str:
    scripts = sysconfig.get_path("scripts", "venv", {"base": str(environment)})
    return str(Path(scripts) / "toolkit")


def assert_no_encoding_is_left_open(printed: str) -> None:
    """By the toolkit; what other packages do is theirs."""
    warned = [line for line in printed.splitlines() if "EncodingWarning" in line]
    assert not [line for line in warned if re.search(r"[\\/](toolkit|_data)[\\/]", line)]


def test_it_carries_its_data(installed: Path) -> None:
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(installed)}))
    data = site / "toolkit" / "_data"
    for name in ("exports/lstm.pt", "exports/lstm.safetensors", "exports/manifest.json",
                 "skeleton/my_gan.py",
                 "report/report.tex", "demos/gan_demo.py", "assignment3.ipynb",
                 "dist/playground.html", "dist/page.css", "clinic.json",
                 "constraints/py311-released.txt"):  # fmt: skip
        assert (data / name).is_file(), name
    listed = json.loads((data / "exports" / "manifest.json").read_bytes())
    for name, entry in listed.items():
        digest = hashlib.sha256((data / "exports" / name).read_bytes()).hexdigest()
        assert digest == entry["sha256"], name
    assert not (data / "exports" / "previous").exists()


def test_the_lines_of_the_readme(installed: Path, tmp_path: Path) -> None:
    """Exactly as they stand there: in an empty folder they train, load, draw, and are typed."""
    (lines,) = re.findall(r"```python\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len([line for line in lines.splitlines() if line]) == 10
    (tmp_path / "mine.py").write_text(lines, encoding="utf-8")
    python = str(Path(program(installed)).with_name("python"))
    subprocess.run([python, "-W", "error", "mine.py"], cwd=tmp_path, check=True)
    logged = (tmp_path / "runs" / "mine" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(logged[-1])["step"] == 50
    assert iio.imread(tmp_path / "nine.png").shape == (90, 810)  # nine in a row, framed, thrice
    typed = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "mine.py"]
    cache = ["--cache-dir", str(ROOT / ".mypy_cache" / "readme")]
    done = subprocess.run([*typed, *cache], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_exports_of_the_wheel_are_found(installed: Path, folder: Path) -> None:
    """Outside a checkout, by name and in every format, and as the manifest says they are."""
    python = str(Path(program(installed)).with_name("python"))
    lines = """
import toolkit
from importlib.metadata import version
from toolkit.export import load, verify
assert toolkit.__version__ == version("assignment3-toolkit")
for format in ("pt", "onnx", "pt2"):
    assert verify("lstm", format=format) < 1e-4
assert load("generator").latent_dim == 64
"""
    command = [python, "-W", "ignore", "-c", lines]
    subprocess.run(command, cwd=folder, check=True)


def test_skeleton(call: Call, folder: Path) -> None:
    done = call("skeleton", "--mnist", "--out", "我的 code")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (folder / "我的 code").iterdir()}
    assert names == {*FILES.values(), "assignment3.ipynb", "data"}
    assert all(name in done.stdout for name in names)
    (command,) = re.findall(r'toolkit check ["\'](.+)["\']\n', done.stdout)
    assert command == "我的 code"
    mine = folder / "我的 code" / "lstm.py"
    mine.write_text("mine = 1", encoding="utf-8")
    (folder / "我的 code" / "train.py").unlink()
    second = call("skeleton", "--out", "我的 code", console="cp1252")  # which has no such letters
    assert second.returncode == 0, second.stderr
    assert [line.split(":")[0] for line in second.stdout.splitlines()[:2]] == [
        "Written",
        "Kept as it is",
    ]
    assert mine.read_text(encoding="utf-8") == "mine = 1"


def test_check(call: Call, folder: Path) -> None:
    """A byte-order mark, the ends of lines of Windows, letters of Europe and of China."""
    (folder / "检查").mkdir()
    cases.write_planted("the label is the middle", folder / "检查")
    for name in ("lstm.py", "train.py", "my_gan.py"):
        (folder / "检查" / name).unlink()
    file = folder / "检查" / "dataset.py"
    code = file.read_text(encoding="utf-8")
    wrong = next(k for k, line in enumerate(code.splitlines(), 1) if "def __getitem__(" in line)
    code = code.replace("def __getitem__(self, index):", "def __getitem__(self, index):  # é 回文")
    file.write_bytes(code.replace("\n", "\r\n").encode("utf-8-sig"))
    done = call("check", "检查")
    assert done.returncode == 1, done.stderr
    assert f"dataset.py:{wrong}: wrong-label" in done.stdout
    assert "def __getitem__(self, index):  # é 回文" in done.stdout
    content = json.loads(call("check", "检查", "--json", console="cp1252").stdout)
    assert [f["line"] for f in content["findings"] if f["id"] == "wrong-label"] == [wrong]


def test_interpolate_with_its_own_exports(call: Call, folder: Path) -> None:
    done = call("train", "interpolate", "--from", 3, "--to", 8)
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("runs/interpolate/*/3-to-8-line-9-seed-0.png"))


def test_report(call: Call, folder: Path) -> None:
    done = call("report", "--student-number", "12345678", "--name", "王 Zoë", console="cp1252")
    assert done.returncode == 0, done.stderr
    assert "Zoë" in (folder / "report" / "report.tex").read_text(encoding="utf-8")
    assert re.search(r"python .*train.py\W* --length 5", done.stdout)


def test_pack(call: Call, folder: Path) -> None:
    """Files that are short and wrong, but that run: that is enough for an archive."""
    mine = folder / "pack 作业"
    mine.mkdir()
    for name, code in FINE.items():
        (mine / name).write_bytes(("# 回文\r\n" + code).encode("utf-8-sig"))
    (mine / "结果.ipynb").write_text(notebook("1"), encoding="utf-8-sig")
    (mine / "报告.pdf").write_bytes(b"%PDF-1.7 a page")
    done = call("pack", "--student-number", "12345678", mine.name)
    assert done.returncode == 0, done.stderr
    assert sys.platform != "linux" or "The grader's sandbox needs Linux" in done.stderr
    with zipfile.ZipFile(folder / "12345678_assignment3.zip") as archive:
        assert set(archive.namelist()) == {*FINE, "结果.ipynb", "报告.pdf"}


@pytest.mark.parametrize("name", ["gan", "digit"])
def test_demo(name: str, installed: Path, folder: Path, environment: dict[str, str]) -> None:
    """It serves its page, and a signal closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    demo = subprocess.Popen(
        [program(installed), "demo", name, "--port", str(port)],
        cwd=folder,
        env=environment | {"PYTHONIOENCODING": "cp1252"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="cp1252",
    )
    try:
        assert demo.stdout is not None
        assert f"http://127.0.0.1:{port}/" in demo.stdout.readline()
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        demo.send_signal(signal.SIGTERM)
        _, errors = demo.communicate(timeout=HANGS)
    finally:
        demo.kill()
        demo.communicate()
    assert "Traceback" not in errors
    assert_no_encoding_is_left_open(errors)


def test_grade_says_where_it_works(call: Call) -> None:
    done = call("grade", ".")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: grade needs Linux")


@pytest.mark.nightly
def test_train_all_and_report(call: Call, folder: Path) -> None:
    done = call("train", "all", "--preset", "smoke")
    assert done.returncode == 0, done.stderr
    exports = str(Path("runs", "smoke", "exports"))
    done = call("report", "--reference", "--exports", exports, "--student-number", "12345678",
                "--out", "full")  # fmt: skip
    assert done.returncode == 0, done.stderr
