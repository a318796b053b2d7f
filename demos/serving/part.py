"""A page whose script comes from `playground/`: what moves is drawn in the browser.

The same modules draw the page in one file, which has its own networks. Here they ask this server.
"""

import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.package_data import package_data
from toolkit.common.texts.language import chinese_of_pages


def part(
    name: str, functions: Mapping[str, Callable[..., Any]], settings: Mapping[str, Any]
) -> gr.HTML:
    """A component that fills the page.

    Args:
        name: of the script in `playground/src/served`, whose `mount(element, server, settings)`
            is called when the page is open.
        functions: what the script can ask, by the names that it uses; each takes its arguments by
            name and returns what JSON can hold. The sentence of a `ToolkitError` goes to the
            script. A coroutine needs no torch, so it is answered at once.
        settings: what the script knows from the start, as JSON; the Chinese texts are added.
    """
    pages = package_data("pages")
    script = (pages / f"{name}.js").read_text(encoding="utf-8")
    style = (pages / "page.css").read_text(encoding="utf-8")
    alone = threading.Lock()
    return gr.HTML(
        settings | {"zh": chinese_of_pages()},
        html_template="<div></div>",
        head=f"<style>{style}</style>",
        js_on_load=f"{script}part.mount(element.firstElementChild, server, props.value);",
        server_functions=[_answering(*one, alone) for one in functions.items()],
        apply_default_css=False,
    )


def _answering(
    name: str, function: Callable[..., Any], alone: threading.Lock
) -> Callable[[Any], Any]:
    """A function of one JSON object, its arguments, that answers {"error": sentence} to mistakes.

    Args:
        alone: held while it computes, as Gradio's queue lets one event compute at a time.
    """
    signature = inspect.signature(function)

    def call(given: Any) -> Any:
        try:
            arguments = signature.bind(**given)
        except TypeError as error:
            raise UsageError(f"{name} cannot be asked like this: {error}.") from error
        return function(*arguments.args, **arguments.kwargs)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def answer(given: Any) -> Any:
            try:
                return await call(given)
            except ToolkitError as error:
                return {"error": str(error)}

    else:

        @functools.wraps(function)
        def answer(given: Any) -> Any:
            try:
                with alone:
                    return call(given)
            except ToolkitError as error:
                return {"error": str(error)}

    answer.__name__ = name
    del answer.__wrapped__  # type: ignore[attr-defined]  # Gradio would fill in its arguments
    return answer
