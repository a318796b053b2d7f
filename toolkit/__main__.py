"""The console script `toolkit`: train, check, report, pack, grade and demo in one place."""

import runpy
import sys
from typing import Annotated, Literal

import typer

from toolkit.assignment.app import app as assignment_app
from toolkit.common.package_data import package_data
from toolkit.train.app import app as train_app

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="LSTM and GAN from scratch: train them, look inside them, hand them in.",
)
app.add_typer(train_app, name="train")
app.registered_commands += assignment_app.registered_commands


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def demo(
    context: typer.Context,
    name: Annotated[
        Literal["gan", "digit"], typer.Argument(help="The latent studio, or the gate microscope.")
    ],
) -> None:
    """Open a demo in the browser; options such as --share and --port go to it."""
    script = package_data("demos") / f"{name}_demo.py"
    sys.argv = [f"toolkit demo {name}", *context.args]
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")


def main() -> None:
    """Entry point."""
    app(prog_name="toolkit")


if __name__ == "__main__":
    main()
