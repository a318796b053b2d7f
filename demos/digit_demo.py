"""Digits in the browser: an LSTM and an RNN complete palindromes, with a microscope on the LSTM's
gates, and a classifier reads what one draws.

    python demos/digit_demo.py
"""

from pathlib import Path

import gradio as gr
import serving  # before the toolkit: it knows where that lies
from digit_events import MAX_DIGITS, ORDERS, DigitDemo
from digit_style import PAD, PAD_SCRIPT, STYLE

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


def shown(label: str, elem_id: str) -> gr.HTML:
    """A place for HTML with a style of its own."""
    return gr.HTML(label=label, elem_id=elem_id, apply_default_css=False)


def palindrome_tab(page: gr.Blocks, demo: DigitDemo) -> None:
    """Digits, predictions, microscope, edit."""
    gr.Markdown(
        "A palindrome reads the same from both ends, such as 3 1 4 1 3. The networks read all but "
        "the last digit, one at a time, and say which comes last. They can only know it if they "
        "still remember the **first**. Numbers in brackets are the assignment's equations."
    )
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
                seed = gr.Number(0, label="Seed", info="The same, the same digits.", min_width=120)
            generate = gr.Button("Read a random palindrome")
    verdict = shown("Answers", elem_id="verdict")
    gr.Markdown(
        "## Gate microscope\n"
        "Each row is one of the LSTM's cells, each column a step: it reads one digit, opens and "
        "shuts its gates, and updates its memory c. The dashed line is step t."
    )
    was_read = gr.Textbox(visible=False, label="The digits that were read")
    with gr.Row():
        order = gr.Radio(list(ORDERS), value=ORDERS[0], label="Cells from top to bottom")
        step = gr.Slider(1, MAX_DIGITS, 1, step=1, label="Step t", elem_id="step")
    maps = shown("Heat maps", elem_id="maps")
    gr.Markdown(
        "### Which cells hold the first digit?\n"
        "We run the LSTM ten times: with each digit 0 to 9 in first place, and the others as they "
        "are. A cell **holds** the first digit as far as tanh c(t), what (6) lets out of it, "
        "differs among the ten: *held* is its standard deviation, from 0 (the same for all ten) to "
        "1 (\u22121 for half of them, 1 for the rest)."
    )
    now = shown("At this step", elem_id="now")

    gr.Markdown(
        "## Change one digit\n"
        "Only the first digit should matter for the answer. Change it, then change another: which "
        "gates react, and for how long?"
    )
    with gr.Row():
        place = gr.Slider(1, MAX_DIGITS, 1, step=1, label="Which digit", min_width=280)
        digit = gr.Slider(0, 9, 7, step=1, label="Its new value", min_width=280)
    edit = gr.Button("Change it")
    predictions = shown("Predictions before and after", elem_id="predictions")
    changes = shown("What changed inside", elem_id="changes")

    reading = {
        "function": demo.read,
        "inputs": [text, order],
        "outputs": [verdict, maps, was_read, step, now, place],
    }
    serving.on(read.click, **reading, api_name="read")
    serving.on(text.submit, **reading, api_visibility="private")
    serving.on(order.input, **reading, api_visibility="private")
    serving.on(page.load, **reading, api_visibility="private")
    generated = serving.on(
        generate.click, demo.generate, inputs=[length, seed], outputs=text, api_name="generate"
    )
    serving.on(generated.success, **reading, api_visibility="private")
    serving.on(
        step.input,
        demo.step,
        inputs=[was_read, step],
        outputs=now,
        api_name="step",
        js="(text, step) => [text, step ?? 1]",  # an emptied field, as Gradio itself reads it
        show_progress="hidden",
        trigger_mode="always_last",
    )
    serving.on(
        edit.click,
        demo.edit,
        inputs=[was_read, place, digit, order],
        outputs=[predictions, changes],
        api_name="edit",
    )
    for function, name in ((demo.predict, "predict"), (demo.gates, "gates")):
        serving.on(gr.api, function, api_name=name)


def drawing_tab(demo: DigitDemo) -> None:
    """A pad, an upload, ten probabilities."""
    gr.Markdown(
        "Draw one digit. It is brought into the form of MNIST's: scaled into 20 x 20 pixels with "
        "its shape kept, then moved so that its centre of mass is the centre of 28 x 28. A small "
        "convolutional network, trained on 60,000 such images, says what it sees."
    )
    with gr.Row():
        with gr.Column(scale=2):
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
        with gr.Column(scale=3):
            seen = shown("What the classifier sees", elem_id="seen")
            probabilities = gr.Label(label="Ten probabilities")
    results = [probabilities, seen]
    serving.on(read.click, demo.draw, inputs=pad, outputs=results, api_name="draw")
    serving.on(
        pad.input,
        demo.draw,
        inputs=pad,
        outputs=results,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="always_last",
    )
    pad.clear(lambda: (None, ""), outputs=results, api_visibility="private")
    serving.on(upload.upload, demo.upload, inputs=upload, outputs=results, api_name="upload")


if __name__ == "__main__":
    serving.run(build, "digit prediction")
