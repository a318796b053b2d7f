"""Trains the networks of networks.py; interpolate.py draws with what this has saved."""

import torch
import torch.nn.functional as F
from networks import Discriminator, Generator, sample_noise
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.utils import save_image


def d_loss(D, real, fake):
    """-V of (10): the larger V, the better D tells them apart."""
    return F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()


def g_loss(D, fake):
    """G's part of V itself, log(1 - D(G(z))), as (10) has it."""
    return -F.softplus(D(fake)).mean()


def train(epochs=100):
    G, D = Generator(), Discriminator()
    mnist = datasets.MNIST("data", True, transforms.ToTensor(), download=True)
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4) for net in (G, D)]
    for epoch in range(epochs):
        for step, (real, _) in enumerate(DataLoader(mnist, 64, shuffle=True)):
            loss = d_loss(D, real, G(sample_noise(len(real))).detach())
            optimizers[1].zero_grad()
            loss.backward()
            optimizers[1].step()

            loss = g_loss(D, G(sample_noise(len(real))))
            optimizers[0].zero_grad()
            loss.backward()
            optimizers[0].step()
            if step % 500 == 0:
                with torch.no_grad():
                    save_image(G.eval()(sample_noise(25)), f"{epoch}_{step}.png", nrow=5)
                G.train()
        torch.save(G.state_dict(), "generator.pt")


if __name__ == "__main__":
    train()
