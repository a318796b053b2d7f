"""How a demo is served: what it refuses, hides, never asks the outside, and leaves behind."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import gradio_client
import httpx
import pytest

from ..conftest import HANGS
from .conftest import LOOPBACK, ROOT, STANDS_STILL, Serve, Served, free_port

pytestmark = pytest.mark.xdist_group("gan_demo")


def test_nobody_reads_the_servers_files(gan_demo: Served) -> None:
    script = ROOT / "demos" / "gan_demo.py"
    for path in ("/etc/passwd", script, ROOT / "exports" / "manifest.json", gan_demo.temporary):
        for route in ("file=", "file/"):
            reply = httpx.get(f"{gan_demo.url}gradio_api/{route}{path}")
            assert reply.status_code in (403, 404), reply
    upload = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    call = f"{gan_demo.url}gradio_api/call/judge"
    event = httpx.post(call, json={"data": [upload]}).json()["event_id"]
    assert "event: error" in httpx.get(f"{call}/{event}").text
    assert not any(path.name == "passwd" for path in gan_demo.files())


def test_what_is_open_by_default_is_closed(gan_demo: Served) -> None:
    url = gan_demo.url
    assert httpx.get(f"{url}monitoring").status_code in (403, 404)
    assert httpx.get(f"{url}monitoring/summary").status_code in (403, 404)
    assert httpx.get(f"{url}gradio_api/runs").status_code == 404
    data = {"data": [1, "any"]}
    for route in ("run/samples", "api/samples", "run/predict"):  # would bypass the queue
        reply = httpx.post(f"{url}gradio_api/{route}", json=data | {"fn_index": 1})
        assert reply.status_code in (404, 422), reply
    reply = httpx.get(f"{url}config")
    assert reply.headers["content-encoding"] == "gzip"  # phones pay for each byte
    config = reply.json()
    assert config["analytics_enabled"] is False
    assert config["show_error"] is False
    assert str(ROOT) not in httpx.get(url).text


def test_a_full_queue_is_said(gan_demo: Served) -> None:
    """While one call is being worked on, a few may wait: others are told why, and none is lost."""
    with httpx.Client(base_url=f"{gan_demo.url}gradio_api/call/", timeout=HANGS) as client:
        calls = [[STANDS_STILL, "5"], *([seed, "5"] for seed in range(9))]
        replies = [client.post("samples", json={"data": call}) for call in calls]
        full = [reply for reply in replies if reply.status_code == 503]
        assert all("Queue is full" in reply.text for reply in full)
        accepted = [reply.json()["event_id"] for reply in replies if reply.status_code == 200]
        assert full
        assert len(full) + len(accepted) == len(calls)
        gan_demo.gate.touch()
        for event in accepted:
            assert "event: complete" in client.get(f"samples/{event}").text


def test_no_look_up_outside_of_loopback(gan_demo: Served) -> None:
    """Not while it started, and not in any test before this one."""
    assert httpx.get(gan_demo.url).status_code == 200
    assert gan_demo.hosts()
    assert gan_demo.hosts() <= LOOPBACK


@pytest.fixture(scope="module")
def guarded(serve: Serve) -> Iterator[Served]:
    """A demo with a password, closed by Ctrl+C.

    It runs behind a proxy that does not answer: Gradio asks its own page whether it is up, and a
    university's proxy does not know that page.
    """
    proxy = f"http://127.0.0.1:{free_port()}"
    demo = serve(
        "gan_demo",
        *("--auth", "class:a:b"),
        HTTP_PROXY=proxy,
        http_proxy=proxy,
    )
    yield demo
    demo.close(signal.SIGINT)


def test_password(guarded: Served) -> None:
    url = guarded.url
    assert httpx.get(f"{url}config").status_code == 401
    assert httpx.post(f"{url}gradio_api/call/samples", json={"data": []}).status_code == 401
    login = f"{url}login"
    assert httpx.post(login, data={"username": "class", "password": "a"}).status_code == 400
    assert httpx.post(login, data={"username": "class", "password": "a:b"}).status_code == 200
    assert "User: class  Password: a:b\n" in guarded.output.read_text()


def test_a_page_takes_and_writes_no_files(guarded: Served, tmp_path: Path) -> None:
    """With the password, too; what a page is asked leaves no file behind."""
    at_first = guarded.files()
    client = gradio_client.Client(
        guarded.url, auth=("class", "a:b"), verbose=False, download_files=tmp_path
    )
    with httpx.Client(base_url=guarded.url) as visitor:
        assert visitor.post("login", data={"username": "class", "password": "a:b"}).is_success
        for route in ("upload", "process_recording"):
            files = {"files": ("picture.png", b"picture")}
            reply = visitor.post(f"gradio_api/{route}", files=files)
            assert (reply.status_code, "takes nothing here" in reply.text) == (404, True)
    client.predict(seed=1, gif=True, api_name="/between_classes")
    assert guarded.files() == at_first


def test_a_body_without_the_password_is_not_read(guarded: Served) -> None:
    """The answer comes while nothing of the body has been sent."""
    host, port = guarded.url.removeprefix("http://").rstrip("/").split(":")
    for route in ("gradio_api/call/judge", "gradio_api/upload", "config"):
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /{route} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 300000000\r\n\r\n"
            connection.sendall(head.encode())
            assert b" 401 " in connection.recv(1000).split(b"\r\n")[0]
