import torch
import torch.nn as nn


def sigmoid(v):
    return 1.0 / (1.0 + torch.exp(-v))


def tanh(v):
    return (torch.exp(v) - torch.exp(-v)) / (torch.exp(v) + torch.exp(-v))


def softmax(v):
    e = torch.exp(v - v.max(dim=1, keepdim=True).values)
    return e / e.sum(dim=1, keepdim=True)


class LSTM(nn.Module):
    """Nothing but exp. Every step is kept in lists. Gives probabilities, (8)."""

    def __init__(self, seq_length, input_dim, num_hidden, num_classes, batch_size, device="cpu"):
        super(LSTM, self).__init__()
        self.num_hidden = num_hidden
        self.device = torch.device(device)
        names = ["g", "i", "f", "o"]
        self.U = nn.ParameterDict({n: self.init(input_dim, num_hidden) for n in names})
        self.V = nn.ParameterDict({n: self.init(num_hidden, num_hidden) for n in names})
        self.b = nn.ParameterDict({n: nn.Parameter(torch.zeros(1, num_hidden)) for n in names})
        self.W_p = self.init(num_hidden, num_classes)
        self.b_p = nn.Parameter(torch.zeros(1, num_classes))

    def init(self, rows, columns):
        return nn.Parameter(nn.init.xavier_uniform_(torch.zeros(rows, columns)))

    def forward(self, x):
        hs = [torch.zeros(x.size(0), self.num_hidden, device=self.device)]
        cs = [torch.zeros(x.size(0), self.num_hidden, device=self.device)]
        for t in range(x.size(1)):
            pre = {n: torch.mm(x[:, t, :], self.U[n]) + torch.mm(hs[-1], self.V[n]) + self.b[n]
                   for n in self.U}
            g, i, f, o = tanh(pre["g"]), sigmoid(pre["i"]), sigmoid(pre["f"]), sigmoid(pre["o"])
            cs.append(g * i + cs[-1] * f)
            hs.append(tanh(cs[-1]) * o)
        return softmax(torch.mm(hs[-1], self.W_p) + self.b_p)
