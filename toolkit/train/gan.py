"""The command `gan`: train, measure, plot, export."""

from torch import nn

from toolkit.common import figures
from toolkit.common.device import threads
from toolkit.common.errors import ToolkitError
from toolkit.common.record import GANMetrics, Interpolation, Metric, Spread
from toolkit.common.runs import Run
from toolkit.export.torchscript import MadeFile
from toolkit.gan.config import Config
from toolkit.gan.data import load_mnist, to_unit
from toolkit.gan.film import Film, to_bytes
from toolkit.gan.latent import interpolate, pair_of_classes
from toolkit.gan.measure.evaluation import NUM_IMAGES, Evaluator, Scores, sample_images
from toolkit.gan.training import Snapshots, train
from toolkit.train.classifier import keep_classifier, load_evaluator
from toolkit.train.interpolate import save_walk
from toolkit.train.presets import Plan
from toolkit.train.workspace import Workspace


def train_gan(plan: Plan[Config], workspace: Workspace, num_images: int = NUM_IMAGES) -> None:
    """The GAN: train, measure, draw the assignment's pictures, export.

    Args:
        num_images: samples in each draw that is measured.
    """
    workspace.ask_if_too_much(plan.config.cost)
    with workspace.run(plan) as run, threads(plan.config.num_threads):
        metrics, interpolation = _train(run, plan.config, workspace, num_images)
    print_summary(metrics, run, interpolation)
    files = ("generator.pt", "discriminator.pt", "film.npz")
    print(f"  {'  '.join(str(workspace.exports_dir / file) for file in files)}")


def _train(
    run: Run, config: Config, workspace: Workspace, num_images: int
) -> tuple[GANMetrics, Interpolation | None]:
    mnist = load_mnist(workspace.data_dir)
    keep_classifier(workspace.exports_dir)
    evaluator = load_evaluator(workspace, mnist, num_images=num_images)

    def monitor(network: nn.Module) -> dict[str, float | str]:
        images = sample_images(network, config.seed, evaluator.num_images)
        return {
            "distance_of_one_draw": evaluator.measure(images).frechet_distance,
            "floor": evaluator.floor.mean,
            "classifier_sha256": evaluator.sha256,
        }

    film = Film(config, mnist.test_images)
    networks, snapshots = train(
        config, run, mnist.train_images, mnist.train_labels, workspace.device, monitor, film
    )
    average = networks.average
    interpolation = draw_interpolation(run, average, evaluator, config.seed)
    scores = evaluator.measure_generator(average, config.seed)
    metrics = collect_metrics(run, scores, evaluator, config)
    record = run.record("all steps done", metrics, interpolation)
    plot_gan(run, snapshots, metrics)
    recorded = film.arrays()
    listed = ("steps", "discriminator_steps", "auc", "loss_d", "loss_g")
    facts = {"metrics": {name: recorded[name].tolist() for name in listed}}
    workspace.export(
        {"generator": average, "discriminator": networks.discriminator},
        record,
        {"generator": manifest_metrics(metrics), "discriminator": {}},
        [MadeFile("film.npz", to_bytes(recorded), "generator", facts)],
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


def collect_metrics(
    run: Run, scores: Scores[Spread], evaluator: Evaluator, config: Config
) -> GANMetrics:
    """What the record says about the networks; `scores` are of the generator's samples."""
    last, real, count = run.latest, evaluator.real, evaluator.num_images
    batch_size = config.batch_size_at(config.num_steps)
    return GANMetrics(
        final_loss_discriminator=Metric(value=last["loss_d"], num_examples=batch_size),
        final_loss_generator=Metric(value=last["loss_g"], num_examples=batch_size),
        frechet_distance=Metric(value=scores.frechet_distance, num_examples=count),
        frechet_distance_floor=Metric(value=real.frechet_distance, num_examples=count),
        class_shares=Metric(value=scores.class_shares, num_examples=count),
        class_shares_real=Metric(value=real.class_shares, num_examples=count),
        share_unsure=Metric(value=scores.share_unsure, num_examples=count),
        share_unsure_real=Metric(value=real.share_unsure, num_examples=count),
        classifier_sha256=evaluator.sha256,
    )


def manifest_metrics(metrics: GANMetrics) -> dict[str, object]:
    """What the manifest says about the generator: means, and standard deviations as `..._sd`."""
    distance = metrics.frechet_distance
    listed: dict[str, object] = {"classifier_sha256": metrics.classifier_sha256}
    for name in (
        *("frechet_distance", "frechet_distance_floor"),
        *("share_unsure", "share_unsure_real", "class_shares", "class_shares_real"),
    ):
        value: Spread | list[Spread] = getattr(metrics, name).value
        if isinstance(value, Spread):
            listed |= {name: value.mean, f"{name}_sd": value.sd}
        else:
            listed |= {name: [x.mean for x in value], f"{name}_sd": [x.sd for x in value]}
    return listed | {"num_images": distance.num_examples, "num_draws": distance.value.num_draws}


def print_summary(metrics: GANMetrics, run: Run, interpolation: Interpolation | None) -> None:
    """Say how good the generator is, and what was drawn."""
    distance, floor = metrics.frechet_distance.value, metrics.frechet_distance_floor.value
    shares = [share.mean for share in metrics.class_shares.value]
    print(
        f"GAN: Frechet distance {distance:.2f} (real images {floor:.2f}; {distance.num_draws} "
        f"draws of {metrics.frechet_distance.num_examples:,}, classifier "
        f"{metrics.classifier_sha256[:12]}), class shares {min(shares):.1%} to {max(shares):.1%}, "
        f"after {run.step:,} steps in {run.seconds:.0f} s.\n"
        "  Another processor or torch rounds in another order and ends elsewhere: the default "
        "settings got from 3.0 to 3.7 on three of them.\n"
        f"  Of its samples {metrics.share_unsure.value:.1%} are not clearly one digit, "
        f"of real images {metrics.share_unsure_real.value:.1%}."
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

    def curve(key: str) -> figures.Curve:
        logged = [entry for entry in run.entries if key in entry]
        return [entry["step"] for entry in logged], [entry[key] for entry in logged]

    figures.save_curves(
        run.figures / "losses.png",
        {"discriminator": curve("loss_d"), "generator": curve("loss_g")},
        title="Losses of the two players",
        x_label="training steps",
        y_label="loss",
    )
    distance, floor = metrics.frechet_distance.value, metrics.frechet_distance_floor.value
    figures.save_curves(
        run.figures / "distance.png",
        {"averaged generator, one draw": curve("distance_of_one_draw")},
        title=f"Frechet distance of {metrics.frechet_distance.num_examples:,} samples "
        f"(classifier {metrics.classifier_sha256[:12]})",
        x_label="training steps",
        y_label="distance to the test images",
        level=("real images", floor),
        points={f"at the end, {distance.num_draws} draws": (run.step, distance)},
        log=True,
    )
