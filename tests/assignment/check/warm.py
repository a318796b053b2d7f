"""Checks forked from one warm process, so that the tests import torch once and not a hundred times.

Run as a script, it is that process: python warm.py SOCKET. Everything but the way in which the
child starts is the real check; the real way has its own tests, in test_supervisor.py.
"""

import contextlib
import functools
import importlib
import json
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from toolkit.assignment.check import supervisor
from toolkit.assignment.check.channel import Message
from toolkit.assignment.parts import Part


def probe(
    address: Path,
    part: Part,
    root: Path,
    file: str,
    progress: Callable[[str], None],
    stop: threading.Event,
) -> list[Message]:
    """As `supervisor.probe`, by the warm process at `address`."""
    request = {
        "part": part,
        "root": str(root),
        "file": file,
        "seconds": supervisor.LIMITS[part],
        "nonce": secrets.token_hex(16),
    }
    with tempfile.TemporaryDirectory() as scratch, socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address))
        connection.sendall(f"{json.dumps(request | {'scratch': scratch})}\n".encode())
        with connection.makefile(encoding="utf-8") as stream:
            messages = list(supervisor.listen(stream, request["nonce"]))
    assert messages, f"The check of {root / file} did not start."
    assert messages[-1].finished, f"The check of {root / file} ended after {messages[-1]}."
    return messages


def serve(address: str) -> None:
    """Fork a check for each connection, forever."""
    from toolkit.assignment.check import child
    from toolkit.assignment.check.gan import stand_ins
    from toolkit.assignment.check.lstm import learning

    for module in child.CHECKS.values():
        importlib.import_module(module)
    stand_ins.load_mnist = functools.cache(stand_ins.load_mnist)
    stand_ins.load_mnist()
    learning.MAX_SECONDS_FAULTY = 0  # no finding depends on it
    learning.MAX_STEPS = 600  # the slowest of the right ones needs 400
    signal.signal(signal.SIGCHLD, reap)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                server.close()
                try:
                    run(connection, child.main)
                finally:
                    os._exit(0)
            connection.close()


def reap(*_: object) -> None:
    """Wait for the children that have ended, which also counts their processor time."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def run(connection: socket.socket, check: Callable[..., None]) -> None:
    """In the forked process: what `supervisor` does for a new one, then the check."""
    with connection.makefile() as stream:
        request: dict[str, Any] = json.loads(stream.readline())
    nonce, end = os.pipe()
    os.write(end, request["nonce"].encode())
    os.close(end)
    os.dup2(nonce, 0)
    os.dup2(connection.fileno(), 1)
    connection.close()
    os.chdir(request["scratch"])
    sys.path[0] = request["scratch"]
    check(
        request["part"],
        Path(request["root"]),
        request["file"],
        request["seconds"],
        supervisor.MAX_BYTES,
    )


if __name__ == "__main__":
    serve(sys.argv[1])
