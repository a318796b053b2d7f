import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms, utils


class Generator(nn.Module):
    def __init__(self, noise_size, hidden=128):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(noise_size, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, 784),
            nn.Sigmoid(),
        )

    def forward(self, z):
        return self.net(z).view(z.size(0), 1, 28, 28)


class Discriminator(nn.Module):
    def __init__(self, hidden=128):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, hidden),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.3),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        return self.net(x)


class GAN:
    """Images in 0..1, smoothed labels for the real ones."""

    def __init__(self, noise_size=64, lr=2e-4, batch_size=64):
        self.noise_size = noise_size
        self.G = Generator(noise_size)
        self.D = Discriminator()
        self.g_optim = torch.optim.Adam(self.G.parameters(), lr=lr, betas=(0.5, 0.999))
        self.d_optim = torch.optim.Adam(self.D.parameters(), lr=lr, betas=(0.5, 0.999))
        self.loss = nn.BCEWithLogitsLoss()
        data = datasets.MNIST("data", train=True, transform=transforms.ToTensor(), download=True)
        self.loader = DataLoader(data, batch_size=batch_size, shuffle=True)

    def noise(self, n):
        return torch.randn(n, self.noise_size)

    def update_discriminator(self, real):
        fake = self.G(self.noise(len(real))).detach()
        on_real, on_fake = self.D(real), self.D(fake)
        loss = self.loss(on_real, torch.full_like(on_real, 0.9))
        loss += self.loss(on_fake, torch.zeros_like(on_fake))
        self.d_optim.zero_grad()
        loss.backward()
        self.d_optim.step()
        return loss.item()

    def update_generator(self, n):
        on_fake = self.D(self.G(self.noise(n)))
        loss = self.loss(on_fake, torch.ones_like(on_fake))
        self.g_optim.zero_grad()
        loss.backward()
        self.g_optim.step()
        return loss.item()

    def fit(self, epochs=50):
        for epoch in range(epochs):
            for real, _ in self.loader:
                d_loss = self.update_discriminator(real)
                g_loss = self.update_generator(len(real))
            print(epoch, d_loss, g_loss)
            utils.save_image(self.sample(25), f"{epoch}.png", nrow=5)

    def sample(self, n):
        self.G.eval()
        with torch.no_grad():
            images = self.G(self.noise(n))
        self.G.train()
        return images

    def between(self, z_1, z_2, steps=7):
        self.G.eval()
        with torch.no_grad():
            shares = [k / (steps + 1) for k in range(steps + 2)]
            images = self.G(torch.stack([(1 - s) * z_1 + s * z_2 for s in shares]))
        self.G.train()
        return images


if __name__ == "__main__":
    gan = GAN()
    gan.fit()
    torch.manual_seed(2)
    some = gan.noise(25)
    with torch.no_grad():
        utils.save_image(gan.G.eval()(some), "some.png", nrow=5)
    # a 0 and a 7 in some.png
    utils.save_image(gan.between(some[4], some[11]), "between.png", nrow=9)
