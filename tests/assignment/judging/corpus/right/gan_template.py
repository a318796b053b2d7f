# the template, filled in
import argparse
import os

import torch
import torch.nn as nn
import torchvision.transforms as transforms
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.utils import save_image


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()
        self.layer1 = nn.Sequential(nn.Linear(args.latent_dim, 128), nn.LeakyReLU(0.2))
        self.layer2 = nn.Sequential(nn.Linear(128, 256), nn.BatchNorm1d(256), nn.LeakyReLU(0.2))
        self.layer3 = nn.Sequential(nn.Linear(256, 784), nn.Tanh())

    def forward(self, z):
        return self.layer3(self.layer2(self.layer1(z)))


class Discriminator(nn.Module):
    def __init__(self):
        super(Discriminator, self).__init__()
        self.hidden = nn.Sequential(nn.Linear(784, 200), nn.LeakyReLU(0.2))
        self.out = nn.Sequential(nn.Linear(200, 1), nn.Sigmoid())

    def forward(self, img):
        return self.out(self.hidden(img))


def train(dataloader, discriminator, generator, optimizer_G, optimizer_D):
    criterion = nn.BCELoss()
    for epoch in range(args.n_epochs):
        for i, (imgs, _) in enumerate(dataloader):
            imgs = imgs.reshape(imgs.shape[0], -1).to(device)
            real = torch.ones(imgs.shape[0], 1).to(device)
            fake = torch.zeros(imgs.shape[0], 1).to(device)

            # Train Generator
            z = torch.randn(imgs.shape[0], args.latent_dim).to(device)
            gen_imgs = generator.forward(z)
            loss_G = criterion(discriminator.forward(gen_imgs), real)
            optimizer_G.zero_grad()
            loss_G.backward()
            optimizer_G.step()

            # Train Discriminator
            loss_D = criterion(discriminator.forward(imgs), real)
            loss_D += criterion(discriminator.forward(gen_imgs.detach()), fake)
            optimizer_D.zero_grad()
            loss_D.backward()
            optimizer_D.step()

            batches_done = epoch * len(dataloader) + i
            if batches_done % args.save_interval == 0:
                generator.eval()
                with torch.no_grad():
                    pictures = generator.forward(torch.randn(25, args.latent_dim).to(device))
                save_image(pictures.view(-1, 1, 28, 28), f"images/{batches_done}.png", nrow=5, normalize=True)
                generator.train()


def interpolate(generator, z1, z2, steps=7):
    generator.eval()
    latents = [z1 + (z2 - z1) * k / (steps + 1) for k in range(steps + 2)]
    with torch.no_grad():
        return generator.forward(torch.stack(latents)).view(-1, 1, 28, 28)


def main():
    os.makedirs("images", exist_ok=True)
    dataloader = DataLoader(
        datasets.MNIST(
            "./data/mnist",
            train=True,
            download=True,
            transform=transforms.Compose(
                [transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
            ),
        ),
        batch_size=args.batch_size,
        shuffle=True,
    )
    generator = Generator().to(device)
    discriminator = Discriminator().to(device)
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=args.lr)
    optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=args.lr)
    train(dataloader, discriminator, generator, optimizer_G, optimizer_D)
    torch.save(generator.state_dict(), "mnist_generator.pt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--n_epochs", type=int, default=200)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.0002)
    parser.add_argument("--latent_dim", type=int, default=100)
    parser.add_argument("--save_interval", type=int, default=500)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    main()
