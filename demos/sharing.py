"""A public address for the local page, or one sentence that says why there is none.

Gradio can share by itself, but hides each failure behind a line about a missing file, waits for a
silent server without end, and runs whatever lies in the place of its tunnel program. Here its
tunnel runs in a process of its own, which can be stopped at any moment and whose lines nobody sees.
"""

import contextlib
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from pathlib import Path

from gradio import tunneling

from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes, sha256

PATIENCE = 14  # seconds that the share server has for its answer

# Imports while the page is built, then waits for the page's address. The end of the process that
# started it, however it ends, ends its input, and then it takes the tunnel along.
PROGRAM = """
import os, signal, sys, threading
from gradio import networking
def end_together():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)
print("ready", flush=True)
host, port, token = sys.stdin.readline().split()
end = threading.Thread(target=end_together, daemon=True)
end.start()
address = networking.setup_tunnel(host, int(port), token, None, None)
if networking.GRADIO_SHARE_SERVER_ADDRESS is None:
    address = address.replace("http://", "https://", 1)
print("address", address, flush=True)
end.join()
"""


class Tunnel:
    """A tunnel that has been started but not opened.

    Args:
        scratch: a directory for the tunnel's certificate.
    """

    def __init__(self, scratch: Path) -> None:
        directory = scratch / "tunnel"
        directory.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM],
            cwd=directory,  # where the certificate of the share server is written
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # so that it ends together with the program that it starts
        )
        self._words: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def open(self, host: str, port: int, token: str) -> str:
        """The public address of the page that is served at `host` and `port`.

        Args:
            token: Gradio's secret of this page.

        Raises:
            ToolkitError: the server does not answer in time, cannot be reached, or the tunnel
                program is not Gradio's; the tunnel is closed.
        """
        try:
            check_tunnel_program()
            return self._address(host, port, token)
        except ToolkitError:
            self.close()
            raise

    def close(self) -> None:
        """Stop the tunnel and the program behind it."""
        if self._process.returncode is None:  # not asked before, so its number is still its own
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def _address(self, host: str, port: int, token: str) -> str:
        assert self._process.stdin is not None
        self._words.get()  # ready; on a busy machine a little later than the page
        with contextlib.suppress(BrokenPipeError):  # it has ended, as its output will tell
            self._process.stdin.write(f"{host} {port} {token}\n")
            self._process.stdin.flush()
        try:
            address = self._words.get(timeout=PATIENCE)
        except queue.Empty:
            raise ToolkitError(
                f"the share server did not answer within {PATIENCE} seconds."
            ) from None
        if not address:
            check_tunnel_program()  # which may have been fetched just now
            raise ToolkitError(
                "the share server cannot be reached. Is this machine connected to the internet?"
            )
        return address

    def _listen(self) -> None:
        """Pass on "ready" and the address, and an empty word when the process ends."""
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                if line.startswith(("ready", "address ")):
                    self._words.put(line.split()[-1])
        self._words.put("")


def check_tunnel_program() -> None:
    """Gradio downloads its tunnel program once, and runs what it finds in that place from then on.

    Raises:
        ToolkitError: what lies there is not what Gradio has published.
    """
    published = tunneling.CHECKSUMS.get(tunneling.BINARY_URL)
    if published is None:
        raise ToolkitError("Gradio has no tunnel program for this kind of machine.")
    program = Path(tunneling.BINARY_PATH)
    if program.exists() and sha256(read_bytes(program)) != published:
        raise ToolkitError(
            f"{program} is not the tunnel program that Gradio has published: its SHA-256 differs. "
            "Remove it, and the next --share fetches it again."
        )


def new_password() -> str:
    """12 random hexadecimal digits, easy to read out to a class."""
    return "-".join(secrets.token_hex(2) for _ in range(3))
