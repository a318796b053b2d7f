"""A student's network in double precision, against numpy's float64."""

import numpy as np
import torch
from torch import Tensor, nn

from toolkit.assignment.running.record.lstm.double import in_double


class AsksForFloat32(nn.Module):
    """Makes tensors in each way in which code can ask for float32, and by default."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.1, 0.7], [0.3, -0.9]]))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(1, 2) @ self.weight
        c = torch.zeros(1, 2, dtype=torch.float32) @ self.weight
        return torch.tanh(x.float() @ self.weight + h + c.to(torch.float32))


def test_it_computes_in_double_precision() -> None:
    network = AsksForFloat32()
    weight = network.weight.detach().double().numpy()
    x = torch.tensor([[0.2, 0.6]], dtype=torch.float64)
    with in_double(network):
        y = network(x)
    expected = np.tanh(x.numpy() @ weight)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-15)
    assert torch.get_default_dtype() == torch.float32
