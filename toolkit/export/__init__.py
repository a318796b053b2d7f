"""The exported models, which demos, tests, C++ programs and others use instead of model classes.

Most programs need only `load("lstm")`. `verify("lstm")` compares the network's outputs with the
golden values in the manifest.

- `loading`: loads networks from their verified weights.
- `saving`: saves networks in all formats.
- `manifest`: the list of exports with their hashes and metrics; it does not import torch.
- `replacing`: replaces old exports with new exports, without losing the old exports.
- `golden`: example inputs and outputs, with which any program can check a loaded model.
- `formats`: the content of each kind of file.
- `film`: the networks of the GAN at 16 steps of training.
"""

from typing import TYPE_CHECKING

from toolkit.common import lazily

if TYPE_CHECKING:
    from toolkit.export.golden import Checked
    from toolkit.export.loading import load, verify
else:
    __getattr__, __dir__ = lazily(__name__, {"golden": "Checked", "loading": "load verify"})

__all__ = ["Checked", "load", "verify"]
