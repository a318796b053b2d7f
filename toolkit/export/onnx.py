"""The exports as ONNX files, for runtimes other than torch.

`exports/<name>.onnx` is converted from the verified `<name>.pt` and checked in onnxruntime against
its golden values. Batch size and sequence length stay free, because the loop over time is exported
as a loop. Only torch's older exporter can do that, which reads TorchScript; the newer one is based
on `torch.export`, which unrolls the loop to one fixed length.
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
from toolkit.export.replacing import lock_exports
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
        a sentence that says how closely onnxruntime agrees with the golden values.

    Raises:
        UsageError: there is no such model.
        ToolkitError: the .pt file cannot be loaded (see `toolkit.export.torchscript.load`), the
            extra "onnx" is not installed, or onnxruntime disagrees with the golden values. Nothing
            is written then.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ToolkitError(
            'ONNX needs two more packages. Install them: python -m pip install -e ".[onnx]"'
        ) from error
    module = load(name, exports_dir)
    entry = read_manifest(exports_dir)[f"{name}.pt"]
    if "golden" not in entry:
        raise ToolkitError(
            f"{exports_dir / 'manifest.json'} has no golden values for {name}.pt, so the ONNX file "
            "could not be checked. Train the model again."
        )
    input_name, output_name = NAMES[name]
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "model.onnx"
        with _exporter_quiet(), torch.no_grad():
            torch.onnx.export(
                module,
                example_inputs(name, module, batch_size=2),
                file,
                dynamo=False,
                opset_version=OPSET,
                input_names=[input_name],
                output_names=[output_name],
                dynamic_axes={
                    input_name: {0: "batch", 1: "length"}
                    if input_name == "digits"
                    else {0: "batch"},
                    output_name: {0: "batch"},
                },
            )
        model = onnx.load(file)
    onnx.helper.set_model_props(model, {"torchscript_sha256": entry["sha256"]})
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    largest = _check_golden(name, session, input_name, entry["golden"])
    path = exports_dir / f"{name}.onnx"
    with lock_exports(exports_dir):
        atomic_write(path, data)
    return f"{path}: {len(data):,} bytes, within {largest:.1e} of the golden outputs in onnxruntime"


def _check_golden(name: str, session: Any, input_name: str, golden: dict[str, Any]) -> float:
    """The largest difference from the golden outputs.

    Raises:
        ToolkitError: a difference exceeds the golden tolerance.
    """
    largest = 0.0
    for case in golden["cases"]:
        expected = _array(case["output"])
        (output,) = session.run(None, {input_name: _array(case["input"])})
        difference = np.abs(output - expected)
        if not np.all(difference <= golden["tolerance"] * (1 + np.abs(expected))):
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
    """Suppress two warnings: that there is a newer exporter, and that a script has no signature."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="no signature found")
        yield
