"""What a verdict depends on: the toolkit's files, and the packages that the hand-ins run with."""

import functools
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from toolkit.common.files import sha256
from toolkit.common.package_data import PACKAGE, package_data

PINNED = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)  # in a constraints file


@functools.cache
def toolkit_files() -> dict[str, str]:
    """SHA-256 of each file of the toolkit that decides something; the manifest has the models'."""
    data = [*package_data("skeleton").glob("*.py"), package_data("exports") / "manifest.json"]
    files = sorted({*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml"), *data})
    return {str(path.relative_to(PACKAGE.parent)): sha256(path.read_bytes()) for path in files}


@functools.cache
def installed() -> dict[str, str]:
    """The version of each package that this Python, which also runs the hand-ins, can import."""
    found: dict[str, str] = {}
    for package in distributions():
        found.setdefault(_plain(package.metadata["Name"] or ""), package.version)
    return dict(sorted(found.items()))


@functools.cache
def versions() -> str:
    """`compare_versions` for this Python."""
    name = "py{}{}-released.txt".format(*sys.version_info)
    return compare_versions(package_data("constraints") / name, installed())


def compare_versions(released: Path, present: Mapping[str, str]) -> str:
    """Tells the teacher what is other than in the released set.

    Args:
        released: a constraints file, as `uv pip compile` or `pip freeze` writes it; not every
            Python has one.
        present: the version of each package, by its name in small letters with hyphens.
    """
    python = f"Python {platform.python_version()}"
    if not released.exists():
        listed = ", ".join(f"{name} {version}" for name, version in present.items())
        return (
            f"No released set for {python.rpartition('.')[0]}: versions cannot be compared; "
            f"installed: {python}, {listed}."
        )
    wanted = {_plain(name): v for name, v in PINNED.findall(released.read_text(encoding="utf-8"))}
    differing = [
        f"{name} {present.get(name, 'is missing')} (released: {version})"
        for name, version in wanted.items()
        # As pip compares: a released 2.13.0 is 2.13.0+cpu, too, a build of the same.
        if version not in (found := present.get(name, ""), found.partition("+")[0])
    ]
    what = ", ".join(differing) or "nothing"
    return f"{python}; of the {len(wanted)} packages of the released set differs: {what}."


def _plain(name: str) -> str:
    """A package's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
