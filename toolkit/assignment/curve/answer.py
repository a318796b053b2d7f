"""What `toolkit curve` and `tutor.curve` say and draw."""

import json
import sys
from pathlib import Path

from toolkit.assignment.curve.judging import Recipe, Verdict, binned, judge, recipes
from toolkit.assignment.curve.reading import GAN, Curve, Source, read_curves
from toolkit.assignment.tutor.exercises import say
from toolkit.assignment.tutor.journal import read_settings
from toolkit.common.errors import UsageError


def compare(
    source: Source, network: str | None, length: int | None, every: float | None
) -> tuple[Verdict, str]:
    """Judge a training and draw it, into the present folder; a notebook shows the picture.

    Args:
        source, every: see `read_curves`.
        network: lstm, rnn or gan; None for what the settings beside a CSV say.
        length: T; the same.

    Raises:
        UsageError: it cannot be read, is too short, or nobody knows of which recipe it is.
    """
    path = Path(source) if isinstance(source, Path | str) else Path("my")
    beside = path.with_suffix(".json")
    known = path.suffix == ".csv" and beside.is_file()
    settings = json.loads(beside.read_text(encoding="utf-8")) if known else {}
    curves = read_curves(source, every, network == "gan")
    name = _recipe(curves, network or settings.get("network"), length or settings.get("length"))
    recipe = recipes()[name]
    curves = {key: curve for key, curve in curves.items() if key in recipe.bands}
    verdict, reach = judge(curves, recipe), max(s for c in curves.values() for s, _ in c)
    if reach < recipe.least and verdict.cause != "nan":
        raise UsageError(
            f"These are {reach:g} steps; from {recipe.least} on it can be judged. If several steps "
            "lie between two values, say how many: --every 50, in a notebook every=50."
        )
    picture = Path(f"{path.stem}-curve.png")
    _draw(picture, name, recipe, curves)
    usual = recipe.settings.items()
    others = ", ".join(f"{k} = {settings[k]} ({v:g})" for k, v in usual if settings.get(k, v) != v)
    said = ["curve outside", verdict.cause] if verdict.cause else ["curve inside"]
    said += ["curve settings"] * bool(others) + ["curve picture"]
    given = verdict._asdict() | {"name": name, "runs": recipe.runs, "others": others}
    given |= {"reach": min(reach, recipe.steps[-1]), "path": picture}
    return verdict, "\n".join(say(key, read_settings(Path()).language, **given) for key in said)


def _recipe(curves: dict[str, Curve], network: str | None, length: object) -> str:
    """The name of the recipe that a training follows; a UsageError where nobody knows."""
    if set(GAN) <= curves.keys():
        saturating = any(value < 0 for _, value in curves[GAN[1]])
        return "gan-saturating" if saturating else "gan-non-saturating"
    lengths = {n.rpartition("T")[2]: n for n in recipes() if n.startswith(f"{network}-T")}
    if not lengths or "loss" not in curves:
        raise UsageError(
            "Which network is it? --network lstm or rnn, in a notebook network=; a GAN needs two "
            "losses, the discriminator's and the generator's."
        )
    if str(length) not in lengths:
        raise UsageError(
            f"There are bands for T = {', '.join(lengths)}, and T is {length or 'not told'}: "
            "--length 5, in a notebook length=5."
        )
    return lengths[str(length)]


def _draw(path: Path, name: str, recipe: Recipe, curves: dict[str, Curve]) -> None:
    from toolkit.common.figures import save_curves  # which takes a second

    lines, bands = {}, {}
    for key, curve in sorted(curves.items(), reverse=True):
        band, bins, word = recipe.bands[key], binned(curve, recipe), key.replace("loss_", "")
        lines[f"{word}, healthy"] = recipe.steps, band.middle
        bands[f"{word}, healthy"] = band.low, band.high
        lines[f"{word}, yours"] = [recipe.steps[n] for n in bins], [*bins.values()]
    y_label = "loss" if GAN[1] in curves else " and ".join(sorted(curves, reverse=True))
    title = f"{name}: yours, and {recipe.runs} healthy runs"
    save_curves(path, lines, title=title, x_label="steps", y_label=y_label, bands=bands)
    ipython = sys.modules.get("IPython")
    if ipython and getattr(ipython.get_ipython(), "kernel", None):
        ipython.display.display(ipython.display.Image(path.read_bytes()))
