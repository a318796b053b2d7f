"""The exported models. Demos, tests, C++ and other programs use these files, not the model classes.

`load("lstm")` is what most need, and `verify("lstm")` compares it with its golden values.

- `torchscript`: saving, loading and verifying.
- `manifest`: the list of exports with their hashes and metrics; does not import torch.
- `golden`: example inputs and outputs that prove a loaded model correct in any language.
- `program`, `onnx`: the same models as programs of `torch.export` and as ONNX files.
- `formats`: makes both from the .pt files.
- `film`: the GAN's training at 16 steps.
- `own`: wrappers with the contract of ours for a student's generator and discriminator.
- `generator`: loads anyone's generator file, ours or a student's, and checks its images.
"""

from typing import TYPE_CHECKING

from toolkit.common import lazily

if TYPE_CHECKING:
    from toolkit.export.golden import Checked
    from toolkit.export.torchscript import load, verify
else:
    __getattr__, __dir__ = lazily(__name__, {"golden": "Checked", "torchscript": "load verify"})

__all__ = ["Checked", "load", "verify"]
