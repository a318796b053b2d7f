import torch
from torch import nn


def sigma(a):
    # the logistic function is a tanh that was moved and squeezed
    return 0.5 * torch.tanh(0.5 * a) + 0.5


class LSTM(nn.Module):
    """x is (batch, T-1): the digits as they are, without an axis of their own."""

    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim
        k = hidden_dim**-0.5
        for gate in ("g", "i", "f", "o"):
            setattr(self, f"W_{gate}x", nn.Parameter(torch.empty(input_dim, hidden_dim)))
            setattr(self, f"W_{gate}h", nn.Parameter(torch.empty(hidden_dim, hidden_dim)))
            setattr(self, f"b_{gate}", nn.Parameter(torch.empty(hidden_dim)))
        self.W_ph = nn.Parameter(torch.empty(hidden_dim, output_dim))
        self.b_p = nn.Parameter(torch.empty(output_dim))
        for p in self.parameters():
            nn.init.uniform_(p, -k, k)

    def forward(self, x):
        h = torch.zeros(x.shape[0], self.hidden_dim, device=x.device)
        c = torch.zeros(x.shape[0], self.hidden_dim, device=x.device)
        for t in range(x.shape[1]):
            xt = x[:, t : t + 1]
            g = torch.tanh(xt @ self.W_gx + h @ self.W_gh + self.b_g)
            i = sigma(xt @ self.W_ix + h @ self.W_ih + self.b_i)
            f = sigma(xt @ self.W_fx + h @ self.W_fh + self.b_f)
            o = sigma(xt @ self.W_ox + h @ self.W_oh + self.b_o)
            c = g * i + c * f
            h = torch.tanh(c) * o
        return h @ self.W_ph + self.b_p
