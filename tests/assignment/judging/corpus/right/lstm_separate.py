import torch
import torch.nn as nn


class LSTM(nn.Module):
    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim

        def weight(rows, columns):
            return nn.Parameter(torch.randn(rows, columns) / rows**0.5)

        self.W_gx = weight(input_dim, hidden_dim)
        self.W_gh = weight(hidden_dim, hidden_dim)
        self.b_g = nn.Parameter(torch.zeros(hidden_dim))
        self.W_ix = weight(input_dim, hidden_dim)
        self.W_ih = weight(hidden_dim, hidden_dim)
        self.b_i = nn.Parameter(torch.zeros(hidden_dim))
        self.W_fx = weight(input_dim, hidden_dim)
        self.W_fh = weight(hidden_dim, hidden_dim)
        self.b_f = nn.Parameter(torch.ones(hidden_dim))
        self.W_ox = weight(input_dim, hidden_dim)
        self.W_oh = weight(hidden_dim, hidden_dim)
        self.b_o = nn.Parameter(torch.zeros(hidden_dim))
        self.W_ph = weight(hidden_dim, output_dim)
        self.b_p = nn.Parameter(torch.zeros(output_dim))

    def forward(self, x):
        h = torch.zeros(x.size(0), self.hidden_dim, device=x.device)
        c = torch.zeros(x.size(0), self.hidden_dim, device=x.device)
        for t in range(x.size(1)):
            x_t = x[:, t]
            g = torch.tanh(x_t @ self.W_gx + h @ self.W_gh + self.b_g)
            i = torch.sigmoid(x_t @ self.W_ix + h @ self.W_ih + self.b_i)
            f = torch.sigmoid(x_t @ self.W_fx + h @ self.W_fh + self.b_f)
            o = torch.sigmoid(x_t @ self.W_ox + h @ self.W_oh + self.b_o)
            c = g * i + c * f
            h = torch.tanh(c) * o
        p = h @ self.W_ph + self.b_p
        return p
