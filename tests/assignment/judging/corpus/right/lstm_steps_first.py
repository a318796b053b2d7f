import torch
from torch import nn
from torch.nn.functional import log_softmax


class Gate(nn.Module):
    def __init__(self, n_in, n_out, activation):
        super().__init__()
        self.W = nn.Parameter(torch.randn(n_in + n_out, n_out) / (n_in + n_out) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.activation = activation

    def forward(self, xh):
        return self.activation(xh.matmul(self.W) + self.bias)


class LSTM(nn.Module):
    """Time first. A gate is an object, and so is its non-linearity. Gives log p."""

    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.n_hidden = n_hidden
        self.g = Gate(n_in, n_hidden, nn.Tanh())
        self.i = Gate(n_in, n_hidden, nn.Sigmoid())
        self.f = Gate(n_in, n_hidden, nn.Sigmoid())
        self.o = Gate(n_in, n_hidden, nn.Sigmoid())
        self.p = nn.Linear(n_hidden, n_out)

    def forward(self, seq):
        T, N, _ = seq.size()
        h = torch.zeros(N, self.n_hidden, device=seq.device)
        c = torch.zeros(N, self.n_hidden, device=seq.device)
        t = 0
        while t < T:
            xh = torch.hstack([seq[t], h])
            c = self.g(xh) * self.i(xh) + c * self.f(xh)
            h = torch.tanh(c) * self.o(xh)
            t += 1
        return log_softmax(self.p(h), dim=-1)
