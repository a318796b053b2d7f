import torch
import torch.nn as nn


class LSTM(nn.Module):
    """Everything lies on its side: states are (hidden, batch), as in the lecture."""

    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.d, self.n = input_dim, hidden_dim
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for _ in range(4):
            self.weights.append(nn.Parameter(torch.randn(hidden_dim, hidden_dim + input_dim) * 0.08))
            self.biases.append(nn.Parameter(torch.zeros(hidden_dim, 1)))
        self.last = nn.Parameter(torch.randn(output_dim, hidden_dim) * 0.08)
        self.last_bias = nn.Parameter(torch.zeros(output_dim, 1))

    def forward(self, x):
        x = x.permute(1, 2, 0)  # time, input, batch
        h = torch.zeros(self.n, x.shape[2]).to(x)
        c = torch.zeros(self.n, x.shape[2]).to(x)
        for column in x:
            z = torch.vstack((h, column))
            f = torch.addmm(self.biases[0], self.weights[0], z).sigmoid()
            i = torch.addmm(self.biases[1], self.weights[1], z).sigmoid()
            g = torch.addmm(self.biases[2], self.weights[2], z).tanh()
            o = torch.addmm(self.biases[3], self.weights[3], z).sigmoid()
            c = torch.addcmul(f * c, i, g)
            h = o.mul(c.tanh())
        return torch.addmm(self.last_bias, self.last, h).transpose(0, 1)
