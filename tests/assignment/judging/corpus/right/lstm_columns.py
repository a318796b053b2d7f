import torch
import torch.nn as nn
from torch.nn import Parameter


class LSTM(nn.Module):
    """As in the lecture: columns are sequences, W x with W on the left."""

    def __init__(self, seq_length, input_dim, num_hidden, num_classes, batch_size, device="cpu"):
        super().__init__()
        self.num_hidden = num_hidden
        self.device = device
        self.x_weights = nn.ParameterDict()
        self.h_weights = nn.ParameterDict()
        self.biases = nn.ParameterDict()
        for gate in "gifo":
            self.x_weights[gate] = Parameter(
                nn.init.kaiming_normal_(torch.empty(num_hidden, input_dim))
            )
            self.h_weights[gate] = Parameter(
                nn.init.orthogonal_(torch.empty(num_hidden, num_hidden))
            )
            self.biases[gate] = Parameter(torch.zeros(num_hidden, 1))
        self.readout = Parameter(nn.init.kaiming_normal_(torch.empty(num_classes, num_hidden)))
        self.bias_p = Parameter(torch.zeros(num_classes, 1))

    def gate(self, name, x, h):
        return self.x_weights[name] @ x + self.h_weights[name] @ h + self.biases[name]

    def forward(self, x):
        h = torch.zeros(self.num_hidden, x.size(0), device=self.device)
        c = torch.zeros(self.num_hidden, x.size(0), device=self.device)
        for t in range(x.size(1)):
            column = x[:, t].t()
            g = torch.tanh(self.gate("g", column, h))
            i = torch.sigmoid(self.gate("i", column, h))
            f = torch.sigmoid(self.gate("f", column, h))
            o = torch.sigmoid(self.gate("o", column, h))
            c = g * i + c * f
            h = torch.tanh(c) * o
        return (self.readout @ h + self.bias_p).t()
