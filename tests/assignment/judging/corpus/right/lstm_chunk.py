import torch
from torch import nn


class LSTM(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.n = hidden_dim
        self.w = nn.Linear(input_dim + hidden_dim, 4 * hidden_dim)
        self.p = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        h = x.new_zeros(len(x), self.n)
        c = torch.zeros_like(h)
        for t in range(x.size(1)):
            i, f, g, o = self.w(torch.cat([x[:, t], h], 1)).chunk(4, 1)
            i, f, o, g = i.sigmoid(), f.sigmoid(), o.sigmoid(), g.tanh()
            c = g * i + c * f
            h = c.tanh() * o
        return self.p(h)
