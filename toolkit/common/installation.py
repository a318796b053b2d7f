"""What the toolkit needs, and the command that adds an extra to the environment it runs in."""

import importlib.util
import json
import shutil
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from toolkit.common.console import command_line
from toolkit.common.package_data import PACKAGE

NAME = "assignment3-toolkit"


def requirements(extra: str | None = None) -> list[str]:
    """What the toolkit needs, or what one of its extras adds, as pip reads it.

    Raises:
        PackageNotFoundError: the toolkit is used without being installed.
    """
    parts = [line.partition(";") for line in requires(NAME) or []]
    wanted = "extra ==" if extra is None else f"extra == '{extra}'"
    return [one.strip() for one, _, marker in parts if (wanted in marker) is (extra is not None)]


def how_to_install(extra: str) -> str:
    """The command that adds an extra, such as "report", by the tool that made this environment."""
    here = Path(sys.prefix)
    found = Path(shutil.which("python") or "")
    is_it = found.parent == Path(sys.executable).parent
    python = "python" if is_it else command_line(sys.executable)
    try:
        packages = " ".join(f'"{one}"' for one in requirements(extra))
    except PackageNotFoundError:
        return f'{python} -m pip install -e "{PACKAGE.parent}[{extra}]"'
    if (here / "uv-receipt.toml").is_file():  # an upgrade removes all that this does not name
        return f"uv tool install {_of_uv_tool(here / 'uv-receipt.toml', extra)}"
    if (here / "pipx_metadata.json").is_file():
        return f"pipx inject {here.name} {packages}"
    if importlib.util.find_spec("pip") is None:  # uv makes environments without it
        return f"uv pip install --python {command_line(sys.executable)} {packages}"
    return f"{python} -m pip install {packages}"


def _of_uv_tool(receipt: Path, extra: str) -> str:
    """The toolkit from where it is from, with one extra more than it has."""
    listed = tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]["requirements"]
    extras = {extra}.union(*(one.get("extras", []) for one in listed if one["name"] == NAME))
    source = json.loads(distribution(NAME).read_text("direct_url.json") or "{}")
    place = f" @ {source['url']}" if source else ""
    if vcs := source.get("vcs_info"):
        revision = vcs.get("requested_revision", vcs["commit_id"])
        place = f" @ {vcs['vcs']}+{source['url']}@{revision}"
    editable = "--editable " if source.get("dir_info", {}).get("editable") else ""
    return f'{editable}"{NAME}[{",".join(sorted(extras))}]{place}"'
