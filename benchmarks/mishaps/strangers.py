"""Archives and frames as strangers may send them: valid ones with some damage.

They are only read. No submitted code runs, except for the correct hand-ins that `replies` records.
An exception is a loss unless it is a message for the author.
"""

import contextlib
import copy
import io
import json
import os
import random
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch

from mishaps import Outcome
from toolkit.assignment.asking import host
from toolkit.assignment.asking.host import MALFORMED, Host
from toolkit.assignment.findings.findings import Finding
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.grade.copies.similar import prints_of, read_code
from toolkit.assignment.grade.unusual import unusual
from toolkit.assignment.handin.archive import BrokenArchive, unpack
from toolkit.assignment.handin.records import read_folder
from toolkit.assignment.handin.submission import prepare
from toolkit.assignment.judging.gan.drawing.stand_ins import digits
from toolkit.assignment.judging.parent import import_judges, judge_part
from toolkit.assignment.judging.static import Reading
from toolkit.assignment.running import wire
from toolkit.assignment.running.parts import PARTS, Part
from toolkit.assignment.sandbox.apart import Bounds, Exceeded, Failed, apart
from toolkit.common.errors import UsageError
from toolkit.common.package_data import package_data

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.assignment.judging.corpus import cases

BOUNDS = Bounds(seconds=120, cpu=20)
PIECES = (
    *("\0", "\ud800", "\x1b[2J", "\ufeff", "\r", "\f", "\t", "é", "数", "'", '"""', "\\", "#"),
    *("# coding: rot13\n", "# coding: idna\n", "# coding: undefined\n", "%%writefile ../x.py"),
    *("(" * 300, "a" + ".b" * 2000, "+".join("a" * 800), " " * 20_000, "\n" * 5000, "-" * 900),
    *("class LSTM(nn.Module): pass\n" * 300, "from lstm import *\n" * 300),
    *("if a: pass\nel" * 200, "def f():\n  pass\n" * 300),
    *("!", "%time ", "?", "1e999", "9" * 5000, "NaN", "[" * 3000, "{}", "null", "-1", ","),
)  # fmt: skip
FRAME = {
    "ended": "finished",
    "events": [
        {"kind": "call", "file": "a.py", "line": 3, "inputs": [], "outputs": [
            {"id": 1, "from": None, "rows_from": [], "shape": [2, 2], "values": torch.ones(2, 2)}]},
        {"kind": "loss", "file": None, "line": None, "target": None, "input":
            {"id": 2, "from": 0, "rows_from": [[0, torch.ones(2) > 0]], "values": None}},
    ],
}  # fmt: skip


def archives(count: int, seed: int) -> Iterator[Outcome]:
    """Read `count` hand-ins with damage in a text, a name or the archive itself; yield the
    outcomes.
    """
    files = {path.name: path.read_text() for path in package_data("skeleton").glob("*.py")}
    cells = [{"cell_type": "code", "source": text} for text in files.values()]
    files["GAN.ipynb"] = json.dumps({"cells": cells, "metadata": {}})
    files["records/gan.csv"] = "step,loss_discriminator,loss_generator\n1,2,3\n2,3,4\n"
    files["records/gan.json"] = json.dumps({"network": "gan", "length": 5})
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        with tempfile.TemporaryDirectory() as folder:
            data = _packed(dict(files), rng)
            try:
                outcome, detail = apart(partial(_read, data, Path(folder)), BOUNDS).decode(), ""
            except Exceeded as error:
                outcome, detail = "named", str(error)
            except Failed as error:
                outcome, detail = "an exception", f"archive {number} of seed {seed}, {error}"
        yield Outcome("archives", outcome, detail)


def _packed(files: dict[str, str], rng: random.Random) -> bytes:
    buffer = io.BytesIO()
    for _ in range(rng.randint(1, 4)):
        name = rng.choice([*files])
        text = files[name]
        if rng.random() < 0.1:
            files[rng.choice(["", "../", "a/" * 9, "old/", "\n", "é"]) + name] = files.pop(name)
            continue
        at, piece = rng.randint(0, len(text)), rng.choice(PIECES)
        if name.endswith("ipynb") and rng.random() < 0.7:  # damage inside a cell
            piece = json.dumps(piece)[1:-1]
        files[name] = text[:at] + piece + text[at + rng.choice([0, 0, 1, 40]) :]
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            encoding = rng.choice(["utf-8", "utf-8", "utf-16", "latin-1"])
            archive.writestr(name, text.encode(encoding, errors="replace"))
    data = bytearray(buffer.getvalue())
    for _ in range(rng.choice([0, 0, 0, 3])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def _read(data: bytes, folder: Path) -> bytes:
    prints_of(read_code(data))
    (folder / "copy").mkdir()
    try:
        unpack(data, folder / "archive")
        submission = prepare(folder / "archive", folder / "copy")
    except (BrokenArchive, UsageError):
        return b"refused"
    Reading(submission, {part: Verdicts(part, "") for part in PARTS})
    read_folder(submission.root)
    unusual(submission)
    return b"clean"


def frames(count: int, seed: int) -> Iterator[Outcome]:
    """Receive `count` answers with damage, and yield the outcomes; each answer must be read or
    refused.
    """
    payload = json.dumps(FRAME, default=wire._encode).encode()
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        data = bytearray(payload)
        for _ in range(rng.randint(0, 3)):
            at = rng.randrange(len(data))
            piece = rng.choice([*PIECES[-9:], '"', "]", "}", ":", "0", "true", "\\ud800"]).encode()
            data[at : at + rng.choice([0, 1, 1, 4, 9])] = piece
        length = rng.choice([len(data)] * 9 + [rng.randrange(2**32)])
        read, write = os.pipe()
        os.write(write, b"a" * wire.NONCE + f"{length:08x}".encode() + data)
        os.close(write)
        outcome, detail = "clean", ""
        try:
            wire.receive(read, 2**20)
        except (wire.Disturbed, wire.Closed, *MALFORMED):
            outcome = "refused"
        except Exception as error:
            outcome, detail = "an exception", f"frame {number} of seed {seed}, {error!r}"
        os.close(read)
        yield Outcome("frames", outcome, detail)


class Fails(Verdicts):
    """The judge's verdicts; if the judge itself fails, its exception is raised, not recorded."""

    def not_seen(self, name: str, /, **facts: Any) -> None:
        if name == "failed":
            raise facts["error"]
        super().not_seen(name, **facts)


class Recording:
    """The replies of the processes of one correct hand-in: for each part and question, the frames
    in order.
    """

    def __init__(self, name: str) -> None:
        self.frames: dict[Part, dict[str, list[Any]]] = {part: {} for part in PARTS}
        self.findings: dict[Part, list[Finding]] = {}
        with tempfile.TemporaryDirectory() as theirs, tempfile.TemporaryDirectory() as copy:
            cases.write_right(name, Path(theirs))
            submission = prepare(Path(theirs), Path(copy))
            self.located = submission.parts
            with Host() as real:
                real.helps["digits"] = digits
                for part, located in self.located.items():
                    self._now, self._frames = "", self.frames[part]
                    with mock.patch.multiple(host, send=self._asked, receive=self._answered):
                        verdicts = Fails(part, located.file)
                        judge_part(real, copy, located, verdicts)
                    self.findings[part] = verdicts.findings

    def _asked(self, descriptor: int, nonce: str, question: Any) -> None:
        if isinstance(question, dict) and "ask" in question:
            self._now = question["ask"]
        wire.send(descriptor, nonce, question)

    def _answered(self, descriptor: int, limit: int) -> tuple[str, Any]:
        nonce, reply = wire.receive(descriptor, limit)
        self._frames.setdefault(self._now, []).append(copy.deepcopy(reply))
        return nonce, reply

    def judged(self, part: Part, damage: Callable[[dict[str, list[Any]]], None]) -> list[Finding]:
        """Return the judge's findings about the same replies after `damage` has changed them."""
        frames = copy.deepcopy(self.frames[part])
        damage(frames)
        now = ["", ""]  # the last question's nonce, and its name

        def send(descriptor: int, nonce: str, question: Any) -> None:
            now[0] = nonce
            if isinstance(question, dict) and "ask" in question:
                now[1] = question["ask"]

        def receive(descriptor: int, limit: int) -> tuple[str, Any]:
            if not frames.get(now[1]):
                raise wire.Closed
            return now[0], frames[now[1]].pop(0)

        @contextlib.contextmanager
        def child(part: Part, root: str) -> Iterator[host.Child]:
            yield host.Child(part, 0, 0, "", None, {"digits": digits}, host.Clock(), 0.0)

        verdicts = Fails(part, self.located[part].file)
        with mock.patch.multiple(host, send=send, receive=receive):
            judge_part(SimpleNamespace(child=child), "", self.located[part], verdicts)
        return verdicts.findings


def replies(count: int, seed: int) -> Iterator[Outcome]:
    """Judge the replies about a part of a correct hand-in with damage in their values; yield the
    outcomes.
    """
    import_judges()
    recordings = [Recording("separate gates"), Recording("time-major")]
    for recording in recordings:
        for part in recording.located:
            if recording.judged(part, _keep) != recording.findings[part]:
                yield Outcome("replies", "another verdict", f"{part}, without damage")
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        recording = rng.choice(recordings)
        part = rng.choice([*recording.located])
        outcome, detail = "clean", ""
        try:
            apart(partial(_judge_damaged, recording, part, rng), BOUNDS)
        except Exceeded as error:
            outcome, detail = "named", str(error)
        except Failed as error:
            outcome, detail = "an exception", f"reply {number} of seed {seed}, {part}: {error}"
        yield Outcome("replies", outcome, detail)


def _keep(frames: Any) -> None:
    """Leave the value undamaged."""


def _judge_damaged(recording: Recording, part: Part, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        recording.judged(part, partial(_damage, rng=rng))
    return b"clean"


def _damage(frames: Any, rng: random.Random) -> None:
    """Change one value somewhere inside: delete it, replace it, or put a copy of another in front
    of it.
    """
    frames = frames[rng.choice([*frames])]
    while True:
        key = rng.choice([*frames]) if isinstance(frames, dict) else rng.randrange(len(frames))
        inner = frames[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.85:
            frames = inner
            continue
        kind = rng.random()
        if kind < 0.1:
            del frames[key]
        elif kind < 0.2 and isinstance(frames, list):
            frames.insert(key, copy.deepcopy(rng.choice(frames)))
        elif kind < 0.3 and isinstance(frames, dict):
            frames[key] = copy.deepcopy(rng.choice([*frames.values()]))
        else:
            frames[key] = _another(inner, rng)
        return


def _another(value: Any, rng: random.Random) -> Any:
    if isinstance(value, torch.Tensor) and rng.random() < 0.8:
        flat = value.flatten()
        return rng.choice([
            flat, flat[:1], flat[:0], value[None], value.T if value.dim() == 2 else flat,
            value.double(), value.long(), value > 0, value * float("nan"), value * float("inf"),
            value * 0, value - 10**9, flat[: len(flat) // 2], torch.tensor(3.0),
            value[:1] if value.dim() else value, value.repeat(2, *[1] * max(0, value.dim() - 1)),
        ])  # fmt: skip
    if isinstance(value, int | float) and rng.random() < 0.7:
        return rng.choice([value + 1, value - 1, -value, value * 1000, value + 0.5, float(value)])
    return rng.choice([
        *(None, True, -1, 0, 7, 2**63, 10**400, 1.5, float("nan"), float("inf")),
        *("", "x", "\0\ud800", "lstm.py", "9" * 5000, [], {}, [[]], [None], {"a": 1}, [1, 2]),
        *(torch.zeros(0), torch.ones(3, 4), torch.zeros(2, 0), torch.arange(5)),
    ])  # fmt: skip
