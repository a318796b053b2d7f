"""What a user did wrong becomes a message in the page, never a traceback."""

import functools
import html
import math
from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr
import PIL.Image
from gradio.block_function import BlockFunction

from toolkit.common.errors import ToolkitError

Handler = TypeVar("Handler", bound=Callable[..., Any])


def explained(function: Handler) -> Handler:
    """An event handler whose user's mistakes become a message in the page."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ToolkitError as error:
            raise message(str(error)) from error

    return wrapper  # type: ignore[return-value]


def refuse_nonsense(blocks: gr.Blocks) -> None:
    """Make of input that no component can take (a text as a picture, NaN) a message in the page.

    Gradio shows its cause only with `show_error`, which shows those of all other errors as well.
    """
    preprocess_data = blocks.preprocess_data

    async def preprocess_and_explain(event: BlockFunction, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            values = await preprocess_data(event, *args, **kwargs)
        except gr.Error as error:
            raise message(error.message) from error
        except ValueError as error:
            cause = error.__cause__
            if isinstance(cause, PIL.Image.DecompressionBombError):
                raise message("The picture has too many pixels. Make it smaller.") from error
            if isinstance(cause, OSError):
                raise message(
                    "The file is not a picture that can be read. Choose a PNG or JPEG."
                ) from error
            raise message("An input is not of the kind that its field takes.") from error
        for field, value in zip(event.inputs, values, strict=True):
            if isinstance(value, float) and not math.isfinite(value):
                raise message(f"{field.label} must be a finite number, not {value}.")
            if value is None and isinstance(field, gr.Number | gr.Slider | gr.Radio | gr.Dropdown):
                raise message(f"{field.label} is empty. Fill it in.")
        return values

    blocks.preprocess_data = preprocess_and_explain  # type: ignore[method-assign]


def message(sentence: str) -> gr.Error:
    """The page renders a message as HTML, and a user's mistake needs no traceback in the log."""
    return gr.Error(html.escape(sentence, quote=False), print_exception=False)
