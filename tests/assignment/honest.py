"""Honest training scripts, which do more than train, and meet walls of a sandbox with it.

Each is put before a training; on an ordinary machine it runs to its end, or did on its author's.
"""

HONEST = {
    "a checkpoint of 300 MB": "import torch\ntorch.save(torch.zeros(75_000_000), 'last.pt')\n",
    "a checkpoint that a library cannot write": """
import torch
try:
    torch.save(torch.zeros(75_000_000), "last.pt")
except Exception as error:
    raise RuntimeError("the checkpoint could not be saved") from None
""",
    "a library that prints and exits": """
import sys
def save():
    try:
        with open("large.bin", "wb") as file:
            for _ in range(40):
                file.write(bytes(10_000_000))
    except OSError as error:
        print("cannot save:", error)
        return False
    return True
if not save():
    sys.exit(1)
""",
    "1.2 GB of samples": """
import numpy as np
for epoch in range(6):
    np.save(f"samples-{epoch}.npy", np.zeros(25_000_000))
""",
    "200 threads": """
import threading
done = threading.Event()
threads = [threading.Thread(target=done.wait, daemon=True) for _ in range(200)]
for thread in threads:
    thread.start()
done.set()
""",
    "a pool of 300 threads": """
import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(300) as pool:
    list(pool.map(time.sleep, [0.2] * 300))
""",
    "200 processes": """
import subprocess
running = [subprocess.Popen(["sleep", "1"]) for _ in range(200)]
for process in running:
    process.wait()
""",
    "a pool of processes": """
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.map(abs, range(-9, 0)) == list(range(9, 0, -1))
""",
    "150 workers of a pool": """
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(150) as pool:
        pool.map(abs, range(-9, 0))
""",
    "1,100 open files": "files = [open(f'log-{k}.txt', 'w') for k in range(1100)]\n",
    "a higher limit of open files": """
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(hard, 4096)))
""",
    "a socket that is never connected": "import socket\nsocket.socket(socket.AF_INET)\n",
    "a free port": """
import socket
with socket.socket() as server:
    server.bind(("", 0))
    port = server.getsockname()[1]
""",
    "cores of its own": "import os\nos.sched_setaffinity(0, {0, 1})\n",
    "a priority of its own": "import os\nos.nice(5)\nos.nice(-5)\n",
    "a memory-mapped file": """
import numpy as np
data = np.memmap("data.bin", dtype="float32", mode="w+", shape=(1000, 1000))
data[:] = 1
data.flush()
""",
    "a memory-mapped file of 320 MB": """
import numpy as np
data = np.memmap("data.bin", dtype="float32", mode="w+", shape=(80_000, 1000))
""",
    "loaders with workers": """
import torch
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.zeros(64, 28, 28), torch.zeros(64))
for images, labels in DataLoader(data, batch_size=8, num_workers=2):
    pass
""",
    "a loader with 140 workers": """
import torch
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.zeros(600, 2))
for batch in DataLoader(data, batch_size=1, num_workers=140):
    pass
""",
    "1.5 GB of shared memory": """
from multiprocessing.shared_memory import SharedMemory
memory = SharedMemory(create=True, size=1_500_000_000)
memory.buf[:] = bytes(1_500_000_000)
memory.close()
memory.unlink()
""",
    "a figure with text": """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
plt.rcParams["font.family"] = ["Helvetica", "Arial"]
plt.plot([1, 2, 3])
plt.title("loss")
plt.savefig("loss.png")
""",
    "tensorboard": """
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter("runs")
writer.add_scalar("loss", 1.0, 0)
writer.close()
""",
    "wandb offline": """
import os
os.environ["WANDB_MODE"] = "offline"
import wandb
wandb.init(project="palindromes")
wandb.log({"loss": 1.0})
""",
    "torch.compile": """
import torch
f = torch.compile(lambda x: x * 2 + 1)
f(torch.ones(3))
""",
    "temporary files": """
import tempfile
with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as file:
    file.write(b"x")
open("/tmp/losses.txt", "w").close()
""",
    "a look for GPUs": """
import subprocess
import torch
device = "cuda" if torch.cuda.is_available() else "cpu"
print(subprocess.check_output(["nvidia-smi"]))
""",
    "locks on files": """
import fcntl
with open("run.lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
""",
    "a locale": "import locale\nlocale.setlocale(locale.LC_ALL, 'nl_NL.UTF-8')\n",
    "the user's name": """
import os, pwd
name = pwd.getpwuid(os.getuid()).pw_name
""",
    "who is logged in": "import os\nname = os.getlogin()\n",
    "the width of the terminal": "import os\ncolumns = os.get_terminal_size().columns\n",
    "6 GB of memory": "import numpy as np\ndata = np.ones(800_000_000)\n",
    "memory bit by bit": "blocks = [bytearray(100_000_000) for _ in range(50)]\n",
    "a download": """
import urllib.request
urllib.request.urlretrieve("https://example.org/mnist.npz", "mnist.npz")
""",
    "a folder of Colab": "import os\nos.makedirs('/content/results', exist_ok=True)\n",
    "a log of the system": "import logging\nlogging.basicConfig(filename='/var/log/train.log')\n",
    "memory without a file": "import os\nos.close(os.memfd_create('data'))\n",
    "room for a file of 300 MB": """
import os
with open("data.bin", "wb") as file:
    os.posix_fallocate(file.fileno(), 0, 300_000_000)
""",
    "another program that writes much": """
import subprocess
subprocess.run(["dd", "if=/dev/zero", "of=data.bin", "bs=1M", "count=300"], check=True)
""",
    "many threads of OpenMP": """
import torch
torch.set_num_threads(200)
a = torch.ones(3000, 3000)
a @ a
""",
    "an event loop": """
import asyncio
async def main():
    await asyncio.sleep(0.01)
asyncio.run(main())
""",
}
WALLS = {  # of those that meet one, what the message says of it
    "a checkpoint of 300 MB": "a file may have 256 MiB",
    "a checkpoint that a library cannot write": "a file may have 256 MiB",
    "a library that prints and exits": "a file may have 256 MiB",
    "1.2 GB of samples": "all files together may have 1 GiB",
    "200 threads": "128 processes and threads",
    "200 processes": "128 processes and threads",
    "many threads of OpenMP": "128 processes and threads",
    "1,100 open files": "1,024 files open",
    "a higher limit of open files": "1,024 files open",
    "a socket that is never connected": "no sockets of a network",
    "cores of its own": "it may not change what the system gives it",
    "another program that writes much": "a file may have 256 MiB",
    "a locale": "the locales of the grader's machine",
}
