import torch
from torch import nn


class Cell(nn.Module):
    """All gates in one tensor of three axes; a column for each sequence."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.Wx = nn.Parameter(torch.empty(4, hidden_size, input_size))
        self.Wh = nn.Parameter(torch.empty(4, hidden_size, hidden_size))
        self.b = nn.Parameter(torch.zeros(4, hidden_size, 1))
        for weight in (self.Wx, self.Wh):
            nn.init.xavier_normal_(weight)

    def forward(self, x, h, c):
        a = torch.einsum("gnd,db->gnb", self.Wx, x) + torch.einsum("gnm,mb->gnb", self.Wh, h)
        a = a + self.b
        i, f, o = torch.sigmoid(a[1:])
        c = torch.tanh(a[0]) * i + c * f
        return torch.tanh(c) * o, c


class LSTM(nn.Module):
    def __init__(self, input_size, hidden_size, num_classes):
        super().__init__()
        self.hidden_size = hidden_size
        self.cell = Cell(input_size, hidden_size)
        self.W_ph = nn.Parameter(torch.randn(num_classes, hidden_size) * 0.1)
        self.b_p = nn.Parameter(torch.zeros(num_classes, 1))

    def forward(self, x):
        h = c = x.new_zeros(self.hidden_size, x.size(0))
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t].T, h, c)
        return (self.W_ph @ h + self.b_p).T
