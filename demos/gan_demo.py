"""The latent studio, a page: python demos/gan_demo.py [--share] [--help]

Draw digits, walk between two of them, and ask the discriminator.
"""

import functools
from pathlib import Path
from typing import Any

import gradio as gr
import serving  # before the toolkit: it knows where that lies
from studio import ANY, LINEAR, NUM_SAMPLES, SPHERICAL, Studio
from tiles import tiles
from upkeep import new_file

from toolkit.common.errors import UsageError
from toolkit.common.files import read_bytes

NAME = "Latent studio"
LAST_SEED = 999_999
MAX_SCALE = 1.5
FRAMES = (3, 60)
FILM = Path("runs", "default", "gan", "figures", "training.gif")  # beside the exports

INTRODUCTION = """
# Latent studio

A generator that has never seen a digit turns {latent_dim} random numbers, the latent point *z*,
into a picture. It learnt that only from the verdicts of a discriminator, *real* or *drawn*.
Click two of its pictures and walk from one to the other.
"""
ABOUT_TILES = """
Under each picture: the digit that the classifier sees and how sure it is, and how **real** the
discriminator finds it, the sigmoid of its logit. Around 50% it cannot tell.
"""
ABOUT_UPLOAD = """
One digit, dark on light or light on dark. It is cut out, scaled and centred as MNIST's digits are,
and judged by the two networks. What you upload is deleted after ten minutes.
"""
ALT_FILM = "Film of the walk, there and back; the text beside it says from which digit to which."
ALT_STRIP = "Nine pictures of the walk; the text above them says which digits they are."
ALT_UPLOAD = "The uploaded picture in 28 x 28 pixels."


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
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab("Draw and walk"):
                _studio_tab(studio)
            with gr.Tab("Discriminator"):
                _upload_tab(studio)
            if (film := exports_dir.resolve().parent / FILM).exists():
                with gr.Tab("Training film"):
                    _film_tab(film)
    return page


def _studio_tab(studio: Studio) -> None:
    """All that it shows at first is drawn here once, so that opening the page costs nothing."""
    tiles_now, summary_now = studio.samples(0, ANY, 1.0)
    walk_now = studio.between_samples(0, ANY, 1.0, 1, 2, SPHERICAL, 24)
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            samples = tiles(tiles_now, first=1, second=2)
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
                MAX_SCALE,
                1,
                step=0.05,
                label="Truncation",
                info="z is multiplied by it. The generator has met points at a length near "
                f"{studio.latent_dim**0.5:.0f} only: closer to 0 its pictures fade.",
            )
            with gr.Tabs(overflow_behavior="wrap"):
                with gr.Tab("From sample to sample"), gr.Row(equal_height=True):
                    first = _sample_number("From sample", 1)
                    second = _sample_number("To sample", 2)
                    walk_samples = gr.Button("Walk", variant="primary", min_width=90)
                with gr.Tab("From class to class"), gr.Row(equal_height=True):
                    digit_from = gr.Dropdown(
                        list(range(10)), value=3, label="From class", min_width=90
                    )
                    digit_to = gr.Dropdown(list(range(10)), value=8, label="To class", min_width=90)
                    walk_classes = gr.Button("Walk", variant="primary", min_width=90)
            with gr.Row():
                path = gr.Radio(
                    [LINEAR, SPHERICAL],
                    value=SPHERICAL,
                    label="Path",
                    info="Straight, or on an arc round the origin.",
                    scale=3,
                )
                frames = gr.Slider(
                    *FRAMES, value=24, step=1, precision=0, label="Frames", scale=2, min_width=160
                )
            with gr.Row():
                film = _picture(walk_now.film, ALT_FILM, "gan-film", scale=2)
                with gr.Column(scale=3, min_width=160):
                    walk = gr.Markdown(walk_now.summary)
                    download_film = gr.DownloadButton("Download the GIF", value=walk_now.film)
                    download_strip = gr.DownloadButton("Download the strip", value=walk_now.strip)
            strip = _picture(walk_now.strip, ALT_STRIP, "gan-strip")

    other.click(None, None, seed, js=f"() => Math.floor(Math.random() * {LAST_SEED + 1})")
    latent = [seed, digit, scale]
    serving.on(
        functools.partial(gr.on, [seed.change, digit.change, scale.change]),
        studio.samples,
        inputs=latent,
        outputs=[samples, summary],
        api_name="samples",
        show_progress="minimal",
        trigger_mode="always_last",
    )
    ends = [first, second]
    on_tiles: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
    samples.select(
        serving.explained(choose), ends, [*ends, samples], api_visibility="private", **on_tiles
    )
    gr.on(
        [first.input, second.input],
        mark,
        ends,
        [*ends, samples],
        api_visibility="private",
        **on_tiles,
    )
    walked = [film, strip, download_film, download_strip, walk]
    serving.on(
        walk_samples.click,
        studio.between_samples,
        inputs=[*latent, *ends, path, frames],
        outputs=walked,
        api_name="between_samples",
    )
    serving.on(
        walk_classes.click,
        studio.between_classes,
        inputs=[seed, digit_from, digit_to, path, frames],
        outputs=walked,
        api_name="between_classes",
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
            alt_text=ALT_UPLOAD,
            interactive=False,
            height=300,
            buttons=[],
            elem_classes="pixels",
        )
        with gr.Column():
            real = gr.Label(label="The discriminator's verdict")
            digits = gr.Label(label="The classifier's opinion", num_top_classes=3)
    serving.on(
        file.change,
        studio.judged,
        inputs=file,
        outputs=[seen, real, digits],
        api_name="judge",
    )


def _film_tab(path: Path) -> None:
    film = new_file("training.gif")
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
