"""A share link that cannot be had ends in one sentence; all servers here are on loopback."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio import tunneling
from sharing import Tunnel, new_password

from toolkit.errors import ToolkitError
from toolkit.files import sha256

from .conftest import ROOT, free_port

FAKE = """#!/bin/sh
echo $$ > "{pid}"
{then}
"""


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of Gradio's tunnel program, for this process and those that it starts."""
    path = tmp_path / "home" / "gradio" / "frpc" / tunneling.BINARY_FILENAME
    path.parent.mkdir(parents=True)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(path))
    return path


def fake_program(path: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> Path:
    """A tunnel program of our own, published by Gradio as far as the check can see."""
    pid = path.with_name("pid")
    path.write_text(FAKE.format(pid=pid, then=then))
    path.chmod(0o755)
    published = {tunneling.BINARY_URL: sha256(path.read_bytes())}
    monkeypatch.setattr(tunneling, "CHECKSUMS", published)
    monkeypatch.setenv("GRADIO_SHARE_SERVER_ADDRESS", "127.0.0.1:9")
    return pid


def is_running(pid: Path) -> bool:
    """Is the program whose number was written to a file still there, and no zombie?"""
    status = Path("/proc", pid.read_text().strip(), "status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_an_address(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is given the page's port and the server, and ends with the tunnel."""
    then = 'echo "$@" > "$0.arguments"\necho "start proxy success: http://x.test"\nsleep 300'
    pid = fake_program(program, monkeypatch, then)
    tunnel = Tunnel(tmp_path)
    try:
        assert tunnel.open("127.0.0.1", 1234, "token", patience=60) == "http://x.test"
        assert "-l 1234" in program.with_name(program.name + ".arguments").read_text()
        assert is_running(pid)
    finally:
        tunnel.close()
    assert not is_running(pid)


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ("sleep 300", "did not answer within 20 seconds"),
        ("echo login to server failed: no", "cannot be reached"),
    ],
)
def test_a_program_that_fails(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch, then: str, sentence: str
) -> None:
    pid = fake_program(program, monkeypatch, then)
    with pytest.raises(ToolkitError, match=sentence):
        Tunnel(tmp_path).open("127.0.0.1", 1234, "token", patience=20)
    assert not is_running(pid)


def test_a_program_of_someone_else_is_not_run(tmp_path: Path, program: Path) -> None:
    trace = tmp_path / "trace"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    tunnel = Tunnel(tmp_path)
    with pytest.raises(ToolkitError, match=r"is not the tunnel program that Gradio has published"):
        tunnel.open("127.0.0.1", 1234, "token")
    assert not trace.exists()


def test_a_machine_that_gradio_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunneling, "CHECKSUMS", {})
    with pytest.raises(ToolkitError, match="no tunnel program for this kind of machine"):
        Tunnel(tmp_path).open("127.0.0.1", 1234, "token")


def test_passwords_are_random() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(re.fullmatch(r"[0-9a-f]{4}(-[0-9a-f]{4}){2}", password) for password in passwords)


def shared(tmp_path: Path, **environment: str) -> list[str]:
    """Start a demo with --share; what it prints.

    Then the local page must work, with the password that was printed.
    """
    port = free_port()
    command = [sys.executable, ROOT / "demos" / "gan_demo.py", "--share", "--port", str(port)]
    env = os.environ | {"HF_HOME": str(tmp_path / "home")} | environment
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        lines += [process.stdout.readline() for _ in range(2)]
        user, password = re.findall(r"User: (\S+)  Password: (\S+)", lines[1])[0]
        url = f"http://127.0.0.1:{port}/"
        assert httpx.get(f"{url}config").status_code == 401
        login = httpx.post(f"{url}login", data={"username": user, "password": password})
        assert login.status_code == 200
        assert httpx.get(f"{url}config", cookies=login.cookies).status_code == 200
        process.terminate()
        lines += process.stdout.readlines()
    assert process.returncode == 0
    assert lines[3:] == ["The page is closed.\n"]
    return lines


def no_address(lines: list[str]) -> str:
    """The one sentence on sharing, without any of Gradio's own lines."""
    everything = "".join(lines)
    for misleading in ("Missing file", "Could not create", "Running on", "Traceback", "antivirus"):
        assert misleading not in everything
    return lines[2]


def test_without_a_network(tmp_path: Path) -> None:
    """A proxy that refuses stands for a network that is not there."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    lines = shared(tmp_path, HTTPS_PROXY=nowhere, https_proxy=nowhere)
    assert no_address(lines) == (
        "No public address: the share server cannot be reached. Is this machine connected to the "
        "internet? The local page works.\n"
    )


@pytest.mark.slow
def test_a_server_that_never_answers(tmp_path: Path, silent_server: int) -> None:
    silence = f"http://127.0.0.1:{silent_server}"
    lines = shared(tmp_path, HTTPS_PROXY=silence, https_proxy=silence)
    assert no_address(lines) == (
        "No public address: the share server did not answer within 14 seconds. The local page "
        "works.\n"
    )


def test_a_bad_tunnel_program(tmp_path: Path) -> None:
    program = tmp_path / "home" / "gradio" / "frpc" / tunneling.BINARY_FILENAME
    program.parent.mkdir(parents=True)
    program.write_bytes(b"half of a download")
    lines = shared(tmp_path)
    assert no_address(lines).startswith(f"No public address: {program} is not the tunnel program")


def test_the_end_of_the_demo_is_the_end_of_the_tunnel(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it has no time to say so: the tunnel sees its input end."""
    pid = fake_program(program, monkeypatch, 'echo "start proxy success: http://x.test"\nsleep 300')
    tunnel = Tunnel(tmp_path)
    tunnel.open("127.0.0.1", 1234, "token", patience=60)
    assert tunnel._process.stdin is not None
    tunnel._process.stdin.close()  # what the system does when a process is killed
    ended = threading.Event()
    threading.Thread(target=lambda: (tunnel._process.wait(), ended.set()), daemon=True).start()
    assert ended.wait(30)
    assert not is_running(pid)
