import torch
import torch.nn as nn


class LSTM(nn.Module):
    """At t = 0 there is no h(t-1) and no c(t-1) yet, so they are left out."""

    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.Wg, self.Ug = nn.Linear(input_dim, hidden_dim), nn.Linear(hidden_dim, hidden_dim, False)
        self.Wi, self.Ui = nn.Linear(input_dim, hidden_dim), nn.Linear(hidden_dim, hidden_dim, False)
        self.Wf, self.Uf = nn.Linear(input_dim, hidden_dim), nn.Linear(hidden_dim, hidden_dim, False)
        self.Wo, self.Uo = nn.Linear(input_dim, hidden_dim), nn.Linear(hidden_dim, hidden_dim, False)
        self.out = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        for t in range(x.size(1)):
            x_t = x[:, t]
            if t == 0:
                g = torch.tanh(self.Wg(x_t))
                i = torch.sigmoid(self.Wi(x_t))
                o = torch.sigmoid(self.Wo(x_t))
                c = g * i
            else:
                g = torch.tanh(self.Wg(x_t) + self.Ug(h))
                i = torch.sigmoid(self.Wi(x_t) + self.Ui(h))
                f = torch.sigmoid(self.Wf(x_t) + self.Uf(h))
                o = torch.sigmoid(self.Wo(x_t) + self.Uo(h))
                c = g * i + c * f
            h = torch.tanh(c) * o
        return self.out(h)
