"""Chooses a port for a page's server."""

import socket

from toolkit.common.errors import ToolkitError

PORTS = range(7860, 7960)


def free_port(host: str, wanted: int | None) -> int:
    """Return the port `wanted` or, if `wanted` is None, the first free port from 7860 on.

    Raises:
        ToolkitError: the port is not available, no port in the range is free, or `host` is not an
            address of this machine.
    """
    try:
        family, *_, (address, *_) = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        socket.create_server((address, 0), family=family).close()
    except (OSError, UnicodeError) as error:
        raise ToolkitError(
            f"{host!r} is not an address of this machine. Leave out --host to serve only this "
            "machine, or use --host 0.0.0.0 to serve others as well."
        ) from error
    for port in PORTS if wanted is None else [wanted]:
        try:
            socket.create_server((address, port), family=family).close()
        except OSError:
            continue
        return port
    if wanted is None:
        raise ToolkitError(
            f"All ports from {PORTS[0]} to {PORTS[-1]} are in use. Choose another one with --port."
        )
    raise ToolkitError(
        f"Port {wanted} is not available: it is in use, or listening on it needs more rights. "
        "Choose another --port, or leave the option out."
    )
