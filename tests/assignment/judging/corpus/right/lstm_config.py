import torch
from torch import nn


class LSTM(nn.Module):
    """Its sizes are in an object: config.input_dim, config.num_hidden, config.num_classes."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        d, n = config.input_dim, config.num_hidden
        self.W_gx, self.W_gh, self.b_g = self.gate(d, n)
        self.W_ix, self.W_ih, self.b_i = self.gate(d, n)
        self.W_fx, self.W_fh, self.b_f = self.gate(d, n)
        self.W_ox, self.W_oh, self.b_o = self.gate(d, n)
        self.W_ph = nn.Parameter(nn.init.xavier_normal_(torch.empty(n, config.num_classes)))
        self.b_p = nn.Parameter(torch.zeros(config.num_classes))

    @staticmethod
    def gate(d, n):
        return (
            nn.Parameter(nn.init.xavier_normal_(torch.empty(d, n))),
            nn.Parameter(nn.init.orthogonal_(torch.empty(n, n))),
            nn.Parameter(torch.zeros(n)),
        )

    def forward(self, x):
        h_t = torch.zeros(x.size(0), self.config.num_hidden, device=self.config.device)
        c_t = torch.zeros(x.size(0), self.config.num_hidden, device=self.config.device)
        for t in range(x.size(1)):
            x_t = x[:, t, :]
            g_t = torch.tanh(torch.matmul(x_t, self.W_gx) + torch.matmul(h_t, self.W_gh) + self.b_g)
            i_t = torch.sigmoid(torch.matmul(x_t, self.W_ix) + torch.matmul(h_t, self.W_ih) + self.b_i)
            f_t = torch.sigmoid(torch.matmul(x_t, self.W_fx) + torch.matmul(h_t, self.W_fh) + self.b_f)
            o_t = torch.sigmoid(torch.matmul(x_t, self.W_ox) + torch.matmul(h_t, self.W_oh) + self.b_o)
            c_t = torch.mul(g_t, i_t) + torch.mul(c_t, f_t)
            h_t = torch.mul(torch.tanh(c_t), o_t)
        return torch.matmul(h_t, self.W_ph) + self.b_p
