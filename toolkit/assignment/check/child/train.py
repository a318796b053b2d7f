"""Answers about the training of a student's LSTM."""

from pathlib import Path
from typing import Any

import torch

from toolkit.assignment.check.child.answering import Back
from toolkit.assignment.check.child.script.running import Script


class Answers:
    """One script that trains."""

    def __init__(self, root: Path, back: Back) -> None:
        self.root = root
        self.script: Script | None = None

    def run(self, file: str, max_steps: int, max_seconds: float) -> dict[str, Any]:
        """Run the script until its training has made so many steps, or takes too long.

        Returns:
            what `child/script/trace.py` describes.
        """
        inputs = torch.nn.functional.one_hot(torch.randint(10, (64, 4)), 10).float()
        labels = torch.randint(10, (64,))
        more = {
            **dict.fromkeys(("inputs", "x", "batch_inputs", "data"), lambda: inputs),
            **dict.fromkeys(("labels", "targets", "y", "target", "batch_targets"), lambda: labels),
        }
        self.script = Script(self.root, file, max_steps, max_seconds)
        return self.script.run(more)
