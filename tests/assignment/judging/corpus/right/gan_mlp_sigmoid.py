import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

LATENT = 64


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(LATENT, 256)
        self.norm = nn.BatchNorm1d(256)
        self.out = nn.Linear(256, 28 * 28)

    def forward(self, z):
        return torch.sigmoid(self.out(F.leaky_relu(self.norm(self.hidden(z)), 0.2)))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))

    def forward(self, x):
        return self.layers(x.flatten(1))


def train_discriminator(G, D, optimizer, real):
    with torch.no_grad():
        fake = G(torch.randn(len(real), LATENT))
    real_logits, fake_logits = D(real), D(fake)
    ones, zeros = torch.ones_like(real_logits), torch.zeros_like(fake_logits)
    optimizer.zero_grad()
    F.binary_cross_entropy_with_logits(real_logits, ones).backward()
    F.binary_cross_entropy_with_logits(fake_logits, zeros).backward()
    optimizer.step()


def train_generator(G, D, optimizer, batch_size):
    D.requires_grad_(False)
    logits = D(G(torch.randn(batch_size, LATENT)))
    optimizer.zero_grad()
    F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)).backward()
    optimizer.step()
    D.requires_grad_(True)


@torch.no_grad()
def sample(G, count=25):
    G.eval()
    images = G(torch.randn(count, LATENT))
    G.train()
    return images


@torch.no_grad()
def interpolation(generator, classifier, steps=7):
    generator.eval()
    z = torch.randn(100, LATENT)
    digits = classifier(generator(z)).argmax(dim=1)
    start, end = z[0], z[digits != digits[0]][0]
    line = [start + (end - start) * k / (steps + 1) for k in range(steps + 2)]
    return generator(torch.stack(line))


if __name__ == "__main__":
    G, D = Generator(), Discriminator()
    loader = DataLoader(MNIST("data", transform=ToTensor(), download=True), 64, True)
    optimizer_d = torch.optim.Adam(D.parameters(), lr=2e-4)
    optimizer_g = torch.optim.Adam(G.parameters(), lr=2e-4)
    for epoch in range(200):
        sample(G)
        for real, _ in loader:
            train_discriminator(G, D, optimizer_d, real)
            train_generator(G, D, optimizer_g, len(real))
