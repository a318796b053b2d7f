"""The models as ONNX files, for runtimes other than torch.

    from toolkit.export import load

    lstm = load("lstm", format="onnx")
    logits = lstm(np.array([[3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]]))

Each recurrent network is an ONNX `Scan` over time, and therefore accepts any batch size and length.
"""

import logging
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

from toolkit.export.formats.program import exporter, free_axes
from toolkit.export.golden import Checked
from toolkit.export.manifest import SIGNATURES, Export

OPSET = 18  # with IR version 10, the newest that Debian 13's onnxruntime 1.21 reads


def opened(export: Export) -> Checked:
    """Return a module that runs the network in an exported ONNX file and maps numpy arrays to numpy
    arrays.
    """
    # From version 1.29, onnxruntime reports its use to its makers unless this variable is set
    # before the import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised, so they need not be printed
    session = onnxruntime.InferenceSession(export.data, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return Checked(export, lambda x: session.run(None, {given.name: np.asarray(x)})[0])


def to_bytes(name: str, program: ExportedProgram, made_from: str) -> bytes:
    """Return the content of an ONNX file whose metadata includes `made_from`.

    Args:
        made_from: the SHA-256 of the weights.

    Raises:
        ToolkitError: the installed torch cannot write ONNX.
    """
    import onnx

    signature = SIGNATURES[name]  # "z: float32 ...", "logits of the next digit: ..."
    logger = logging.getLogger("onnx_ir")  # which warns of empty lists that torch itself writes
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
        with exporter(f"convert {name} to ONNX"):
            converted = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                input_names=[signature.input.partition(":")[0]],
                output_names=[signature.output.partition(":")[0].partition(" ")[0]],
                dynamic_shapes=free_axes(name),
                external_data=False,
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    assert converted is not None
    model = converted.model_proto
    for part in _parts(model.graph):  # notes for debugging, which name paths of this machine
        del part.metadata_props[:]
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {"made_from": made_from})
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _parts(graph: Any) -> Iterable[Any]:
    """Yield every object that can have metadata, in a graph and in its subgraphs."""
    yield graph
    yield from (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _parts(attribute.g)
