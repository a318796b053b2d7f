"""The wire between judge and child: values as JSON, tensors included, so nothing is unpickled.

A frame is a nonce of 32 characters, the length of what follows as 8 hexadecimal digits, and JSON.
Read with `os.read`, so that neither side takes more from the pipe than the frame.
"""

import base64
import errno
import json
import os
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.running.parts import Part

NONCE = 32  # characters
MAX_BYTES = 128 << 20  # of one frame
MAX_ITEMS = 400_000  # of the lists and dictionaries of one; the numbers of tensors are none
DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in (torch.float32, torch.float64,
          torch.int64, torch.int32, torch.uint8, torch.bool)}  # fmt: skip

LARGEST = 2**53  # of an integer, which is exact as a float, too
LINE = (int, None)
TEXT = (str, None)
PLACE = [TEXT, LINE]
NAMED = [str, TEXT, LINE]
SIZES = [range]
NEW = [[PLACE, SIZES, bool]]
SEEN = {"axes": str, "dim": range, "batch": range, "steps": range, "extra": int}
ERROR = {"types": [str], "text": str, "module": TEXT, "file": TEXT, "line": LINE,
         "walls": [str], "missing": TEXT}  # fmt: skip
# What an answer looks like, for each question about each part; anything else is none. A kind is a
# type, or None; range: an integer from 0 on; a number: a floating tensor of so many axes; a tuple
# of kinds, of which it has one; [kind], a list of any length; [kind, kind], a list of just these;
# {str: kind}, by any names; or a dictionary of what has to be there.
ANSWERS: dict[Part, dict[str, Any]] = {
    "dataset": {
        "load": ({"name": str, "split": ([str, (str, bool), (str, bool)], None),
                  "one_hot": TEXT, "item": (PLACE, None), "init": (PLACE, None)},
                 {"name": None, "functions": [str]}),
        "items": ({"inputs": Tensor, "labels": 2, "dtype": str}, {"inputs": None, "labels": None}),
    },
    "lstm": {
        "watch": None,
        "load": {"classes": [{"name": str, "line": LINE, "forward": LINE, "seen": (SEEN, None)}]},
        "source": str,
        "build": {"took": {str: object}, "recurrent": [PLACE], "tensors": [
            {"name": str, "kind": str, "shape": SIZES, "grad": bool, "zero": bool,
             "unfilled": bool, "made": PLACE}]},
        "run": [[Tensor]],
        "run_without_dropout": [Tensor],
        "record": {
            "values": 3, "seen": [[int, int, int, *NAMED, PLACE]], "outputs": [[Tensor]],
            "written": {str: PLACE}, "remade": [str], "kept": [str], "uses": {str: int},
            "twice": [NAMED], "new": NEW, "cut": [PLACE], "random": [[str, SIZES, TEXT, LINE]],
            "softmax": [NAMED], "last": [NAMED], "made": [NAMED]},
        "makes": NEW,
        "look_up": {"pieces": Tensor, "outputs": [Tensor]},
        "unpickle": [{str: Tensor}],
        "slopes": {str: [(float, None), float, float]},
        "elsewhere": {"left": ([TEXT, LINE, TEXT], None)},
        "calls": {"gpu": [NAMED], "recurrent": [NAMED], "device": [NAMED]},
    },
    "train": {
        "plainly": (ERROR, None),
        "items": {"rows": 2, "total": (int, None), "redrawn": bool},
        "watch": {
            "ended": str, "whole": bool, "cpu": float,
            "passes": [{"at": PLACE, "value": (float, None), "random": int}],
            "lines": [{"at": PLACE, "random": int}]},
    },
    "gan": {
        "texts": {str: str},
        "outputs": (Tensor, None),
        "unpickle": [{str: Tensor}],
        "shapes": {str: SIZES},
        "export": {"problems": [str], "golden": {"tolerance": float, "cases": [object]}},
        "try_function": {"returned": [Tensor], "noise": [Tensor], "lines": [PLACE],
                         "error": (ERROR, None), "unknown": TEXT},
    },
}  # fmt: skip


class Closed(Exception):
    """The other side has gone."""


class Disturbed(Exception):
    """The other side would not have sent this."""


def send(descriptor: int, nonce: str, value: Any) -> None:
    """Write one frame.

    Args:
        value: None, numbers, strings, tensors, and lists, tuples and dictionaries of these.

    Raises:
        Closed: nobody reads any more.
        TypeError: a value of another kind.
    """
    payload = json.dumps(value, default=_encode).encode()
    data = memoryview(f"{nonce}{len(payload):08x}".encode() + payload)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.EINVAL):  # the last on Windows
            raise
        raise Closed from None


def receive(descriptor: int, max_bytes: int = MAX_BYTES) -> tuple[str, Any]:
    """Read one frame: its nonce and its value, in which tuples have become lists.

    Args:
        max_bytes: that it may have.

    Raises:
        Closed: the other side has gone.
        Disturbed: it is no frame, or a larger one.
    """
    head = _read(descriptor, NONCE + 8)
    try:
        length = int(head[NONCE:], 16)
        if not 0 <= length <= max_bytes:
            raise Disturbed
        payload = _read(descriptor, length)
        if sum(map(payload.count, (b",", b"[", b"{"))) > MAX_ITEMS:
            raise Disturbed
        text = payload.decode("ascii")
        del payload  # the longest are of tens of MiB
        return head[:NONCE].decode("ascii"), json.loads(text, object_hook=_decode)
    except (ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        raise Disturbed from error  # RecursionError is a RuntimeError


def fits(value: Any, kind: Any) -> bool:
    """True if a value is of a kind; see `ANSWERS`."""
    if isinstance(kind, tuple):
        return any(fits(value, alternative) for alternative in kind)
    if isinstance(kind, dict) and isinstance(value, dict):
        return _fits_dictionary(value, kind)
    if isinstance(kind, list) and isinstance(value, list):
        kinds = kind * len(value) if len(kind) == 1 else kind
        return len(kinds) == len(value) and all(map(fits, value, kinds))
    return _fits_type(value, kind)


def _fits_dictionary(value: dict[Any, Any], kind: dict[Any, Any]) -> bool:
    if str in kind:
        return all(fits(item, kind[str]) for item in value.values())
    for name, item_kind in kind.items():
        if name not in value or not fits(value[name], item_kind):
            return False
    return True


def _fits_type(value: Any, kind: Any) -> bool:
    """True if a value is a number, a tensor or of a type, as a kind without parts says."""
    if isinstance(kind, int):
        return isinstance(value, Tensor) and value.is_floating_point() and value.dim() == kind
    if kind is range:
        return fits(value, int) and value >= 0
    if kind in (int, float) and isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < LARGEST
    if kind is None:
        return value is None
    return isinstance(kind, type) and isinstance(value, kind)


def _read(descriptor: int, length: int) -> bytearray:
    data = bytearray()
    while len(data) < length:
        try:
            piece = os.read(descriptor, min(length - len(data), 1 << 20))
        except ConnectionResetError:  # it has gone without reading all
            piece = b""
        if not piece:
            raise Closed
        data += piece
    return data


def _encode(value: object) -> Any:
    if not isinstance(value, Tensor):
        raise TypeError(f"{type(value).__name__} cannot be sent")
    tensor = value.detach().as_subclass(Tensor).cpu()
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in DTYPES:
        name = "float32" if tensor.is_floating_point() else "int64"
    array = tensor.to(DTYPES[name]).contiguous().numpy()
    data = base64.b64encode(array.tobytes()).decode()
    return {"tensor": name, "shape": list(tensor.shape), "data": data}


def _decode(item: dict[str, Any]) -> Any:
    if item.keys() != {"tensor", "shape", "data"}:
        return item
    data = bytearray(base64.b64decode(item["data"], validate=True))
    dtype, shape = DTYPES[item["tensor"]], item["shape"]
    if not data:
        if 0 not in shape:  # a few bytes must not become gigabytes
            raise Disturbed
        return torch.zeros(shape, dtype=dtype)
    return torch.frombuffer(data, dtype=dtype).reshape(shape)
