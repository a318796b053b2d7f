"""A demo in a notebook, below the cell that starts it.

The cell finishes, but the demo continues to run.
"""

import contextlib
import importlib

from serving.app import new_password
from serving.environment import prepare
from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.common.package_data import package_data

PAGES = {"gan": ("Latent studio", "latent_studio"), "digit": ("Gate microscope", "gate_microscope")}
_open = contextlib.ExitStack()


def show(demo: str, share: bool = False) -> None:
    """Show a page below the cell, in place of any earlier page.

    Args:
        demo: "gan" or "digit".
        share: also give the page a temporary public address, with a password.

    Raises:
        ToolkitError: an export is missing or damaged, or no port is free.
    """
    name, package = PAGES[demo]
    _open.close()
    scratch = _open.enter_context(scratch_directory("demo"))
    prepare(scratch)
    from serving.server import serving

    build = importlib.import_module(f"{package}.page").build
    credentials = ("class", new_password()) if share else None
    page = (name, "127.0.0.1", None, credentials, share, scratch, "The next `show`")
    _open.enter_context(serving(lambda: build(package_data("exports")), *page))
