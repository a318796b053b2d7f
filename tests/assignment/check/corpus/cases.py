"""Submissions that are right, others with planted faults, and some that cannot be seen whole.

A right one is made of files of `right/`. The others are a right one in which a piece of a file, or
a whole file, is replaced by what students write there.
"""

from pathlib import Path

from . import build
from .build import FILES, Place, Right, Wrong
from .right_cases import RIGHT
from .wrong_cells import CELLS
from .wrong_dataset import DATASETS
from .wrong_gan import OPPONENTS
from .wrong_losses import LOSSES
from .wrong_models import MODELS
from .wrong_parameters import PARAMETERS
from .wrong_pictures import PICTURES
from .wrong_runs import RUNS, UNSEEN
from .wrong_train import TRAINING

__all__ = ["CHOSEN_BY_CODE", "FILES", "RIGHT", "UNSEEN", "WRONG", "Place", "Right", "Wrong"]

WRONG = DATASETS | CELLS | MODELS | PARAMETERS | TRAINING | OPPONENTS | LOSSES | PICTURES | RUNS

# GANs of which a function chooses the ends of the interpolation; elsewhere somebody looked at them.
CHOSEN_BY_CODE = {"mlp_tanh", "mlp_sigmoid"}


def write_right(name: str, folder: Path) -> None:
    """Put the files of a right submission into `folder`."""
    build.write(RIGHT[name], (), folder)


def write_wrong(name: str, folder: Path) -> None:
    """Put a submission with planted faults into `folder`."""
    wrong = WRONG[name]
    build.write(RIGHT[wrong.base], wrong.changes, folder)


def write_unseen(name: str, folder: Path) -> None:
    """Put a submission into `folder` of which something cannot be looked at."""
    unseen = UNSEEN[name]
    build.write(RIGHT[unseen.base], unseen.changes, folder)


def right_parts() -> dict[str, tuple[str, list[str]]]:
    """Each part of `RIGHT` once: what to call it, the name of a submission, what to check.

    A data set, an LSTM or a GAN is the same one beside whatever else; a training depends on all
    that it imports.
    """
    found: dict[tuple[object, ...], tuple[str, str]] = {}
    for name, right in RIGHT.items():
        paths = dict(right.paths)
        for part in FILES:
            own = [change for change in right.changes if part in ("train", change[0])]
            places = [paths.get(file) for file in (part, *right.helpers)]
            stems = right[:3] if part == "train" else (getattr(right, part),)
            found.setdefault((part, *stems, *own, *places), (name, part))
    together = ["lstm", "train"]
    return {
        f"{part} of {name}": (
            name,
            together if part == "lstm" and RIGHT[name].probabilities else [part],
        )
        for name, part in found.values()
    }
