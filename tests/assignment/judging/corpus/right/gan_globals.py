# the configuration is a global that exists only when the file is run
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torchvision.datasets import MNIST
from torchvision.transforms import Compose, Lambda, ToTensor
from torchvision.utils import save_image


def make_generator():
    return nn.Sequential(
        nn.Linear(config.z, config.width),
        nn.BatchNorm1d(config.width),
        nn.LeakyReLU(0.2),
        nn.Linear(config.width, 784),
        nn.Tanh(),
    )


def make_discriminator():
    return nn.Sequential(nn.Linear(784, config.width), nn.LeakyReLU(0.2), nn.Linear(config.width, 1))


def train(loader):
    G, D = make_generator().to(config.device), make_discriminator().to(config.device)
    g_opt = torch.optim.Adam(G.parameters(), config.lr)
    d_opt = torch.optim.Adam(D.parameters(), config.lr)
    torch.manual_seed(config.seed)
    z = torch.randn(25, config.z, device=config.device)
    step = 0
    for _ in range(config.epochs):
        for real, _ in loader:
            real = real.view(-1, 784).to(config.device)
            fake = G(torch.randn(len(real), config.z, device=config.device))

            # both kinds go through D together
            logits = D(torch.cat([real, fake.detach()]))
            target = torch.cat([torch.ones(len(real), 1), torch.zeros(len(real), 1)])
            d_opt.zero_grad()
            bce(logits, target.to(config.device)).backward()
            d_opt.step()

            logits = D(fake)
            g_opt.zero_grad()
            bce(logits, torch.ones_like(logits)).backward()
            g_opt.step()

            if step % config.save_every == 0:
                G.eval()
                with torch.no_grad():
                    save_image(G(z).view(-1, 1, 28, 28), f"{step}.png", nrow=5, normalize=True)
                    # from the first of them, a 2, to the last, an 8, with 7 between
                    ends = z[0], z[24]
                    pictures = []
                    for k in range(9):
                        between = ends[0] + (ends[1] - ends[0]) * (k / 8)
                        pictures.append(G(between[None]).view(1, 28, 28))
                    save_image(torch.stack(pictures), f"{step}_line.png", nrow=9, normalize=True)
                G.train()
            step += 1


if __name__ == "__main__":
    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = SimpleNamespace(z=48, width=200, lr=2e-4, epochs=30, save_every=500, device=device)
    config.seed = 5
    images = MNIST("mnist", download=True, transform=Compose([ToTensor(), Lambda(lambda x: 2 * x - 1)]))
    train(torch.utils.data.DataLoader(images, batch_size=64, shuffle=True))
