import torch
from torch import nn

NOISE = 40


def sample_noise(n):
    return torch.randn(n, NOISE)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(NOISE, 150)
        self.norm = nn.LayerNorm(150)
        self.b = nn.Linear(150, 784)

    def forward(self, z):
        return torch.sigmoid(self.b(torch.relu(self.norm(self.a(z))))).unflatten(1, (1, 28, 28))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(784, 150)
        self.b = nn.Linear(150, 1)

    def forward(self, x):
        return self.b(nn.functional.leaky_relu(self.a(x.flatten(1)), 0.2))
