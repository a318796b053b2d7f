"""The paths of the files that come with the toolkit, and the commands that install its optional
extras.
"""

import importlib.util
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

NAME = "assignment3-toolkit"  # of the distribution
PACKAGE = Path(__file__).resolve().parents[1]
IN_CHECKOUT = {
    "exports": "exports",
    "constraints": "constraints",
    "skeleton": "assignments/skeleton",
    "notebook": "assignments/assignment3.ipynb",
    "solution": "assignments/solution",
    "report": "assignments/report",
    "demos": "demos",
    "pages": "playground/dist",
    "clinic": "playground/data/clinic.json",
    "mnist": "toolkit/gan/mnist",  # which stays in the package
}


def package_data(name: str) -> Path:
    """Return the path of one of the toolkit's files or folders.

    Args:
        name: a key of `IN_CHECKOUT`. For "notebook" (the assignment's notebook) and "clinic"
            (recordings of GAN training runs), the result is the path of a file. For all other keys,
            the result is the path of a folder.
    """
    place = IN_CHECKOUT[name]
    installed = PACKAGE / "_data" / Path(place).name
    return installed if installed.exists() else PACKAGE.parent / place


def requirements(extra: str | None = None) -> list[str]:
    """Return the requirements of the toolkit or of one of its extras, in pip's format.

    Raises:
        PackageNotFoundError: the toolkit is not installed.
    """
    listed = []
    for line in requires(NAME) or []:
        requirement, _, marker = line.partition(";")
        if _belongs_to(extra, marker):
            listed.append(requirement.strip())
    return listed


def _belongs_to(extra: str | None, marker: str) -> bool:
    """Return True if a requirement's marker, the condition after its semicolon, names `extra`.

    If `extra` is None, return True if the marker names no extra.
    """
    if extra is None:
        return "extra ==" not in marker
    return f"extra == '{extra}'" in marker


def how_to_install(extra: str) -> str:
    """Return the command that installs an extra, such as "report", in this environment.

    The command that is returned calls the installer that belongs to this environment, such as pip
    or uv.
    """
    from toolkit.common.console import command_line  # here, because few commands need it

    place, python = Path(sys.prefix), command_line(sys.executable)
    try:
        packages = " ".join(f'"{package}"' for package in requirements(extra))
    except PackageNotFoundError:
        return f'{python} -m pip install -e "{PACKAGE.parent}[{extra}]"'
    if (place / "uv-receipt.toml").is_file():
        return f"uv tool install {_for_uv_tool(place / 'uv-receipt.toml', extra)}"
    if (place / "pipx_metadata.json").is_file():
        return f"pipx inject {place.name} {packages}"
    if importlib.util.find_spec("pip") is None:  # uv makes environments without pip
        return f"uv pip install --python {python} {packages}"
    return f"{python} -m pip install {packages}"


def _for_uv_tool(receipt: Path, extra: str) -> str:
    """Return the argument that makes `uv tool install` add an extra to the toolkit.

    The argument also lists the extras that are already installed, because `uv tool install` removes
    extras that are not listed.
    """
    listed = tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]["requirements"]
    toolkit = next(requirement for requirement in listed if requirement["name"] == NAME)
    extras = ",".join(sorted({extra, *toolkit.get("extras", [])}))
    if "editable" in toolkit:
        return f'--editable "{toolkit["editable"]}[{extras}]"'
    if "directory" in toolkit:
        return f'"{toolkit["directory"]}[{extras}]"'
    source = toolkit.get("url", toolkit.get("path"))
    if "git" in toolkit:
        source = re.sub(r"\?(rev|tag|branch)=", "@", f"git+{toolkit['git']}")
    return f'"{NAME}[{extras}] @ {source}"' if source else f'"{NAME}[{extras}]"'
