import torch
import torch.nn as nn
import torch.nn.functional as F


class LSTM(nn.Module):
    """Reads integers (batch, T-1), which choose a row of an embedding."""

    def __init__(self, vocab_size, embed_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.x2g = nn.Linear(embed_dim, hidden_dim)
        self.x2i = nn.Linear(embed_dim, hidden_dim)
        self.x2f = nn.Linear(embed_dim, hidden_dim)
        self.x2o = nn.Linear(embed_dim, hidden_dim)
        self.h2g = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.h2i = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.h2f = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.h2o = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.h2p = nn.Linear(hidden_dim, output_dim)

    def forward(self, digits):
        embedded = self.embedding(digits)
        h = embedded.new_zeros(digits.size(0), self.hidden_dim)
        c = torch.zeros_like(h)
        for e in embedded.unbind(dim=1):
            g = torch.tanh(self.x2g(e) + self.h2g(h))
            i = torch.sigmoid(self.x2i(e) + self.h2i(h))
            f = torch.sigmoid(self.x2f(e) + self.h2f(h))
            o = torch.sigmoid(self.x2o(e) + self.h2o(h))
            c = g * i + c * f
            h = torch.tanh(c) * o
        return F.log_softmax(self.h2p(h), dim=1)
