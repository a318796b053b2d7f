import torch
import torch.nn as nn


class LSTM(nn.Module):
    def __init__(self, input_size: int, hidden_size: int, output_size: int, batch_first: bool = True):
        super().__init__()
        self.hidden_size = hidden_size
        self.batch_first = batch_first
        self.gates = nn.Linear(hidden_size + input_size, 4 * hidden_size)
        self.decoder = nn.Linear(hidden_size, output_size)

    def init_hidden(self, batch_size):
        weight = self.decoder.weight
        return (
            weight.new_zeros(batch_size, self.hidden_size),
            weight.new_zeros(batch_size, self.hidden_size),
        )

    def forward(self, x, state=None):
        if self.batch_first:
            x = x.transpose(0, 1)
        if state is None:
            state = self.init_hidden(x.size(1))
        h, c = state
        for x_t in x:
            combined = torch.cat([h, x_t], dim=-1)
            f, o, g, i = torch.split(self.gates(combined), self.hidden_size, dim=-1)
            c = c * f.sigmoid() + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return self.decoder(h), (h, c)
