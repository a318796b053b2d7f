"""The command `classifier`, and finding the classifier that evaluates the GAN."""

from torch import nn

from toolkit.common.device import threads
from toolkit.common.package_data import package_data
from toolkit.common.record import ClassifierMetrics, Metric
from toolkit.export import manifest, torchscript
from toolkit.export.replacing import copy_export
from toolkit.gan.classifier import accuracy, train
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.data import MNIST, load_mnist
from toolkit.gan.evaluation import NUM_IMAGES, Evaluator
from toolkit.train.presets import Plan
from toolkit.train.workspace import Workspace


def train_classifier(plan: Plan[ClassifierConfig], workspace: Workspace) -> None:
    """The digit classifier: train, test, export."""
    with workspace.run(plan) as run, threads(plan.config.num_threads):
        mnist = load_mnist(workspace.data_dir)
        model = train(plan.config, run, mnist, workspace.device)
        share = accuracy(model, mnist.test_images, mnist.test_labels)
        floor = Evaluator(model, "", mnist, workspace.device).floor
        metrics = ClassifierMetrics(
            test_accuracy=Metric(value=share, num_examples=len(mnist.test_images)),
            frechet_distance_floor=Metric(value=floor, num_examples=NUM_IMAGES),
        )
        record = run.final_record("all steps done", metrics)
        manifest_metrics = {
            "test_accuracy": share,
            "num_test": metrics.test_accuracy.num_examples,
            "frechet_distance_floor": floor,
        }
        workspace.export({"classifier": model}, record, {"classifier": manifest_metrics})
        run.finish(record)
    print(
        f"Classifier: {share:.2%} of the {len(mnist.test_images):,} test images, after "
        f"{run.seconds:.1f} s of training.\n  {workspace.exports_dir / 'classifier.pt'}"
    )


def load_classifier(workspace: Workspace) -> nn.Module:
    """The exported classifier, on the CPU: the workspace's, else a copy of the toolkit's own.

    Raises:
        ToolkitError: it is missing or damaged.
    """
    if not (workspace.exports_dir / "classifier.pt").exists():
        copy_export("classifier", package_data("exports"), workspace.exports_dir)
    return torchscript.load("classifier", workspace.exports_dir)


def load_evaluator(workspace: Workspace, mnist: MNIST) -> Evaluator:
    """The exported classifier as the evaluator that measures the GAN.

    Raises: as `load_classifier`.
    """
    classifier = load_classifier(workspace)
    sha256 = manifest.read_manifest(workspace.exports_dir)["classifier.pt"]["sha256"]
    return Evaluator(classifier, sha256, mnist, workspace.device)
