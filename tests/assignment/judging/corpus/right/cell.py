import torch
import torch.nn as nn


class LSTMCell(nn.Module):
    """One step of (1) to (6); what a step adds to a gate comes from x and h side by side."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        both = input_size + hidden_size
        self.input_modulation = nn.Sequential(nn.Linear(both, hidden_size), nn.Tanh())
        self.input_gate = nn.Sequential(nn.Linear(both, hidden_size), nn.Sigmoid())
        self.forget_gate = nn.Sequential(nn.Linear(both, hidden_size), nn.Sigmoid())
        self.output_gate = nn.Sequential(nn.Linear(both, hidden_size), nn.Sigmoid())

    def start(self, batch_size):
        device = next(self.parameters()).device
        zeros = torch.zeros(batch_size, self.hidden_size, device=device)
        return zeros, zeros.clone()

    def forward(self, x, h, c):
        xh = torch.cat([x, h], dim=1)
        c = self.input_modulation(xh) * self.input_gate(xh) + c * self.forget_gate(xh)
        return torch.tanh(c) * self.output_gate(xh), c
