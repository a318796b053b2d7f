"""The second classifier: trained once (here on few images), no friend of noise."""

from collections.abc import Callable
from pathlib import Path

import pytest
import second_classifier
import torch
from second_classifier import ResidualClassifier, Settings, trained_once
from torch import nn

from toolkit.common.errors import ToolkitError
from toolkit.gan.classifier import accuracy
from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.measure.evaluation import Evaluator

pytestmark = pytest.mark.slow  # it is trained

SMALL = Settings(num_epochs=2, num_images=3000, batch_size=25)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, mnist: MNIST) -> Path:
    """Of a classifier that was trained on 3,000 images."""
    path = tmp_path_factory.mktemp("second") / "classifier.pt"
    trained_once(path, SMALL, mnist)
    return path


def test_it_learns(path: Path, mnist: MNIST) -> None:
    model, _ = trained_once(path, SMALL, mnist)
    assert accuracy(model, mnist.test_images[:2000], mnist.test_labels[:2000]) > 0.8
    features = model.features(to_unit(mnist.test_images[:7]))
    assert features.shape == (7, 128)
    torch.testing.assert_close(model.readout(features), model(to_unit(mnist.test_images[:7])))


def test_it_is_trained_once(path: Path, mnist: MNIST, monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not_train(settings: Settings, mnist: MNIST) -> ResidualClassifier:
        raise AssertionError("trained again")

    _, digest = trained_once(path, SMALL, mnist)
    monkeypatch.setattr(second_classifier, "train", must_not_train)
    assert trained_once(path, SMALL, mnist)[1] == digest
    with pytest.raises(ToolkitError, match="was trained with other settings"):
        trained_once(path, Settings(), mnist)


def test_noise_is_far_from_digits(
    path: Path, mnist: MNIST, capsys: pytest.CaptureFixture[str]
) -> None:
    model, digest = trained_once(path, SMALL, mnist)
    little = MNIST(*(data[:2000] for data in mnist))
    evaluator = Evaluator(model, digest, little, torch.device("cpu"), num_images=400)

    class Noise(nn.Module):
        latent_dim = 784
        forward: Callable[..., torch.Tensor] = staticmethod(
            lambda z: z.view(-1, 1, 28, 28).sigmoid()
        )

    scores = evaluator.measure_generator(Noise(), seed=0)
    assert scores.frechet_distance.mean > 20 * evaluator.floor.mean
    second_classifier.print_table(evaluator, 0.9876, {"noise": scores})
    _, _, real, noise, *_ = capsys.readouterr().out.splitlines()
    assert real.startswith(f"| real images | {evaluator.floor:.2f} | ")
    assert noise.startswith(f"| noise | {scores.frechet_distance:.2f} | ")
