"""Where a command reads and writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from toolkit.common.console import training_command
from toolkit.common.device import pick_device, pick_precision
from toolkit.common.files import make_directory
from toolkit.common.record import RunRecord
from toolkit.common.runs import Run
from toolkit.export import torchscript
from toolkit.export.manifest import default_directory, read_manifest, readable_exports
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.config import Config as GANConfig
from toolkit.train.presets import AnyConfig, Plan, Preset

ImageConfig = TypeVar("ImageConfig", GANConfig, ClassifierConfig)


@dataclass(frozen=True)
class Workspace:
    """The directories and the device of a command."""

    runs_dir: Path  # the run directories are made in here
    exports_dir: Path  # the exports and their manifest
    data_dir: Path | None  # someone's own copy of MNIST
    device: torch.device
    restart: bool = False  # set finished and interrupted runs aside and start again
    options: Mapping[str, object] = field(default_factory=dict)  # the options that name all this

    def run(self, plan: Plan[AnyConfig]) -> Run:
        """The run directory of a plan."""
        command = training_command(*plan.words, **self.options)
        run = Run(self.runs_dir / plan.name, plan.config, plan.model, command)
        if self.restart and (old := run.set_aside()):
            print(f"The old run is now in {old}.")
        return run

    def with_precision(self, plan: Plan[ImageConfig]) -> Plan[ImageConfig]:
        """The plan in the floating-point precision that suits the device."""
        return replace(plan, config=replace(plan.config, precision=pick_precision(self.device)))

    def export(
        self,
        models: Mapping[str, nn.Module],
        record: RunRecord,
        metrics: Mapping[str, Mapping[str, object]],
        made_files: Sequence[torchscript.MadeFile] = (),
    ) -> None:
        """Export the models of one run as a unit, and say what of the old exports matters.

        Args:
            models: name of the export, e.g. "generator" -> its network.
            record: of their run.
            metrics: for the manifest, from the record; name of the export -> metrics.
            made_files: other files of the run.
        """
        notes = torchscript.save(
            models,
            metrics,
            exports_dir=self.exports_dir,
            seed=record.settings["seed"],
            config=record.settings,
            made_files=made_files,
        )
        for note in notes:
            print(f"Note: {note}")


def open_workspace(
    preset: Preset,
    device: str,
    runs_dir: Path,
    exports_dir: Path | None,
    restart: bool,
    data_dir: Path | None = None,
) -> Workspace:
    """The workspace that the options of a training name.

    Raises:
        ToolkitError: the exports cannot be written there, or their manifest is damaged, which is
            better said before hours of training than after.
        UsageError: this machine does not have the device.
    """
    exports = exports_dir or default_directory(preset, runs_dir)
    make_directory(exports)
    read_manifest(exports)
    options = {
        "preset": preset,
        "device": device,
        "data_dir": data_dir,
        "runs_dir": runs_dir,
        "exports_dir": exports_dir,
    }
    return Workspace(runs_dir / preset, exports, data_dir, pick_device(device), restart, options)


def evaluation_workspace(
    runs_dir: Path, exports_dir: Path | None, data_dir: Path | None = None
) -> Workspace:
    """The workspace of a command that measures a generator and trains nothing."""
    return Workspace(runs_dir, exports_dir or readable_exports(), data_dir, pick_device("cpu"))
