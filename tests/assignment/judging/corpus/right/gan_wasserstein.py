# WGAN with clipped weights; three equal channels, as for photographs; two steps of D for one of G
import torch
from torch import nn
from torchvision import datasets, transforms
from torchvision.utils import make_grid, save_image

latent_size, clip, n_critic = 80, 0.05, 2


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(latent_size, 16 * 7 * 7)
        self.up = nn.Sequential(
            nn.BatchNorm2d(16),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(8, 3, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.up(self.l1(z).reshape(-1, 16, 7, 7))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8, 16, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(16 * 7 * 7, 1),
        )

    def forward(self, x):
        return self.net(x)


def batches(batch_size=64):
    transform = transforms.Compose(
        [transforms.Grayscale(3), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
    )
    mnist = datasets.MNIST("~/data", train=True, download=True, transform=transform)
    while True:
        for images, _ in torch.utils.data.DataLoader(mnist, batch_size, True, drop_last=True):
            yield images


def train(steps=40000):
    generator, critic = Generator(), Critic()
    optimizer_g = torch.optim.RMSprop(generator.parameters(), lr=5e-5)
    optimizer_c = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
    data = batches()
    for step in range(steps):
        for _ in range(n_critic):
            real = next(data)
            fake = generator(torch.randn(real.size(0), latent_size)).detach()
            optimizer_c.zero_grad()
            loss_c = critic(fake).mean() - critic(real).mean()
            loss_c.backward()
            optimizer_c.step()
            for p in critic.parameters():
                p.data.clamp_(-clip, clip)
        optimizer_g.zero_grad()
        loss_g = -critic(generator(torch.randn(64, latent_size))).mean()
        loss_g.backward()
        optimizer_g.step()
        if step % 1000 == 0:
            with torch.no_grad():
                generator.eval()
                images = generator(torch.randn(25, latent_size))
                save_image(make_grid(images, nrow=5, normalize=True), f"wgan{step}.png")
                generator.train()
    return generator


def walk(generator, a, b, images=9):
    """`images` pictures on the straight line from a to b, both included."""
    generator.eval()
    with torch.no_grad():
        return torch.cat([generator((a + (b - a) * k / (images - 1))[None]) for k in range(images)])


if __name__ == "__main__":
    g = train()
    torch.manual_seed(21)  # these two are different digits: looked at
    save_image(walk(g, *torch.randn(2, latent_size)), "walk.png", nrow=9, normalize=True)
