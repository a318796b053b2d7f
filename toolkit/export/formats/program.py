"""The models as `torch.export` programs, which are saved as `.pt2` files and converted to ONNX.

    from toolkit.export import load

    lstm = load("lstm", format="pt2")
    logits = lstm(torch.tensor([[3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]]))

An exported program contains the graph of the operations in one call of `forward`, but not the
network's other methods, such as `trace`. `torch.export` would unroll a Python loop over time to one
fixed length. The loop over time is therefore written as a `scan`, which is a single operation of
the graph and accepts any length.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from toolkit.common.device import LEAST_TORCH, needs_torch
from toolkit.common.errors import ToolkitError, first_line
from toolkit.export.golden import Checked, example_inputs
from toolkit.export.manifest import DIGITS, SIGNATURES, Export
from toolkit.lstm.model import LSTM, RNN, LSTMCell, all_inputs


class Program(Checked):
    """A module that runs the `torch.export` program in a `.pt2` file; `load_state_dict` can replace
    its weights.
    """

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        """See `nn.Module`."""
        return self.run.load_state_dict(*arguments, **options)

    def state_dict(self, *arguments: Any, **options: Any) -> Any:
        """Return the weights, like `nn.Module.state_dict`; the weights have the same names as
        before the export.
        """
        return self.run.state_dict(*arguments, **options)


def opened(export: Export) -> Program:
    """Return a module that runs the network in an exported `.pt2` file, and takes and returns
    tensors.
    """
    return Program(export, from_bytes(export.data).module().requires_grad_(False))


def to_graph(name: str, model: nn.Module) -> ExportedProgram:
    """Export a network as a program that accepts any batch size and, if the inputs are sequences of
    digits, any length.

    Args:
        name: a key of `toolkit.export.manifest.SIGNATURES`.
        model: the network, in eval mode, on the CPU.

    Raises:
        ToolkitError: the installed torch cannot export the network.
    """
    if isinstance(model, LSTM | RNN):
        model = Scanned(model)
    example = example_inputs(name, model, batch_size=2)
    with exporter(f"export {name}"), torch.no_grad():
        program = torch.export.export(model, example, dynamic_shapes=free_axes(name))
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            _forget_traces(module)
    return program


def _forget_traces(module: torch.fx.GraphModule) -> None:
    """Remove torch's records of where each operation came from, which vary between processes."""
    for node in module.graph.nodes:
        for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn"):
            node.meta.pop(key, None)


def free_axes(name: str) -> tuple[dict[int, Dim], ...]:
    """Return the variable-length axes of a model's input, as torch's exporters expect them."""
    batch, length = Dim("batch", min=1), Dim("length", min=1)
    return ({0: batch, 1: length} if SIGNATURES[name].input == DIGITS else {0: batch},)


def to_bytes(program: ExportedProgram, made_from: str) -> bytes:
    """Return the content of a `.pt2` file, which includes the SHA-256 of the weights."""
    buffer = io.BytesIO()
    with exporter_quiet():
        torch.export.save(program, buffer, extra_files={"made_from": made_from})
    return buffer.getvalue()


def from_bytes(data: bytes) -> ExportedProgram:
    """Return the program that a `.pt2` file contains.

    Raises:
        ToolkitError: torch is too old.
    """
    needs_torch("A .pt2 file")
    with exporter_quiet():
        return torch.export.load(io.BytesIO(data))


def is_too_old() -> bool:
    """Return True if the installed torch is too old to read `.pt2` files."""
    return torch.__version__ < LEAST_TORCH["A .pt2 file"]


class Scanned(nn.Module):
    """An LSTM (equations (1) to (7) of `toolkit.lstm`) or RNN that loops over time with a scan."""

    def __init__(self, model: LSTM | RNN) -> None:
        super().__init__()
        self.cell, self.readout = model.cell, model.readout
        self.hidden_size = model.hidden_size

    def forward(self, digits: Tensor) -> Tensor:
        """Map digits, int64 (batch, length), to the logits (batch, 10) after the last digit.

        An input value that is not from 0 to 9 causes an error in `.pt2` and ONNX files. A `.pt2`
        file contains an assertion that fails unless all digits are from 0 to 9. ONNX has no
        assertions, but such a value still causes an error. The network looks up an input vector for
        each digit in a table, which has only ten rows, for the digits 0 to 9. A negative value is
        first replaced by 10, because ONNX would take -1 for the last row.
        """
        from torch._higher_order_ops.scan import scan  # not public yet, so it may move

        smallest, largest = digits.amin((0, 1)), digits.amax((0, 1))  # errors if there is no digit
        inside = (smallest >= 0) & (largest <= 9)
        torch.ops.aten._assert_async.msg(inside, "digits must lie between 0 and 9")
        projected = self.cell.project(all_inputs(self.cell.weight_ih))
        row = torch.where(digits < 0, 10, digits).transpose(0, 1)  # Gather takes -1 for the last
        inputs = F.embedding(row, projected)
        h = torch.zeros(digits.size(0), self.hidden_size, dtype=projected.dtype)
        cell = self.cell
        if isinstance(cell, LSTMCell):

            def lstm_step(state: tuple[Tensor, Tensor], x: Tensor) -> Any:
                step = cell.step(x, *state)
                return (step.h, step.c), ()

            (h, _), _ = scan(lstm_step, (h, torch.zeros_like(h)), inputs)
        else:
            h, _ = scan(lambda h, x: (cell.step(x, h), ()), h, inputs)
        logits: Tensor = self.readout(h)
        return logits


@contextlib.contextmanager
def exporter(task: str) -> Iterator[None]:
    """Suppress torch's deprecation warnings in the `with` block, in which torch exports a network,
    and convert any exception raised there to a ToolkitError.

    Args:
        task: what torch is asked to do, such as "export lstm"; the error message contains this
            text.

    Raises:
        ToolkitError: the exporter raised an error.
    """
    try:
        with exporter_quiet():
            yield
    except Exception as error:  # torch does not document which errors
        raise ToolkitError(
            f"torch {torch.__version__} cannot {task}: {first_line(error)}"
        ) from error


@contextlib.contextmanager
def exporter_quiet() -> Iterator[None]:
    """Suppress torch's deprecation warnings, and a warning from torch 2.11's file reader."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given buffer is not writable")
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield
