"""What strangers may hand in and answer: archives and frames, each a valid one with some damage.

Only reading: nothing is run. An exception that is no sentence for its author is a loss.
"""

import io
import json
import os
import random
import tempfile
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from mishaps import Outcome
from toolkit.assignment.check import wire
from toolkit.assignment.check.host import MALFORMED
from toolkit.assignment.check.static import Reading
from toolkit.assignment.check.submission import prepare
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.grade.archive import BrokenArchive, unpack
from toolkit.assignment.grade.copies.similar import prints_of, read_code
from toolkit.assignment.grade.sandbox.apart import Bounds, Exceeded, Failed, apart
from toolkit.assignment.grade.unusual import unusual
from toolkit.assignment.parts import PARTS
from toolkit.assignment.records.files import read_folder
from toolkit.common.errors import UsageError
from toolkit.common.package_data import package_data

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
    """Hand-ins with damage in a text, a name or the archive itself."""
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
        if name.endswith("ipynb") and rng.random() < 0.7:  # inside a cell
            piece = json.dumps(piece)[1:-1]
        files[name] = text[:at] + piece + text[at + rng.choice([0, 0, 1, 40]) :]
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            how = rng.choice(["utf-8", "utf-8", "utf-16", "latin-1"])
            archive.writestr(name, text.encode(how, errors="replace"))
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
    """Answers with damage: read as they are, or refused."""
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
            wire.check_sources(wire.receive(read, 2**20)[1]["events"])
        except (wire.Disturbed, wire.Closed, *MALFORMED):
            outcome = "refused"
        except Exception as error:
            outcome, detail = "an exception", f"frame {number} of seed {seed}, {error!r}"
        os.close(read)
        yield Outcome("frames", outcome, detail)
