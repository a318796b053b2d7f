import torch
import torch.nn as nn
from cell import LSTMCell


class LSTM(nn.Module):
    def __init__(self, input_size, hidden_size, num_classes):
        super().__init__()
        self.cell = LSTMCell(input_size, hidden_size)
        self.fc = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        state = self.cell.start(x.size(0))
        for t in range(x.size(1)):
            state = self.cell(x[:, t, :], *state)
        h, _ = state
        return self.fc(h)
