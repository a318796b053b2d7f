"""The command line: python -m toolkit.assignment COMMAND; --help lists the commands."""

import typer

from toolkit.assignment.report import report

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


app.command()(report)

if __name__ == "__main__":
    app(prog_name="python -m toolkit.assignment")
