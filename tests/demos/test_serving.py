"""How a demo is served: what it refuses, hides, never asks the outside, and leaves behind."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gradio_client
import httpx
import pytest

from .conftest import LOOPBACK, ROOT, Serve, Served, free_port

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


def test_a_full_queue_is_said(gan_page: str) -> None:
    """More calls at once than may wait: the rest are told why, and no call is lost."""
    replies = []
    with httpx.Client(base_url=f"{gan_page}gradio_api/call/", timeout=60) as client:

        def ask(seed: int) -> None:
            replies.append(client.post("samples", json={"data": [seed, "5"]}))

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        full = [reply for reply in replies if reply.status_code == 503]
        assert all("Queue is full" in reply.text for reply in full)
        answered = [reply for reply in replies if reply.status_code == 200]
        assert len(full) + len(answered) == 60
        assert full
        for reply in answered:
            answer = client.get(f"samples/{reply.json()['event_id']}").text
            assert "event: complete" in answer


def test_no_look_up_outside_of_loopback(gan_demo: Served) -> None:
    """Not while it started, and not in any test before this one."""
    assert httpx.get(gan_demo.url).status_code == 200
    assert gan_demo.hosts()
    assert gan_demo.hosts() <= LOOPBACK


@pytest.fixture(scope="module")
def guarded(serve: Serve) -> Iterator[Served]:
    """A demo with a password that deletes files after five seconds, closed by Ctrl+C.

    It runs behind a proxy that does not answer: Gradio asks its own page whether it is up, and a
    university's proxy does not know that page.
    """
    proxy = f"http://127.0.0.1:{free_port()}"
    demo = serve(
        "gan_demo",
        *("--auth", "class:a:b"),
        before="import serving.upkeep as u; u.CLEAN_EVERY, u.CLEAN_AFTER = 1, 5",
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


def test_what_visitors_caused_is_deleted_in_time(guarded: Served, tmp_path: Path) -> None:
    """The page writes no file; what visitors upload goes, and who comes meanwhile is served."""
    at_first = guarded.files()
    client = gradio_client.Client(
        guarded.url, auth=("class", "a:b"), verbose=False, download_files=tmp_path
    )
    caused: set[Path] = set()
    with httpx.Client(base_url=guarded.url) as visitor:
        assert visitor.post("login", data={"username": "class", "password": "a:b"}).is_success
        for seed in range(300):  # until the first file is deleted between two visits
            files = {"files": ("picture.png", f"{seed}".encode())}
            assert visitor.post("gradio_api/upload", files=files).is_success
            client.predict(seed=seed, gif=True, api_name="/between_classes")
            present = guarded.files() - at_first
            if caused - present:
                break
            caused |= present
            time.sleep(0.2)
    assert caused
    assert caused - present
    for _ in range(300):
        if guarded.files() == at_first:
            break
        time.sleep(0.1)
    assert guarded.files() == at_first
