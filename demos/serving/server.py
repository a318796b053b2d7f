"""The server of a page.

This module serves a web page, prints the page's address, gives the page a public address on
request, and limits how much memory its visitors can use.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import PIL.Image
import torch
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from serving.doors import Doors
from serving.environment import LOOPBACK
from serving.messages import refuse_nonsense
from serving.pictures import MAX_PIXELS
from serving.ports import free_port
from serving.sharing import Tunnel
from serving.theme import CSS, THEME
from serving.upkeep import keep_forever, share_one_heap
from toolkit.common.errors import ToolkitError

QUEUE_SIZE = 40  # waiting events; a visitor with one more event reads that the queue is full
HEIGHT = 900  # pixels of the page in a notebook
SMALL = 2000  # bytes; longer answers are compressed
SESSIONS = 100  # visitors whose state Gradio keeps, 0.15 MB each; a program's call counts as one


@contextmanager
def serving(
    build: Callable[[], gr.Blocks],
    name: str,
    host: str,
    port: int | None,
    credentials: tuple[str, str] | None,
    share: bool,
    scratch: Path,
    closed_by: str = "Ctrl+C",
) -> Iterator[None]:
    """Print the address of the page that `build` returns, and serve the page until the `with` block
    ends.

    Args:
        name: the page's name, which is printed before the address.
        port: the port to listen on; None for the first free port.
        credentials: the user name and the password that visitors must enter, if any.
        share: True to give the page a public address as well.
        scratch: the folder under which all files are written; see `environment.prepare`.
        closed_by: the key or action that closes the page; it is printed after the address.

    Raises:
        ToolkitError: an export is missing or damaged, or the port is not available.
    """
    share_one_heap()
    torch.set_num_threads(1)  # in small steps, two threads would mostly wait for each other
    PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # of pictures that Gradio opens; see also read_picture
    tunnel = Tunnel(scratch) if share else None
    try:
        blocks = build()
        port = free_port(host, port)  # another demo may have started meanwhile
        address = launch(blocks, host, port, credentials)
        keep_forever()
        try:
            print(f"{name}: {address}  ({closed_by} closes it)", flush=True)
            if host not in LOOPBACK and credentials is None:
                print(
                    "Anyone who can reach this machine can open the page. "
                    "--auth asks for a password."
                )
            if credentials is not None:
                print(f"User: {credentials[0]}  Password: {credentials[1]}", flush=True)
            if tunnel is not None:
                try:
                    public = tunnel.open(host, port, blocks.share_token)
                    print(f"Public address: {public}", flush=True)
                except ToolkitError as error:
                    print(f"No public address: {error} The local page works.", flush=True)
            yield
        finally:
            blocks.close(verbose=False)
    finally:
        if tunnel is not None:
            tunnel.close()


def launch(blocks: gr.Blocks, host: str, port: int, credentials: tuple[str, str] | None) -> str:
    """Start serving in the background, and return the page's local address."""
    refuse_nonsense(blocks)
    blocks.queue(max_size=QUEUE_SIZE, default_concurrency_limit=1, api_open=False)
    _, address, _ = blocks.launch(
        server_name=f"[{host}]" if ":" in host else host,
        server_port=port,
        auth=credentials,
        prevent_thread_lock=True,
        quiet=True,
        height=HEIGHT,
        share=False,  # Gradio hides why sharing fails, so sharing.py shares the page
        show_error=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        state_session_capacity=SESSIONS,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        app_kwargs={
            "middleware": [
                Middleware(GZipMiddleware, SMALL, compresslevel=5),
                Middleware(Doors),
            ]
        },
        theme=THEME,
        css=CSS,
    )
    return address
