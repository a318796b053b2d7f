"""Connects a page's events to functions; a visitor's mistake becomes a message on the page."""

import functools
import html
import math
from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr
import PIL.Image
from gradio.block_function import BlockFunction

from serving.pictures import TOO_LARGE, UNREADABLE
from toolkit.common.errors import ToolkitError

Handler = TypeVar("Handler", bound=Callable[..., Any])


def on(trigger: Callable[..., Any], function: Callable[..., Any], **options: Any) -> Any:
    """Connect an event to a function; only one call runs at a time, and a `ToolkitError` is shown
    to the visitor as a message.

    Args:
        trigger: an event of a component, or `gr.api`.
        options: further keyword arguments for `trigger`.
    """
    return trigger(explained(function), concurrency_id="torch", **options)


def explained(function: Handler) -> Handler:
    """Return an event handler that turns a `ToolkitError` into a message on the page."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ToolkitError as error:
            raise message(str(error)) from error

    return wrapper  # type: ignore[return-value]


def refuse_nonsense(blocks: gr.Blocks) -> None:
    """Make the page show a message about invalid input, such as NaN instead of a number, or text
    instead of a picture.

    Unless `show_error` is set, Gradio often does not say why it rejects an input; but this option
    would also reveal the causes of all other errors to visitors.
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
                raise message(TOO_LARGE) from error
            if isinstance(cause, OSError):
                raise message(UNREADABLE) from error
            raise message("An input has the wrong type for its field.") from error
        for field, value in zip(event.inputs, values, strict=True):
            if isinstance(value, float) and not math.isfinite(value):
                raise message(f"{field.label} must be a finite number, not {value}.")
            if value is None and isinstance(field, gr.Number | gr.Slider | gr.Radio | gr.Dropdown):
                raise message(f"{field.label} is empty. Fill it in.")
        return values

    blocks.preprocess_data = preprocess_and_explain  # type: ignore[method-assign]


def message(sentence: str) -> gr.Error:
    """Return an error whose message the page renders as HTML, and whose traceback is not printed to
    the log.
    """
    return gr.Error(html.escape(sentence, quote=False), print_exception=False)
