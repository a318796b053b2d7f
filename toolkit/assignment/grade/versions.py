"""The versions that a verdict depends on: the toolkit's files and the installed packages."""

import functools
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from toolkit.common.files import sha256
from toolkit.common.package_data import PACKAGE, package_data

FOR_CUDA = re.compile("(nvidia|cuda)-|triton$")  # in the released set because of torch for CUDA
PINNED = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)  # in a constraints file


@functools.cache
def toolkit_files() -> dict[str, str]:
    """Return the SHA-256 hashes, keyed by path, of the toolkit files that can affect a verdict.

    The exported models are not read, because `manifest.json` already contains their hashes.
    """
    paths = {package_data("exports") / "manifest.json"}
    paths.update(PACKAGE.rglob("*.py"), PACKAGE.rglob("*.toml"))
    paths.update(package_data("skeleton").glob("*.py"))
    return {
        str(path.relative_to(PACKAGE.parent)): sha256(path.read_bytes()) for path in sorted(paths)
    }


@functools.cache
def installed() -> dict[str, str]:
    """Return the version of each package that the running Python can import.

    Submissions run in the same Python installation as the toolkit.
    """
    packages: dict[str, str] = {}
    for package in distributions():
        packages.setdefault(_plain(package.metadata["Name"] or ""), package.version)
    return dict(sorted(packages.items()))


@functools.cache
def versions() -> str:
    """Return a sentence that compares the versions of the installed packages with those listed in
    the toolkit's constraints file for the running version of Python; see `compare_versions`.
    """
    released = released_set(sys.version_info.major, sys.version_info.minor)
    return compare_versions(released, installed())


def released_set(major: int, minor: int) -> Path:
    """Return the path of the toolkit's constraints file for a Python version; the file lists the
    newest released version of each package.

    Some Python versions have no constraints file; for such a version, there is no file at the
    returned path.
    """
    return package_data("constraints") / f"py{major}{minor}-released.txt"


def compare_versions(released: Path, present: Mapping[str, str]) -> str:
    """Return a sentence about the differences between the installed package versions and those in a
    constraints file.

    Args:
        released: the path of a constraints file in the format of `uv pip compile` or `pip freeze`.
            Some Python versions have no constraints file; for such a version, the path does not
            exist.
        present: the version of each installed package, keyed by the package's name in lower case
            with hyphens.
    """
    python = f"Python {platform.python_version()}"
    if not released.exists():
        listed = ", ".join(f"{name} {version}" for name, version in present.items())
        return (
            f"No released set for {python.rpartition('.')[0]}: versions cannot be compared; "
            f"installed: {python}, {listed}."
        )
    is_cpu_build = present.get("torch", "").endswith("+cpu")
    wanted = {}
    for name, version in PINNED.findall(released.read_text(encoding="utf-8")):
        wanted[_plain(name)] = version
    differing = []
    needless = 0
    for name, version in wanted.items():
        if name not in present and FOR_CUDA.match(name) and is_cpu_build:
            needless += 1
            continue
        installed_version = present.get(name, "is missing")
        # pip sees no difference between 2.13.0 and 2.13.0+cpu, a build of the same version.
        if version not in (installed_version, installed_version.partition("+")[0]):
            differing.append(f"{name} {installed_version} (released: {version})")
    sentence = f"{python}; of the {len(wanted)} packages of the released set, "
    if not differing:
        sentence += "none differs"
    elif len(differing) == 1:
        sentence += f"1 differs: {differing[0]}"
    else:
        sentence += f"{len(differing)} differ: {', '.join(differing)}"
    if needless:
        sentence += f"; {needless} for CUDA are missing, which the CPU build of torch does not need"
    return f"{sentence}."


def _plain(name: str) -> str:
    """Return a package's name in the normalised form that pip uses to compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()
