"""The command `classifier`, and functions that find and load the GAN's evaluation classifier."""

from pathlib import Path

from torch import nn

from toolkit.common.device import threads
from toolkit.common.errors import ToolkitError
from toolkit.common.package_data import package_data
from toolkit.export import load
from toolkit.export.manifest import FORMATS, find_file, judge_of, read_listed, read_manifest
from toolkit.export.replacing import copy_export
from toolkit.gan.classifier import accuracy, train
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.data import MNIST, load_mnist
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.train.presets import Plan
from toolkit.train.workspace import Workspace


def train_classifier(plan: Plan[ClassifierConfig], workspace: Workspace) -> None:
    """Train, test and export the digit classifier."""
    with workspace.run(plan) as run, threads(plan.config.num_threads):
        mnist = load_mnist(workspace.data_dir)
        model = train(plan.config, run, mnist, workspace.device)
        share = accuracy(model, mnist.test_images, mnist.test_labels)
        metrics = {"test_accuracy": share, "num_test": len(mnist.test_images)}
        record = run.record("all steps done", metrics)
        workspace.export({"classifier": model}, record, {"classifier": metrics})
        run.finish(record)
    print(
        f"Classifier: {share:.2%} of the {len(mnist.test_images):,} test images, after "
        f"{run.seconds:.1f} s of training.\n  {workspace.exports_dir / 'classifier.safetensors'}"
    )


def find_classifier(exports_dir: Path) -> Path:
    """Return `exports_dir` if it contains a classifier; otherwise, return the folder of the
    toolkit's own exported networks.

    Raises:
        ToolkitError: the manifest in `exports_dir` is damaged, does not list the classifier's file,
            or lists it with a different SHA-256.
    """
    file, _ = find_file("classifier", exports_dir)
    path = exports_dir / file
    listed = read_listed(path)
    if listed.data is None:
        return package_data("exports")
    if not listed.intact:
        raise ToolkitError(
            f"{path} does not match the manifest beside it. Remove it, and the toolkit's own "
            "classifier measures in its place."
        )
    return exports_dir


def keep_classifier(exports_dir: Path) -> None:
    """Copy the toolkit's classifier to the folder `exports_dir` if the folder has no classifier.

    Raises:
        ToolkitError: the classifier in `exports_dir` does not match the manifest in that folder, or
            the toolkit's classifier cannot be copied to it.
    """
    source = find_classifier(exports_dir)
    if source != exports_dir:
        listed = read_manifest(source)
        formats = [format_ for format_ in FORMATS if f"classifier.{format_}" in listed]
        copy_export("classifier", source, exports_dir, formats)


def load_classifier(workspace: Workspace) -> nn.Module:
    """Load the classifier on the CPU: the one in `workspace.exports_dir` if there is one, or else
    the toolkit's own.

    Raises:
        ToolkitError: see `find_classifier`.
    """
    classifier: nn.Module = load("classifier", find_classifier(workspace.exports_dir))
    return classifier


def load_evaluator(workspace: Workspace, mnist: MNIST, **options: int) -> Evaluator:
    """Load the evaluator of the GAN, and print a note if it does not use the toolkit's own
    classifier.

    Args:
        options: further arguments for `Evaluator`.

    Raises:
        ToolkitError: see `find_classifier`.
    """
    classifier = load_classifier(workspace)
    folder = find_classifier(workspace.exports_dir)
    sha256 = judge_of(folder)
    toolkit_sha256 = judge_of(package_data("exports"))
    if sha256 != toolkit_sha256:
        file, _ = find_file("classifier", folder)
        print(
            f"Note: {folder / file} ({sha256[:12]}) is not the toolkit's own classifier "
            f"({toolkit_sha256[:12]}), so its distances do not compare with those in the "
            "documents. Remove the file to measure by the toolkit's own."
        )
    return Evaluator(classifier, sha256, mnist, workspace.device, **options)
