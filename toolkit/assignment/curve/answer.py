"""The output of `toolkit curve` and `tutor.curve`, which consists of a diagnosis and a picture."""

import json
import sys
from pathlib import Path
from typing import Any

from toolkit.assignment.curve.judging import Diagnosis, Recipe, binned, judge, recipes
from toolkit.assignment.curve.reading import GAN, Curve, Source, curves_in, has_steps, read_rows
from toolkit.assignment.tutor.exercises import say
from toolkit.assignment.tutor.journal import read_settings
from toolkit.common.errors import UsageError


def compare(
    source: Source, network: str | None, length: int | None, every: float | None
) -> tuple[Diagnosis, str]:
    """Compare a training run with healthy runs, and save a picture of its curves in the current
    folder.

    In a notebook, the picture is also displayed.

    Args:
        source: see `read_rows`.
        every: see `curves_in`.
        network: lstm, rnn or gan; if None and `source` is a CSV file, the network is read from the
            JSON settings file next to it.
        length: T, the length of the palindromes; if None and `source` is a CSV file, T is read from
            the JSON settings file next to it.

    Raises:
        UsageError: the curves cannot be read or are too short, the network or T cannot be
            determined, or there are no successful training runs with this T to compare with.
    """
    path = Path(source) if isinstance(source, Path | str) else Path("my")
    settings = _settings_beside(path)
    rows = read_rows(source, network == "gan")
    curves = curves_in(rows, every)
    name = _recipe(curves, network or settings.get("network"), length or settings.get("length"))
    recipe = recipes()[name]
    curves = {key: curves[key] for key in recipe.bands if key in curves}
    diagnosis = judge(curves, recipe)
    last_step = max(step for curve in curves.values() for step, _ in curve)
    values = binned(next(iter(curves.values())), recipe)
    if diagnosis.cause != "nan" and (last_step < recipe.least or len(values) < 3):
        problem = _too_short(last_step, recipe.least, len(values))
        if not has_steps(rows):
            problem += (
                " If several steps lie between two values, say how many: --every 50, in a notebook "
                "every=50."
            )
        raise UsageError(problem)
    picture = Path(f"{path.stem}-curve.png")
    _draw(picture, name, recipe, curves)
    reach = min(last_step, recipe.steps[-1])
    fields = {"name": name, "runs": recipe.runs, "reach": reach, "path": picture}
    return diagnosis, _text(diagnosis, fields, _differing(settings, recipe))


def _too_short(last_step: float, least: int, values: int) -> str:
    """Return a sentence that says how many steps or values are recorded and how many are needed."""
    if last_step < least:
        return f"Too short: {last_step:,g} steps recorded, {least:,} needed."
    return f"Too few values: {values} recorded, 3 needed."


def _differing(settings: dict[str, Any], recipe: Recipe) -> list[str]:
    """Return a string for each setting in which a run differs from the healthy runs, with the run's
    value and, in brackets, the value of the healthy runs.
    """
    differing = []
    for key, usual in recipe.settings.items():
        if settings.get(key, usual) != usual:
            differing.append(f"{key} = {settings[key]} ({usual:g})")
    return differing


def _text(diagnosis: Diagnosis, fields: dict[str, Any], differing: list[str]) -> str:
    """Return a report on a training run, in the language that `tutor.toml` sets (English by
    default).
    """
    sentences = ["curve inside"]
    if diagnosis.cause:
        sentences = ["curve outside", diagnosis.cause]
    if differing:
        sentences.append("curve settings")
    sentences.append("curve picture")
    fields = diagnosis._asdict() | fields | {"others": ", ".join(differing)}
    language = read_settings(Path()).language
    return "\n".join(say(key, language, **fields) for key in sentences)


def _settings_beside(path: Path) -> dict[str, Any]:
    """Return the settings in the JSON file next to a CSV file, such as losses.json next to
    losses.csv, or {} if there is no such file.

    Raises:
        UsageError: the file is not a JSON object.
    """
    beside = path.with_suffix(".json")
    if path.suffix != ".csv" or not beside.is_file():
        return {}
    try:
        return dict(json.loads(beside.read_bytes()))
    except (TypeError, ValueError) as error:
        raise UsageError(f"The settings, {beside}, are not a JSON object: {error}.") from error


def _recipe(curves: dict[str, Curve], network: str | None, length: object) -> str:
    """Return the name of the training recipe, such as lstm-T5 or gan-saturating, whose healthy runs
    serve as the comparison for a given training run.

    Raises:
        UsageError: the curves and `network` do not show which network was trained, or there are no
            healthy runs of this network with palindromes of length `length`.
    """
    if set(GAN) <= curves.keys():
        if min(value for _, value in curves[GAN[1]]) < 0:
            return "gan-saturating"
        return "gan-non-saturating"
    lengths = {}
    for name in recipes():
        if name.startswith(f"{network}-T"):
            lengths[name.rpartition("T")[2]] = name
    if not lengths or "loss" not in curves:
        raise UsageError(
            "Which network is it? --network lstm or rnn, in a notebook network=; a GAN needs two "
            "losses, the discriminator's and the generator's."
        )
    if str(length) not in lengths:
        raise UsageError(
            f"There are bands for T = {', '.join(lengths)}, and T is {length or 'not given'}: "
            "--length 5, in a notebook length=5."
        )
    return lengths[str(length)]


def _draw(path: Path, name: str, recipe: Recipe, curves: dict[str, Curve]) -> None:
    """Plot the curves of a training run on top of the bands of the healthy runs, and save the plot.

    In a notebook, the picture is also shown.
    """
    from toolkit.common.figures import save_curves  # the import takes a second

    lines, bands = {}, {}
    for key, curve in sorted(curves.items(), reverse=True):
        label = key.replace("loss_", "")
        band, bins = recipe.bands[key], binned(curve, recipe)
        lines[f"{label}, healthy"] = recipe.steps, band.middle
        bands[f"{label}, healthy"] = band.low, band.high
        lines[f"{label}, yours"] = [recipe.steps[number] for number in bins], list(bins.values())
    y_label = " and ".join(sorted(curves, reverse=True))
    if GAN[1] in curves:
        y_label = "loss"
    title = f"{name}: yours, and {recipe.runs} healthy runs"
    save_curves(path, lines, title=title, x_label="steps", y_label=y_label, bands=bands)
    ipython = sys.modules.get("IPython")
    if ipython and getattr(ipython.get_ipython(), "kernel", None):
        ipython.display.display(ipython.display.Image(path.read_bytes()))
