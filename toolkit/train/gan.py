"""The command `gan`: train, measure, plot, export."""

from torch import nn

from toolkit.common import figures
from toolkit.common.device import threads
from toolkit.common.errors import ToolkitError
from toolkit.common.record import GANMetrics, Interpolation, Metric
from toolkit.common.runs import Run
from toolkit.gan.config import Config
from toolkit.gan.data import load_mnist, to_unit
from toolkit.gan.evaluation import NUM_IMAGES, Evaluator, Scores, sample_images
from toolkit.gan.latent import interpolate, pair_of_classes
from toolkit.gan.training import Snapshots, train
from toolkit.train.classifier import keep_classifier, load_evaluator
from toolkit.train.interpolate import save_walk
from toolkit.train.presets import Plan
from toolkit.train.workspace import Workspace


def train_gan(plan: Plan[Config], workspace: Workspace) -> None:
    """The GAN: train, measure 10,000 samples, draw the assignment's pictures, export."""
    with workspace.run(plan) as run, threads(plan.config.num_threads):
        metrics, interpolation = _train(run, plan.config, workspace)
    print_summary(metrics, run, interpolation)
    print(
        f"  {workspace.exports_dir / 'generator.pt'}  {workspace.exports_dir / 'discriminator.pt'}"
    )


def _train(
    run: Run, config: Config, workspace: Workspace
) -> tuple[GANMetrics, Interpolation | None]:
    mnist = load_mnist(workspace.data_dir)
    keep_classifier(workspace.exports_dir)
    evaluator = load_evaluator(workspace, mnist)
    measured: list[Scores] = []  # one for each measurement; training measures after its last step

    def measure(network: nn.Module) -> dict[str, float | str]:
        measured.append(evaluator.measure(sample_images(network, config.seed)))
        return {
            "distance": measured[-1].frechet_distance,
            "floor": evaluator.floor,
            "classifier_sha256": evaluator.sha256,
        }

    networks, snapshots = train(
        config, run, mnist.train_images, mnist.train_labels, workspace.device, measure
    )
    average = networks.average
    if not measured:  # an earlier command did the last step
        measure(average)
    interpolation = draw_interpolation(run, average, evaluator, config.seed)
    metrics = collect_metrics(run, measured[-1], evaluator, config)
    record = run.final_record("all steps done", metrics, interpolation)
    plot_gan(run, snapshots, metrics)
    workspace.export(
        {"generator": average, "discriminator": networks.discriminator},
        record,
        {"generator": manifest_metrics(metrics), "discriminator": {}},
    )
    run.finish(record)
    return metrics, interpolation


def draw_interpolation(
    run: Run, average: nn.Module, evaluator: Evaluator, seed: int
) -> Interpolation | None:
    """9 images between two samples of different classes, as a strip and as a GIF.

    Returns:
        the two digits, or None, after a note to the user, if there were no such samples.
    """
    try:
        pair = pair_of_classes(average, evaluator.classifier, seed)
    except ToolkitError as error:
        print(f"Note: {error}")
        return None
    save_walk(run.figures / "interpolation", average, interpolate(pair.z_from, pair.z_to))
    return Interpolation(digit_from=pair.digit_from, digit_to=pair.digit_to)


def collect_metrics(run: Run, scores: Scores, evaluator: Evaluator, config: Config) -> GANMetrics:
    """What the record says about the networks; `scores` are of the generator's samples."""
    last = run.latest
    return GANMetrics(
        final_loss_discriminator=Metric(value=last["loss_d"], num_examples=config.batch_size),
        final_loss_generator=Metric(value=last["loss_g"], num_examples=config.batch_size),
        frechet_distance=Metric(value=scores.frechet_distance, num_examples=NUM_IMAGES),
        frechet_distance_floor=Metric(value=evaluator.floor, num_examples=NUM_IMAGES),
        class_shares=Metric(value=scores.class_shares, num_examples=NUM_IMAGES),
        classifier_sha256=evaluator.sha256,
    )


def manifest_metrics(metrics: GANMetrics) -> dict[str, object]:
    """What the manifest says about the generator."""
    return {
        "frechet_distance": metrics.frechet_distance.value,
        "frechet_distance_floor": metrics.frechet_distance_floor.value,
        "classifier_sha256": metrics.classifier_sha256,
        "class_shares": metrics.class_shares.value,
        "num_images": metrics.frechet_distance.num_examples,
    }


def print_summary(metrics: GANMetrics, run: Run, interpolation: Interpolation | None) -> None:
    """Say how good the generator is, and what was drawn."""
    shares = metrics.class_shares.value
    print(
        f"GAN: Frechet distance {metrics.frechet_distance.value:.2f} (real against real: "
        f"{metrics.frechet_distance_floor.value:.2f}; classifier "
        f"{metrics.classifier_sha256[:12]}), class shares {min(shares):.1%} to {max(shares):.1%}, "
        f"after {run.step:,} steps in {run.seconds:.0f} s."
    )
    print(f"  {run.figures}/: {', '.join(sorted(path.name for path in run.figures.iterdir()))}")
    if interpolation:
        print(f"  The interpolation goes {interpolation}.")


def plot_gan(run: Run, snapshots: Snapshots, metrics: GANMetrics) -> None:
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

    entries = run.entries

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
        title=f"Frechet distance of {metrics.frechet_distance.num_examples:,} samples "
        f"(classifier {metrics.classifier_sha256[:12]})",
        x_label="training steps",
        y_label="distance to the test images",
        level=("real against real", metrics.frechet_distance_floor.value),
        log=True,
    )
