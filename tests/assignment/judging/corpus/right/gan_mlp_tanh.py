import argparse
import os

import torch
import torch.nn as nn
import torchvision.transforms as transforms
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.utils import save_image


class Generator(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.latent_dim = latent_dim
        self.model = nn.Sequential(
            nn.Linear(latent_dim, 128),
            nn.LeakyReLU(0.2),
            nn.Linear(128, 256),
            nn.BatchNorm1d(256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 784),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.model(z).view(-1, 1, 28, 28)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1), nn.Sigmoid()
        )

    def forward(self, img):
        return self.model(img.view(img.size(0), -1))


def sample(generator, n=25):
    generator.eval()
    with torch.no_grad():
        images = generator(torch.randn(n, generator.latent_dim))
    generator.train()
    return images


def choose_ends(generator, classifier):
    generator.eval()
    while True:
        z = torch.randn(2, generator.latent_dim)
        digits = classifier(generator(z)).argmax(1)
        if digits[0] != digits[1]:
            return z[0], z[1]


def interpolate(generator, z_from, z_to):
    generator.eval()
    weights = torch.linspace(0, 1, 9).unsqueeze(1)
    with torch.no_grad():
        return generator((1 - weights) * z_from + weights * z_to)


def train(dataloader, discriminator, generator, optimizer_G, optimizer_D, args):
    loss_fn = nn.BCELoss()
    for epoch in range(args.n_epochs):
        for i, (imgs, _) in enumerate(dataloader):
            real = torch.ones(imgs.size(0), 1)
            fake = torch.zeros(imgs.size(0), 1)
            z = torch.randn(imgs.size(0), args.latent_dim)
            gen_imgs = generator(z)

            optimizer_G.zero_grad()
            g_loss = loss_fn(discriminator(gen_imgs), real)
            g_loss.backward()
            optimizer_G.step()

            optimizer_D.zero_grad()
            d_real = loss_fn(discriminator(imgs), real)
            d_fake = loss_fn(discriminator(gen_imgs.detach()), fake)
            d_loss = (d_real + d_fake) / 2
            d_loss.backward()
            optimizer_D.step()

            done = epoch * len(dataloader) + i
            if done % args.save_interval == 0:
                save_image(sample(generator), f"images/{done}.png", nrow=5, normalize=True)


def main(args):
    os.makedirs("images", exist_ok=True)
    to_range = transforms.Normalize((0.5,), (0.5,))
    transform = transforms.Compose([transforms.ToTensor(), to_range])
    data = datasets.MNIST("./data/mnist", train=True, download=True, transform=transform)
    dataloader = DataLoader(data, batch_size=args.batch_size, shuffle=True)
    generator, discriminator = Generator(args.latent_dim), Discriminator()
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=args.lr)
    optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=args.lr)
    train(dataloader, discriminator, generator, optimizer_G, optimizer_D, args)
    torch.save(generator.state_dict(), "mnist_generator.pt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--n_epochs", type=int, default=200)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.0002)
    parser.add_argument("--latent_dim", type=int, default=100)
    parser.add_argument("--save_interval", type=int, default=500)
    main(parser.parse_args())
