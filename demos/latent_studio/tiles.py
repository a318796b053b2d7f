"""The samples as tiles to click: picture, digit, and the discriminator's verdict."""

from typing import Any

import gradio as gr

TEMPLATE = """
<div class="tiles" role="group" aria-label="Samples">
${(value || []).map((tile, k) => `
  <button type="button" class="tile" data-number="${k + 1}"
    data-end="${k + 1 === first ? 'from' : k + 1 === second ? 'to' : ''}"
    aria-pressed="${k + 1 === first || k + 1 === second}"
    aria-label="Sample ${k + 1}: a ${tile.digit}, ${tile.sure}% sure; ${tile.real}% real">
    <img src="${tile.image}" alt="" width="28" height="28">
    <span class="digit">${tile.digit} <small>${tile.sure}%</small></span>
    <span class="real"><i style="width: ${tile.real}%"></i>
      <small>${tile.real}%<em> real</em></small></span>
  </button>`).join('')}
</div>
"""
STYLE = """
.tiles { display: grid; grid-template-columns: repeat(5, 1fr); gap: 8px; }
.tile { position: relative; padding: 5px; border-radius: 8px; cursor: pointer; text-align: left;
  background: var(--background-fill-primary); border: 1px solid var(--border-color-primary);
  color: var(--body-text-color); font: inherit; line-height: 1.35; }
.tile:hover { border-color: var(--primary-500); }
.tile img { width: 100%; height: auto; aspect-ratio: 1; margin: 0; border-radius: 4px;
  image-rendering: pixelated; display: block; }
.tile span { display: flex; justify-content: space-between; align-items: baseline; }
.digit { font-weight: 650; font-size: 1.05rem; padding: 3px 2px 0; }
.tile small { font-size: 0.85rem; font-weight: 400; }
.tile .real { position: relative; padding: 0 4px; background: var(--background-fill-secondary);
  border-radius: 4px; overflow: hidden; }
.real i { position: absolute; inset: 0 auto 0 0; background: var(--primary-200); }
.dark & .real i { background: var(--primary-800); }
.real small { position: relative; }
.real em { font-style: normal; }
.tile:not([data-end=""]) { border-color: var(--primary-600);
  box-shadow: 0 0 0 3px var(--primary-600); }
.tile:not([data-end=""])::after { content: attr(data-end); position: absolute; top: 9px; left: 9px;
  background: var(--primary-600); color: white; border-radius: 4px; padding: 0 7px;
  font-size: 0.85rem; font-weight: 600; }
@media (max-width: 640px) {
  .tiles { gap: 5px; }
  .tile { padding: 3px; }
  .tile .digit { padding: 2px 0 0; }
  .tile .digit small { font-size: 0.72rem; }
  .tile .real { padding: 0 2px; }
  .real em { display: none; }
  .tile:not([data-end=""])::after { top: 4px; left: 4px; padding: 0 4px; font-size: 0.75rem; }
}
"""
SCRIPT = """
element.addEventListener('click', event => {
  const tile = event.target.closest('.tile');
  if (tile) trigger('select', { number: Number(tile.dataset.number) });
});
"""
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "image": {"type": "string", "description": "PNG of 28 x 28 pixels, as a data URI"},
            "digit": {"type": "integer", "description": "what the classifier sees"},
            "sure": {"type": "integer", "description": "how sure it is, in percent"},
            "real": {
                "type": "integer",
                "description": "how real the discriminator rates it, in percent",
            },
        },
    },
}


def tiles(now: list[dict[str, Any]], first: int, second: int) -> gr.HTML:
    """The tiles as a component; a click is a `select` event whose data has the tile's `number`.

    Args:
        now: the tiles, in the form of SCHEMA.
        first, second: the numbers, from 1, of the tiles that are marked as the ends of a walk.
    """
    component = gr.HTML(
        now,
        label="Samples",
        html_template=TEMPLATE,
        css_template=STYLE,
        js_on_load=SCRIPT,
        apply_default_css=False,
        first=first,
        second=second,
    )
    component.api_info = lambda: SCHEMA  # Gradio would announce a text
    return component
