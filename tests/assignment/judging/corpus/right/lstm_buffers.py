import torch
from torch import nn


class LSTM(nn.Module):
    """h(0) and c(0) belong to the model: they move with it, and they never learn."""

    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.register_buffer("h0", torch.zeros(1, hidden_dim))
        self.c0 = nn.Parameter(torch.zeros(1, hidden_dim), requires_grad=False)
        self.sigmoid = nn.Sigmoid()
        self.tanh = nn.Tanh()
        self.w_x = nn.Parameter(torch.randn(input_dim, 4, hidden_dim) * 0.1)
        self.w_h = nn.Parameter(torch.randn(hidden_dim, 4, hidden_dim) * 0.1)
        self.b = nn.Parameter(torch.zeros(4, hidden_dim))
        self.w_p = nn.Parameter(torch.randn(hidden_dim, output_dim) * 0.1)
        self.b_p = nn.Parameter(torch.zeros(output_dim))

    def forward(self, x):
        batch = x.size(0)
        h, c = self.h0.expand(batch, -1), self.c0.repeat(batch, 1)
        for t in range(x.size(1)):
            a = torch.einsum("bd,dkn->bkn", x[:, t], self.w_x)
            a = a + torch.einsum("bm,mkn->bkn", h, self.w_h) + self.b
            g = self.tanh(a[:, 0])
            gates = self.sigmoid(a[:, 1:])
            c = g * gates[:, 0] + c * gates[:, 1]
            h = self.tanh(c) * gates[:, 2]
        return torch.einsum("bm,mk->bk", h, self.w_p) + self.b_p
