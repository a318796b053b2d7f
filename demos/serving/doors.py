"""The restrictions on requests to a page: which requests may have a body, and how large the body
may be.

Request bodies are limited in size before Gradio checks the sender, because Gradio reads a whole
request body before it asks for the password. No page needs file uploads, because pictures are sent
as text in a request.
"""

import asyncio
import gc
import threading
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.pictures import MAX_BYTES

BASE64 = 4 / 3  # characters for each byte
# The bytes of the largest picture and of the rest of a request.
MAX_BODY = int(BASE64 * MAX_BYTES) + 100_000
MAX_LOGIN = 10_000  # bytes that somebody without the password can send
SMALL = 64_000  # bytes; larger bodies share a separate room, so they never block small bodies
ROOM_FOR_SMALL, ROOM_FOR_LARGE = 16_000_000, 60_000_000  # bytes of all bodies at the same time
MAX_ITEMS = 100_000  # of JSON in one body; a list of two bytes takes fifty bytes in memory
STRUCTURE = (b",", b"[", b"{")
SECONDS_TO_ARRIVE = 120  # for 5 MB over a poor Wi-Fi
SECONDS_TO_WAIT = 120  # for room

WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}
LOGIN = {"/login", "/login/"}
STREAM = "/gradio_api/heartbeat"  # which stays open as long as a visitor likes
# The addresses that the page's script, Gradio's script and programs use. All other addresses refuse
# bodies, such as uploads and recordings.
ASKED = ("/gradio_api/queue/join", "/gradio_api/component_server", "/gradio_api/call/",
         "/gradio_api/cancel", "/gradio_api/reset", "/logout")  # fmt: skip


class Refused(HTTPException):
    """An exception raised to refuse a request; it becomes the HTTP response even if it is raised
    while Gradio reads the request's body.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence, {"connection": "close"})


class Room:
    """A budget of bytes shared by request bodies; a request waits until there are enough free bytes
    for its body.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._changing = threading.Lock()
        self._collected = 0.0  # the time of the last collection, on the clock `monotonic`

    async def take(self, size: int) -> "Place":
        """Wait until `size` bytes are free, and reserve them until the returned `Place` is deleted.

        Raises:
            Refused: too few bytes of the budget became free within the maximum waiting time.
        """
        until = time.monotonic() + SECONDS_TO_WAIT
        while not self._has_taken(size):
            if time.monotonic() > until:
                raise Refused(503, "Too many others send something. Try again in a minute.")
            self._collect()
            await asyncio.sleep(0.1)
        return Place(self, size)

    def leave(self, size: int) -> None:
        """Give `size` bytes back to the budget."""
        with self._changing:
            self._free += size

    def _has_taken(self, size: int) -> bool:
        with self._changing:
            if size > self._free:
                return False
            self._free -= size
            return True

    def _collect(self) -> None:
        """Free objects in reference cycles, such as requests that ended with an error."""
        if time.monotonic() - self._collected > 1:
            gc.collect()
            self._collected = time.monotonic()


class Place:
    """A reservation for one request: the bytes that the request takes from the budget of a `Room`;
    they are given back when this object is deleted.

    The request holds a reference to its `Place`, so the two are deleted together. While the
    request's event waits in the queue, Gradio keeps the request, including its body.
    """

    def __init__(self, room: Room, size: int) -> None:
        self._room, self._size = room, size

    def __del__(self) -> None:
        self._room.leave(self._size)


class Doors:
    """Middleware that refuses request bodies that the page does not expect, and limits the size of
    all others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._for_small, self._for_large = Room(ROOM_FOR_SMALL), Room(ROOM_FOR_LARGE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request to the application that serves the page, or answer it with an HTTP
        error.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] in WITHOUT_BODY:
            answering = self._app
            if scope["path"].startswith(STREAM) and not is_known(scope):
                answering = JSONResponse({"detail": "Not authenticated"}, 401)
            await answering(scope, receive, send)
            return
        try:
            size = announced(Headers(scope=scope), longest_body(scope))
            room = self._for_small if size <= SMALL else self._for_large
            # The server keeps its own scope as long as the connection lives.
            held = {**scope, "place": await room.take(size)}
            await self._app(held, Body(receive, size), send)
        except Refused as refused:
            if refused.status_code == 503:  # so that the page reads the answer and its reason
                await Body(receive, size).skip()
            answer = JSONResponse({"detail": refused.detail}, refused.status_code, refused.headers)
            await answer(scope, receive, send)


class Body:
    """The body of an HTTP request, whose bytes are counted as they arrive, because the request's
    header may state a wrong length.

    Args:
        limit: the largest allowed number of bytes.
    """

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._bytes_left = limit
        self._items_left = MAX_ITEMS
        self._until = asyncio.get_running_loop().time() + SECONDS_TO_ARRIVE
        self._is_complete = False

    async def __call__(self) -> Message:
        """Receive the next piece of the request's body.

        Raises:
            Refused: the body is too long, contains too many JSON items, or takes too long to
                arrive.
        """
        if self._is_complete:  # now the application waits for the end of the connection
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, f"This took more than {SECONDS_TO_ARRIVE} s to arrive.") from None
        piece = message.get("body", b"")
        self._bytes_left -= len(piece)
        self._items_left -= sum(map(piece.count, STRUCTURE))
        if self._bytes_left < 0 or self._items_left < 0:
            raise Refused(413, "This is more than the page can be asked at once.")
        self._is_complete = not message.get("more_body", False)
        return message

    async def skip(self) -> None:
        """Receive and discard the rest of the body, raising the same errors as `__call__`."""
        while not self._is_complete:
            await self()


def longest_body(scope: Scope) -> int:
    """Return the largest number of bytes that the visitor may send to the requested address.

    Raises:
        Refused: the request must not have a body, because the visitor has not entered the password
            or because the requested address accepts no body.
    """
    path = scope["path"]
    if path in LOGIN:
        return MAX_LOGIN
    if not is_known(scope):
        raise Refused(401, "Not authenticated")
    if not path.startswith(ASKED):
        raise Refused(404, "The page takes nothing here.")
    return MAX_BODY


def is_known(scope: Scope) -> bool:
    """Return True if no password is needed or the visitor has entered the password."""
    app = scope["app"]
    if app.auth is None:
        return True
    cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(cookies.get(name) in app.tokens for name in names)


def announced(headers: Headers, limit: int) -> int:
    """Return the body length that the header states, or `limit` if it states none.

    Raises:
        Refused: the length exceeds `limit`.
    """
    length = headers.get("content-length", "")
    if not length.isdecimal():
        return limit
    if int(length) > limit:
        raise Refused(
            413, f"This has {int(length):,} bytes; the page takes at most {limit:,} here."
        )
    return int(length)
