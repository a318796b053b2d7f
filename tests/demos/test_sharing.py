"""A share link that cannot be had ends in one sentence; all servers here are on loopback.

Each demo is started as a teacher starts it, in a process of its own.
"""

import re
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
from gradio import tunneling
from sharing import check_tunnel_program, new_password

from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256

from .conftest import Serve, Served, free_port

PROGRAM = """#!/bin/sh
cd "$(dirname "$0")"
echo $$ > pid
echo "$@" > arguments
"""
# What Gradio has published is the program that the test has put there.
PUBLISHED = """
from gradio import tunneling
tunneling.CHECKSUMS = {{tunneling.BINARY_URL: "{hash}"}}
"""
WORKING = 'echo "start proxy success: http://x.test"\nsleep 300\n'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The place of Gradio's tunnel program below an HF_HOME of our own, `tmp_path`."""
    path = tmp_path / "gradio" / "frpc" / tunneling.BINARY_FILENAME
    path.parent.mkdir(parents=True)
    return path


def write_program(place: Path, then: str) -> dict[str, str]:
    """A tunnel program that notes how it was called; how to start a demo that trusts it."""
    place.write_text(PROGRAM + then)
    place.chmod(0o755)
    return {
        "before": PUBLISHED.format(hash=sha256(place.read_bytes())),
        "GRADIO_SHARE_SERVER_ADDRESS": "127.0.0.1:9",
    }


def share(serve: Serve, home: Path, **how: str) -> tuple[Served, str]:
    """Start a demo with --share; what it says of the public address.

    Then its local page must work, with the password that it has printed.
    """
    demo = serve("gan_demo", "--share", "--port", free_port(), HF_HOME=str(home), **how)
    assert demo.process.stdout is not None
    credentials, sentence = (demo.process.stdout.readline() for _ in range(2))
    user, password = re.findall(r"^User: (\S+)  Password: (\S+)$", credentials)[0]
    assert httpx.get(f"{demo.url}config").status_code == 401
    login = httpx.post(f"{demo.url}login", data={"username": user, "password": password})
    assert login.status_code == 200
    assert httpx.get(f"{demo.url}config", cookies=login.cookies).status_code == 200
    assert len(demo.first_lines) == 1  # none of Gradio's own
    return demo, sentence


def last_words(demo: Served) -> str:
    """What a demo says when it is asked to end."""
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.stdout is not None
    return demo.process.stdout.read()


def is_running(place: Path) -> bool:
    """Is the tunnel program still there, and no zombie?"""
    status = Path("/proc", (place.parent / "pid").read_text().strip(), "status")
    try:
        return "State:\tZ" not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_without_a_network(serve: Serve, tmp_path: Path) -> None:
    """A proxy that refuses stands for a network that is not there."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    demo, sentence = share(serve, tmp_path, HTTPS_PROXY=nowhere, https_proxy=nowhere)
    assert sentence == (
        "No public address: the share server cannot be reached. Is this machine connected to the "
        "internet? The local page works.\n"
    )
    assert last_words(demo) == "The page is closed.\n"


@pytest.mark.slow
def test_a_server_that_never_answers(serve: Serve, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        silence = f"http://127.0.0.1:{server.getsockname()[1]}"
        demo, sentence = share(serve, tmp_path, HTTPS_PROXY=silence, https_proxy=silence)
    assert sentence == (
        "No public address: the share server did not answer within 14 seconds. The local page "
        "works.\n"
    )
    assert last_words(demo) == "The page is closed.\n"


def test_a_tunnel_program_of_someone_else_is_not_run(
    serve: Serve, tmp_path: Path, place: Path
) -> None:
    write_program(place, WORKING)
    demo, sentence = share(serve, tmp_path)
    assert sentence.startswith(f"No public address: {place} is not the tunnel program that Gradio")
    assert sentence.endswith("the next --share fetches it again. The local page works.\n")
    assert not (place.parent / "pid").exists()
    assert last_words(demo) == "The page is closed.\n"


def test_a_tunnel_program_that_fails(serve: Serve, tmp_path: Path, place: Path) -> None:
    how = write_program(place, "echo login to server failed: no\nsleep 300\n")
    demo, sentence = share(serve, tmp_path, **how)
    assert "the share server cannot be reached" in sentence
    assert not is_running(place)
    assert last_words(demo) == "The page is closed.\n"


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_the_tunnel_ends_with_the_demo(
    serve: Serve, tmp_path: Path, place: Path, stop: signal.Signals
) -> None:
    demo, sentence = share(serve, tmp_path, **write_program(place, WORKING))
    assert sentence == "Public address: http://x.test\n"
    port = demo.url.rstrip("/").rpartition(":")[2]
    assert f"-l {port} " in (place.parent / "arguments").read_text()
    assert is_running(place)
    demo.process.send_signal(stop)
    demo.process.wait()
    for _ in range(300):
        if not is_running(place):
            break
        time.sleep(0.1)
    assert not is_running(place)


def test_a_machine_that_gradio_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunneling, "CHECKSUMS", {})
    with pytest.raises(ToolkitError, match="no tunnel program for this kind of machine"):
        check_tunnel_program()


def test_passwords_are_random() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(re.fullmatch(r"[0-9a-f]{4}(-[0-9a-f]{4}){2}", password) for password in passwords)
