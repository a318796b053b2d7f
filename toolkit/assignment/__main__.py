"""The command line: python -m toolkit.assignment COMMAND; --help lists the commands."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from toolkit.assignment import checking
from toolkit.commands import reports_errors

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


@app.command()
@reports_errors
def check(
    path: Annotated[
        Path, typer.Argument(help="The folder with dataset.py, lstm.py, train.py and my_gan.py.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is right and what is wrong in a submission.

    Exit code 0: nothing is wrong; 1: something is; 2: PATH cannot be checked.
    """
    report = checking.check(path, lambda sentence: print(f"  {sentence}", file=sys.stderr))
    print(report.as_json() if json else report.as_text())
    if not report.passed:
        raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m toolkit.assignment")
