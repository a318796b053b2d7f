"""A folder of somebody's own networks, as `toolkit export` writes one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.assignment.export.own import OwnDiscriminator, OwnGenerator
from toolkit.export import saving
from toolkit.lstm.data import palindromes, split_last
from toolkit.lstm.model import LSTM
from toolkit.lstm.training import train_step

WHOSE = "my_assignment"
LENGTH = 8


def reads_digits() -> LSTM:
    """An LSTM of another size than ours, which has begun to learn palindromes of T = 8."""
    rng = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        lstm = LSTM(28)
    optimizer = torch.optim.RMSprop(lstm.parameters(), lr=4e-3)
    for _ in range(250):
        train_step(
            lstm, optimizer, *split_last(palindromes(64, LENGTH, split="train", rng=rng)), 10
        )
    return lstm


class Blocks(nn.Module):
    """A textbook DCGAN, with what else is common: an embedding of z, and a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(20, 12 * 7 * 7), nn.BatchNorm1d(12 * 7 * 7), nn.ReLU())
        self.up = nn.Sequential(
            nn.ConvTranspose2d(12, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.LeakyReLU(0.2, inplace=True)
        )
        self.same = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.Dropout(0.3), nn.Sigmoid())
        self.out = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(8, 1, 5, padding=2))

    def forward(self, z: Tensor) -> Tensor:
        x = self.up(self.stem(z).view(-1, 12, 7, 7))
        return torch.tanh(self.out(x + self.same(x)))


def networks() -> dict[str, nn.Module]:
    """One of each, the generator with a uniform z, the discriminator with probabilities."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        generator = Blocks()
        judge = nn.Sequential(
            nn.Conv2d(1, 6, 4, 2, 1), nn.LeakyReLU(0.1), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(6 * 49, 30), nn.Tanh(), nn.Linear(30, 1), nn.Sigmoid(),
        )  # fmt: skip
        generator.out[1].weight.data *= 4
        for layer in generator.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.uniform_(layer.running_mean, -0.3, 0.3)
                nn.init.uniform_(layer.running_var, 0.2, 2)
    return {
        "lstm": reads_digits(),
        "generator": OwnGenerator(generator, (20,), uniform=(-1, 1)),
        "discriminator": OwnDiscriminator(judge, (1, 28, 28), probabilities=True),
    }


def write_mine(folder: Path, models: Mapping[str, nn.Module]) -> Path:
    """A folder with these networks, each of which is somebody's own."""
    for name, model in models.items():
        saving.save(
            {name: model}, {name: {}}, exports_dir=folder, seed=0, config={}, formats=("pt",)
        )
    path = folder / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for file, entry in manifest.items():
        entry |= {"whose": WHOSE, "own": {}}
        entry.pop("metrics", None)
        del entry["crc32"]
        if file == "lstm.safetensors":
            entry["config"] = {"length": LENGTH}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return folder
