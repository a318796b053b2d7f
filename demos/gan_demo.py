"""The latent studio: draw digits, walk between two of them, ask the discriminator.

    python demos/gan_demo.py [--share] [--auth user:password] [--help]

The page knows the three networks of Part II by their exports only.
"""

import base64
from pathlib import Path
from typing import Any, NamedTuple, cast

import gradio as gr
import serving  # before the toolkit: it knows where that lies
import torch
from torch import Tensor

from toolkit import export, figures
from toolkit.device import random_stream
from toolkit.errors import UsageError
from toolkit.files import read_bytes
from toolkit.gan.latent import draw_latents, interpolate, latents_of_class, pair_of_classes
from toolkit.gan.sketch import read_picture, to_mnist

NAME = "Latent studio"
NUM_SAMPLES = 25
STRIP = 9  # images in the assignment's strip
LAST_SEED = 999_999
MOST_SCALE = 1.5
FRAMES = (3, 60)
MILLISECONDS = 2500  # of the film from one end to the other
LINEAR, SPHERICAL = "linear", "spherical"
ANY = "any"
FILM = Path("runs", "default", "gan", "figures", "training.gif")  # beside the exports

INTRODUCTION = """
# Latent studio

A generator that has never seen a digit turns {latent_dim} random numbers, the latent point *z*,
into a picture. It learnt that only from the verdicts of a discriminator, *real* or *drawn*.
"""
ABOUT_TILES = """
Under each picture: the digit that the classifier sees and how sure it is, and the chance of being
**real** that the discriminator gives it. Around 50% it cannot tell. Click two pictures to walk from
one to the other.
"""
ABOUT_UPLOAD = """
One digit, dark on light or light on dark. It is cut out, scaled and centred as MNIST's digits are,
and judged by the two networks. What you upload is deleted after ten minutes.
"""

TILES = """
<div class="tiles" role="group" aria-label="Samples">
${(value || []).map((tile, k) => `
  <button type="button" class="tile" data-number="${k + 1}"
    data-end="${k + 1 === first ? 'from' : k + 1 === second ? 'to' : ''}"
    aria-pressed="${k + 1 === first || k + 1 === second}"
    aria-label="Sample ${k + 1}: a ${tile.digit}, ${tile.sure}% sure; ${tile.real}% real">
    <img src="${tile.image}" alt="" width="28" height="28">
    <span class="digit">${tile.digit} <small>${tile.sure}%</small></span>
    <span class="real"><i style="width: ${tile.real}%"></i><small>${tile.real}% real</small></span>
  </button>`).join('')}
</div>
"""
TILES_STYLE = """
.tiles { display: grid; grid-template-columns: repeat(5, 1fr); gap: 8px; }
.tile { position: relative; padding: 5px; border-radius: 8px; cursor: pointer; text-align: left;
  background: var(--background-fill-primary); border: 1px solid var(--border-color-primary);
  color: var(--body-text-color); font: inherit; line-height: 1.35; }
.tile:hover { border-color: var(--primary-500); }
.tile img { width: 100%; height: auto; aspect-ratio: 1; margin: 0; border-radius: 4px;
  image-rendering: pixelated; display: block; }
.tile span { display: flex; justify-content: space-between; align-items: baseline; }
.digit { font-weight: 650; font-size: 1.05rem; padding: 3px 2px 0; }
.tile small { font-size: 0.78rem; font-weight: 400; }
.tile .real { position: relative; padding: 0 4px; background: var(--background-fill-secondary);
  border-radius: 4px; overflow: hidden; }
.real i { position: absolute; inset: 0 auto 0 0; background: var(--primary-200); }
.dark .real i { background: var(--primary-800); }
.real small { position: relative; }
.tile:not([data-end=""]) { border-color: var(--primary-600);
  box-shadow: 0 0 0 3px var(--primary-600); }
.tile:not([data-end=""])::after { content: attr(data-end); position: absolute; top: 9px; left: 9px;
  background: var(--primary-600); color: white; border-radius: 4px; padding: 0 7px;
  font-size: 0.85rem; font-weight: 600; }
@media (max-width: 640px) {
  .tiles { gap: 5px; } .tile { padding: 3px; } .tile .digit small { font-size: 0.72rem; }
  .tile .real small { font-size: 0.68rem; } .tile .real { padding: 0 2px; }
}
"""
TILES_SCRIPT = """
element.addEventListener('click', event => {
  const tile = event.target.closest('.tile');
  if (tile) trigger('select', { number: Number(tile.dataset.number) });
});
"""
TILES_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "image": {"type": "string", "description": "PNG of 28 x 28 pixels, as a data URI"},
            "digit": {"type": "integer", "description": "what the classifier sees"},
            "sure": {"type": "integer", "description": "how sure it is, in percent"},
            "real": {"type": "integer", "description": "the discriminator's chance, in percent"},
        },
    },
}


class Walk(NamedTuple):
    """What the page shows of a walk between two latent points."""

    film: Path  # GIF, there and back
    strip: Path  # PNG, nine pictures
    summary: str
    film_in_words: str


class Studio:
    """The three networks, and what the page asks of them.

    Args:
        exports_dir: where generator.pt, discriminator.pt and classifier.pt are.

    Raises:
        ToolkitError: one of them is missing, or is not what the manifest vouches for.
    """

    def __init__(self, exports_dir: Path) -> None:
        self.generator = export.load("generator", exports_dir)
        self.discriminator = export.load("discriminator", exports_dir)
        self.classifier = export.load("classifier", exports_dir)
        self.latent_dim = cast(int, self.generator.latent_dim)

    def points(self, seed: int, digit: str, scale: float) -> Tensor:
        """Up to 25 latent points, float32 (n, latent_dim).

        Args:
            digit: "0" to "9" for points of that class only, or "any".
            scale: multiplies them; below 1 they come closer to 0, where the usual digits are.
        """
        if digit == ANY:
            z = draw_latents(NUM_SAMPLES, self.latent_dim, random_stream(seed, "samples"))
        else:
            z = latents_of_class(
                self.generator, self.classifier, seed, int(digit), count=NUM_SAMPLES
            )
        return scale * z

    @torch.no_grad()
    def draw(self, z: Tensor) -> Tensor:
        """Images (n, 1, 28, 28) in 0..1 of latent points (n, latent_dim)."""
        images: Tensor = self.generator(z)
        return images

    @torch.no_grad()
    def judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of the digits, (n, 10), and of being real, (n,), of images."""
        return (
            torch.softmax(self.classifier(images), dim=1),
            torch.sigmoid(self.discriminator(images)).squeeze(1),
        )

    def tiles(self, z: Tensor) -> list[dict[str, Any]]:
        """What the page shows of latent points: see TILES_SCHEMA."""
        images = self.draw(z)
        digits, real = self.judge(images)
        return [
            {
                "image": f"data:image/png;base64,{base64.b64encode(figures.png(picture)).decode()}",
                "digit": int(digits[n].argmax()),
                "sure": round(100 * float(digits[n].max())),
                "real": round(100 * float(real[n])),
            }
            for n, picture in enumerate(map(figures.to_picture, images))
        ]

    def samples(self, seed: int, digit: str, scale: float) -> tuple[list[dict[str, Any]], str]:
        """The tiles, and a sentence on them."""
        tiles = self.tiles(self.points(seed, digit, scale))
        sure = sum(tile["sure"] >= 90 for tile in tiles)
        real = sum(tile["real"] for tile in tiles) / len(tiles)
        return tiles, (
            f"{len(tiles)} samples; of {sure} the classifier is at least 90% sure. On average the "
            f"discriminator finds them {real:.0f}% real."
        )

    def between_samples(
        self, seed: int, digit: str, scale: float, first: int, second: int, path: str, frames: int
    ) -> Walk:
        """From one of the samples to another."""
        points = self.points(seed, digit, scale)
        if first == second:
            raise UsageError("Choose two different samples to walk between.")
        if max(first, second) > len(points):
            raise UsageError(f"There are {len(points)} samples only; choose two of them.")
        return self.walk(points[first - 1], points[second - 1], path, frames)

    def between_classes(
        self, seed: int, digit_from: int, digit_to: int, path: str, frames: int
    ) -> Walk:
        """From the seed's first clear `digit_from` to its first clear `digit_to`."""
        pair = pair_of_classes(self.generator, self.classifier, seed, digit_from, digit_to)
        return self.walk(pair.z_from, pair.z_to, path, frames)

    def walk(self, z_from: Tensor, z_to: Tensor, path: str, frames: int) -> Walk:
        """From one latent point, (latent_dim,), to another."""
        spherical = path == SPHERICAL
        film, strip = serving.new_file(".gif"), serving.new_file(".png")
        images = self.draw(interpolate(z_from, z_to, frames, spherical))
        figures.save_gif(film, images, milliseconds=MILLISECONDS // frames)
        nine = self.draw(interpolate(z_from, z_to, STRIP, spherical))
        figures.save_png(strip, figures.sheet(nine, columns=STRIP, scale=4))
        seen = [int(digit) for digit in self.judge(nine)[0].argmax(dim=1)]
        summary = (
            f"From {seen[0]} to {seen[-1]} in {frames} frames, {path}. In the strip the "
            f"classifier sees {', '.join(map(str, seen))}."
        )
        return Walk(film, strip, summary, f"A {seen[0]} turns into a {seen[-1]} and back.")

    def judged(
        self, file: str | None
    ) -> tuple[gr.Image | None, dict[str, float] | None, dict[str, float] | None]:
        """What an uploaded picture looks like to the networks, and what they say of it."""
        if file is None:
            return None, None, None
        image = to_mnist(read_picture(read_bytes(Path(file))))
        digits, real = self.judge(image)
        seen = serving.new_file(".png")
        figures.save_png(seen, figures.sheet(image, columns=1, scale=8))
        return (
            gr.Image(seen, alt_text=f"The upload in 28 x 28 pixels, a {int(digits.argmax())}."),
            {"real": float(real), "drawn": 1 - float(real)},
            {str(digit): float(share) for digit, share in enumerate(digits[0])},
        )


def shown(walk: Walk) -> tuple[gr.Image, gr.Image, str, str, str]:
    """A walk for the page's components: film, strip, both as downloads, and the sentence."""
    return (
        gr.Image(walk.film, alt_text=walk.film_in_words),
        gr.Image(walk.strip, alt_text=walk.summary),
        str(walk.film),
        str(walk.strip),
        walk.summary,
    )


def choose(first: int, second: int, event: gr.EventData) -> tuple[int, int, gr.HTML]:
    """A click: the walk goes from what was clicked before to what is clicked now."""
    if event.number not in range(1, NUM_SAMPLES + 1):
        raise UsageError(f"There is no sample {event.number}.")
    return mark(second, event.number) if event.number != second else mark(first, second)


def mark(first: int, second: int) -> tuple[int, int, gr.HTML]:
    """Both ends of the walk, also on the tiles."""
    return first, second, gr.HTML(first=first, second=second)


def build(exports_dir: Path) -> gr.Blocks:
    """The page.

    Raises: as `Studio`.
    """
    studio = Studio(exports_dir)
    with gr.Blocks(title=NAME, analytics_enabled=False) as page:
        gr.Markdown(INTRODUCTION.format(latent_dim=studio.latent_dim))
        with gr.Tab("Draw and walk"):
            _studio_tab(studio)
        with gr.Tab("Discriminator"):
            _upload_tab(studio)
        with gr.Tab("Training film"):
            _film_tab(exports_dir.resolve().parent / FILM)
    return page


def _studio_tab(studio: Studio) -> None:
    tiles_now, summary_now = studio.samples(0, ANY, 1.0)
    walk_now = studio.between_samples(0, ANY, 1.0, 1, 2, SPHERICAL, 24)
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            tiles = gr.HTML(
                tiles_now,
                label="Samples",
                html_template=TILES,
                css_template=TILES_STYLE,
                js_on_load=TILES_SCRIPT,
                apply_default_css=False,
                first=1,
                second=2,
            )
            tiles.api_info = lambda: TILES_SCHEMA  # a list, where Gradio expects a text
            summary = gr.Markdown(summary_now)
            gr.Markdown(ABOUT_TILES)
        with gr.Column(scale=5, min_width=320):
            with gr.Row(equal_height=True):
                seed = gr.Number(
                    0, label="Seed", precision=0, minimum=0, maximum=LAST_SEED, scale=2
                )
                other = gr.Button("Other samples", variant="primary", scale=1, min_width=140)
            digit = gr.Radio([ANY, *map(str, range(10))], value=ANY, label="More of class")
            scale = gr.Slider(
                0,
                MOST_SCALE,
                1,
                step=0.05,
                label="Truncation",
                info="z is multiplied by it. Towards 0 the digits become more usual and more "
                "alike; above 1 more unusual, and worse.",
            )
            with gr.Tab("From sample to sample"), gr.Row(equal_height=True):
                first = _sample_number("From sample", 1)
                second = _sample_number("To sample", 2)
                walk_samples = gr.Button("Walk", variant="primary", min_width=90)
            with gr.Tab("From class to class"), gr.Row(equal_height=True):
                digit_from = gr.Dropdown(list(range(10)), value=3, label="From class", min_width=90)
                digit_to = gr.Dropdown(list(range(10)), value=8, label="To class", min_width=90)
                walk_classes = gr.Button("Walk", variant="primary", min_width=90)
            with gr.Row():
                path = gr.Radio([LINEAR, SPHERICAL], value=SPHERICAL, label="Path", scale=3)
                frames = gr.Slider(
                    *FRAMES, value=24, step=1, precision=0, label="Frames", scale=2, min_width=160
                )
            with gr.Row():
                film = _picture(walk_now.film, walk_now.film_in_words, "gan-film", scale=2)
                with gr.Column(scale=3, min_width=160):
                    walk = gr.Markdown(walk_now.summary)
                    download_film = gr.DownloadButton("Download the GIF", value=walk_now.film)
                    download_strip = gr.DownloadButton("Download the strip", value=walk_now.strip)
            strip = _picture(walk_now.strip, walk_now.summary, "gan-strip")

    other.click(None, None, seed, js=f"() => Math.floor(Math.random() * {LAST_SEED + 1})")
    latent = [seed, digit, scale]
    gr.on(
        [seed.change, digit.change, scale.change],
        serving.explained(studio.samples),
        latent,
        [tiles, summary],
        api_name="samples",
        concurrency_id=serving.TORCH,
        show_progress="minimal",
        trigger_mode="always_last",
    )
    ends = [first, second]
    on_tiles: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
    tiles.select(
        serving.explained(choose), ends, [*ends, tiles], api_visibility="private", **on_tiles
    )
    gr.on(
        [first.input, second.input],
        mark,
        ends,
        [*ends, tiles],
        api_visibility="private",
        **on_tiles,
    )
    walked = [film, strip, download_film, download_strip, walk]
    walk_samples.click(
        serving.explained(lambda *wanted: shown(studio.between_samples(*wanted))),
        [*latent, *ends, path, frames],
        walked,
        api_name="between_samples",
        concurrency_id=serving.TORCH,
    )
    walk_classes.click(
        serving.explained(lambda *wanted: shown(studio.between_classes(*wanted))),
        [seed, digit_from, digit_to, path, frames],
        walked,
        api_name="between_classes",
        concurrency_id=serving.TORCH,
    )


def _upload_tab(studio: Studio) -> None:
    gr.Markdown(ABOUT_UPLOAD)
    with gr.Row():
        file = gr.Image(
            type="filepath",
            image_mode=None,
            sources=["upload", "clipboard"],
            label="Your picture of a digit",
            height=300,
        )
        seen = gr.Image(
            label="As the networks see it",
            interactive=False,
            height=300,
            buttons=[],
            elem_classes="pixels",
        )
        with gr.Column():
            real = gr.Label(label="The discriminator's verdict")
            digits = gr.Label(label="The classifier's", num_top_classes=3)
    file.change(
        serving.explained(studio.judged),
        file,
        [seen, real, digits],
        api_name="judge",
        concurrency_id=serving.TORCH,
    )


def _film_tab(path: Path) -> None:
    if not path.exists():
        gr.Markdown(
            "There is no film yet. `python -m toolkit.train gan` trains the GAN again and makes "
            "one, the same 25 latent points from the first step to the last. It changes `exports/` "
            "as well."
        )
        return
    film = serving.new_file(".gif")
    film.write_bytes(read_bytes(path))
    gr.Markdown("The same 25 latent points from the first step of the training to the last.")
    _picture(film, "Film: noise turns into digits while the generator learns.", "gan-training")


def _sample_number(label: str, value: int) -> gr.Number:
    return gr.Number(
        value, label=label, precision=0, minimum=1, maximum=NUM_SAMPLES, step=1, min_width=90
    )


def _picture(path: Path, in_words: str, elem_id: str, **layout: Any) -> gr.Image:
    return gr.Image(
        path,
        alt_text=in_words,
        interactive=False,
        show_label=False,
        container=False,
        buttons=[],
        elem_id=elem_id,
        elem_classes="pixels",
        **layout,
    )


if __name__ == "__main__":
    serving.run(build, NAME)
