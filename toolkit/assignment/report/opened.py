"""Makes the pictures and measurements of exported networks for the report, to show how these
networks work.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.report.pictures import CHANCE, TOOLKITS, drawn, toolkits_accuracy
from toolkit.assignment.report.results import Figure, Gan, Results, Row
from toolkit.common.device import make_rng, threads
from toolkit.common.errors import ToolkitError
from toolkit.common.figures import save_curves, save_heat_maps, sheet, to_png
from toolkit.common.package_data import package_data
from toolkit.common.record import Interpolation
from toolkit.export import load
from toolkit.export.manifest import Shown, judge_of
from toolkit.gan.data import load_mnist
from toolkit.gan.latent import interpolate, pair_of_classes, sample_latents
from toolkit.gan.measure.evaluation import Evaluator, sample_draws
from toolkit.gan.measure.scorecard import NUM_COMPARED, Scorer, in_words
from toolkit.lstm.data import palindromes, split_last
from toolkit.lstm.microscope import logits_after_each_step, telling_cells, trace

LENGTHS = (5, 7, 10, 14, 20, 28, 36, 50, 70, 100, 140, 200, 280, 400, 600, 1000)
NUM_ASKED = 500  # palindromes of each length
NUM_CELLS, NUM_WRITTEN = 12, 30  # cells and digits that a microscope picture shows
NUM_IMAGES, NUM_DRAWS, NUM_SAMPLES = 2000, 5, 25  # fewer than in `score`, to save time
SHORT = 36  # the longest palindrome that is shown if all answers are right
Examples = dict[bool, tuple[Tensor, int]]  # right or wrong -> digits to read, and the last digit
SCALED = "c / max"
SEED = 0
OPENED = ("lstm", "rnn", "generator")


@threads(1)
def add_opened(shown: Mapping[str, Shown], results: Results) -> list[str]:
    """Add pictures and measurements of exported networks to the report, labelled with the name of
    the networks' owner.

    Args:
        shown: the exported networks, by name.

    Returns:
        the names of the networks that were measured: any of lstm, rnn and generator.

    Raises:
        ToolkitError: a file is missing or damaged.
    """
    opened = {name: shown[name] for name in OPENED if name in shown}
    if not opened:
        return []
    author = next(iter(opened.values())).whose or "the toolkit"
    print(f"The networks of {author} are opened and measured: about a minute.", flush=True)
    networks = {name: load(name, source.folder) for name, source in opened.items()}
    generator = networks.pop("generator", None)
    if generator:
        _add_generator(generator, author, results)
    if networks:
        _add_recurrent(networks, author, results)
    return list(opened)


@torch.no_grad()
def _add_recurrent(networks: Mapping[str, Any], author: str, results: Results) -> None:
    """Add the plot of accuracy against T (the number of digits in a palindrome) and pictures of the
    LSTM's gates and states.

    The pictures show a palindrome that the LSTM completes correctly and, if possible, one that it
    completes wrongly.
    """
    examples: Examples = {}
    curves: dict[str, list[float]] = {name.upper(): [] for name in networks}
    for length in LENGTHS:
        rng = make_rng(length, "accuracy curve")
        digits, last = split_last(palindromes(NUM_ASKED, length, split="test", rng=rng))
        for name, network in networks.items():
            right = network(digits).argmax(dim=1) == last
            curves[name.upper()].append(float(right.float().mean()))
            if name == "lstm":
                _keep_examples(examples, digits, last, right)
    _add_accuracy(curves, author, "lstm" in networks and False not in examples, results)
    for is_right, (digits, last_digit) in sorted(examples.items(), reverse=True):
        answer, picture = _inside(networks["lstm"], digits)
        verdict = "which is right" if is_right else f"where {last_digit} is right"
        name = f"opened-{'right' if is_right else 'wrong'}.png"
        caption = (
            f"Inside the exported LSTM of {author}: it reads the first {len(digits)} digits of a "
            f"palindrome of T = {len(digits) + 1}, and answers {answer}, {verdict}. Above: red "
            "where it would answer with the first digit. Below: the cells that contribute most to "
            "this answer, from -1 (blue) to 1 (red)."
        )
        results.opened.append(Figure(results.add_figure(name, picture), caption))


def _keep_examples(examples: Examples, digits: Tensor, last: Tensor, right: Tensor) -> None:
    """Store in `examples` one palindrome that the network completes correctly and one that it
    completes wrongly, if there are any.

    Args:
        digits: (palindromes, T - 1).
        last, right: the last digit of each palindrome, and whether the network's answer is this
            digit; both have shape (palindromes,).
    """
    length = digits.size(1) + 1
    if False in examples or (length > SHORT and right.all()):
        return
    for is_right in (True, False):
        numbers = (right == is_right).nonzero()
        if len(numbers):
            first = int(numbers[0])
            examples[is_right] = digits[first], int(last[first])


def _add_accuracy(
    curves: Mapping[str, list[float]], author: str, all_right: bool, results: Results
) -> None:
    """Add the plot of accuracy against T, the number of digits in a palindrome, to the report.

    If `all_right` is True, the caption also says that the LSTM made no mistake.
    """
    picture = drawn(
        save_curves,
        {f"{name} of {author}": (LENGTHS, curve) for name, curve in curves.items()},
        title="Accuracy of the trained network",
        x_label="T, digits in a palindrome",
        y_label="accuracy on unseen palindromes",
        level=CHANCE,
        beside={TOOLKITS: toolkits_accuracy(LENGTHS[-1])},
        log_x=True,
    )
    name = results.add_figure("opened-accuracy.png", picture)
    caption = (
        f"The exported {' and '.join(curves)} of {author}, asked {NUM_ASKED} palindromes at each "
        f"of {len(LENGTHS)} T from 5 to 1,000. The thick grey line is the toolkit's own network, "
        "for comparison."
    )
    if all_right:
        caption += " The LSTM got none of them wrong."
    results.opened.append(Figure(name, caption))


def _inside(network: Any, digits: Tensor) -> tuple[int, bytes]:
    """Return a network's answer to a sequence, and a picture of the network's gates and states."""
    inside = trace(network, digits)
    cells = telling_cells(network, inside["h"][-1])[:NUM_CELLS]
    answers = logits_after_each_step(network, inside["h"]).argmax(dim=1)
    inside[SCALED] = inside["c"] / inside["c"].abs().max().clamp(min=1)
    maps = {"answer": (answers == digits[0]).float()[None]}
    maps |= {name: inside[name][:, cells].t() for name in ("g", "i", "f", "o", SCALED, "h")}
    written = " ".join(map(str, digits.tolist()[:NUM_WRITTEN]))
    title = f"T = {len(digits) + 1}: {written}"
    if len(digits) > NUM_WRITTEN:
        title += " ..."
    return int(answers[-1]), drawn(save_heat_maps, maps, title=title, x_label="step")


def _add_generator(generator: Any, author: str, results: Results) -> None:
    """Add a generator's pictures and scorecard to a report, with the scores of real images for
    comparison.
    """
    folder = package_data("exports")
    classifier = load("classifier", folder)
    gan = Gan(f"the exported generator of {author}", moment="of one seed")
    try:
        pair = pair_of_classes(generator, classifier, SEED)
    except ToolkitError:  # no two digits are clear enough: take any two latent vectors
        ends = sample_latents(2, generator.latent_dim, make_rng(SEED, "samples"))
    else:
        ends = torch.stack([pair.z_from, pair.z_to])
        words = Interpolation(digit_from=pair.digit_from, digit_to=pair.digit_to)
        gan.ends = f" {words}"
    with torch.no_grad():
        points = sample_latents(NUM_SAMPLES, generator.latent_dim, make_rng(SEED, "samples"))
        samples = to_png(sheet(generator(points)))
        walk = to_png(sheet(generator(interpolate(*ends)), columns=9))
    gan.samples = [results.add_figure("opened-samples.png", samples)]
    gan.interpolation = results.add_figure("opened-walk.png", walk)
    sha256, cpu = judge_of(folder), torch.device("cpu")
    mnist = load_mnist()
    scorer = Scorer(Evaluator(classifier, sha256, mnist, cpu, NUM_IMAGES, NUM_DRAWS), mnist)
    draws = sample_draws(generator, SEED, NUM_DRAWS, NUM_IMAGES)
    card = scorer.score_draws(
        (scorer.evaluator.predict(images), images[:NUM_COMPARED]) for images in draws
    )
    real = in_words(scorer.score_real())
    gan.measured = [Row("images", f"{NUM_DRAWS} draws of {NUM_IMAGES:,}")]
    for title, value in in_words(card).items():
        gan.measured.append(Row(title, f"{value} (real images: {real[title]})"))
    results.gans.append(gan)
