import torch
from torch import nn


class LSTM(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.n = hidden_dim
        sizes = [input_dim, hidden_dim]
        self.layers = nn.ModuleList([nn.Linear(n + hidden_dim, 4 * hidden_dim) for n in sizes])
        self.p = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        for k, layer in enumerate(self.layers):
            h = x.new_zeros(len(x), self.n)
            c = torch.zeros_like(h)
            hs = []
            for t in range(x.size(1)):
                i, f, o, g = layer(torch.cat([x[:, t], h], 1)).chunk(4, 1)
                c = g.tanh() * i.sigmoid() + c * f.sigmoid()
                h = c.tanh() * o.sigmoid()
                hs.append(h)
            x = torch.stack(hs, 1)
        return self.p(h)
