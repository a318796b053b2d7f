"""The command line of both demos.

Modules that need torch or Gradio are imported only after the options have been checked, so that
--help and errors about mistyped options appear at once.
"""

import importlib
import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

from serving.environment import prepare
from serving.ports import free_port
from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.common.console import Command, reports_errors
from toolkit.common.errors import UsageError
from toolkit.common.package_data import package_data


def command_line(name: str, module: str) -> typer.Typer:
    """Return the command-line application of one demo.

    Args:
        name: the name of the page, which is shown in the help text and in the first line of the
            output.
        module: the module with the function `build`, which takes a folder of exported networks and
            returns the page, a gr.Blocks.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.command(cls=Command, help=f"{name}: open the page in your browser. Ctrl+C closes it.")
    @reports_errors
    def command(
        share: Annotated[
            bool, typer.Option("--share", help="Also give the page a temporary public address.")
        ] = False,
        host: Annotated[
            str,
            typer.Option(
                envvar="GRADIO_SERVER_NAME",
                help="Address to listen on; 0.0.0.0 for all addresses of this machine.",
            ),
        ] = "127.0.0.1",
        port: Annotated[
            int | None,
            typer.Option(
                min=1,
                max=65535,
                help="Port to listen on.",
                show_default="the first free one from 7860",
            ),
        ] = None,
        auth: Annotated[
            str | None,
            typer.Option(
                metavar="USER:PASSWORD",
                help="Ask visitors for this name and password.",
                show_default="nothing; with --share a new password",
            ),
        ] = None,
        exports: Annotated[
            Path | None,
            typer.Option(
                help="Folder with the trained files.", show_default="those of the toolkit"
            ),
        ] = None,
    ) -> None:
        if exports is not None and not exports.is_dir():
            raise UsageError(
                f"{exports} is not a folder. To make it, export your own networks with `toolkit "
                f"export FOLDER --out {exports}`, or train with `--exports-dir {exports}`."
            )
        credentials = _credentials(auth, share)
        free_port(host, port)  # report a mistake before the slow imports
        _serve(name, module, host, port, credentials, share, exports or package_data("exports"))

    return app


def new_password() -> str:
    """Return a random password of 12 hexadecimal digits, in three groups of four so that it is easy
    to read out to a class.
    """
    return "-".join(secrets.token_hex(2) for _ in range(3))


def _credentials(auth: str | None, share: bool) -> tuple[str, str] | None:
    """Return the user name and the password, or None if the page needs no password.

    Raises:
        UsageError: `auth` does not have the form USER:PASSWORD, or one of the two parts is empty.
    """
    if auth is None:
        return ("class", new_password()) if share else None
    user, _, password = auth.partition(":")
    if not user or not password:
        raise UsageError(
            "--auth must be USER:PASSWORD, and neither may be empty. Example: --auth class:tulip"
        )
    return user, password


def _serve(
    name: str,
    module: str,
    host: str,
    port: int | None,
    credentials: tuple[str, str] | None,
    share: bool,
    exports: Path,
) -> None:
    """Import the page, serve it until Ctrl+C or a signal, and then clean up."""
    with scratch_directory("demo") as scratch:
        try:
            prepare(scratch)
            from serving.server import serving

            build = importlib.import_module(module).build
            page = (name, host, port, credentials, share, scratch)
            with serving(lambda: build(exports), *page):
                while True:
                    time.sleep(3600)  # which Ctrl+C ends on every system
        except KeyboardInterrupt:
            print("The page is closed.")
