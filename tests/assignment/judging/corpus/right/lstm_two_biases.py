import math

import torch
from torch import Tensor, nn


@torch.jit.script
def step(x: Tensor, h: Tensor, c: Tensor, w_x: Tensor, w_h: Tensor, b_x: Tensor, b_h: Tensor):
    gates = torch.mm(x, w_x.t()) + b_x + torch.mm(h, w_h.t()) + b_h
    i, f, g, o = gates.chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h, c


class LSTM(nn.Module):
    """Two biases, as torch has them, of which (1) to (4) see only the sum."""

    def __init__(self, seq_length, input_dim, hidden_dim, output_dim, batch_size=128):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.w_x = nn.Parameter(torch.empty(4 * hidden_dim, input_dim))
        self.w_h = nn.Parameter(torch.empty(4 * hidden_dim, hidden_dim))
        self.b_x = nn.Parameter(torch.empty(4 * hidden_dim))
        self.b_h = nn.Parameter(torch.empty(4 * hidden_dim))
        self.linear = nn.Linear(hidden_dim, output_dim)
        self.reset_parameters()

    def reset_parameters(self):
        std = 1.0 / math.sqrt(self.hidden_dim)
        for weight in self.parameters():
            weight.data.uniform_(-std, std)

    def forward(self, x):
        h = torch.zeros(x.size(0), self.hidden_dim, dtype=x.dtype, device=x.device)
        c = torch.zeros(x.size(0), self.hidden_dim, dtype=x.dtype, device=x.device)
        for t in range(x.size(1)):
            h, c = step(x[:, t], h, c, self.w_x, self.w_h, self.b_x, self.b_h)
        return self.linear(h)
