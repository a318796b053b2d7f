"""The command for an extra fits the environment, as pip, uv 0.13 and pipx 1.18 leave it behind."""

import sys
from pathlib import Path

import pytest

from toolkit.common import package_data

WORD = '"docxtpl<1,>=0.19" "python-docx<2,>=1.1"'
NAME = "assignment3-toolkit"
UV = '[tool]\nrequirements = [{ name = "colorama" }, { name = "assignment3-toolkit", %s }]\n'


@pytest.mark.parametrize(
    ("file", "content", "command"),
    [
        ("pyvenv.cfg", "", f"{sys.executable} -m pip install {WORD}"),
        ("pipx_metadata.json", "", f"pipx inject tools {WORD}"),
        ("uv-receipt.toml", UV % 'specifier = ">=0"', f'uv tool install "{NAME}[report]"'),
        ("uv-receipt.toml", UV % 'directory = "/a b"', 'uv tool install "/a b[report]"'),
        (
            "uv-receipt.toml",
            UV % 'extras = ["notebook"], editable = "/a"',
            'uv tool install --editable "/a[notebook,report]"',
        ),
        (
            "uv-receipt.toml",
            UV % 'git = "https://x.test/t?rev=main"',
            f'uv tool install "{NAME}[report] @ git+https://x.test/t@main"',
        ),
    ],
)
def test_command(
    file: str, content: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / file).write_text(content)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "tools"))
    assert package_data.how_to_install("report") == command


def test_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pip in the environment; a checkout that is not installed."""
    monkeypatch.setitem(sys.modules, "pip", None)
    uv = f"uv pip install --python {sys.executable} {WORD}"
    assert package_data.how_to_install("report") == uv
    monkeypatch.setattr(package_data, "NAME", "no-such-distribution")
    editable = f'{sys.executable} -m pip install -e "{Path(__file__).parents[2]}[report]"'
    assert package_data.how_to_install("report") == editable
