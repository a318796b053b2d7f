"""Scripting so that the bytes of an archive depend on the model and on torch's version alone.

What torch writes depends on three other things. `script` and `canonical` together remove them:

- What was scripted before. torch reuses the classes that it has compiled. The first class Linear is
  called `__torch__.torch.nn.Linear` and shares a file with others of its module; a later one, with
  another size, is `__torch__.torch.nn.___torch_mangle_<k>.Linear` in a file of its own, where k
  counts all such classes so far. Local variables are numbered file by file.
- The hash seed: the constants of a class come in the order of a set.
- The machine: `.debug_pkl` has the paths of source files, and `serialization_id` is their hash.
"""

import io
import re
import zipfile

import torch
from torch import nn
from torch.jit import _recursive

MANGLING = re.compile(rb"___torch_mangle_(\d+)")
CONSTANTS = re.compile(rb"(^  \w+ : Final\[.*\n)+", re.MULTILINE)
OF_THE_MACHINE = (".debug_pkl", ".data/serialization_id")


def script(model: nn.Module) -> torch.jit.ScriptModule:
    """Script a model into classes of its own, each of which has a file to itself.

    torch gets an empty store of compiled classes, twice: the second time each class has a
    predecessor of the same name, whatever was scripted before.
    """
    store = _recursive.concrete_type_store
    try:
        for _ in range(2):
            _recursive.concrete_type_store = _recursive.ConcreteTypeStore()
            scripted: torch.jit.ScriptModule = torch.jit.script(model)
    finally:
        _recursive.concrete_type_store = store
    return scripted


def canonical(archive: bytes) -> bytes:
    """The same archive with the numbers of classes counted from 0, and constants sorted.

    Args:
        archive: of a module that `script` has made.
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
