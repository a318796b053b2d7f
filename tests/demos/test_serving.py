"""How a demo is served: what it refuses, hides, never asks the outside, and leaves behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import gradio_client
import httpx
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .conftest import ROOT, Serve, Served, free_port

# What a Space's settings allow, by the reference of its README's first lines.
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
GAN_DEMO = ROOT / "demos" / "gan_demo.py"


def call(*arguments: object, script: Path = GAN_DEMO) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself, since it is given wrongly."""
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


def files_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--auth", "password"], 2, "--auth must be user:password"),
        (["--auth", "user:"], 2, "--auth must be user:password"),
        (["--host", "no address"], 1, "'no address' is no address of this machine"),
        (["--host", "192.0.2.1"], 1, "'192.0.2.1' is no address of this machine"),
        (["--exports", "nowhere"], 1, "nowhere/generator.pt is missing"),
    ],
)
def test_mistakes_end_in_one_sentence(arguments: list[str], code: int, sentence: str) -> None:
    done = call(*arguments)
    assert done.returncode == code
    assert done.stderr.startswith("Error: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = call("--port", server.getsockname()[1])
    assert done.returncode == 1
    assert re.fullmatch(r"Error: Port \d+ cannot be had: it is in use.*\n", done.stderr)


def test_damaged_export_is_refused(tmp_path: Path) -> None:
    for path in (ROOT / "exports").glob("*.*"):
        shutil.copy(path, tmp_path)
    with open(tmp_path / "discriminator.pt", "ab") as file:
        file.write(b"x")
    done = call("--exports", tmp_path)
    assert done.returncode == 1
    assert "discriminator.pt is damaged or was altered" in done.stderr
    assert "Traceback" not in done.stderr


def test_password(serve: Serve) -> None:
    demo = serve("gan_demo", "--port", free_port(), "--auth", "class:a:b")
    assert httpx.get(f"{demo.url}config").status_code == 401
    assert httpx.post(f"{demo.url}gradio_api/call/samples", json={"data": []}).status_code == 401
    login = f"{demo.url}login"
    assert httpx.post(login, data={"username": "class", "password": "a"}).status_code == 400
    assert httpx.post(login, data={"username": "class", "password": "a:b"}).status_code == 200
    client = gradio_client.Client(demo.url, auth=("class", "a:b"), verbose=False)
    assert len(client.predict(1, "any", 1, api_name="/samples")[0]) == 25
    assert demo.close() == 0


def test_nobody_reads_the_servers_files(gan_demo: Served) -> None:
    for path in ("/etc/passwd", GAN_DEMO, ROOT / "exports" / "manifest.json", gan_demo.temporary):
        for route in ("file=", "file/"):
            reply = httpx.get(f"{gan_demo.url}gradio_api/{route}{path}")
            assert reply.status_code in (403, 404), reply
    upload = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    call = f"{gan_demo.url}gradio_api/call/judge"
    event = httpx.post(call, json={"data": [upload]}).json()["event_id"]
    assert "event: error" in httpx.get(f"{call}/{event}").text
    assert not any(path.name == "passwd" for path in files_in(gan_demo.temporary))


def test_what_is_open_by_default_is_closed(gan_demo: Served) -> None:
    url = gan_demo.url
    assert httpx.get(f"{url}monitoring").status_code in (403, 404)
    assert httpx.get(f"{url}monitoring/summary").status_code in (403, 404)
    assert httpx.get(f"{url}gradio_api/runs").status_code == 404
    data = {"data": [1, "any", 1]}
    for route in ("run/samples", "api/samples", "run/predict"):  # would go round the queue
        reply = httpx.post(f"{url}gradio_api/{route}", json=data | {"fn_index": 1})
        assert reply.status_code in (404, 422), reply
    config = httpx.get(f"{url}config").json()
    assert config["analytics_enabled"] is False
    assert config["show_error"] is False
    assert str(ROOT) not in httpx.get(url).text


def test_a_full_queue_is_said(gan_page: str) -> None:
    """More calls at once than wait and are answered: the rest read why, and nothing is lost."""
    replies = []

    def ask(seed: int) -> None:
        data = {"data": [seed, "5", 1]}
        replies.append(httpx.post(f"{gan_page}gradio_api/call/samples", json=data, timeout=60))

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
        event = reply.json()["event_id"]
        answer = httpx.get(f"{gan_page}gradio_api/call/samples/{event}", timeout=60).text
        assert "event: complete" in answer


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_behind(serve: Serve, tmp_path: Path, stop: signal.Signals) -> None:
    demo = serve("gan_demo", "--port", free_port())
    client = gradio_client.Client(demo.url, verbose=False, download_files=tmp_path)
    client.predict(0, 3, 8, "linear", 9, api_name="/between_classes")
    upload = gradio_client.handle_file(ROOT / "docs" / "samples.png")
    client.predict(upload, api_name="/judge")
    large = {"files": ("large.png", bytes(50_000_000))}
    httpx.post(f"{demo.url}gradio_api/upload", files=large, timeout=60)
    written = files_in(demo.temporary)
    assert {path.suffix for path in written} == {".gif", ".png"}
    assert all(path.stat().st_size < 5_300_000 for path in written)
    demo.process.send_signal(stop)
    demo.process.wait(timeout=120)
    assert files_in(demo.temporary) == []
    assert not list(demo.temporary.glob("demo-*"))
    assert demo.process.stdout is not None
    assert "Traceback" not in demo.process.stdout.read()
    assert demo.close() == 0


def test_what_visitors_caused_is_deleted_in_time(serve: Serve, tmp_path: Path) -> None:
    """What the page shows at first stays, and visitors who come meanwhile disturb nothing."""
    often = "import upkeep; upkeep.CLEAN_EVERY, upkeep.CLEAN_AFTER = 1, 1"
    demo = serve("gan_demo", "--port", free_port(), before=often)
    at_first = set(files_in(demo.temporary))
    client = gradio_client.Client(demo.url, verbose=False, download_files=tmp_path)
    for seed in range(20):  # longer than it takes to clean for the first time
        client.predict(seed, 3, 8, "linear", 9, api_name="/between_classes")
    upload = gradio_client.handle_file(ROOT / "docs" / "samples.png")
    client.predict(upload, api_name="/judge")
    for _ in range(300):
        if set(files_in(demo.temporary)) == at_first:
            break
        time.sleep(0.1)
    assert {path.suffix for path in at_first} == {".gif", ".png"}
    assert set(files_in(demo.temporary)) == at_first
    assert demo.close() == 0


LOOK_UPS = """
import socket
ask, connect = socket.getaddrinfo, socket.socket.connect
def listen(host, *arguments, **options):
    print("LOOK-UP", host, flush=True)
    return ask(host, *arguments, **options)
def note(self, address):
    print("LOOK-UP", address[0], flush=True)
    return connect(self, address)
socket.getaddrinfo, socket.socket.connect = listen, note
for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    setattr(socket, name, lambda *a, name=name: print("LOOK-UP", name, flush=True))
"""


@pytest.mark.parametrize("name", ["gan_demo", "digit_demo"])
def test_no_look_up_outside_of_loopback(serve: Serve, name: str) -> None:
    demo = serve(name, "--port", free_port(), before=LOOK_UPS)
    assert httpx.get(demo.url).status_code == 200
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.stdout is not None
    lines = [*demo.first_lines, *demo.process.stdout]
    hosts = {line.split()[1] for line in lines if "LOOK-UP" in line}
    assert hosts
    assert hosts <= {"127.0.0.1", "localhost", "::1", "None"}


def test_behind_a_proxy_that_is_not_there(serve: Serve) -> None:
    """Gradio asks its own page whether it is there; a university's proxy does not know it."""
    proxy = f"http://127.0.0.1:{free_port()}"
    demo = serve("gan_demo", "--port", free_port(), HTTP_PROXY=proxy, http_proxy=proxy)
    assert demo.close() == 0


def test_space(tmp_path: Path) -> None:
    """The files that demos/README.md names make a Space: an app_file that runs uninstalled."""
    readme = (ROOT / "demos" / "README.md").read_text()
    front = yaml.safe_load(readme.split("---")[1])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert front["sdk"] == "gradio"
    (gradio,) = (d for d in map(Requirement, project["dependencies"]) if d.name == "gradio")
    assert front["sdk_version"] in gradio.specifier
    assert front["python_version"] in SpecifierSet(project["requires-python"])
    assert {front["colorFrom"], front["colorTo"]} <= COLOURS
    assert len(front["short_description"]) <= 60
    assert (ROOT / front["app_file"]).is_file()
    requirements = (ROOT / "demos" / "requirements.txt").read_text().splitlines()
    assert requirements == project["dependencies"]

    (copied,) = re.findall(r"^cp -r (.+) space/$", readme, flags=re.MULTILINE)
    for name in copied.split():
        source, target = ROOT / name, tmp_path / Path(name).name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    where = "import sys; sys.argv = ['x', '--help']; sys.path[:0] = ['demos']; import gan_demo; "
    where += "import toolkit; print(toolkit.__path__[0])"
    done = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "toolkit"), done.stderr
