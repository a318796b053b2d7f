import argparse
import os

import numpy as np
import torch
import torch.nn as nn
from torch.autograd import Variable
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.utils import save_image

os.makedirs("images", exist_ok=True)
parser = argparse.ArgumentParser()
parser.add_argument("--n_epochs", type=int, default=200)
parser.add_argument("--batch_size", type=int, default=64)
parser.add_argument("--lr", type=float, default=0.0002)
parser.add_argument("--latent_dim", type=int, default=100)
parser.add_argument("--img_size", type=int, default=28)
parser.add_argument("--save_interval", type=int, default=500)
opt = parser.parse_args()
img_shape = (1, opt.img_size, opt.img_size)
cuda = torch.cuda.is_available()
Tensor = torch.cuda.FloatTensor if cuda else torch.FloatTensor


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(
            *block(opt.latent_dim, 64, normalize=False),
            *block(64, 128),
            nn.Linear(128, int(np.prod(img_shape))),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.model(z).view(z.shape[0], *img_shape)


class Discriminator(nn.Module):
    def __init__(self):
        super(Discriminator, self).__init__()
        self.model = nn.Sequential(
            nn.Linear(int(np.prod(img_shape)), 128),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(128, 1),
            nn.Sigmoid(),
        )

    def forward(self, img):
        return self.model(img.view(img.size(0), -1))


def noise(n):
    return Variable(Tensor(np.random.normal(0, 1, (n, opt.latent_dim))))


def interpolation(generator):
    """Two ends of different digits, found among 25 by looking at them; nine calls."""
    generator.eval()
    np.random.seed(6)
    z = noise(25)
    save_image(generator(z).data, "images/choose.png", nrow=5, normalize=True)
    first, last = z[0], z[1]
    images = []
    for i in range(9):
        alpha = i / 8.0
        images.append(generator((first * (1 - alpha) + last * alpha).unsqueeze(0)).data)
    generator.train()
    return torch.cat(images)


def train(dataloader, generator, discriminator, optimizer_G, optimizer_D):
    adversarial_loss = nn.BCELoss()
    for epoch in range(opt.n_epochs):
        for i, (imgs, _) in enumerate(dataloader):
            valid = Variable(Tensor(imgs.size(0), 1).fill_(1.0), requires_grad=False)
            fake = Variable(Tensor(imgs.size(0), 1).fill_(0.0), requires_grad=False)
            real_imgs = Variable(imgs.type(Tensor))

            with torch.no_grad():
                gen_imgs = generator(noise(imgs.size(0)))
            optimizer_D.zero_grad()
            real_loss = adversarial_loss(discriminator(real_imgs), valid)
            fake_loss = adversarial_loss(discriminator(gen_imgs), fake)
            d_loss = (real_loss + fake_loss) / 2
            d_loss.backward()
            optimizer_D.step()

            optimizer_G.zero_grad()
            g_loss = adversarial_loss(discriminator(generator(noise(imgs.size(0)))), valid)
            g_loss.backward()
            optimizer_G.step()

            batches_done = epoch * len(dataloader) + i
            if batches_done % opt.save_interval == 0:
                generator.eval()
                save_image(generator(noise(25)).data, f"images/{batches_done}.png", nrow=5, normalize=True)
                generator.train()


if __name__ == "__main__":
    dataloader = DataLoader(
        datasets.MNIST(
            "data/mnist",
            train=True,
            download=True,
            transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.5])]),
        ),
        batch_size=opt.batch_size,
        shuffle=True,
    )
    generator, discriminator = Generator(), Discriminator()
    if cuda:
        generator.cuda()
        discriminator.cuda()
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=opt.lr, betas=(0.5, 0.999))
    optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=opt.lr, betas=(0.5, 0.999))
    train(dataloader, generator, discriminator, optimizer_G, optimizer_D)
    save_image(interpolation(generator), "images/interpolation.png", nrow=9, normalize=True)
