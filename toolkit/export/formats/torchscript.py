"""The networks as TorchScript `.pt` files with code and weights, for C++ and Python.

To run the files, Python needs only torch.

TorchScript is deprecated, and future versions of torch may drop it. If torch cannot write
TorchScript, `why_not` returns the reason, and everything else still works. A `.pt` file contains
code that runs when the file is loaded and when the network is called. Therefore, load only `.pt`
files that are listed in the manifest in the same folder.

The bytes of a file depend only on the network and on torch's version. Without the functions
`script` and `canonical`, the bytes would also depend on three other things:

- The models scripted earlier in the same process: torch reuses the classes that it has compiled.
  The first Linear class is called `__torch__.torch.nn.Linear` and shares a file with other classes
  of its module. A later Linear with a different size is called
  `__torch__.torch.nn.___torch_mangle_<k>.Linear` and has a separate file; k counts the classes that
  have been renamed in this way so far. Local variables are numbered separately in each file.
- The hash seed: the constants of a class are written in the order of a Python set.
- The paths of the source files on the machine: `.debug_pkl` contains these paths, and
  `serialization_id` is a hash of them.
"""

import functools
import io
import re
import sys
import zipfile

import torch
from torch import Tensor, nn

from toolkit.common.checks import check_digits
from toolkit.common.errors import ToolkitError, first_line
from toolkit.export.formats.program import exporter, exporter_quiet
from toolkit.export.formats.weights import architecture_of, build
from toolkit.export.golden import TOLERANCE, example_inputs
from toolkit.export.manifest import SIGNATURES, Export
from toolkit.lstm import sigmoids
from toolkit.lstm.fast import FastLSTM
from toolkit.lstm.model import LSTM, all_inputs

SCRIPT_ERRORS = (RuntimeError, torch.jit.Error)  # what a scripted module raises
MANGLING = re.compile(rb"___torch_mangle_(\d+)")
CONSTANTS = re.compile(rb"(^  \w+ : Final\[.*\n)+", re.MULTILINE)
OF_THE_MACHINE = (".debug_pkl", ".data/serialization_id")


@functools.cache  # torch stays the same while a program runs
def why_not() -> str:
    """Return the reason why the installed torch cannot write TorchScript, or "" if it can."""
    try:
        with exporter_quiet():
            torch.jit.save(script(nn.Identity()), io.BytesIO())
    except Exception as error:  # without TorchScript, torch can raise any error
        return (
            f"torch {torch.__version__} writes no TorchScript, so no .pt files are made "
            f"({first_line(error)}). Weights, .pt2 and .onnx files do not need it."
        )
    return ""


def to_bytes(name: str, model: nn.Module) -> bytes:
    """Convert a network to TorchScript, and return the content of the `.pt` file.

    Args:
        name: a key of `toolkit.export.manifest.SIGNATURES`.
        model: the network, on the CPU, in eval mode.

    Raises:
        ToolkitError: the installed torch cannot write TorchScript or cannot convert this model to
            it, or the outputs of the converted model differ from those of the original.
    """
    if problem := why_not():
        raise ToolkitError(problem)
    if isinstance(model, FastLSTM):
        model = ScriptedLSTM(model)
    for method in SIGNATURES[name].methods:
        torch.jit.export(getattr(type(model), method))
    buffer = io.BytesIO()
    with exporter(f"script {name}"):
        torch.jit.save(script(model), buffer)
    data = canonical(buffer.getvalue())
    _check_equal(name, model, from_bytes(data))
    return data


class ScriptedLSTM(LSTM):
    """A `FastLSTM` for TorchScript, which cannot compile the backward pass of `FastLSTM`.

    If the weights need gradients, the network runs the inherited loop over time steps of `LSTM`;
    this loop is slower, but autograd can differentiate it.
    """

    def __init__(self, model: FastLSTM) -> None:
        super().__init__(model.hidden_size, model.one_hot)
        self.cell, self.readout = model.cell, model.readout
        self.train(model.training)

    def forward(self, digits: Tensor) -> Tensor:
        """See `FastLSTM`."""
        check_digits(digits)
        projected = self.cell.project(all_inputs(self.cell.weight_ih))
        weight = sigmoids.stack(projected, self.cell.weight_hh)
        if weight.requires_grad:
            h = self.last_hidden(digits)
        else:
            h = 2 * sigmoids.last_hidden(digits, weight).t()
        logits: Tensor = self.readout(h)
        return logits


def trace(module: nn.Module, example: Tensor) -> nn.Module:
    """Use one example input to trace a module whose code TorchScript cannot compile."""
    with exporter_quiet():
        traced: nn.Module = torch.jit.trace(module, example, check_trace=False)
    return traced


@torch.no_grad()
def _check_equal(name: str, model: nn.Module, reloaded: torch.jit.ScriptModule) -> None:
    """Raise a ToolkitError unless two networks give nearly equal outputs for random inputs.

    For an output y, the tolerance is `TOLERANCE` * (1 + |y|), as in `check_golden`, which compares
    a file's outputs with those stored in the manifest. A tolerance is needed because the script and
    the model may add numbers in different orders.
    """
    for batch_size in (1, 2, 7, 7, 7):  # the third call of a script runs its optimised form
        inputs = example_inputs(name, model, batch_size)
        for method in ("forward", *SIGNATURES[name].methods):
            expected = getattr(model, method)(*inputs)
            result = getattr(reloaded, method)(*inputs)
            try:
                torch.testing.assert_close(result, expected, rtol=TOLERANCE, atol=TOLERANCE)
            except AssertionError as error:
                raise ToolkitError(
                    f"{name}.{method} differs after export, so nothing was replaced: {error}"
                ) from error


def opened(export: Export) -> torch.jit.ScriptModule:
    """Load the network from a `.pt` file, and call it twice, so that later calls are optimised."""
    module = from_bytes(export.data)
    for _ in range(2):
        module(*example_inputs(export.name, module, batch_size=1))
    return module


def from_bytes(data: bytes) -> torch.jit.ScriptModule:
    """Load the network from the contents of a `.pt` file; the network is on the CPU and in eval
    mode, and its parameters do not require gradients.

    To train the network further, set `requires_grad` to True for its parameters. As long as no
    weight needs a gradient, the LSTM uses the fast loop; see `toolkit.lstm.fast`.

    Raises:
        ToolkitError: the installed torch has no TorchScript.
        RuntimeError: the file is not TorchScript.
    """
    _note_of_python(sys.version_info[:2])
    try:
        with exporter_quiet():
            module: torch.jit.ScriptModule = torch.jit.load(io.BytesIO(data), map_location="cpu")
    except Exception as error:
        if why_not():
            raise ToolkitError(
                f"torch {torch.__version__} reads no TorchScript, which .pt files are "
                f"({first_line(error)}). Use the weights, .pt2 or .onnx, or an older torch."
            ) from error
        raise
    for parameter in module.parameters():  # a script has no `requires_grad_`
        parameter.requires_grad_(False)
    return module.eval()


@functools.cache  # once
def _note_of_python(version: tuple[int, int]) -> None:
    """Tell the user that torch does not support TorchScript on Python 3.14."""
    if version >= (3, 14):
        print(
            "Note: torch does not support TorchScript, which .pt files are, on Python 3.14; if one "
            "fails, use Python 3.13 or the .pt2 and .onnx files.",
            file=sys.stderr,
        )


def original(module: torch.jit.ScriptModule) -> nn.Module:
    """Convert a network from a `.pt` file made before version 0.3 to the toolkit's own class.

    Returns:
        a network of the corresponding toolkit class, with the module's weights; or the module
        itself if the toolkit has no such class.
    """
    state: dict[str, Tensor] = module.state_dict()
    architecture = architecture_of(module.original_name, state)
    if architecture is None:
        return module
    # A discriminator of version 0.1.0 also has a head that only its training used.
    state = {name: tensor for name, tensor in state.items() if not name.startswith("auxiliary")}
    return build(architecture, state)


def script(model: nn.Module) -> torch.jit.ScriptModule:
    """Compile a model to TorchScript with a new name for every class, so that the code of each
    class is stored in a separate file inside the `.pt` archive.

    The model is scripted twice, and torch's store of compiled classes is replaced with an empty one
    before each pass, so torch compiles every class again. In the second pass, however, the class
    names from the first pass are still taken. Torch therefore gives every class a new name,
    whatever was scripted before this call.
    """
    from torch.jit import _recursive  # private; without it, torch cannot write TorchScript

    store = _recursive.concrete_type_store
    try:
        for _ in range(2):
            _recursive.concrete_type_store = _recursive.ConcreteTypeStore()
            scripted: torch.jit.ScriptModule = torch.jit.script(model)
    finally:
        _recursive.concrete_type_store = store
    return scripted


def canonical(archive: bytes) -> bytes:
    """Number the classes in a `.pt` archive from 0, sort its constants, and drop debugging files.

    Args:
        archive: the bytes that `torch.jit.save` writes for a module made by `script`.
    """
    numbers: dict[bytes, bytes] = {}

    def renumber(text: bytes) -> bytes:
        return MANGLING.sub(
            lambda m: b"___torch_mangle_" + numbers.setdefault(m[1], b"%d" % len(numbers)), text
        )

    source = zipfile.ZipFile(io.BytesIO(archive))
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as target:
        for path in source.namelist():
            if path.endswith(OF_THE_MACHINE):
                continue
            data = source.read(path)
            if path.endswith((".py", ".pkl")):
                data = renumber(data)
            if path.endswith(".py"):
                data = CONSTANTS.sub(lambda m: b"".join(sorted(m[0].splitlines(True))), data)
            target.writestr(zipfile.ZipInfo(renumber(path.encode()).decode()), data)
    return result.getvalue()
