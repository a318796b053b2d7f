"""The gate microscope's page: what it shows, and which function each control calls."""

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from gate_microscope.events import MAX_DIGITS, ORDERS, GateMicroscope
from gate_microscope.pad import drawing_pad
from gate_microscope.style import STYLE
from serving.messages import on

FIRST_DIGITS = "3 1 4 1 5 1 4 1"

ABOUT_PALINDROMES = """
A palindrome, such as 3 1 4 1 3, reads the same from both ends. The networks read every digit but
the last, one at a time, and predict the last one. To do so, they must still remember the **first**.
Numbers in brackets are the assignment's equations.
"""
ABOUT_MAPS = """
## Inside the LSTM
Each row is one of the LSTM's cells, each column a step: the LSTM reads one digit, opens and closes
its gates, and updates its memory c. The dashed line marks step t.
"""
ABOUT_HELD = """
### Which cells hold the first digit?
We run the LSTM ten times, once with each digit 0 to 9 in first place; the other digits stay. A cell
**holds** the first digit if tanh c(t), which (6) lets out of the cell, differs between the ten
runs. *held* is its standard deviation: 0 if it is the same in all ten, 1 if it is \u22121 in half
of them and 1 in the others.
"""
ABOUT_EDIT = """
## Change one digit
Only the first digit should matter for the answer. Change it, then change another one: which gates
react, and for how long?
"""
ABOUT_DRAWING = """
Draw one digit. It is turned into an image like MNIST's: scaled to fit into 20 x 20 pixels without
changing its shape, then moved so that its centre of mass is at the centre of 28 x 28 pixels. A
small convolutional network, trained on MNIST's 60,000 images, says what it sees.
"""


def build(exports_dir: Path) -> gr.Blocks:
    """The page.

    Raises: as `GateMicroscope`.
    """
    microscope = GateMicroscope(exports_dir)
    with gr.Blocks(title="Gate microscope", analytics_enabled=False) as page:
        gr.HTML(STYLE)
        gr.Markdown("# Gate microscope")
        with gr.Tab("Palindromes"):
            _palindrome_tab(page, microscope)
        with gr.Tab("Draw a digit"):
            _drawing_tab(microscope)
    return page


def _palindrome_tab(page: gr.Blocks, microscope: GateMicroscope) -> None:
    """Digits, predictions, heat maps, an edit."""
    gr.Markdown(ABOUT_PALINDROMES)
    source = _digit_controls()
    verdict = _html("Answers", "verdict")
    gr.Markdown(ABOUT_MAPS)
    was_read = gr.Textbox(visible=False, label="The digits that were read")
    with gr.Row():
        order = gr.Radio(list(ORDERS), value=ORDERS[0], label="Cells from top to bottom")
        step = gr.Slider(1, MAX_DIGITS, 1, step=1, label="Step t", elem_id="step")
    maps = _html("Heat maps", "maps")
    gr.Markdown(ABOUT_HELD)
    now = _html("At this step", "now")
    gr.Markdown(ABOUT_EDIT)
    place = _edit_controls(microscope, was_read, order)

    reading = {
        "function": microscope.read,
        "inputs": [source.text, order],
        "outputs": [verdict, maps, was_read, step, now, place],
    }
    on(source.read.click, **reading, api_name="read")
    on(source.text.submit, **reading, api_visibility="private")
    on(order.input, **reading, api_visibility="private")
    on(page.load, **reading, api_visibility="private")
    generated = on(
        source.generate.click,
        microscope.generate,
        inputs=[source.length, source.seed],
        outputs=source.text,
        api_name="generate",
    )
    on(generated.success, **reading, api_visibility="private")
    on(
        step.input,
        microscope.step,
        inputs=[was_read, step],
        outputs=now,
        api_name="step",
        js="(text, step) => [text, step ?? 1]",  # an emptied field, as Gradio itself reads it
        show_progress="hidden",
        trigger_mode="always_last",
    )
    on(gr.api, microscope.predict, api_name="predict")
    on(gr.api, microscope.gates, api_name="gates")


class DigitControls(NamedTuple):
    """Where the digits come from: typed, or generated."""

    text: gr.Textbox
    read: gr.Button
    length: gr.Number
    seed: gr.Number
    generate: gr.Button


def _digit_controls() -> DigitControls:
    with gr.Row():
        with gr.Column(scale=3):
            text = gr.Textbox(
                FIRST_DIGITS,
                label="Digits (T \u2212 1 of them)",
                info=f"Up to {MAX_DIGITS:,}. Spaces, commas and new lines do not count.",
                lines=1,
                max_lines=5,
                elem_id="digits",
            )
            read = gr.Button("Read these digits", variant="primary")
        with gr.Column(scale=2):
            with gr.Row():
                length = gr.Number(
                    20, label="Length T", info=f"From 2 to {MAX_DIGITS + 1:,}.", min_width=120
                )
                seed = gr.Number(0, label="Seed", info="Same seed, same digits.", min_width=120)
            generate = gr.Button("Read a random palindrome")
    return DigitControls(text, read, length, seed, generate)


def _edit_controls(microscope: GateMicroscope, was_read: gr.Textbox, order: gr.Radio) -> gr.Slider:
    """Change one digit and see what that changes; returns the slider that says which digit."""
    with gr.Row():
        place = gr.Slider(1, MAX_DIGITS, 1, step=1, label="Which digit", min_width=280)
        digit = gr.Slider(0, 9, 7, step=1, label="Its new value", min_width=280)
    edit = gr.Button("Change it")
    predictions = _html("Predictions before and after", "predictions")
    changes = _html("What changed inside", "changes")
    on(
        edit.click,
        microscope.edit,
        inputs=[was_read, place, digit, order],
        outputs=[predictions, changes],
        api_name="edit",
    )
    return place


def _drawing_tab(microscope: GateMicroscope) -> None:
    """A pad, an upload, ten probabilities."""
    gr.Markdown(ABOUT_DRAWING)
    with gr.Row():
        with gr.Column(scale=2):
            pad = drawing_pad("pad")
            read = gr.Button("What is it?", variant="primary")
            upload = gr.UploadButton(
                "or choose a picture of a digit", file_types=["image"], type="binary"
            )
        with gr.Column(scale=3):
            seen = _html("What the classifier sees", "seen")
            probabilities = gr.Label(label="Ten probabilities")
    results = [probabilities, seen]
    on(read.click, microscope.read_drawing, inputs=pad, outputs=results, api_name="draw")
    at_once: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "always_last"}
    on(
        pad.input,
        microscope.read_drawing,
        inputs=pad,
        outputs=results,
        api_visibility="private",
        **at_once,
    )
    pad.clear(lambda: (None, ""), outputs=results, api_visibility="private")
    on(upload.upload, microscope.read_file, inputs=upload, outputs=results, api_name="upload")


def _html(label: str, elem_id: str) -> gr.HTML:
    """A place for HTML that brings its own style."""
    return gr.HTML(label=label, elem_id=elem_id, apply_default_css=False)
