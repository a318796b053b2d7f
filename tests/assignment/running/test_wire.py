"""The messages that judge and child send each other."""

import contextlib
import os
from collections.abc import Iterator

import pytest
import torch

from toolkit.assignment.running.wire import (
    MAX_BYTES,
    NONCE,
    Closed,
    Disturbed,
    receive,
    send,
)

A = "a" * NONCE


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        with contextlib.suppress(OSError):  # the test closed it
            os.close(descriptor)


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "text with \udc80 and é",
        [1, [2.5, None]],
        {"x": {"y": [True, False]}},
    ],
)
def test_plain_values_come_back(value: object, pipe: tuple[int, int]) -> None:
    send(pipe[1], A, value)
    assert receive(pipe[0]) == (A, value)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(2, 3, 4),
        torch.arange(5),
        torch.tensor([True, False]),
        torch.tensor(2.5, dtype=torch.float64),
        torch.zeros(0, 3),
        torch.randn(3, 4).t(),
        torch.tensor([float("nan"), float("inf")]),
        torch.nn.Parameter(torch.randn(2)),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)}",
)
def test_tensors_come_back(tensor: torch.Tensor, pipe: tuple[int, int]) -> None:
    send(pipe[1], A, {"x": [tensor]})
    (back,) = receive(pipe[0])[1]["x"]
    assert back.dtype == tensor.dtype
    assert not back.requires_grad
    torch.testing.assert_close(back, tensor.detach(), rtol=0, atol=0, equal_nan=True)


def test_only_plain_values_are_sent(pipe: tuple[int, int]) -> None:
    with pytest.raises(TypeError, match="module cannot be sent"):
        send(pipe[1], A, {"x": os})


@pytest.mark.parametrize(
    "data",
    [
        b"printed by somebody, longer than the head of a frame",
        A.encode() + b"0000zzzz{}",
        A.encode() + b"00000003{]}",
        A.encode() + f"{MAX_BYTES + 1:08x}".encode(),
        b"\xff" * NONCE + b"00000002{}",
        A.encode() + b'0000002e{"tensor": "float32", "shape": [9], "data": ""}'[:54],
        A.encode() + b'00000036{"tensor": "float99", "shape": [1], "data": "AAAAAA=="}'[:62],
    ],
    ids=["text", "no length", "no JSON", "too long", "no nonce", "no data", "no type"],
)
def test_what_is_no_frame(data: bytes, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], data)
    os.close(pipe[1])
    with pytest.raises((Disturbed, Closed)):
        receive(pipe[0])


def test_a_side_that_has_gone(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], A.encode()[:5])
    os.close(pipe[1])
    with pytest.raises(Closed):
        receive(pipe[0])
    os.close(pipe[0])
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(Closed):
        send(write, A, 1)
    os.close(write)
