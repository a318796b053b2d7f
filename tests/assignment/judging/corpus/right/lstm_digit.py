import torch
import torch.nn as nn


class LSTM(nn.Module):
    """The bare digit only; gives log-probabilities and the last state."""

    def __init__(self, hidden_size=128):
        super().__init__()
        self.hidden_size = hidden_size
        make = lambda n, m: nn.Parameter(torch.randn(n, m) / m**0.5)
        self.Wx = nn.ParameterList([make(hidden_size, 1) for _ in range(4)])
        self.Wh = nn.ParameterList([make(hidden_size, hidden_size) for _ in range(4)])
        self.b = nn.ParameterList([nn.Parameter(torch.zeros(hidden_size)) for _ in range(4)])
        self.Wp = make(10, hidden_size)
        self.bp = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        h = c = torch.zeros(len(x), self.hidden_size, device=x.device)
        for t in range(x.shape[1]):
            a = [x[:, t] @ Wx.T + h @ Wh.T + b for Wx, Wh, b in zip(self.Wx, self.Wh, self.b)]
            g = torch.tanh(a[0])
            i, f, o = (1 / (1 + torch.exp(-k)) for k in a[1:])
            c = g * i + c * f
            h = torch.tanh(c) * o
        return torch.log_softmax(h @ self.Wp.T + self.bp, dim=1), (h, c)
