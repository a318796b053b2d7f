"""Draw the pictures of a report, with the toolkit's curves beside a student's."""

from collections.abc import Callable
from typing import Any

from toolkit.common.figures import Curve
from toolkit.common.package_data import package_data
from toolkit.common.scratch.directory import scratch_directory
from toolkit.export.manifest import read_manifest

TOOLKITS = "the toolkit's own network, for comparison"
CHANCE = ("chance", 0.1)


def drawn(save: Callable[..., None], *args: Any, **options: Any) -> bytes:
    """The PNG that a function of `toolkit.common.figures` writes."""
    with scratch_directory("report") as scratch:
        path = scratch / "figure.png"
        save(path, *args, **options)
        return path.read_bytes()


def toolkits_accuracy(longest: float) -> Curve:
    """Our exported LSTM's accuracies at the T of its manifest, up to one beyond `longest`."""
    metrics = read_manifest(package_data("exports"))["lstm.pt"]["metrics"]["accuracy_by_length"]
    lengths, accuracies = [], []
    for length in sorted(metrics, key=float):
        lengths.append(float(length))
        accuracies.append(metrics[length])
        if float(length) >= longest:
            break
    return lengths, accuracies
