"""Digits in the browser: an LSTM and an RNN complete palindromes, with a microscope on the LSTM's
gates, and a classifier reads what one draws.

    python demos/digit_demo.py
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import serving
from digit_events import MOST_DIGITS, ORDERS, DigitDemo
from digit_style import PAD, PAD_SCRIPT, STYLE

from toolkit.device import one_thread

FIRST_DIGITS = "3 1 4 1 5 1 4 1"


def build(exports_dir: Path) -> gr.Blocks:
    """The page.

    Raises:
        ToolkitError: an export is missing or damaged.
    """
    demo = DigitDemo(exports_dir)
    with gr.Blocks(title="Digit prediction", analytics_enabled=False) as page:
        gr.HTML(STYLE)
        gr.Markdown("# Digit prediction")
        with gr.Tab("Palindromes"):
            palindrome_tab(page, demo)
        with gr.Tab("Draw a digit"):
            drawing_tab(demo)
    return page


def on(trigger: Callable[..., Any], function: Callable[..., Any], **options: Any) -> Any:
    """Connect an event to what it does; all that compute with torch wait for each other.

    One thread each: in steps as small as these, two wait longer than they compute.
    """
    return trigger(
        serving.explained(one_thread()(function)),
        concurrency_id=serving.TORCH,
        concurrency_limit=1,
        **options,
    )


def shown(label: str, elem_id: str) -> gr.HTML:
    """A place for HTML with a style of its own."""
    return gr.HTML(label=label, elem_id=elem_id, apply_default_css=False)


def palindrome_tab(page: gr.Blocks, demo: DigitDemo) -> None:
    """Digits, predictions, microscope, edit."""
    gr.Markdown(
        "A palindrome reads the same from both ends, such as 3 1 4 1 3. The networks read all but "
        "the last digit, one at a time, and say which comes last. They can only know it if they "
        "still remember the **first**."
    )
    with gr.Row():
        with gr.Column(scale=3):
            text = gr.Textbox(
                FIRST_DIGITS,
                label="Digits (T - 1 of them)",
                info=f"Up to {MOST_DIGITS:,}. Spaces, commas and new lines do not count.",
                lines=1,
                max_lines=5,
                elem_id="digits",
            )
            read = gr.Button("Read these digits", variant="primary")
        with gr.Column(scale=2):
            with gr.Row():
                length = gr.Number(20, label="Length T of a random palindrome", min_width=120)
                seed = gr.Number(0, label="Seed", min_width=80)
            generate = gr.Button("Generate and read")
    verdict = shown("Answers", elem_id="verdict")
    gr.Markdown(
        "The probabilities are the softmax (8) of the logits (7). The LSTM has gates and a cell c; "
        "the RNN has nothing but h(t) = tanh(W x(t) + W h(t-1) + b)."
    )

    gr.Markdown(
        "## Gate microscope\n"
        "Each row is one of the LSTM's cells, each column a step: it reads one digit, opens and "
        "shuts its gates, and updates its memory c. The dashed line is the step that the slider "
        "below chooses."
    )
    was_read = gr.Textbox(visible=False, label="The digits that were read")
    order = gr.Radio(list(ORDERS), value=ORDERS[0], label="Cells from top to bottom")
    maps = shown("Heat maps", elem_id="maps")
    gr.Markdown(
        "### Which cells hold the first digit?\n"
        "We run the LSTM ten times: with each digit 0 to 9 in first place, and the others as they "
        "are. A cell **holds** the first digit as far as tanh c(t), what (6) lets out of it, "
        "differs among the ten: *held* is its standard deviation, from 0 (the same for all ten) to "
        "1 (\u22121 for half of them, 1 for the rest)."
    )
    step = gr.Slider(1, MOST_DIGITS, 1, step=1, label="Step t", elem_id="step")
    now = shown("At this step", elem_id="now")

    gr.Markdown(
        "## Change one digit\n"
        "Only the first digit should matter for the answer. Change it, then change another: which "
        "gates react, and for how long?"
    )
    with gr.Row():
        place = gr.Slider(1, MOST_DIGITS, 1, step=1, label="Which digit", min_width=280)
        digit = gr.Slider(0, 9, 7, step=1, label="Its new value", min_width=280)
    edit = gr.Button("Change it")
    predictions = shown("Predictions before and after", elem_id="predictions")
    changes = shown("What changed inside", elem_id="changes")

    reading = {
        "function": demo.read,
        "inputs": [text, order],
        "outputs": [verdict, maps, was_read, step, now, place],
    }
    on(read.click, **reading, api_name="read")
    on(text.submit, **reading, api_visibility="private")
    on(order.input, **reading, api_visibility="private")
    on(page.load, **reading, api_visibility="private")
    generated = on(
        generate.click, demo.generate, inputs=[length, seed], outputs=text, api_name="generate"
    )
    on(generated.success, **reading, api_visibility="private")
    on(
        step.input,
        demo.step,
        inputs=[was_read, step],
        outputs=now,
        api_name="step",
        js="(text, step) => [text, step ?? 1]",  # an emptied field, as Gradio itself reads it
        show_progress="hidden",
        trigger_mode="always_last",
    )
    on(
        edit.click,
        demo.edit,
        inputs=[was_read, place, digit, order],
        outputs=[predictions, changes],
        api_name="edit",
    )
    for function, name in ((demo.predict, "predict"), (demo.gates, "gates")):
        on(gr.api, function, api_name=name)


def drawing_tab(demo: DigitDemo) -> None:
    """A pad, an upload, ten probabilities."""
    gr.Markdown(
        "Draw one digit. It is brought into the form of MNIST's: scaled into 20 x 20 pixels with "
        "its shape kept, then moved so that its centre of mass is the centre of 28 x 28. A small "
        "convolutional network, trained on 60,000 such images, says what it sees."
    )
    with gr.Row():
        with gr.Column():
            pad = gr.HTML(
                "",
                label="Drawing",
                html_template=PAD,
                js_on_load=PAD_SCRIPT,
                elem_id="pad",
            )
            read = gr.Button("What is it?", variant="primary")
            upload = gr.UploadButton(
                "or choose a picture of a digit", file_types=["image"], type="binary"
            )
        with gr.Column():
            seen = shown("What the classifier sees", elem_id="seen")
            probabilities = gr.Label(label="Ten probabilities, by (8)")
    results = [probabilities, seen]
    on(read.click, demo.draw, inputs=pad, outputs=results, api_name="draw")
    on(
        pad.input,
        demo.draw,
        inputs=pad,
        outputs=results,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="always_last",
    )
    pad.clear(lambda: (None, ""), outputs=results, api_visibility="private")
    on(upload.upload, demo.upload, inputs=upload, outputs=results, api_name="upload")


if __name__ == "__main__":
    serving.run(build, "digit prediction")
