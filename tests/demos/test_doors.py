"""What a page lets in: from whom, how much, and all together."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from serving import doors

from .conftest import run_coroutine

ASK = "/gradio_api/call/judge"
MB = 1_000_000


class Page:
    """An app with Gradio's names, which says how long a body is, and keeps some requests."""

    def __init__(self, password: bool = False) -> None:
        self.kept: list[Request] = []
        self.app = Starlette(
            routes=[Route("/{path:path}", self.answer, methods=["GET", "POST", "PUT"])],
            middleware=[Middleware(doors.Doors)],
        )
        self.app.auth = {"class": "tulip"} if password else None  # type: ignore[attr-defined]
        self.app.cookie_id = "id"  # type: ignore[attr-defined]
        self.app.tokens = {"token": "class"}  # type: ignore[attr-defined]

    async def answer(self, request: Request) -> JSONResponse:
        """What the page answers; `keep` in the address holds the request, as a queue does."""
        body = await request.body()
        if "keep" in request.url.path:
            self.kept.append(request)
        return JSONResponse(len(body))

    async def post(self, path: str, content: Any = b"", method: str = "POST", **how: Any) -> Any:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.request(method, path, content=content, **how)


async def pieces(size: int, counted: list[int]) -> AsyncIterator[bytes]:
    """A body that does not say how long it is."""
    for _ in range(size // MB):
        counted.append(MB)
        yield bytes(MB)


@pytest.mark.parametrize("path", [ASK, "/gradio_api/queue/join", "/gradio_api/component_server"])
def test_a_body_is_refused_before_it_is_read(path: str) -> None:
    """By its announced length; without one after as many bytes as are allowed."""
    announced = run_coroutine(Page().post(path, bytes(8 * MB)))
    assert announced.status_code == 413
    assert "the page takes at most 6,766,666" in announced.json()["detail"]
    counted: list[int] = []
    assert run_coroutine(Page().post(path, pieces(300 * MB, counted))).status_code == 413
    assert sum(counted) <= 8 * MB
    assert run_coroutine(Page().post(path, bytes(6 * MB))).json() == 6 * MB


@pytest.mark.parametrize("path", [ASK, "/gradio_api/upload", "/logout", "/", "/config"])
def test_without_the_password_nothing_is_read(path: str) -> None:
    counted: list[int] = []
    page = Page(password=True)
    for cookie in ("", "access-token-id=forged", "access-token-other=token", "a=b; ;=;token"):
        refused = run_coroutine(page.post(path, pieces(MB, counted), headers={"cookie": cookie}))
        assert refused.status_code == 401
    assert sum(counted) == 0
    for name in ("access-token-id", "access-token-unsecure-id"):
        cookie = {"cookie": f"{name}=token"}
        known = run_coroutine(page.post(ASK, b"x", headers=cookie))
        assert known.json() == 1


def test_a_stream_needs_the_password() -> None:
    """One that stays open costs a connection."""
    for name in ("access-token-id=token", ""):
        page, headers = Page(password=True), {"cookie": name}
        reply = run_coroutine(page.post("/gradio_api/heartbeat/x", method="GET", headers=headers))
        assert reply.status_code == (200 if name else 401)
        assert run_coroutine(page.post("/", method="GET", headers=headers)).status_code == 200


def test_a_login_is_short() -> None:
    page = Page(password=True)
    assert run_coroutine(page.post("/login", bytes(500))).json() == 500
    assert run_coroutine(page.post("/login", bytes(20_000))).status_code == 413


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/upload", "/gradio_api/process_recording", "/gradio_api/vibe-edit/", "/upload",
     "/gradio_api/run/judge", "/GRADIO_API/call/judge", "/x/gradio_api/call/judge"],
)  # fmt: skip
def test_what_the_page_does_not_ask_is_shut(path: str) -> None:
    for method in ("POST", "PUT"):
        assert run_coroutine(Page().post(path, b"x", method)).status_code == 404


@pytest.mark.parametrize("unit", [b"[],", b"{},", b"0,", b'"",'])
def test_a_body_of_many_items_is_refused(unit: bytes) -> None:
    """Six megabytes of empty lists would take a hundred in memory."""
    body = unit * (6 * MB // len(unit))
    assert run_coroutine(Page().post(ASK, body)).status_code == 413


def test_a_body_has_to_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "SECONDS_TO_ARRIVE", 0.05)

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(60)

    assert run_coroutine(Page().post(ASK, slow())).status_code == 408


def test_all_bodies_share_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept counts, those that wait come later, and short ones are never in the way."""
    monkeypatch.setattr(doors, "SECONDS_TO_WAIT", 0.05)
    monkeypatch.setattr(doors, "ROOM_FOR_LARGE", 10 * MB)

    async def visits() -> None:
        page = Page()
        keep = "/gradio_api/call/keep"
        assert (await page.post(keep, bytes(6 * MB))).json() == 6 * MB
        refused = await page.post(ASK, bytes(6 * MB))
        assert refused.status_code == 503
        assert "Try again in a minute" in refused.json()["detail"]
        assert (await page.post(ASK, bytes(1000))).json() == 1000
        monkeypatch.setattr(doors, "SECONDS_TO_WAIT", 60)
        waits = asyncio.create_task(page.post(ASK, bytes(6 * MB)))
        await asyncio.sleep(0.3)
        assert not waits.done()
        page.kept.clear()
        assert (await waits).json() == 6 * MB
        for _ in range(5):  # nothing is lost of the room
            assert (await page.post(ASK, bytes(6 * MB))).json() == 6 * MB

    run_coroutine(visits())
