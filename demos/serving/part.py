"""The page of a demo; a script from `playground/` draws this page in the browser.

The same scripts also draw `playground.html`, where they use the networks stored in that file. In a
demo, the scripts call functions on the demo's server instead of running stored networks.
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
    """Return a component that fills the page.

    Args:
        name: the name of a script in `playground/src/served`; the script's function `mount(element,
            server, settings)` is called after the page has opened.
        functions: a mapping from names to the functions that the script can call. Each function
            takes its arguments by name and returns a JSON value. If a function raises a
            `ToolkitError`, the script receives the message. Coroutines run immediately, even while
            another call is running, so they must not use torch, which only one call at a time may
            use.
        settings: JSON values that the script receives at the start; the Chinese translations of the
            pages' texts are added to them.
    """
    pages = package_data("pages")
    script = (pages / f"{name}.js").read_text(encoding="utf-8")
    style = (pages / "page.css").read_text(encoding="utf-8")
    alone = threading.Lock()
    server_functions = []
    for function_name, function in functions.items():
        server_functions.append(_answering(function_name, function, alone))
    return gr.HTML(
        settings | {"zh": chinese_of_pages()},
        html_template="<div></div>",
        head=f"<style>{style}</style>",
        js_on_load=f"{script}part.mount(element.firstElementChild, server, props.value);",
        server_functions=server_functions,
        apply_default_css=False,
    )


def _answering(
    name: str, function: Callable[..., Any], alone: threading.Lock
) -> Callable[[Any], Any]:
    """Wrap a function so that it takes one JSON object, and returns a `ToolkitError` as JSON
    instead of raising it.

    The JSON object holds the function's arguments, keyed by name. An error is returned as {"error":
    sentence}.

    Args:
        alone: a lock that lets only one computation run at a time, as Gradio's queue does for
            events.
    """
    signature = inspect.signature(function)

    def call(arguments: Any) -> Any:
        try:
            bound = signature.bind(**arguments)
        except TypeError as error:
            raise UsageError(f"{name} cannot be asked like this: {error}.") from error
        return function(*bound.args, **bound.kwargs)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def answer(arguments: Any) -> Any:
            try:
                return await call(arguments)
            except ToolkitError as error:
                return {"error": str(error)}

    else:

        @functools.wraps(function)
        def answer(arguments: Any) -> Any:
            try:
                with alone:
                    return call(arguments)
            except ToolkitError as error:
                return {"error": str(error)}

    answer.__name__ = name
    del answer.__wrapped__  # type: ignore[attr-defined]  # Gradio would fill in its arguments
    return answer
