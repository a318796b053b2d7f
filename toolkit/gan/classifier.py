"""Training of the digit classifier, which is used to evaluate the GAN."""

import time
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import AdamW

from toolkit.common.device import autocast, device_of, seeded
from toolkit.common.progress import Progress
from toolkit.common.runs import Run
from toolkit.common.settings import Precision
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.data import MNIST, epoch_order, to_unit
from toolkit.gan.model import Classifier


def train_step(
    model: Classifier, optimizer: AdamW, images: Tensor, labels: Tensor, precision: Precision
) -> Tensor:
    """Update the weights once.

    Args:
        images: float32 (batch, 1, 28, 28), 0 to 1.
        labels: int64 (batch,).

    Returns:
        the cross-entropy before the update, a scalar.
    """
    with autocast(images.device, precision):
        logits = model(images)
    loss = F.cross_entropy(logits.float(), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


@torch.no_grad()
def accuracy(model: Classifier, images: Tensor, labels: Tensor) -> float:
    """Return the fraction, 0 to 1, of correctly classified images, and set `model` to eval mode.

    Args:
        images: uint8 (n, 1, 28, 28).
        labels: uint8 or int64 (n,).
    """
    device = device_of(model)
    model.eval()
    correct = 0
    for batch, expected in zip(images.split(500), labels.split(500), strict=True):
        correct += int((model(to_unit(batch.to(device))).argmax(dim=1).cpu() == expected).sum())
    return correct / len(images)


def train(config: ClassifierConfig, run: Run, mnist: MNIST, device: torch.device) -> Classifier:
    """Train the classifier, or continue an interrupted `run`.

    Metrics and a checkpoint are saved after each epoch. The training does not use the test images.

    Returns:
        the classifier in eval mode.

    Raises:
        UsageError: `run` was opened with a config that differs from `config`, or its directory
            contains a checkpoint of a run with another config.
    """
    run.check_config(config)
    with seeded(config.seed, "weights"):
        model = Classifier().to(device)
    optimizer = AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    steps_per_epoch = config.num_images // config.batch_size
    num_steps = config.num_epochs * steps_per_epoch
    state = SimpleNamespace(model=model, optimizer=optimizer)
    if saved := run.load():
        run.restore(state, saved)
        if run.step == num_steps:
            run.say_finished("classifier")
            return model.eval()

    with Progress("classifier", num_steps, run.step) as progress:
        clock = time.perf_counter() - run.seconds
        step = run.step
        for epoch in range(run.step // steps_per_epoch, config.num_epochs):
            model.train()
            order = epoch_order(config.num_images, config.seed, epoch)
            for chosen in order.split(config.batch_size)[:steps_per_epoch]:
                optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - step / num_steps)
                images = to_unit(mnist.train_images[chosen].to(device))
                labels = mnist.train_labels[chosen].long().to(device)
                loss = train_step(model, optimizer, images, labels, config.precision)
                step += 1
                progress.update(step, loss=loss.item())
            share = accuracy(model, mnist.train_images[:10_000], mnist.train_labels[:10_000])
            seconds = time.perf_counter() - clock
            progress.update(step, accuracy=share)
            run.log(step, loss=loss.item(), training_accuracy=share, seconds=round(seconds, 2))
            run.save(step, seconds, **vars(state))
    return model.eval()
