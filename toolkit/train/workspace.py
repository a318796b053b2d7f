"""Where a command reads and writes."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from toolkit.common.runs import Run
from toolkit.export import torchscript
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.config import Config as GANConfig
from toolkit.lstm.config import Config as RecurrentConfig

AnyConfig = RecurrentConfig | GANConfig | ClassifierConfig


@dataclass(frozen=True)
class Workspace:
    """The directories and the device of a command."""

    runs_dir: Path  # the run directories are made in here
    exports_dir: Path  # the exports and their manifest
    data_dir: Path | None  # someone's own copy of MNIST
    device: torch.device
    restart: bool = False  # set finished and interrupted runs aside and start again

    def run(self, name: str, config: AnyConfig) -> Run:
        """The run directory called `name`."""
        run = Run(self.runs_dir / name, config)
        if self.restart and (old := run.set_aside()):
            print(f"The old run is kept in {old}.")
        return run

    def export(
        self, name: str, model: nn.Module, config: AnyConfig, metrics: dict[str, object]
    ) -> None:
        """Export a model, and say so if it measures worse than the one that it replaces."""
        settings = asdict(config)
        worse = torchscript.save(
            name,
            model,
            exports_dir=self.exports_dir,
            seed=settings["seed"],
            config=settings,
            metrics=metrics,
        )
        if worse:
            print(f"Note: {worse}")
