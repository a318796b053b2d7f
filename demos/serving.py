"""Both demos' command line: check what was asked, serve the page, share it, clean up after it."""

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # on a Space the toolkit is not installed

import gradio as gr
import PIL.Image
import torch
import typer
from messages import explained, refuse_nonsense
from sharing import Tunnel, new_password
from theme import CSS, THEME
from upkeep import keep_clean, share_one_heap

from toolkit.common.console import reports_errors
from toolkit.common.errors import ToolkitError, UsageError

__all__ = ["explained", "on", "run"]

ROOT = Path(__file__).parents[1]
PORTS = range(7860, 7960)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
QUEUE_SIZE = 40  # events that wait; who comes after them reads that the queue is full
MAX_FILE_SIZE = "5mb"
SESSIONS = 100  # visitors whose state Gradio keeps, 0.15 MB each; every call of a program is one

ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Gradio sums up its last events after each event; nobody reads it with monitoring off.
    "GRADIO_ANALYTICS_MAX_EVENTS": "100",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(2**31),
}


def on(trigger: Callable[..., Any], function: Callable[..., Any], **options: Any) -> Any:
    """Connect an event to what it computes: one visitor's after the other, mistakes in words.

    Args:
        trigger: an event of a component, or `gr.api`.
        options: as the trigger takes them.
    """
    return trigger(explained(function), concurrency_id="torch", **options)


def run(build: Callable[[Path], gr.Blocks], name: str) -> None:
    """The command line of a demo: `build` makes the page from a directory of exports.

    Args:
        name: what the page is called, for the help and the first line that is printed.
    """

    @reports_errors
    def command(
        share: Annotated[
            bool, typer.Option("--share", help="Also give the page a public address for a while.")
        ] = False,
        host: Annotated[
            str,
            typer.Option(
                envvar="GRADIO_SERVER_NAME",
                help="Address to serve at; 0.0.0.0 for all of this machine's.",
            ),
        ] = "127.0.0.1",
        port: Annotated[
            int | None,
            typer.Option(min=1, max=65535, show_default="the first free one from 7860"),
        ] = None,
        auth: Annotated[
            str | None,
            typer.Option(
                metavar="USER:PASSWORD",
                help="Ask for these.",
                show_default="none; with --share a new password",
            ),
        ] = None,
        exports: Annotated[
            Path, typer.Option(help="Where the trained files are.", show_default="exports/")
        ] = ROOT / "exports",
    ) -> None:
        credentials = _credentials(auth, share)
        _free_port(host, port)  # a mistake is said before the page is built
        for ending in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl+C, so that all is cleaned
            if signal.getsignal(ending) != signal.SIG_IGN:  # as under nohup
                signal.signal(ending, _interrupt)
        with tempfile.TemporaryDirectory(prefix="demo-") as scratch:
            try:
                serve(build, name, exports, host, port, credentials, share, Path(scratch))
            except KeyboardInterrupt:
                print("The page is closed.")

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=f"{name}, as a page in the browser.")(command)
    app()


def serve(
    build: Callable[[Path], gr.Blocks],
    name: str,
    exports: Path,
    host: str,
    port: int | None,
    credentials: tuple[str, str] | None,
    share: bool,
    scratch: Path,
) -> None:
    """Serve the page until a KeyboardInterrupt. Everything that is written goes to `scratch`."""
    os.environ.update(ENVIRONMENT, GRADIO_TEMP_DIR=str(scratch / "files"))
    local = ",".join(filter(None, [os.environ.get("NO_PROXY"), *LOOPBACK]))
    os.environ.update(NO_PROXY=local, no_proxy=local)  # the page's start is checked from inside
    share_one_heap()
    torch.set_num_threads(1)  # two wait longer for each other than they compute in steps so small
    PIL.Image.MAX_IMAGE_PIXELS = 25_000_000  # a small file can hold a picture that fills the memory
    tunnel = Tunnel(scratch) if share else None
    try:
        blocks = build(exports)
        port = _free_port(host, port)  # another demo may have started meanwhile
        address = launch(blocks, host, port, credentials)
        print(f"{name}: {address}  (Ctrl+C closes it)", flush=True)
        if host not in LOOPBACK and credentials is None:
            print("Anyone who can reach this machine can open it; --auth asks for a password.")
        if credentials is not None:
            print(f"User: {credentials[0]}  Password: {credentials[1]}", flush=True)
        if tunnel is not None:
            try:
                print(f"Public address: {tunnel.open(host, port, blocks.share_token)}", flush=True)
            except ToolkitError as error:
                print(f"No public address: {error} The local page works.", flush=True)
        try:
            keep_clean(scratch / "files")
        finally:
            blocks.close(verbose=False)
    finally:
        if tunnel is not None:
            tunnel.close()


def launch(blocks: gr.Blocks, host: str, port: int, credentials: tuple[str, str] | None) -> str:
    """Start serving in the background; returns the page's local address."""
    refuse_nonsense(blocks)
    blocks.queue(max_size=QUEUE_SIZE, default_concurrency_limit=1, api_open=False)
    _, address, _ = blocks.launch(
        server_name=f"[{host}]" if ":" in host else host,
        server_port=port,
        auth=credentials,
        prevent_thread_lock=True,
        quiet=True,
        share=False,  # Gradio hides why sharing fails; sharing.py does it
        show_error=False,
        max_file_size=MAX_FILE_SIZE,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        state_session_capacity=SESSIONS,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        theme=THEME,
        css=CSS,
    )
    return address


def _credentials(auth: str | None, share: bool) -> tuple[str, str] | None:
    """User and password.

    Raises:
        UsageError: `auth` is not two words with a colon between them.
    """
    if auth is None:
        return ("class", new_password()) if share else None
    user, _, password = auth.partition(":")
    if not user or not password:
        raise UsageError("--auth must be user:password, neither of them empty.")
    return user, password


def _free_port(host: str, wanted: int | None) -> int:
    """The port that is wanted, or the first free one.

    Raises:
        ToolkitError: it cannot be had, or `host` is no address of this machine.
    """
    try:
        family, *_, (address, *_) = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        socket.create_server((address, 0), family=family).close()
    except (OSError, UnicodeError) as error:
        raise ToolkitError(
            f"{host!r} is no address of this machine. Leave out --host to serve this machine only, "
            "or give 0.0.0.0 to serve others as well."
        ) from error
    for port in PORTS if wanted is None else [wanted]:
        try:
            socket.create_server((address, port), family=family).close()
        except OSError:
            continue
        return port
    if wanted is None:
        raise ToolkitError(f"All ports from {PORTS[0]} to {PORTS[-1]} are in use; give a --port.")
    raise ToolkitError(
        f"Port {wanted} cannot be had: it is in use, or needs more rights. Choose another --port, "
        "or leave it out."
    )


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
