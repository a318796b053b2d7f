"""The gate microscope's page, and the functions that playground/src/served/gate_microscope.js
calls.

Programs can call some of these functions through the API, which also offers functions that the page
does not use.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from gate_microscope.drawing import Drawing
from gate_microscope.events import MAX_DIGITS, GateMicroscope
from serving.messages import on
from serving.part import part
from toolkit.export.manifest import Shown, networks_of


def build(exports_dir: Path) -> gr.Blocks:
    """Build the page.

    Raises: see `GateMicroscope` and `Drawing`.
    """
    microscope = GateMicroscope(exports_dir)
    drawing = Drawing(networks_of(exports_dir).get("classifier", Shown("", exports_dir, "")).folder)
    settings = {
        "networks": microscope.described,
        "first": microscope.first(),
        "most": MAX_DIGITS,
        "generates": drawing.generator is not None,
    }
    functions: list[Any] = [microscope.cut, microscope.inside, microscope.remembers]
    functions += [microscope.right, microscope.gradient]
    functions += [drawing.classify, drawing.generate, drawing.picture]
    with gr.Blocks(title="Gate microscope", analytics_enabled=False) as page:
        part("gate_microscope", {function.__name__: function for function in functions}, settings)
        for function in (microscope.read, microscope.cut, microscope.step, microscope.edit,
                         microscope.predict, microscope.gates, microscope.accuracy,
                         microscope.gradient, drawing.draw):  # fmt: skip
            on(gr.api, function, api_name=function.__name__)
    return page
