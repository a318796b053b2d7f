"""Trained networks saved as files that demos, tests, C++ programs and other software can load.

Most programs need only `load("lstm")`. `verify("lstm")` compares the network's outputs for example
inputs with the outputs stored in the manifest when the network was exported.

- `loading`: verifies exported files and loads networks from them.
- `saving`: saves networks in all formats.
- `manifest`: the list of exports with their hashes and metrics; it does not import torch.
- `replacing`: replaces exports with new ones, and keeps copies of the old ones.
- `golden`: example inputs and outputs that any program can use to check a loaded model.
- `formats`: the content of each kind of file.
- `film`: the GAN's generator at up to 16 steps of its training, and the discriminator at up to
  three of these steps.
"""

from typing import TYPE_CHECKING

from toolkit.common import lazily

if TYPE_CHECKING:
    from toolkit.export.golden import Checked
    from toolkit.export.loading import load, verify
else:
    __getattr__, __dir__ = lazily(__name__, {"golden": "Checked", "loading": "load verify"})

__all__ = ["Checked", "load", "verify"]
