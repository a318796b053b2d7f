"""Finding what comes with the toolkit and is not in the package: exports, templates, demos."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
IN_CHECKOUT = {
    "exports": "exports",
    "skeleton": "assignments/skeleton",
    "notebook": "assignments/assignment3.ipynb",
    "report": "assignments/report",
    "demos": "demos",
    "pages": "playground/dist",
    "clinic": "playground/data/clinic.json",
    "mnist": "toolkit/gan/mnist",  # which stays in the package
}


def package_data(name: str) -> Path:
    """Where something is: beside the package in a checkout, inside it in a wheel.

    Args:
        name: of a folder, "exports", "skeleton", "report" (the templates), "demos", "mnist" or
            "pages" (the scripts and styles of pages, built); or "notebook" or "clinic" (failures of
            a GAN as pages show them), which are files.
    """
    place = IN_CHECKOUT[name]
    installed = PACKAGE / "_data" / Path(place).name
    return installed if installed.exists() else PACKAGE.parent / place
