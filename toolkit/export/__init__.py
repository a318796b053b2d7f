"""The exported models. Demos, tests, C++ and other programs use these files, not the model classes.

`load("lstm")` is what most need, and `verify("lstm")` compares it with its golden values.

- `loading`, `saving`: networks from their weights, verified, and into all formats.
- `manifest`: the list of exports with their hashes and metrics; does not import torch.
- `replacing`: puts new exports in the place of old ones, so that nothing is lost.
- `golden`: example inputs and outputs that prove a loaded model correct in any language.
- `formats`: the content of each kind of file.
- `film`: the GAN's training at 16 steps.
- `own`: wrappers with the contract of ours for a student's generator and discriminator.
- `generator`: loads anyone's generator file, ours or a student's, and checks its images.
- `playground`: the page in one file.
"""

from typing import TYPE_CHECKING

from toolkit.common import lazily

if TYPE_CHECKING:
    from toolkit.export.golden import Checked
    from toolkit.export.loading import load, verify
else:
    __getattr__, __dir__ = lazily(__name__, {"golden": "Checked", "loading": "load verify"})

__all__ = ["Checked", "load", "verify"]
