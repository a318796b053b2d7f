"""A drawing pad for mouse, finger and pen."""

import gradio as gr

TEMPLATE = """<div class="pad"><canvas width="280" height="280" role="img" aria-label="Drawing pad:
draw one digit with mouse, finger or pen. Without these, choose a picture file below."></canvas>
<button type="button">Clear</button></div>"""
SCRIPT = """
const canvas = element.querySelector("canvas");
const pen = canvas.getContext("2d", { willReadFrequently: true });
const clear = () => { pen.fillStyle = "#fff"; pen.fillRect(0, 0, 280, 280); };
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  const scale = canvas.width / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
};
clear();
pen.lineWidth = 24;  // about as thick as MNIST's strokes once the digit is 20 pixels high
pen.lineCap = pen.lineJoin = "round";
let last = null;
const draw = (event) => {
  const now = place(event);
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(...now);
  pen.stroke();
  last = now;
};
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  last = place(event);
  draw(event);
});
canvas.addEventListener("pointermove", (event) => { if (last) draw(event); });
const lift = () => {
  if (!last) return;
  last = null;
  props.value = canvas.toDataURL("image/png");
  trigger("input");
};
canvas.addEventListener("pointerup", lift);
canvas.addEventListener("pointercancel", lift);
element.querySelector("button").addEventListener("click", () => {
  clear();
  props.value = "";
  trigger("clear");
});
"""


def drawing_pad(elem_id: str) -> gr.HTML:
    """The pad as a component: its value is the drawing as a PNG in a data URL, "" while blank."""
    return gr.HTML("", label="Drawing", html_template=TEMPLATE, js_on_load=SCRIPT, elem_id=elem_id)
