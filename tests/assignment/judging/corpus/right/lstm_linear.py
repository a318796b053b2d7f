import torch
import torch.nn as nn


class LSTM(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.gx = nn.Linear(input_dim, hidden_dim)
        self.gh = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.ix = nn.Linear(input_dim, hidden_dim)
        self.ih = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.fx = nn.Linear(input_dim, hidden_dim)
        self.fh = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.ox = nn.Linear(input_dim, hidden_dim)
        self.oh = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.ph = nn.Linear(hidden_dim, output_dim)
        self.sigmoid = nn.Sigmoid()
        self.tanh = nn.Tanh()

    def forward(self, x):
        h_t = torch.zeros(x.size(0), self.hidden_dim).to(x.device)
        c_t = torch.zeros(x.size(0), self.hidden_dim).to(x.device)
        for t in range(x.size(1)):
            x_t = x[:, t, :]
            g_t = self.tanh(self.gx(x_t) + self.gh(h_t))
            i_t = self.sigmoid(self.ix(x_t) + self.ih(h_t))
            f_t = self.sigmoid(self.fx(x_t) + self.fh(h_t))
            o_t = self.sigmoid(self.ox(x_t) + self.oh(h_t))
            c_t = g_t * i_t + c_t * f_t
            h_t = self.tanh(c_t) * o_t
        return self.ph(h_t)
