import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.utils import save_image

N_CLASSES, LATENT_DIM = 10, 64


class Generator(nn.Module):
    """Which digit it draws is said by a label."""

    def __init__(self):
        super().__init__()
        self.label_emb = nn.Embedding(N_CLASSES, 10)
        self.model = nn.Sequential(
            nn.Linear(LATENT_DIM + 10, 128),
            nn.LeakyReLU(0.2),
            nn.Linear(128, 256),
            nn.BatchNorm1d(256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 784),
            nn.Tanh(),
        )

    def forward(self, noise, labels):
        x = torch.cat((noise, self.label_emb(labels)), dim=1)
        return self.model(x).view(-1, 1, 28, 28)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.label_emb = nn.Embedding(N_CLASSES, 10)
        self.model = nn.Sequential(nn.Linear(794, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))

    def forward(self, img, labels):
        return self.model(torch.cat((img.flatten(1), self.label_emb(labels)), dim=1))


@torch.no_grad()
def interpolate(generator, digit_a=2, digit_b=7):
    """Noise and label go from one end to the other together."""
    generator.eval()
    noise = torch.randn(2, LATENT_DIM)
    labels = generator.label_emb(torch.tensor([digit_a, digit_b]))
    ends = torch.cat((noise, labels), dim=1)
    w = torch.linspace(0, 1, 9)[:, None]
    images = generator.model(ends[0] + w * (ends[1] - ends[0])).view(-1, 1, 28, 28)
    generator.train()
    return images


def main():
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.5])])
    mnist = datasets.MNIST("data", train=True, download=True, transform=transform)
    loader = DataLoader(mnist, batch_size=64, shuffle=True)
    G, D = Generator(), Discriminator()
    opt_G = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.9))
    opt_D = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.9))
    for epoch in range(30):
        for imgs, labels in loader:
            z = torch.randn(len(imgs), LATENT_DIM)
            drawn = torch.randint(0, N_CLASSES, (len(imgs),))
            fakes = G(z, drawn)
            # hinge
            d_loss = F.relu(1 - D(imgs, labels)).mean() + F.relu(1 + D(fakes.detach(), drawn)).mean()
            opt_D.zero_grad()
            d_loss.backward()
            opt_D.step()

            g_loss = -D(fakes, drawn).mean()
            opt_G.zero_grad()
            g_loss.backward()
            opt_G.step()
        G.eval()
        with torch.no_grad():
            images = G(torch.randn(25, LATENT_DIM), torch.arange(25) % 10)
        save_image(images, f"digits_{epoch:03d}.png", nrow=5, normalize=True)
        save_image(interpolate(G), f"line_{epoch:03d}.png", nrow=9, normalize=True)
        G.train()


if __name__ == "__main__":
    main()
