import torch
from torch import nn


class LSTM(nn.Module):
    """c is changed in place, and the h of all steps are put into one buffer."""

    def __init__(self, seq_length, input_dim, hidden_dim, output_dim, device=None):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.wx = nn.Linear(input_dim, 4 * hidden_dim, bias=False, device=device)
        self.wh = nn.Linear(hidden_dim, 4 * hidden_dim, device=device)
        self.wp = nn.Linear(hidden_dim, output_dim, device=device)

    def forward(self, x):
        n, steps, _ = x.shape
        h = x.new_zeros(n, self.hidden_dim)
        c = x.new_zeros(n, self.hidden_dim)
        hs = x.new_zeros(steps + 1, n, self.hidden_dim)
        from_x = self.wx(x)
        for t in range(steps):
            a = from_x[:, t] + self.wh(h)
            o, f, i, g = a.split(self.hidden_dim, dim=1)
            c.mul_(torch.sigmoid(f))
            c.add_(torch.sigmoid(i) * torch.tanh(g))
            h = torch.sigmoid(o) * torch.tanh(c)
            hs[t + 1] = h
        return self.wp(hs[-1])
