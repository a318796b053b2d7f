"""The command line: python -m toolkit.assignment COMMAND; --help lists the commands."""

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Check, report, pack and grade what students hand in.",
)


@app.callback()
def main() -> None:
    """Keep the commands named, even while there is one only."""


if __name__ == "__main__":
    app(prog_name="python -m toolkit.assignment")
