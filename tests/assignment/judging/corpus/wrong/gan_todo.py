import argparse
import os

import torch
import torch.nn as nn
import torchvision.transforms as transforms
from torch.utils.data import DataLoader
from torchvision import datasets


class Generator(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.latent_dim = latent_dim
        # Linear latent_dim -> 128, LeakyReLU(0.2), and so on up to 784

    def forward(self, z):
        # From z to images
        pass


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        # 784 -> 512 -> 256 -> 1

    def forward(self, img):
        # Whether it is real
        pass


def train(dataloader, discriminator, generator, optimizer_G, optimizer_D, args):
    for epoch in range(args.n_epochs):
        for i, (imgs, _) in enumerate(dataloader):
            # Train the generator
            # Train the discriminator
            pass


def main(args):
    os.makedirs("images", exist_ok=True)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    data = datasets.MNIST("./data/mnist", train=True, download=True, transform=transform)
    dataloader = DataLoader(data, batch_size=64, shuffle=True)
    generator, discriminator = Generator(100), Discriminator()
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=2e-4)
    optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=2e-4)
    train(dataloader, discriminator, generator, optimizer_G, optimizer_D, args)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--n_epochs", type=int, default=200)
    main(parser.parse_args())
