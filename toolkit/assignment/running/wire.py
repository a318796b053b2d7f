"""The messages between a child process, which runs a student's code, and the process that checks
the submission. All values are sent as JSON, because unpickling data from a student's process would
be unsafe.

A frame consists of a nonce of 32 characters, the length of the JSON text as 8 hexadecimal digits,
and the JSON text. Frames are read with `os.read`, which does no buffering, so neither side reads
beyond the end of a frame.
"""

import base64
import errno
import json
import os
from typing import Any

import torch
from torch import Tensor

NONCE = 32  # characters
MAX_BYTES = 128 << 20  # bytes of one frame
MAX_ITEMS = 400_000  # in the lists and dictionaries of one frame, without the numbers of tensors
DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in (torch.float32, torch.float64,
          torch.int64, torch.int32, torch.uint8, torch.bool)}  # fmt: skip


class Closed(Exception):
    """Raised if the other end of a pipe is closed."""


class Disturbed(Exception):
    """Raised for malformed data, which a correctly working process at the other end of the pipe
    would not have sent.
    """


def send(descriptor: int, nonce: str, value: Any) -> None:
    """Write one frame.

    Args:
        value: None, a number, a string or a tensor, or a list, tuple or dictionary of such values.

    Raises:
        Closed: no process is reading from the pipe any more.
        TypeError: `value` is or contains an object of an unsupported type; the supported types are
            None, numbers, strings, tensors, lists, tuples and dictionaries.
    """
    payload = json.dumps(value, default=_encode).encode()
    data = memoryview(f"{nonce}{len(payload):08x}".encode() + payload)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.EINVAL):  # EINVAL on Windows
            raise
        raise Closed from None


def receive(descriptor: int, max_bytes: int = MAX_BYTES) -> tuple[str, Any]:
    """Read one frame, and return its nonce and its value; tuples arrive as lists.

    Args:
        max_bytes: the maximum length of the JSON text.

    Raises:
        Closed: the other end of the pipe is closed.
        Disturbed: the data is not a frame, or the frame is too large.
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
        del payload  # frees up to tens of MiB
        return head[:NONCE].decode("ascii"), json.loads(text, object_hook=_decode)
    except (ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        raise Disturbed from error  # RecursionError is a RuntimeError


def _read(descriptor: int, length: int) -> bytearray:
    data = bytearray()
    while len(data) < length:
        try:
            piece = os.read(descriptor, min(length - len(data), 1 << 20))
        except ConnectionResetError:  # the other side ended before it read everything
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
        if 0 not in shape:  # a small frame must not become a huge tensor
            raise Disturbed
        return torch.zeros(shape, dtype=dtype)
    return torch.frombuffer(data, dtype=dtype).reshape(shape)
