import torch
from torch import nn


class Cell(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.from_x = nn.Linear(input_size, 4 * hidden_size)
        self.from_h = nn.Linear(hidden_size, 4 * hidden_size)

    def forward(self, x, state):
        h, c = state
        i, f, g, o = (self.from_x(x) + self.from_h(h)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class LSTM(nn.Module):
    """Time first: x is (T-1, batch, input_dim). Gives the logits of all steps."""

    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.cell = Cell(input_dim, hidden_dim)
        self.readout = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        zeros = torch.zeros(x.size(1), self.hidden_dim, device=x.device)
        state = (zeros, zeros)
        logits = []
        for x_t in x:
            state = self.cell(x_t, state)
            logits.append(self.readout(state[0]))
        return torch.stack(logits)
