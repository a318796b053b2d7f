"""The command `classifier`, and finding the classifier that evaluates the GAN."""

from torch import nn

from toolkit.common.package_data import package_data
from toolkit.export import manifest, torchscript
from toolkit.gan.classifier import accuracy, train
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.data import MNIST, load_mnist
from toolkit.gan.evaluation import Evaluator
from toolkit.train.workspace import Workspace


def train_classifier(config: ClassifierConfig, name: str, workspace: Workspace) -> None:
    """The digit classifier: train, test, export."""
    run = workspace.run(name, config)
    mnist = load_mnist(workspace.data_dir)
    model = train(config, run, mnist, workspace.device)
    share = accuracy(model, mnist.test_images, mnist.test_labels)
    floor = Evaluator(model, "", mnist, workspace.device).floor
    workspace.export(
        "classifier", model, config, {"test_accuracy": share, "frechet_distance_floor": floor}
    )
    print(
        f"Classifier: {share:.2%} of the 10,000 test images, after {run.seconds:.1f} s of "
        f"training.\n  {workspace.exports_dir / 'classifier.pt'}"
    )


def load_classifier(workspace: Workspace) -> nn.Module:
    """The exported classifier, on the CPU: the workspace's, else a copy of the toolkit's own.

    Raises:
        ToolkitError: it is missing or damaged.
    """
    if not (workspace.exports_dir / "classifier.pt").exists():
        manifest.copy_export("classifier", package_data("exports"), workspace.exports_dir)
    return torchscript.load("classifier", workspace.exports_dir)


def load_evaluator(workspace: Workspace, mnist: MNIST) -> Evaluator:
    """The exported classifier as the evaluator that measures the GAN.

    Raises: as `load_classifier`.
    """
    classifier = load_classifier(workspace)
    sha256 = manifest.read_manifest(workspace.exports_dir)["classifier.pt"]["sha256"]
    return Evaluator(classifier, sha256, mnist, workspace.device)
