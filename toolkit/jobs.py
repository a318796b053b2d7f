"""What each command does: train, measure, draw, export."""

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from toolkit import export, figures
from toolkit.device import one_thread
from toolkit.errors import ToolkitError
from toolkit.gan import classifier as classifier_training
from toolkit.gan import training as gan_training
from toolkit.gan.data import MNIST, load_mnist, to_unit
from toolkit.gan.evaluation import Instrument, sample
from toolkit.gan.latent import interpolate, pair_of_classes
from toolkit.lstm import training as lstm_training
from toolkit.lstm.data import CHANCE
from toolkit.runs import Run

AnyConfig = lstm_training.Config | gan_training.Config | classifier_training.Config


@dataclass(frozen=True)
class Places:
    """Where things are and where they go."""

    runs_dir: Path  # the run directories are made in here
    exports_dir: Path  # the exports and their manifest
    data_dir: Path | None  # someone's own copy of MNIST
    device: torch.device
    restart: bool  # set finished and interrupted runs aside and begin anew

    def run(self, name: str, config: AnyConfig) -> Run:
        run = Run(self.runs_dir / name, config)
        if self.restart and (old := run.set_aside()):
            print(f"The old run is kept in {old}.")
        return run

    def export(
        self, name: str, model: nn.Module, config: AnyConfig, metrics: dict[str, object]
    ) -> None:
        settings = asdict(config)
        worse = export.save(
            name,
            model,
            exports_dir=self.exports_dir,
            seed=settings["seed"],
            config=settings,
            metrics=metrics,
        )
        if worse:
            print(f"Note: {worse}")


def train_recurrent(
    config: lstm_training.Config, name: str, places: Places, num_test: int = 10_000
) -> Run:
    """The LSTM or the RNN: train, test on unseen palindromes, draw the curve, export.

    A network that learnt with the curriculum is tested far beyond its own T as well.
    """
    run = places.run(name, config)
    far = lstm_training.FAR if config.curriculum else ()
    lengths = tuple(sorted({config.length, *far}))
    # In small networks threads wait for each other more than they compute: much more on a machine
    # that does other things as well.
    with one_thread() if config.hidden_size <= 256 else contextlib.nullcontext():
        model = lstm_training.train(config, run, places.device)
        shares = lstm_training.accuracy_by_length(model, lengths, config.seed, num_test)
    draw_accuracy(run.figures / "accuracy.png", {config.model.upper(): run}, config.length)
    places.export(
        config.model,
        model,
        config,
        {
            "length": config.length,
            "test_accuracy": shares[config.length],
            "num_test": num_test,
            "accuracy_by_length": {str(length): share for length, share in shares.items()},
        },
    )
    print(
        f"{config.model.upper()}: {shares[config.length]:.2%} of unseen palindromes of "
        f"{config.length} digits, after {run.step:,} steps in {run.seconds:.1f} s."
    )
    if config.curriculum:
        tested = ", ".join(f"{share:.2%} at T = {length:,}" for length, share in shares.items())
        print(f"  Trained on at most {config.length} digits, it gets {tested}.")
    print(f"  {places.exports_dir / config.model}.pt  {run.figures / 'accuracy.png'}")
    return run


def draw_accuracy(path: Path, runs: dict[str, Run], length: int) -> None:
    """Validation accuracy against steps, a curve for each run."""
    curves = {}
    for name, run in runs.items():
        entries = run.metrics()
        curves[name] = ([e["step"] for e in entries], [e["accuracy"] for e in entries])
    figures.save_curves(
        path,
        curves,
        title=f"Palindromes of T = {length} digits: the last digit",
        x_label="training steps",
        y_label="accuracy on unseen palindromes",
        level=("chance", CHANCE),
    )


def train_classifier(config: classifier_training.Config, name: str, places: Places) -> None:
    """The digit classifier: train, test, export."""
    run = places.run(name, config)
    mnist = load_mnist(places.data_dir)
    model = classifier_training.train(config, run, mnist, places.device)
    share = classifier_training.accuracy(model, mnist.test_images, mnist.test_labels)
    floor = Instrument(model, "", mnist, places.device).floor
    places.export(
        "classifier", model, config, {"test_accuracy": share, "frechet_distance_floor": floor}
    )
    print(
        f"Classifier: {share:.2%} of the 10,000 test images, after {run.seconds:.1f} s of "
        f"training.\n  {places.exports_dir / 'classifier.pt'}"
    )


def has_classifier(exports_dir: Path) -> bool:
    """Is there a classifier in `exports_dir`, or one in `exports/` to copy from?"""
    return any((d / "classifier.pt").exists() for d in (exports_dir, export.EXPORTS_DIR))


def load_classifier(places: Places) -> nn.Module:
    """The exported classifier, on the CPU.

    Raises:
        ToolkitError: there is none.
    """
    if not has_classifier(places.exports_dir):
        raise ToolkitError(
            f"There is no classifier.pt, which measures the GAN, in {places.exports_dir} or "
            f"{export.EXPORTS_DIR.absolute()}. Give the command in the project's folder, or make "
            "one with `python -m toolkit.train classifier`."
        )
    if not (places.exports_dir / "classifier.pt").exists():
        export.copy_export("classifier", export.EXPORTS_DIR, places.exports_dir)
    return export.load("classifier", places.exports_dir)


def load_instrument(places: Places, mnist: MNIST) -> Instrument:
    """The exported classifier as the instrument that measures the GAN.

    Raises: as `load_classifier`.
    """
    classifier = load_classifier(places)
    sha256 = export.read_manifest(places.exports_dir)["classifier.pt"]["sha256"]
    return Instrument(classifier, sha256, mnist, places.device)


def train_gan(config: gan_training.Config, name: str, places: Places) -> None:
    """The GAN: train, measure 10,000 samples, draw the assignment's pictures, export."""
    run = places.run(name, config)
    mnist = load_mnist(places.data_dir)
    instrument = load_instrument(places, mnist)

    def measure(network: nn.Module) -> dict[str, float | str]:
        scores = instrument.measure(sample(network, config.seed))
        return {
            "distance": scores.frechet_distance,
            "floor": instrument.floor,
            "classifier_sha256": instrument.sha256,
        }

    networks, snapshots = gan_training.train(
        config, run, mnist.train_images, mnist.train_labels, places.device, measure
    )
    average = networks.average
    scores = instrument.measure(sample(average, config.seed))
    metrics: dict[str, object] = {
        "frechet_distance": scores.frechet_distance,
        "frechet_distance_floor": instrument.floor,
        "classifier_sha256": instrument.sha256,
        "class_shares": scores.class_shares,
    }
    places.export("generator", average, config, metrics)
    places.export("discriminator", networks.discriminator, config, {})
    draw_gan(run, snapshots, instrument)
    print(
        f"GAN: Frechet distance {scores.frechet_distance:.2f} (real against real: "
        f"{instrument.floor:.2f}; classifier {instrument.sha256[:12]}), class shares "
        f"{min(scores.class_shares):.1%} to {max(scores.class_shares):.1%}, after "
        f"{config.num_steps:,} steps in {run.seconds:.0f} s.\n"
        f"  {places.exports_dir / 'generator.pt'}  {places.exports_dir / 'discriminator.pt'}"
    )
    print(draw_interpolation(run, average, instrument, config.seed))


def draw_gan(run: Run, snapshots: gan_training.Snapshots, instrument: Instrument) -> None:
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
        title=f"Frechet distance of 10,000 samples (classifier {instrument.sha256[:12]})",
        x_label="training steps",
        y_label="distance to the test images",
        level=("real against real", instrument.floor),
        log=True,
    )


def draw_interpolation(run: Run, average: nn.Module, instrument: Instrument, seed: int) -> str:
    """9 images between two samples of different classes, as a strip and as a GIF.

    Returns:
        a sentence that says what was drawn, or why nothing could be.
    """
    try:
        pair = pair_of_classes(average, instrument.classifier, seed)
    except ToolkitError as error:
        return f"Note: {error}"
    draw_walk(run.figures / "interpolation", average, interpolate(pair.z_from, pair.z_to))
    return (
        f"  {run.figures}/: samples_start.png, samples_half.png, samples_end.png, "
        "losses.png, distance.png, training.gif, "
        f"interpolation.png and .gif (from a {pair.digit_from} to a {pair.digit_to})"
    )


def draw_walk(stem: Path, generator: nn.Module, z: Tensor) -> None:
    """The images of latent points (n, latent_dim): a strip, `stem`.png, and a film, `stem`.gif."""
    images = gan_training.draw(generator, z)
    figures.save_png(stem.with_suffix(".png"), figures.sheet(images, columns=len(images)))
    figures.save_gif(stem.with_suffix(".gif"), images, milliseconds=150)
