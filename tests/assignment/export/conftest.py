"""A student who has kept weights: the solution with convolutions, and random weights."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import once
from toolkit.assignment.asking.host import Host
from toolkit.assignment.export.command import export

SOLUTION = Path(__file__).parents[3] / "assignments" / "solution"
KEEP = """
from argparse import Namespace
import torch, lstm, my_gan, train

torch.manual_seed(0)
for network, kind, input_dim in (("lstm", lstm.LSTM, 1), ("rnn", train.RNN, 10)):
    config = Namespace(network=network, length=5, learning_rate=0.001)
    train.keep_weights(kind(5, input_dim, 24, 10), config)
networks = my_gan.Generator(), my_gan.Discriminator()
for x in networks[0].buffers():
    x.copy_(0.5 + torch.rand(x.shape))
for step in (10, 20, 30):
    for network in networks:
        torch.nn.init.normal_(network.layers[1].weight, 1, 0.1)
    my_gan.keep_weights(*networks, step)
my_gan.keep_weights(*networks)
"""


LAST = "nn.Linear(sizes[-1], 784), nn.Tanh())"  # of the layers of the generator
UPWARDS = """nn.Unflatten(1, (64, 4, 4)), nn.ConvTranspose2d(64, 32, 3, 2, 1),
            nn.BatchNorm2d(32), nn.ReLU(True), nn.ConvTranspose2d(32, 8, 4, 2, 1),
            nn.BatchNorm2d(8), nn.ReLU(True), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh())"""


def make_student(folder: Path) -> Path:
    """The solution and its weights in a new folder."""
    shutil.copytree(SOLUTION, folder)
    text = (folder / "my_gan.py").read_text(encoding="utf-8")
    assert LAST in text
    (folder / "my_gan.py").write_text(text.replace(LAST, UPWARDS), encoding="utf-8")
    subprocess.run([sys.executable, "-c", KEEP], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def hand_in_exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `toolkit export` makes of it, beside it in `student`."""

    def make(folder: Path) -> None:
        student = make_student(folder / "student")
        with Host() as host:
            done = export(student, folder / "mine", (), print, host)
        assert not done.refused, done.said

    return once(tmp_path_factory, "own-networks", make) / "mine"
