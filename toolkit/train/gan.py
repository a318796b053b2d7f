"""The command `gan`: train, measure, plot, export."""

from torch import nn

from toolkit.common import figures
from toolkit.common.errors import ToolkitError
from toolkit.common.runs import Run
from toolkit.gan.config import Config
from toolkit.gan.data import load_mnist, to_unit
from toolkit.gan.evaluation import Evaluator, sample_images
from toolkit.gan.latent import interpolate, pair_of_classes
from toolkit.gan.training import Snapshots, train
from toolkit.train.classifier import load_evaluator
from toolkit.train.interpolate import save_walk
from toolkit.train.workspace import Workspace


def train_gan(config: Config, name: str, workspace: Workspace) -> None:
    """The GAN: train, measure 10,000 samples, draw the assignment's pictures, export."""
    run = workspace.run(name, config)
    mnist = load_mnist(workspace.data_dir)
    evaluator = load_evaluator(workspace, mnist)

    def measure(network: nn.Module) -> dict[str, float | str]:
        scores = evaluator.measure(sample_images(network, config.seed))
        return {
            "distance": scores.frechet_distance,
            "floor": evaluator.floor,
            "classifier_sha256": evaluator.sha256,
        }

    networks, snapshots = train(
        config, run, mnist.train_images, mnist.train_labels, workspace.device, measure
    )
    average = networks.average
    scores = evaluator.measure(sample_images(average, config.seed))
    metrics: dict[str, object] = {
        "frechet_distance": scores.frechet_distance,
        "frechet_distance_floor": evaluator.floor,
        "classifier_sha256": evaluator.sha256,
        "class_shares": scores.class_shares,
    }
    workspace.export("generator", average, config, metrics)
    workspace.export("discriminator", networks.discriminator, config, {})
    plot_gan(run, snapshots, evaluator)
    print(
        f"GAN: Frechet distance {scores.frechet_distance:.2f} (real against real: "
        f"{evaluator.floor:.2f}; classifier {evaluator.sha256[:12]}), class shares "
        f"{min(scores.class_shares):.1%} to {max(scores.class_shares):.1%}, after "
        f"{config.num_steps:,} steps in {run.seconds:.0f} s.\n"
        f"  {workspace.exports_dir / 'generator.pt'}  {workspace.exports_dir / 'discriminator.pt'}"
    )
    print(draw_interpolation(run, average, evaluator, config.seed))


def plot_gan(run: Run, snapshots: Snapshots, evaluator: Evaluator) -> None:
    """25 samples at the start, halfway and at the end; their film; the losses; the distance."""
    end = max(snapshots)
    captioned = []
    for stage, step in (("start", 0), ("half", end // 2), ("end", end)):
        picture = figures.sheet(to_unit(snapshots[step]))
        figures.save_png(run.figures / f"samples_{stage}.png", picture)
        captioned.append((f"step {step:,}", picture))
    figures.save_captioned(run.figures / "samples.png", captioned, inches=3)
    film = [figures.sheet(to_unit(images), scale=2) for images in snapshots.values()]
    figures.save_film(run.figures / "training.gif", film, milliseconds=150)

    entries = run.metrics()

    def curve(key: str) -> figures.Curve:
        chosen = [e for e in entries if key in e]
        return [e["step"] for e in chosen], [e[key] for e in chosen]

    figures.save_curves(
        run.figures / "losses.png",
        {"discriminator": curve("loss_d"), "generator": curve("loss_g")},
        title="Losses of the two players",
        x_label="training steps",
        y_label="loss",
    )
    figures.save_curves(
        run.figures / "distance.png",
        {"averaged generator": curve("distance")},
        title=f"Frechet distance of 10,000 samples (classifier {evaluator.sha256[:12]})",
        x_label="training steps",
        y_label="distance to the test images",
        level=("real against real", evaluator.floor),
        log=True,
    )


def draw_interpolation(run: Run, average: nn.Module, evaluator: Evaluator, seed: int) -> str:
    """9 images between two samples of different classes, as a strip and as a GIF.

    Returns:
        a sentence that says what was drawn, or why nothing could be.
    """
    try:
        pair = pair_of_classes(average, evaluator.classifier, seed)
    except ToolkitError as error:
        return f"Note: {error}"
    save_walk(run.figures / "interpolation", average, interpolate(pair.z_from, pair.z_to))
    return (
        f"  {run.figures}/: samples_start.png, samples_half.png, samples_end.png, "
        "losses.png, distance.png, training.gif, "
        f"interpolation.png and .gif (from a {pair.digit_from} to a {pair.digit_to})"
    )
