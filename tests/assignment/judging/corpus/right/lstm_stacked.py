import torch
import torch.nn as nn


class LSTM(nn.Module):
    """One product for all gates: the matrices are put side by side at each call."""

    def __init__(self, seq_length, input_dim, hidden_dim, output_dim, batch_size, device):
        super().__init__()
        self.seq_length = seq_length
        self.batch_size = batch_size
        self.hidden_dim = hidden_dim
        self.device = device
        self.W = nn.ParameterDict()
        for gate in ["g", "i", "f", "o"]:
            self.W[gate + "x"] = nn.Parameter(torch.zeros(input_dim, hidden_dim))
            self.W[gate + "h"] = nn.Parameter(torch.zeros(hidden_dim, hidden_dim))
            self.W[gate] = nn.Parameter(torch.zeros(hidden_dim))
        self.W["ph"] = nn.Parameter(torch.zeros(hidden_dim, output_dim))
        self.W["p"] = nn.Parameter(torch.zeros(output_dim))
        for weight in self.parameters():
            if weight.dim() > 1:
                nn.init.xavier_uniform_(weight)

    def forward(self, x):
        Wx = torch.cat([self.W[k + "x"] for k in "gifo"], dim=1)
        Wh = torch.cat([self.W[k + "h"] for k in "gifo"], dim=1)
        b = torch.cat([self.W[k] for k in "gifo"])
        self.h = torch.zeros(x.size(0), self.hidden_dim, device=self.device)
        self.c = torch.zeros(x.size(0), self.hidden_dim, device=self.device)
        for t in range(x.size(1)):
            a = x[:, t] @ Wx + self.h @ Wh + b
            g, gates = torch.tanh(a[:, : self.hidden_dim]), torch.sigmoid(a[:, self.hidden_dim :])
            i, f, o = gates.chunk(3, dim=1)
            self.c = g * i + self.c * f
            self.h = torch.tanh(self.c) * o
        return self.h @ self.W["ph"] + self.W["p"]
