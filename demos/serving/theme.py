"""The theme of both demos, for the parts of their pages that `playground/src/style.css` does not
style.
"""

import gradio as gr

THEME = gr.themes.Base(
    font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
).set(  # the backgrounds of the style sheet
    body_background_fill="#fff", body_background_fill_dark="#14171d"
)
CSS = """
/* A page that hides what overflows lets nothing stay in view while it scrolls. */
.gradio-container { width: 100%; max-width: none !important; overflow: visible !important; }
.gradio-container > .main { padding: 0; }
.html-container { padding: 0 !important; }
"""
