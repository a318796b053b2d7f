import math

import torch
from torch import nn
from torch.nn import functional as F


class LSTM(nn.Module):
    """All gates in one matrix that reads x and h side by side."""

    def __init__(self, seq_length, input_dim, hidden_dim, output_dim, batch_size=128, device="cpu"):
        super().__init__()
        self.n = hidden_dim
        self.gates = nn.Parameter(torch.empty(4 * hidden_dim, input_dim + hidden_dim))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_dim))
        nn.init.uniform_(self.gates, -1 / math.sqrt(hidden_dim), 1 / math.sqrt(hidden_dim))
        self.out = nn.Linear(hidden_dim, output_dim)
        self.to(device)

    def forward(self, x):
        batch = x.shape[0]
        state = x.new_zeros(batch, self.n), x.new_zeros(batch, self.n)
        for step in x.unbind(1):
            h, c = state
            a = F.linear(torch.cat((step, h), dim=-1), self.gates, self.bias)
            forget, write, read, new = a.chunk(4, dim=-1)
            c = forget.sigmoid() * c + write.sigmoid() * new.tanh()
            state = read.sigmoid() * c.tanh(), c
        return self.out(state[0])
