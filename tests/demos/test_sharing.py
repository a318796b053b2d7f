"""A share link that cannot be had ends in one sentence; all servers here are on loopback."""

import re
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
from gradio import tunneling

from serving import sharing
from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256

from .conftest import Serve, Served, free_port

PROGRAM = """#!/bin/sh
cd "$(dirname "$0")"
echo $$ > pid
echo "$@" > arguments
"""
WORKING = 'echo "start proxy success: http://x.test"\nsleep 300\n'
PUBLISHED = """
from gradio import tunneling
tunneling.CHECKSUMS = {{tunneling.BINARY_URL: "{hash}"}}
"""
SHARE_SERVER = "127.0.0.1:9"


def place_below(home: Path) -> Path:
    """Where Gradio's tunnel program is if HF_HOME is `home`."""
    path = home / "gradio" / "frpc" / tunneling.BINARY_FILENAME
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_program(place: Path, then: str) -> str:
    """Write a tunnel program that notes how it was called; returns its hash."""
    place.write_text(PROGRAM + then)
    place.chmod(0o755)
    return sha256(place.read_bytes())


def is_running(place: Path) -> bool:
    """Is the tunnel program still there, and not a zombie?"""
    status = Path("/proc", (place.parent / "pid").read_text().strip(), "status")
    try:
        return "State:\tZ" not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the tunnel program, empty, for this process and those that it starts."""
    place = place_below(tmp_path)
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(place))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("GRADIO_SHARE_SERVER_ADDRESS", SHARE_SERVER)
    return place


@pytest.fixture
def tunnel(place: Path, tmp_path: Path) -> sharing.Tunnel:
    """A tunnel that must be closed when a test is done with it."""
    return sharing.Tunnel(tmp_path)


def refusal(tunnel: sharing.Tunnel) -> str:
    """Why no tunnel could be opened; then its process has ended."""
    with pytest.raises(ToolkitError) as caught:
        tunnel.open("127.0.0.1", 7860, "token")
    assert tunnel._process.returncode is not None
    return str(caught.value)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("raise SystemExit(3)", "ended before it was ready, with exit code 3."),
        (
            "import no_gradio",
            "with exit code 1 (ModuleNotFoundError: No module named 'no_gradio').",
        ),
    ],
)
def test_a_process_that_ends_early_says_so_at_once(
    program: str, reason: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after the time that a share server has to answer, which was never asked."""
    monkeypatch.setattr(sharing, "PROGRAM", program)
    monkeypatch.setattr(sharing, "PATIENCE", None)  # to wait for an answer would take for ever
    assert refusal(sharing.Tunnel(tmp_path)).endswith(reason)


@pytest.mark.slow
def test_an_open_tunnel(
    tunnel: sharing.Tunnel, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hash = write_program(place, WORKING)
    monkeypatch.setattr(tunneling, "CHECKSUMS", {tunneling.BINARY_URL: hash})
    assert tunnel.open("127.0.0.1", 7861, "token") == "http://x.test"
    assert "-l 7861 " in (place.parent / "arguments").read_text()
    assert is_running(place)
    tunnel.close()
    assert not is_running(place)


@pytest.mark.slow
def test_a_tunnel_program_of_someone_else_is_not_run(tunnel: sharing.Tunnel, place: Path) -> None:
    write_program(place, WORKING)
    sentence = refusal(tunnel)
    assert sentence.startswith(f"{place} is not the tunnel program that Gradio published")
    assert sentence.endswith("the next --share downloads it again.")
    assert not (place.parent / "pid").exists()


@pytest.mark.slow
def test_a_tunnel_program_that_fails(
    tunnel: sharing.Tunnel, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hash = write_program(place, "echo login to server failed: no\nsleep 300\n")
    monkeypatch.setattr(tunneling, "CHECKSUMS", {tunneling.BINARY_URL: hash})
    assert refusal(tunnel).startswith("the share server cannot be reached.")
    assert not is_running(place)


@pytest.mark.slow
def test_a_server_that_never_answers(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRADIO_SHARE_SERVER_ADDRESS")
    monkeypatch.setattr(sharing, "PATIENCE", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        silence = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", silence)
        monkeypatch.setenv("https_proxy", silence)
        sentence = refusal(sharing.Tunnel(tmp_path))
    assert sentence == "the share server did not answer within 2 seconds."


def test_a_machine_that_gradio_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunneling, "CHECKSUMS", {})
    with pytest.raises(ToolkitError, match="no tunnel program for this kind of machine"):
        sharing.check_tunnel_program()


def sharing_line(demo: Served) -> str:
    """What a shared demo says of the public address, after its page and its password.

    The local page must work with that password, and not without it.
    """
    page, credentials, sentence = demo.output.read_text().splitlines()
    assert page == f"Latent studio: {demo.url}  (Ctrl+C closes it)"  # no line of Gradio's
    ((user, password),) = re.findall(r"^User: (\S+)  Password: (\S+)$", credentials)
    assert httpx.get(f"{demo.url}config").status_code == 401
    login = httpx.post(f"{demo.url}login", data={"username": user, "password": password})
    assert login.status_code == 200
    assert httpx.get(f"{demo.url}config", cookies=login.cookies).status_code == 200
    return sentence


@pytest.mark.slow
def test_without_a_network(serve: Serve, tmp_path: Path) -> None:
    """A proxy that refuses connections stands for the missing network."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    demo = serve(
        "gan_demo",
        "--share",
        until="ublic address.*\n",
        HF_HOME=str(tmp_path),
        HTTPS_PROXY=nowhere,
        https_proxy=nowhere,
    )
    assert sharing_line(demo) == (
        "No public address: the share server cannot be reached. Is this machine connected to the "
        "internet? The local page works."
    )
    demo.close(signal.SIGHUP)


@pytest.mark.slow
def test_the_tunnel_ends_with_the_demo_even_if_that_is_killed(serve: Serve, tmp_path: Path) -> None:
    place = place_below(tmp_path)
    demo = serve(
        "gan_demo",
        "--share",
        until="ublic address.*\n",
        before=PUBLISHED.format(hash=write_program(place, WORKING)),
        HF_HOME=str(tmp_path),
        GRADIO_SHARE_SERVER_ADDRESS=SHARE_SERVER,
    )
    assert sharing_line(demo) == "Public address: http://x.test"
    port = demo.url.rstrip("/").rpartition(":")[2]
    assert f"-l {port} " in (place.parent / "arguments").read_text()
    assert is_running(place)
    demo.process.kill()
    demo.process.wait()
    while is_running(place):
        time.sleep(0.1)
