"""Where a command reads and writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from toolkit.common.console import training_command
from toolkit.common.record import RunRecord
from toolkit.common.runs import Run
from toolkit.export import torchscript
from toolkit.train.presets import AnyConfig, Plan


@dataclass(frozen=True)
class Workspace:
    """The directories and the device of a command."""

    runs_dir: Path  # the run directories are made in here
    exports_dir: Path  # the exports and their manifest
    data_dir: Path | None  # someone's own copy of MNIST
    device: torch.device
    restart: bool = False  # set finished and interrupted runs aside and start again
    options: Mapping[str, object] = field(default_factory=dict)  # that name all this

    def run(self, plan: Plan[AnyConfig]) -> Run:
        """The run directory of a plan."""
        command = training_command(*plan.words, **self.options)
        run = Run(self.runs_dir / plan.name, plan.config, plan.model, command)
        if self.restart and (old := run.set_aside()):
            print(f"The old run is now in {old}.")
        return run

    def export(
        self, name: str, model: nn.Module, record: RunRecord, metrics: Mapping[str, object]
    ) -> None:
        """Export a model, and say so if it measures worse than the one that it replaces.

        Args:
            name: of the export, e.g. "generator".
            model: its network.
            record: of its run.
            metrics: for the manifest, from the record.
        """
        worse = torchscript.save(
            name,
            model,
            exports_dir=self.exports_dir,
            seed=record.settings["seed"],
            config=record.settings,
            metrics=metrics,
        )
        if worse:
            print(f"Note: {worse}")
