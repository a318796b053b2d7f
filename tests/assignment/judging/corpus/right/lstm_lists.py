import torch
from torch import nn


class LSTM(nn.Module):
    """Gives the logits of all steps, (batch, T-1, 10); keeps all gates to draw them later."""

    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.T = seq_length
        self.n = hidden_dim
        self.gates = nn.ModuleDict(
            {name: nn.Linear(hidden_dim + input_dim, hidden_dim) for name in ("g", "i", "f", "o")}
        )
        self.head = nn.Linear(hidden_dim, output_dim)
        self.history = []

    def forward(self, x):
        self.history = []
        h, c, p = [x.new_zeros(len(x), self.n)], [x.new_zeros(len(x), self.n)], []
        for t in range(x.shape[1]):
            hx = torch.cat((h[t], x[:, t]), 1)
            g = self.gates["g"](hx).tanh()
            i, f, o = (self.gates[name](hx).sigmoid() for name in ("i", "f", "o"))
            c.append(g * i + c[t] * f)
            h.append(c[t + 1].tanh() * o)
            p.append(self.head(h[t + 1]))
            self.history.append((g.detach(), i.detach(), f.detach(), o.detach()))
        return torch.stack(p, dim=1)
