"""Finding the files that come with the toolkit and are not Python: exports, templates, demos."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
IN_CHECKOUT = {
    "exports": "exports",
    "skeleton": "assignments/skeleton",
    "report": "assignments/report",
    "demos": "demos",
}


def package_data(name: str) -> Path:
    """The folder called `name`: beside the package in a checkout, inside it in a wheel.

    Args:
        name: "exports", "skeleton", "report" (the templates) or "demos".
    """
    installed = PACKAGE / "_data" / name
    return installed if installed.exists() else PACKAGE.parent / IN_CHECKOUT[name]
