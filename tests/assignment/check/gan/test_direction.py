"""What a gradient at the discriminator's output tells, and where the last layer is."""

import pytest
import torch

from toolkit.assignment.check.gan.direction import _is_back
from toolkit.assignment.check.gan.lines import Lines
from toolkit.assignment.check.gan.trace import Network

SURE = torch.tensor([1e-4, 8e-3, 0.02], dtype=torch.float64)  # outputs for generated images


@pytest.mark.parametrize(("target", "back"), [(1.0, False), (0.9, False), (0.1, True)])
def test_a_push_back_is_told_from_one_to_the_other_side(target: float, back: bool) -> None:
    for outputs, aim in ((SURE, target), (1 - SURE, 1 - target)):
        x = outputs.clone().requires_grad_()
        torch.nn.functional.binary_cross_entropy(x, torch.full_like(x, aim)).backward()
        assert x.grad is not None
        assert bool((_is_back(outputs, -x.grad) == back).all())


NETWORK = """from torch import nn

class Drawer(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.body = nn.Sequential(
            nn.ReLU(),
            nn.Linear(16, 784),
        )
        self.labels = nn.Linear(10, 8)

    def forward(self, z):
        z = nn.functional.relu(self.first(z))
        return self.body(z)
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [(("", ""), 9), (("return self.body(z)", "return self.body(z).tanh()"), 15)],
)
def test_the_last_layer_is_the_one_applied_last(change: tuple[str, str], line: int) -> None:
    lines = Lines({"gan.py": NETWORK.replace(*change) if change[0] else NETWORK}, "gan.py")
    place = lines.of_last_layer(Network(0, "Drawer", "gan.py", 13, {}, frozenset(["Drawer"])))
    assert place is not None
    assert place.line == line
