"""The look of both demos."""

import gradio as gr

THEME = gr.themes.Default(
    primary_hue="indigo",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(  # Gradio's own greys and buttons are too pale to read from the last row
    body_text_color_subdued="*neutral_600",
    color_accent="*primary_600",
    block_info_text_color="*neutral_600",
    block_info_text_size="*text_md",
    block_label_text_size="*text_md",
    block_label_text_color="*neutral_700",
    block_title_text_color="*neutral_700",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
)
CSS = """
.gradio-container { max-width: min(1240px, 100vw) !important; margin: auto; }
.prose { font-size: 1rem; }
.dark { --color-accent: var(--primary-400); }
.html-container { padding: 0 !important; font-size: 1rem; }
@media (max-width: 640px) { .gradio-container main { padding: 12px !important; } }
.pixels img { image-rendering: pixelated; }
:is(button, input, [tabindex]):focus-visible {
  outline: 3px solid var(--primary-500) !important; outline-offset: 2px;
}
"""
