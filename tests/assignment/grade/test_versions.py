"""Which packages a grade depends on, beside those that were released."""

import platform
from pathlib import Path

from toolkit.assignment.grade.versions import compare_versions

PYTHON = platform.python_version()
PRESENT = {"numpy": "2.4.6", "pillow": "12.3.0", "ruff": "0.17.6", "torch": "2.13.0+cpu",
           "typing-extensions": "4.16.0"}  # fmt: skip
RELEASED = f"""\
# made by: uv pip compile --generate-hashes
numpy==2.4.6 \\
    --hash=sha256:{"0" * 64} \\
    --hash=sha256:{"1" * 64}
    # via torch
Pillow==12.2.0 \\
    --hash=sha256:{"2" * 64}
scipy==1.18.0
torch==2.13.0 \\
    --hash=sha256:{"3" * 64}
typing_extensions==4.16.0 ; python_version >= "3.11"
"""


def test_what_differs_is_named(tmp_path: Path) -> None:
    """A build of the released version is that version; what nobody released does not matter."""
    path = tmp_path / "py311-released.txt"
    path.write_text(RELEASED)
    assert compare_versions(path, PRESENT) == (
        f"Python {PYTHON}; of the 5 packages of the released set, 2 differ: pillow 12.3.0 "
        "(released: 12.2.0), scipy is missing (released: 1.18.0)."
    )
    same = PRESENT | {"pillow": "12.2.0", "scipy": "1.18.0"}
    assert compare_versions(path, same).endswith("of the released set, none differs.")
    almost = PRESENT | {"scipy": "1.18.0"}
    assert "set, 1 differs: pillow 12.3.0 (released: 12.2.0)." in compare_versions(path, almost)
    path.write_text(RELEASED.replace("2.13.0", "2.13.0+cu130"))  # then it must be that build
    assert "torch 2.13.0+cpu (released: 2.13.0+cu130)" in compare_versions(path, PRESENT)


def test_what_only_cuda_needs_is_counted(tmp_path: Path) -> None:
    """Where torch is a CPU build; a build for CUDA lacks these packages."""
    path = tmp_path / "py311-released.txt"
    path.write_text(f"{RELEASED}nvidia-nccl-cu13==2.30.7\ncuda-toolkit==13.2.2\ntriton==3.9.0\n")
    present = PRESENT | {"pillow": "12.2.0", "scipy": "1.18.0"}
    assert compare_versions(path, present) == (
        f"Python {PYTHON}; of the 8 packages of the released set, none differs; 3 for CUDA are "
        "missing, which the CPU build of torch does not need."
    )
    assert "2 for CUDA" in compare_versions(path, present | {"triton": "3.9.0"})
    lacking = compare_versions(path, present | {"torch": "2.13.0"})
    assert "3 differ: nvidia-nccl-cu13 is missing (released: 2.30.7), " in lacking


def test_a_python_without_a_released_set(tmp_path: Path) -> None:
    short = ".".join(PYTHON.split(".")[:2])
    assert compare_versions(tmp_path / "none.txt", {"numpy": "2.4.6", "torch": "2.13.0"}) == (
        f"No released set for Python {short}: versions cannot be compared; installed: Python "
        f"{PYTHON}, numpy 2.4.6, torch 2.13.0."
    )
