"""The pictures that the toolkit draws: sheets of digits, heat maps, curves and GIFs."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import imageio.v3 as iio
import numpy as np
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from toolkit.common.files import atomic_write
from toolkit.common.record import MADE_BY, Spread

Picture = NDArray[np.uint8]  # (height, width), 0 = black
Coloured = NDArray[np.uint8]  # (height, width, 3), RGB
Curve = tuple[Sequence[float], Sequence[float]]  # x and y


class Ranged(NamedTuple):
    """A curve that summarises runs with different seeds: the mean, lowest and highest y at each
    x.
    """

    x: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    colour: str


Panels = Mapping[str, Mapping[str, Ranged]]  # title -> name -> proportions, 0 to 1


def to_picture(image: Tensor) -> Picture:
    """Convert a float image to uint8, and drop axes of length 1.

    The image has shape (..., height, width) and values from 0 to 1.
    """
    array: Picture = image.mul(255).round().clamp(0, 255).byte().squeeze().numpy()
    return array


def sheet(images: Tensor, columns: int = 5, scale: int = 3) -> Picture:
    """Arrange images in a grid with `columns` images per row and a grey frame around each image.

    The images have shape (n, 1, 28, 28) and values from 0 to 1. `torchvision.utils.make_grid` does
    the same, but is not used here, because importing torchvision takes two seconds.

    Returns:
        uint8 (height, width); each pixel is enlarged `scale` times.
    """
    empty = -len(images) % columns
    framed = F.pad(F.pad(images, (1, 1, 1, 1), value=0.25), (0, 0, 0, 0, 0, 0, 0, empty))
    rows = framed.squeeze(1).unflatten(0, (-1, columns))  # (rows, columns, 30, 30)
    grid = rows.transpose(1, 2).flatten(2).flatten(0, 1)
    return to_picture(_enlarge(grid, scale))


def to_png(picture: Picture | Coloured) -> bytes:
    """Encode a picture as PNG."""
    made_by = PngInfo()
    made_by.add_text("Software", MADE_BY)
    data: bytes = iio.imwrite("<bytes>", picture, extension=".png", pnginfo=made_by)
    return data


def save_png(path: Path | str, picture: Picture | Coloured) -> None:
    """Write a picture as a PNG file."""
    atomic_write(Path(path), to_png(picture))


def to_gif(frames: Tensor, milliseconds: int, scale: int = 6) -> bytes:
    """Encode images as a GIF that plays forwards, then backwards, in a loop.

    The images have shape (n, 1, 28, 28) and values from 0 to 1. Consecutive identical frames are
    merged into one, which is shown for their total time.
    """
    forwards = list(map(to_picture, _enlarge(frames, scale)))
    backwards = forwards[-2:0:-1]
    return _gif([*forwards, *backwards], milliseconds)


def save_film(path: Path, frames: Sequence[Picture], milliseconds: int, last: int = 2000) -> None:
    """Write frames as a looping GIF that shows the last frame for `last` milliseconds.

    Consecutive identical frames are merged into one, which is shown for their total time.
    """
    atomic_write(path, _gif(frames, [milliseconds] * (len(frames) - 1) + [last]))


def save_captioned(path: Path, pictures: Sequence[tuple[str, Picture]], inches: float) -> None:
    """Write pictures side by side to a PNG file; each is `inches` wide, with its caption above."""
    figure = Figure(figsize=(inches * len(pictures), inches + 0.4), layout="constrained")
    for axes, (caption, picture) in zip(
        figure.subplots(1, len(pictures), squeeze=False)[0], pictures, strict=True
    ):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(caption, fontsize=11)
        axes.set_axis_off()
    _save(path, figure)


def save_curves(
    path: Path,
    curves: Mapping[str, Curve],
    *,
    title: str,
    x_label: str,
    y_label: str,
    level: tuple[str, float | Spread] | None = None,
    points: Mapping[str, tuple[float, Spread]] = MappingProxyType({}),
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] = MappingProxyType({}),
    beside: Mapping[str, Curve] = MappingProxyType({}),
    log: bool = False,
    log_x: bool = False,
) -> None:
    """Write a line plot with a legend.

    The legend is beside the plot if there are more than three curves.

    Args:
        curves: name -> (x, y).
        level: name and height of a dashed horizontal line, such as the chance level. If the height
            is a `Spread` with a standard deviation, a band is shaded. The band extends one standard
            deviation above and below the line.
        points: name -> x and y of a single point; the standard deviation of y is drawn as an error
            bar.
        bands: name of a curve -> the lowest and highest y at each x; the range between them is
            shaded.
        beside: reference curves that are drawn faintly behind `curves`, such as the curve of the
            toolkit's own network.
        log, log_x: True for a logarithmic y axis (`log`) or x axis (`log_x`).
    """
    crowded = len(curves) > 3
    figure = Figure(figsize=(9.0, 4.4) if crowded else (6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    for name, (x, y) in beside.items():
        axes.plot(x, y, color="gray", linewidth=4, alpha=0.25, label=name)
    _draw_curves(axes, curves, bands)
    for name, (at, spread) in points.items():
        axes.errorbar(
            at, spread.mean, spread.sd, fmt="D", color="black", markersize=4, capsize=4, label=name
        )
    if level is not None:
        _draw_level(axes, *level)
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    axes.set(xscale="log" if log_x else "linear", yscale="log" if log else "linear")
    axes.grid(alpha=0.3)
    if crowded:
        figure.legend(loc="outside right upper", fontsize=9)
    elif beside:
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    else:
        axes.legend()
    _save(path, figure)


def _draw_curves(
    axes: Axes,
    curves: Mapping[str, Curve],
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]],
) -> None:
    """Draw the curves, and a shaded band around each curve that is named in `bands`."""
    for n, (name, (x, y)) in enumerate(curves.items()):
        style = "-" if n < 10 else "--"  # matplotlib has ten colours
        marker = "o" if len(x) < 40 else ""
        (line,) = axes.plot(x, y, style, marker=marker, markersize=3, linewidth=1.4, label=name)
        if name in bands:
            axes.fill_between(x, *bands[name], color=line.get_color(), alpha=0.15, linewidth=0)


def _draw_level(axes: Axes, name: str, height: float | Spread) -> None:
    """Draw a dashed horizontal line, and shade one standard deviation above and below the line."""
    mean, sd = (height.mean, height.sd or 0) if isinstance(height, Spread) else (height, 0)
    axes.axhline(mean, color="gray", linestyle="--", linewidth=1, label=name)
    axes.axhspan(mean - sd, mean + sd, color="gray", alpha=0.2, linewidth=0)


def save_panels(
    path: Path,
    panels: Panels,
    *,
    x_label: str,
    y_label: str,
    level: tuple[str, float],
    columns: int = 3,
) -> None:
    """Plot proportions in a grid of panels, with logarithmic x axes and one shared y axis.

    At each x, a curve's band and error bar extend from the lowest to the highest value over all
    seeds. Each curve is thinner than the previous curve, so all curves remain visible where they
    coincide.

    Args:
        level: name and height of a dashed horizontal line in every panel, such as the chance level.
        columns: the number of panels per row.
    """
    num_rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(3.7 * columns, 3.1 * num_rows), layout="constrained")
    grid = figure.subplots(num_rows, columns, sharey=True, squeeze=False)
    for axes, (title, curves) in zip(grid.flat, panels.items(), strict=False):
        for n, (name, (x, y, low, high, colour)) in enumerate(curves.items()):
            size = 4.5 / (n + 1)
            axes.plot(x, y, "os^D"[n % 4], ls="-", lw=size, ms=size + 2, color=colour, label=name)
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.vlines(x, low, high, color=colour, alpha=0.5, linewidth=1.2)
        axes.axhline(level[1], color="gray", linestyle="--", linewidth=1, label=level[0])
        axes.set_title(title, fontsize=10.5, loc="left")
        ticks = sorted({at for curve in curves.values() for at in curve.x})
        axes.set(xscale="log", ylim=(0, 1.06), xlabel=x_label)
        axes.set_xticks(ticks, [f"{at:,}" for at in ticks], fontsize=8)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, level[1]))
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(y_label)
    _save(path, figure)


def save_heat_maps(path: Path, maps: Mapping[str, Tensor], *, title: str, x_label: str) -> None:
    """Plot matrices as heat maps, one below another, with a shared colour scale.

    The matrices have shape (rows, time) and values from -1 to 1.
    """
    heights = [len(values) + 2 for values in maps.values()]
    inches = 0.6 + sum(min(rows / 13, 1.5) for rows in heights)
    figure = Figure(figsize=(8, inches), layout="constrained")
    grid = figure.subplots(len(maps), 1, sharex=True, squeeze=False, height_ratios=heights)
    panels = grid[:, 0]
    for axes, (name, values) in zip(panels, maps.items(), strict=True):
        image = axes.imshow(
            values.numpy(), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest"
        )
        axes.set_ylabel(name, rotation=0, labelpad=24, va="center")
        axes.set_yticks([])
    panels[-1].set_xlabel(x_label)
    figure.suptitle(title)
    figure.colorbar(image, ax=panels, shrink=0.6)
    _save(path, figure)


def _enlarge(images: Tensor, scale: int) -> Tensor:
    """Repeat each pixel of images (..., height, width) `scale` times in both directions."""
    return images.repeat_interleave(scale, dim=-2).repeat_interleave(scale, dim=-1)


def _gif(frames: Sequence[Picture], duration: int | list[int]) -> bytes:
    film = np.stack(frames)
    data: bytes = iio.imwrite("<bytes>", film, extension=".gif", duration=duration, loop=0)
    return data


def _save(path: Path, figure: Figure) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": MADE_BY})
    atomic_write(path, buffer.getvalue())
