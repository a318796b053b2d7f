"""Torch's compiler is not imported by those who avoid it, and what is compiled stays as it is."""

import subprocess
import sys

import pytest

BEFORE = """
import sys

import pytest
from toolkit.assignment.running.answering import postpone_compiler
postpone_compiler()
import torch, torchvision
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
optimizer.zero_grad()
boxes = [torch.tensor([[0.0, 0.0, 4.0, 4.0]])]
print(torchvision.ops.roi_align(torch.ones(1, 1, 8, 8), boxes, 2).sum().item())
print("torch._dynamo.convert_frame" in sys.modules)
"""
AFTER = """
print(torch.compile(model, backend="eager") is torch.compile(dynamic=True)(model) is model)
print("torch._dynamo.convert_frame" in sys.modules)
optimizer.step()
import torch._dynamo.config
print(torch._dynamo.config.suppress_errors)
"""


@pytest.mark.slow
def test_it_is_imported_when_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEFORE + AFTER], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["4.0", "False", "True", "False", "False"]
