"""A student who has kept weights: the complete solution, with random ones."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import once
from toolkit.assignment.check.host import Host
from toolkit.assignment.export.command import export

SOLUTION = Path(__file__).parents[3] / "assignments" / "solution"
KEEP = """
from argparse import Namespace
import torch, lstm, my_gan, train

torch.manual_seed(0)
for network, kind in (("lstm", lstm.LSTM), ("rnn", train.RNN)):
    config = Namespace(network=network, length=5, learning_rate=0.001)
    train.keep_weights(kind(5, 10, 24, 10), config)
networks = my_gan.Generator(), my_gan.Discriminator()
for x in networks[0].buffers():
    x.copy_(0.5 + torch.rand(x.shape))
for step in (10, 20, 30):
    for network in networks:
        torch.nn.init.normal_(network.layers[1].weight, 1, 0.1)
    my_gan.keep_weights(*networks, step)
my_gan.keep_weights(*networks)
"""


def make_student(folder: Path) -> Path:
    """The solution and its weights in a new folder."""
    shutil.copytree(SOLUTION, folder)
    subprocess.run([sys.executable, "-c", KEEP], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `toolkit export` makes of it, beside it in `student`."""

    def make(folder: Path) -> None:
        student = make_student(folder / "student")
        with Host() as host:
            done = export(student, folder / "mine", (), print, host)
        assert not done.refused, done.said

    return once(tmp_path_factory, "own-networks", make) / "mine"
