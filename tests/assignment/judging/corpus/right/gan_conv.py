import torch
import torchvision
from torch import nn
from torchvision import transforms

nz = 100


class netG(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, 32, 7, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(True),
            nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            nn.ConvTranspose2d(16, 1, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.main(z)


class netD(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(16, 32, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(32, 1, 7),
        )

    def forward(self, x):
        return self.main(x).view(-1, 1)


def interpolate_latent(z1, z2, n_steps=7):
    return torch.stack([z1 + (z2 - z1) * w for w in torch.linspace(0, 1, n_steps + 2)])


def main():
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    data = torchvision.datasets.MNIST(
        root="data",
        download=True,
        transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)]),
    )
    loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True, num_workers=2)
    generator, discriminator = netG().to(device), netD().to(device)
    fixed = torch.randn(25, nz, 1, 1, device=device)
    opt_d = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    opt_g = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    for _ in range(200):
        for real, _ in loader:
            real = real.to(device)
            fake = generator(torch.randn(real.size(0), nz, 1, 1, device=device))
            loss_d = -(
                nn.functional.logsigmoid(discriminator(real)).mean()
                + nn.functional.logsigmoid(-discriminator(fake.detach())).mean()
            )
            discriminator.zero_grad()
            loss_d.backward()
            opt_d.step()
            loss_g = -nn.functional.logsigmoid(discriminator(fake)).mean()
            generator.zero_grad()
            loss_g.backward()
            opt_g.step()
        generator.eval()
        with torch.no_grad():
            torchvision.utils.save_image(generator(fixed), "samples.png", nrow=5)
        generator.train()


if __name__ == "__main__":
    main()
