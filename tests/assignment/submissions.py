"""Archives for the tests and the benchmark: harmless ones, and hostile ones, each of them bounded.

Every hostile program ends by itself, and does little harm even where nothing limits it: it starts
at most 200 processes, once, each for half a minute; it writes and deletes only where it is told to.
"""

import functools
import io
import stat
import zipfile
from pathlib import Path

import cloudpickle

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import Check, ungraded

from . import stand_in
from .stand_in import STRIKES

cloudpickle.register_pickle_by_value(stand_in)  # workers need not find the tests
STAND_IN = Path(stand_in.__file__)
CHECK = Check(stand_in.judge, (str(STAND_IN),))
FINE = {
    "dataset.py": "class PalindromeDataset:\n    pass\n",
    "lstm.py": "class LSTM:\n    pass\n",
    "train.py": "import lstm, dataset\n",
    "my_gan.py": "class Generator:\n    pass\n",
}

LOOP = f"{STRIKES}\nimport time\nend = time.time() + 60\nwhile time.time() < end:\n    pass\n"
SLEEP = f"{STRIKES}\nimport time\ntime.sleep(60)\n"
EXIT = "import os\nos._exit(0)\n"
# One after the other, never from a child: their number stays small even if nothing stops it.
FORK_BOMB = """
import os, time
pids = []
try:
    for _ in range(200):
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
        pids.append(pid)
finally:
    print("processes started:", len(pids), flush=True)
time.sleep(30)
"""
# They leave the session and lose their parent: nothing connects them with the check any more.
DETACH = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "{seconds}"])
        os._exit(0)
"""
# Allocated at once, so it fails at once.
MEMORY = """
import time
block = bytearray(50 * 2**30)
time.sleep(30)
"""
MEMORY_BIT_BY_BIT = """
import mmap, time
blocks = []
for _ in range({megabytes} // 16):
    blocks.append(mmap.mmap(-1, 16 * 2**20))
    blocks[-1].write(b"x" * (16 * 2**20))
time.sleep(30)
"""
PRINT = 'for _ in range({megabytes}):\n    print("x" * 2**20)\n'
NETWORK = """
import socket
with socket.create_connection(("127.0.0.1", {port}), timeout=5) as connection:
    connection.sendall(b"from inside")
"""
READ = 'print(open("{path}").read())\n'
WRITE = 'open("{path}", "w").write("was here")\n'
DELETE = """
import os, shutil
shutil.rmtree(os.path.dirname(os.path.abspath(__file__)))
shutil.rmtree({path!r})
"""


def all_open(name: str) -> Result:
    """A result whose points are all open, though nothing is wrong with the archive."""
    result = ungraded(name, "?", read_rubric())
    result.extra_data.problem, result.extra_data.needs_a_look = "", []
    return result


def pack(files: dict[str, str | bytes]) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def with_lstm(program: str) -> bytes:
    """A submission whose lstm.py is `program`."""
    return pack(FINE | {"lstm.py": program})


@functools.cache
def zip_bomb() -> bytes:
    """A small archive that unpacks to 300 MiB."""
    return pack(FINE | {f"zeros{k}.csv": bytes(100 * 2**20) for k in range(3)})


def symlink(target: str) -> bytes:
    """lstm.py is a symbolic link."""
    entry = zipfile.ZipInfo("lstm.py")
    entry.create_system = 3  # Unix
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, target)
    return buffer.getvalue()
