"""The exports as ONNX, for runtimes other than torch.

`exports/<name>.onnx` is made from the verified `<name>.pt` and proven with its golden values in
onnxruntime. Loops stay loops, so that the batch is free and sequences have any length. For that the
exporter is torch's older one, which reads TorchScript: `torch.export`, on which the newer one
stands, unrolls a loop over time to one fixed length.
"""

import contextlib
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write
from toolkit.export.golden import example_inputs
from toolkit.export.manifest import EXPORTS_DIR, read_manifest
from toolkit.export.torchscript import load

OPSET = 18
NAMES = {  # of input and output
    "lstm": ("digits", "logits"),
    "rnn": ("digits", "logits"),
    "generator": ("z", "images"),
    "discriminator": ("images", "logits"),
    "classifier": ("images", "logits"),
}


def write_onnx(name: str, exports_dir: Path = EXPORTS_DIR) -> str:
    """Write `<name>.onnx` beside `<name>.pt`.

    Its metadata has the SHA-256 of the .pt file as `torchscript_sha256`.

    Returns:
        a sentence on how closely onnxruntime agrees with the golden values.

    Raises:
        ToolkitError: as `load`; the extra "onnx" is not installed; the two do not agree. Nothing is
            written then.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ToolkitError(
            'ONNX needs two more packages: python -m pip install -e ".[onnx]"'
        ) from error
    module = load(name, exports_dir)
    entry = read_manifest(exports_dir)[f"{name}.pt"]
    if "golden" not in entry:
        raise ToolkitError(
            f"{exports_dir / 'manifest.json'} has no golden values for {name}.pt to prove the ONNX "
            "file with. Train it again."
        )
    given, returned = NAMES[name]
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "model.onnx"
        with _exporter_quiet(), torch.no_grad():
            torch.onnx.export(
                module,
                example_inputs(name, module, batch_size=2),
                file,
                dynamo=False,
                opset_version=OPSET,
                input_names=[given],
                output_names=[returned],
                dynamic_axes={
                    given: {0: "batch", 1: "length"} if given == "digits" else {0: "batch"},
                    returned: {0: "batch"},
                },
            )
        model = onnx.load(file)
    onnx.helper.set_model_props(model, {"torchscript_sha256": entry["sha256"]})
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    largest = _prove_golden(name, session, given, entry["golden"])
    path = exports_dir / f"{name}.onnx"
    atomic_write(path, data)
    return f"{path}: {len(data):,} bytes, within {largest:.1e} of the golden outputs in onnxruntime"


def _prove_golden(name: str, session: Any, given: str, golden: dict[str, Any]) -> float:
    """The largest difference from the golden outputs.

    Raises:
        ToolkitError: one is larger than the golden tolerance.
    """
    largest = 0.0
    for case in golden["cases"]:
        wanted = _array(case["output"])
        (found,) = session.run(None, {given: _array(case["input"])})
        difference = np.abs(found - wanted)
        if not np.all(difference <= golden["tolerance"] * (1 + np.abs(wanted))):
            raise ToolkitError(
                f"{name}.onnx differs from the golden outputs by {difference.max():.1e}, so it was "
                "not written."
            )
        largest = max(largest, float(difference.max()))
    return largest


def _array(golden: dict[str, Any]) -> NDArray[Any]:
    return np.array(golden["values"], dtype=golden["dtype"]).reshape(golden["shape"])


@contextlib.contextmanager
def _exporter_quiet() -> Iterator[None]:
    """The older exporter announces each time that a newer one is there, and that scripts have no
    Python signature."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="no signature found")
        yield
