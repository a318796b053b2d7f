"""A public address for the local page, or an error message that explains why there is no such
address.

Gradio can share a page by itself. However, Gradio reports every failure as a missing file, and
waits forever for a server that does not answer. Gradio also runs whatever file it finds where its
tunnel program should be. For these reasons, the demo runs Gradio's tunnel in a separate process,
which can be stopped at any moment and whose output is hidden.
"""

import contextlib
import queue
import subprocess
import sys
import threading
from pathlib import Path

from gradio import tunneling

from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes, sha256

PATIENCE = 14  # seconds that the share server has to answer

# This program imports Gradio while the page is built, and then waits for the page's address. When
# the parent process ends, in whatever way, the program's input ends, and the program ends together
# with the tunnel.
PROGRAM = """
import os, sys, threading
import psutil
from gradio import networking
def end_together():
    os.read(0, 1)
    for process in psutil.Process().children(recursive=True):
        process.kill()
    os._exit(1)
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
    """A tunnel that runs in a separate process; the process starts immediately, and `open` opens
    the tunnel and returns the public address.

    Args:
        scratch: a directory for the tunnel's certificate.
    """

    def __init__(self, scratch: Path) -> None:
        directory = scratch / "tunnel"
        directory.mkdir()
        self._errors = directory / "errors.txt"
        with open(self._errors, "wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", PROGRAM],
                cwd=directory,  # where the certificate of the share server is written
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
                start_new_session=True,  # Ctrl+C is for the page, which then ends this process
            )
        self._words: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def open(self, host: str, port: int, token: str) -> str:
        """Open the tunnel, and return the public address of the page at `host` and `port`.

        Args:
            token: the random token that Gradio generated for sharing this page.

        Raises:
            ToolkitError: the tunnel's process has ended, the share server cannot be reached or does
                not answer in time, or the tunnel program is not the one that Gradio published. In
                all these cases, the tunnel is closed.
        """
        try:
            check_tunnel_program()
            return self._address(host, port, token)
        except ToolkitError:
            self.close()
            raise

    def close(self) -> None:
        """Stop the tunnel's process, and the tunnel program that it runs, by closing the process's
        input.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # the other side is closed
            self._process.stdin.close()
        self._process.wait()

    def _address(self, host: str, port: int, token: str) -> str:
        assert self._process.stdin is not None
        # On a busy machine, "ready" may come a little later than the page.
        if self._words.get() != "ready":
            code = self._process.wait()
            errors = self._errors.read_text(encoding="utf-8", errors="replace").strip()
            reason = f" ({errors.splitlines()[-1]})" if errors else ""
            raise ToolkitError(
                f"the tunnel's process ended before it was ready, with exit code {code}{reason}."
            )
        with contextlib.suppress(OSError):  # the process has ended; see its empty output below
            self._process.stdin.write(f"{host} {port} {token}\n")
            self._process.stdin.flush()
        try:
            address = self._words.get(timeout=PATIENCE)
        except queue.Empty:
            raise ToolkitError(
                f"the share server did not answer within {PATIENCE} seconds."
            ) from None
        if not address:
            check_tunnel_program()  # Gradio may have downloaded the program just now
            raise ToolkitError(
                "the share server cannot be reached. Is this machine connected to the internet?"
            )
        return address

    def _listen(self) -> None:
        """Read the output of the process, and put the following into the queue: the word "ready",
        then the address, and, when the output ends, an empty string.
        """
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                if line.startswith(("ready", "address ")):
                    self._words.put(line.split()[-1])
        self._words.put("")


def check_tunnel_program() -> None:
    """Check that Gradio's tunnel program, if it has been downloaded, is the one that Gradio
    published, because Gradio itself runs an existing file without checking it.

    Raises:
        ToolkitError: the program differs from the one that Gradio published, or Gradio published no
            program for this kind of machine.
    """
    published = tunneling.CHECKSUMS.get(tunneling.BINARY_URL)
    if published is None:
        raise ToolkitError("Gradio has no tunnel program for this kind of machine.")
    program = Path(tunneling.BINARY_PATH)
    if program.exists() and sha256(read_bytes(program)) != published:
        raise ToolkitError(
            f"{program} is not the tunnel program that Gradio published: its SHA-256 differs. "
            "Delete it, and the next --share downloads it again."
        )
