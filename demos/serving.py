"""A stand-in: replaced by the GAN demo's serving.py when the two are merged."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import gradio as gr
import typer

from toolkit.errors import ToolkitError

TORCH = "torch"


def explained(function: Callable[..., Any]) -> Callable[..., Any]:
    """An event handler whose errors for people are shown in the page."""

    @functools.wraps(function)
    def handler(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (ToolkitError, ValueError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    return handler


def run(build: Callable[[Path], gr.Blocks], name: str) -> None:
    """The command line of a demo."""

    def main(
        port: Annotated[int, typer.Option()] = 7860,
        exports: Annotated[Path, typer.Option()] = Path("exports"),
    ) -> None:
        page = build(exports)
        page.queue(max_size=32, api_open=False)
        page.launch(server_name="127.0.0.1", server_port=port, show_error=False)

    typer.run(main)
