import torch
import torch.nn as nn


class LSTM(nn.Module):
    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        # Initialisation here
        pass

    def forward(self, x):
        # Implementation here
        pass
