"""The latent studio's page: what it shows, and which function each control calls."""

import functools
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from latent_studio.studio import ANY, LINEAR, NUM_SAMPLES, SPHERICAL, Studio, Walk
from latent_studio.tiles import tiles
from serving.messages import explained, on
from serving.upkeep import CLEAN_AFTER, new_file
from toolkit.common.errors import UsageError
from toolkit.common.files import read_bytes

MAX_SEED = 999_999
MAX_SCALE = 1.5
FRAMES = (3, 60)
FILM = Path("runs", "default", "gan", "figures", "training.gif")  # beside the exports

INTRODUCTION = """
# Latent studio

A generator turns {latent_dim} random numbers, the latent point *z*, into a picture of a digit. It
has never seen a digit itself: it learned only from the verdicts of a discriminator, *real* or
*generated*. Click two of its pictures and walk from one to the other.
"""
ABOUT_TILES = """
Under each picture: the digit that the classifier sees and how sure it is, and how **real** the
picture looks to the discriminator (the sigmoid of its logit). Around 50% means it cannot tell.
"""
ABOUT_UPLOAD = f"""
Upload one digit, dark on light or light on dark. It is cut out, scaled and centred like MNIST's
digits, and both networks judge it. Your picture is deleted after {CLEAN_AFTER // 60} minutes.
"""
ALT_FILM = "Film of the walk, there and back; the text beside it names the first and last digit."
ALT_STRIP = "Nine pictures of the walk; the text above them says which digits they are."
ALT_UPLOAD = "The uploaded picture in 28 x 28 pixels."


def build(exports_dir: Path) -> gr.Blocks:
    """The page.

    Raises: as `Studio`.
    """
    studio = Studio(exports_dir)
    with gr.Blocks(title="Latent studio", analytics_enabled=False) as page:
        gr.Markdown(INTRODUCTION.format(latent_dim=studio.latent_dim))
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab("Generate and walk"):
                _studio_tab(studio)
            with gr.Tab("Discriminator"):
                _upload_tab(studio)
            if (film := exports_dir.resolve().parent / FILM).exists():
                with gr.Tab("Training film"):
                    _film_tab(film)
    return page


def _studio_tab(studio: Studio) -> None:
    """Samples on the left; controls and the walk on the right.

    What the tab shows at first is generated here, once, so that opening the page costs nothing.
    """
    first_tiles, first_summary = studio.samples(0, ANY, 1.0)
    first_walk = studio.between_samples(0, ANY, 1.0, 1, 2, SPHERICAL, 24)
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            samples = tiles(first_tiles, first=1, second=2)
            summary = gr.Markdown(first_summary)
            gr.Markdown(ABOUT_TILES)
        with gr.Column(scale=5, min_width=320):
            latent = _latent_controls(studio.latent_dim)
            walk = _walk_controls()
            shown = _walk_result(first_walk)

    on(
        functools.partial(gr.on, [control.change for control in latent]),
        studio.samples,
        inputs=latent,
        outputs=[samples, summary],
        api_name="samples",
        show_progress="minimal",
        trigger_mode="always_last",
    )
    _connect_ends(samples, walk.first, walk.second)
    on(
        walk.walk_samples.click,
        studio.between_samples,
        inputs=[*latent, walk.first, walk.second, walk.path, walk.frames],
        outputs=shown,
        api_name="between_samples",
    )
    on(
        walk.walk_classes.click,
        studio.between_classes,
        inputs=[latent[0], walk.digit_from, walk.digit_to, walk.path, walk.frames],
        outputs=shown,
        api_name="between_classes",
    )


def _latent_controls(latent_dim: int) -> list[Any]:
    """The inputs that choose 25 latent points: seed, digit and scale."""
    with gr.Row(equal_height=True):
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=MAX_SEED, scale=2)
        other = gr.Button("Other samples", variant="primary", scale=1, min_width=140)
    other.click(None, None, seed, js=f"() => Math.floor(Math.random() * {MAX_SEED + 1})")
    digit = gr.Radio([ANY, *map(str, range(10))], value=ANY, label="Class")
    scale = gr.Slider(
        0,
        MAX_SCALE,
        1,
        step=0.05,
        label="Truncation",
        info="Multiplies z. In training, almost every z had a length near "
        f"{latent_dim**0.5:.0f}: closer to 0 the pictures fade.",
    )
    return [seed, digit, scale]


class WalkControls(NamedTuple):
    """Between what to walk, and how."""

    first: gr.Number
    second: gr.Number
    walk_samples: gr.Button
    digit_from: gr.Dropdown
    digit_to: gr.Dropdown
    walk_classes: gr.Button
    path: gr.Radio
    frames: gr.Slider


def _walk_controls() -> WalkControls:
    digits = list(range(10))
    with gr.Tabs(overflow_behavior="wrap"):
        with gr.Tab("From sample to sample"), gr.Row(equal_height=True):
            first = _sample_number("From sample", 1)
            second = _sample_number("To sample", 2)
            walk_samples = gr.Button("Walk", variant="primary", min_width=90)
        with gr.Tab("From class to class"), gr.Row(equal_height=True):
            digit_from = gr.Dropdown(digits, value=3, label="From class", min_width=90)
            digit_to = gr.Dropdown(digits, value=8, label="To class", min_width=90)
            walk_classes = gr.Button("Walk", variant="primary", min_width=90)
    with gr.Row():
        path = gr.Radio(
            [LINEAR, SPHERICAL],
            value=SPHERICAL,
            label="Path",
            info="Straight, or on an arc around the origin.",
            scale=3,
        )
        frames = gr.Slider(
            *FRAMES, value=24, step=1, precision=0, label="Frames", scale=2, min_width=160
        )
    return WalkControls(
        first, second, walk_samples, digit_from, digit_to, walk_classes, path, frames
    )


def _walk_result(walk: Walk) -> list[Any]:
    """What shows a walk, in the order of `Walk`'s fields."""
    with gr.Row():
        film = _picture(walk.film, ALT_FILM, "gan-film", scale=2)
        with gr.Column(scale=3, min_width=160):
            summary = gr.Markdown(walk.summary)
            download_film = gr.DownloadButton("Download the GIF", value=walk.film)
            download_strip = gr.DownloadButton("Download the strip", value=walk.strip)
    strip = _picture(walk.strip, ALT_STRIP, "gan-strip")
    return [film, strip, download_film, download_strip, summary]


def _connect_ends(samples: gr.HTML, first: gr.Number, second: gr.Number) -> None:
    """A click on a tile or a typed number chooses an end of the walk, and the tiles show it."""
    ends = [first, second]
    at_once: dict[str, Any] = {
        "api_visibility": "private",
        "queue": False,
        "show_progress": "hidden",
    }
    samples.select(explained(choose), ends, [*ends, samples], **at_once)
    typed = [first.input, second.input]
    gr.on(typed, mark, ends, samples, trigger_mode="always_last", **at_once)


def choose(first: int, second: int, event: gr.EventData) -> tuple[int, int, gr.HTML]:
    """A click on a tile: walk from the tile that was clicked before to this one."""
    if event.number not in range(1, NUM_SAMPLES + 1):
        raise UsageError(f"There is no sample {event.number}. Choose one from 1 to {NUM_SAMPLES}.")
    if event.number != second:
        first, second = second, event.number
    return first, second, mark(first, second)


def mark(first: int, second: int) -> gr.HTML:
    """Mark the tiles at both ends of the walk."""
    return gr.HTML(first=first, second=second)


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
    on(
        file.change,
        studio.judged,
        inputs=file,
        outputs=[seen, real, digits],
        api_name="judge",
    )


def _film_tab(path: Path) -> None:
    film = new_file("training.gif")
    film.write_bytes(read_bytes(path))
    gr.Markdown("The same 25 latent points, from the first step of the training to the last.")
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
