"""The folders and the device for a command of `toolkit train`."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import psutil
import torch
import typer
from torch import nn

from toolkit.common.console import can_ask, training_command
from toolkit.common.device import pick_device, pick_precision
from toolkit.common.errors import UsageError
from toolkit.common.files import make_directory
from toolkit.common.record import RunRecord
from toolkit.common.runs import Run
from toolkit.export import saving
from toolkit.export.formats import torchscript
from toolkit.export.manifest import (
    EXPORTS_DIR,
    find_file,
    read_manifest,
    readable_exports,
    training_of,
)
from toolkit.export.replacing import Replaced
from toolkit.gan.config import ClassifierConfig
from toolkit.gan.config import Config as GANConfig
from toolkit.gan.film import Arrays
from toolkit.train.presets import AnyConfig, Plan, Preset

ImageConfig = TypeVar("ImageConfig", GANConfig, ClassifierConfig)

LONG = 3600.0  # seconds: the user is asked before longer training
SLOWEST = 1e10  # multiplications per second that any machine reaches


@dataclass(frozen=True)
class Workspace:
    """The folders and the device for one command of `toolkit train`."""

    runs_dir: Path  # the folder for the run directories
    exports_dir: Path  # the exports and their manifest
    data_dir: Path | None  # the user's own copy of MNIST
    device: torch.device
    restart: bool = False  # set finished and interrupted runs aside and start again
    yes: bool = False  # do not ask before long training or training that needs much memory
    options: Mapping[str, object] = field(default_factory=dict)  # of the command, for its record
    replaced: list[Replaced] = field(default_factory=list)  # the exports that this command replaced

    def run(self, plan: Plan[AnyConfig]) -> Run:
        """Open the training run that a plan describes. If the user asked for a restart, an older
        run is not continued: its directory is renamed and kept.
        """
        command = training_command(*plan.words, **self.options)
        run = Run(self.runs_dir / plan.name, plan.config, plan.model, command)
        if self.restart:
            old = run.set_aside()
            if old:
                print(f"The old run is now in {old}.")
        return run

    def ask_if_too_much(self, cost: tuple[float, float]) -> None:
        """Ask the user for confirmation before a run that takes an hour or longer, or needs more
        memory than the machine has.

        Args:
            cost: the number of multiplications and the number of bytes of memory that the run
                needs.

        Raises:
            UsageError: the user declines to start the run, or cannot be asked because the session
                is not interactive.
        """
        multiplications, memory = cost
        available = float("inf")
        if self.device.type == "cpu":
            available = psutil.virtual_memory().total
        if self.yes or (multiplications < LONG * SLOWEST and memory < available):
            return
        seconds = multiplications / speed(self.device)
        if seconds < LONG and memory < available:
            return
        estimate = (
            f"This training takes about {seconds / 3600:,.1f} hours and {memory / 1e9:,.1f} GB of "
            f"memory, of which this machine has {available / 1e9:,.1f}"
        )
        if not can_ask():
            raise UsageError(f"{estimate}. Choose smaller sizes, or give --yes if you mean it.")
        if not typer.confirm(f"{estimate}. Go on?"):
            raise UsageError("Nothing was trained. Choose smaller sizes.")

    def with_precision(self, plan: Plan[ImageConfig]) -> Plan[ImageConfig]:
        """Return a copy of the training run's plan that uses the floating-point precision best
        suited to the device.
        """
        return replace(plan, config=replace(plan.config, precision=pick_precision(self.device)))

    def export(
        self,
        models: Mapping[str, nn.Module],
        record: RunRecord,
        metrics: Mapping[str, Mapping[str, object]],
        film: Arrays | None = None,
    ) -> None:
        """Export the models of a run, and print any notes about the earlier exports that they
        replace.

        If any model cannot be exported, all earlier exports stay in place.

        Args:
            models: maps the name of each export, such as "generator", to the network to export.
            record: the record of the run, from which the seed and the settings are taken.
            metrics: maps the name of each export to its metrics, which are listed in the manifest.
            film: the arrays that record the generator's training (see `toolkit.gan.film`), if
                `models` includes "generator".
        """
        replaced = saving.save(
            models,
            metrics,
            exports_dir=self.exports_dir,
            seed=record.settings["seed"],
            config=record.settings,
            film=film,
        )
        for note in replaced.notes:
            print(f"Note: {note}")
        self.replaced.append(replaced)

    @property
    def generator(self) -> Path:
        """The path of the exported generator's file."""
        file, folder = find_file("generator", self.exports_dir)
        return folder / file

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Print which exported files are new or changed, and the command that restores any replaced
        files.
        """
        changed: dict[str, list[str]] = {}  # name of the export -> its formats
        old_trainings: dict[str, None] = {}  # in order
        for replaced in self.replaced:
            for file in replaced.changed:
                name, format_ = file.split(".")
                changed.setdefault(name, []).append(f".{format_}")
            for export in replaced.old:
                old_trainings[training_of(export.file)] = None
        if not changed:
            if kind is None:
                print(f"{self.exports_dir}: every file is what it was before.")
            return
        new = ", ".join(f"{name} ({' '.join(formats)})" for name, formats in changed.items())
        print(f"New in {self.exports_dir}: {new}")
        if old_trainings:
            options = {"exports_dir": self.options["exports_dir"]}
            restore = training_command("restore", *old_trainings, **options)
            print(f"To have the old ones again: {restore}")
        if self.exports_dir == EXPORTS_DIR and Path(".git").exists():
            print(f"To have the committed ones: git checkout {EXPORTS_DIR}")


def default_exports(preset: Preset, runs_dir: Path) -> Path:
    """Return the default folder for exported networks: `EXPORTS_DIR`, except for the smoke preset,
    which has a folder of its own in `runs_dir`.
    """
    return runs_dir / "smoke" / "exports" if preset == "smoke" else EXPORTS_DIR


def open_workspace(
    preset: Preset,
    device: str,
    runs_dir: Path,
    exports_dir: Path | None,
    restart: bool,
    data_dir: Path | None = None,
    yes: bool = False,
) -> Workspace:
    """Return a workspace with the folders and the device that the options of a training command
    specify.

    The function checks the folders, the manifest, the device and the export formats in advance.
    Without these checks, a problem might appear only after hours of training.

    Raises:
        ToolkitError: the folder for the runs or the exports cannot be written to, or the manifest
            is damaged. The error is also raised if the installed torch is too old for training, or
            cannot write an export format other than TorchScript.
        UsageError: this machine does not have the requested device.
    """
    exports = exports_dir or default_exports(preset, runs_dir)
    make_directory(exports)
    read_manifest(exports)
    options = {
        "preset": preset,
        "device": device,
        "data_dir": data_dir,
        "runs_dir": runs_dir,
        "exports_dir": exports_dir,
    }
    directory = runs_dir / preset
    make_directory(directory)
    chosen = pick_device(device)
    saving.rehearse()
    if problem := torchscript.why_not():
        print(f"Note: {problem}")
    return Workspace(directory, exports, data_dir, chosen, restart, yes, options)


def speed(device: torch.device, size: int = 1024) -> float:
    """Measure how many scalar multiplications per second the device performs when it multiplies
    float32 matrices of shape (size, size).
    """
    matrix = torch.ones(size, size, device=device)
    product = matrix @ matrix  # the first product also loads the library
    begin = time.perf_counter()
    for _ in range(3):
        product = matrix @ product
    product.sum().item()  # wait for the device
    return 3 * size**3 / (time.perf_counter() - begin)


def evaluation_workspace(
    runs_dir: Path, exports_dir: Path | None, data_dir: Path | None = None
) -> Workspace:
    """Prepare the folders and choose the device (see `Workspace`) for a command that evaluates
    generators and exports no network.

    Raises:
        ToolkitError: the results cannot be written to `runs_dir`.
    """
    make_directory(runs_dir)
    return Workspace(runs_dir, exports_dir or readable_exports(), data_dir, pick_device("cpu"))
