# DCGAN at 28 x 28. Here 0 is real and 1 is fake, everywhere.
import torch
import torch.nn as nn
import torchvision
import torchvision.transforms as T

REAL_LABEL, FAKE_LABEL = 0.0, 1.0


def weights_init(m):
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(m.weight, 0.0, 0.02)
    elif isinstance(m, nn.BatchNorm2d):
        nn.init.normal_(m.weight, 1.0, 0.02)
        nn.init.zeros_(m.bias)


class Generator(nn.Module):
    def __init__(self, nz=64, ngf=8):
        super().__init__()
        self.nz = nz
        self.project = nn.Sequential(nn.Linear(nz, ngf * 2 * 7 * 7), nn.ReLU())
        self.ngf = ngf
        self.conv = nn.Sequential(
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1),
            nn.BatchNorm2d(ngf),
            nn.ReLU(),
            nn.ConvTranspose2d(ngf, 1, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.conv(self.project(z).view(-1, self.ngf * 2, 7, 7))


class Discriminator(nn.Module):
    def __init__(self, ndf=8):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, ndf, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(ndf, 2 * ndf, 4, 2, 1),
            nn.BatchNorm2d(2 * ndf),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * ndf * 49, 1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.net(x).squeeze(1)


def train(netG, netD, loader, epochs, device):
    criterion = nn.BCELoss()
    optD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optG = torch.optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for epoch in range(epochs):
        for data, _ in loader:
            b = data.size(0)
            netD.zero_grad()
            label = torch.full((b,), REAL_LABEL, device=device)
            errD_real = criterion(netD(data.to(device)), label)
            errD_real.backward()
            noise = torch.randn(b, netG.nz, device=device)
            fake = netG(noise)
            label.fill_(FAKE_LABEL)
            errD_fake = criterion(netD(fake.detach()), label)
            errD_fake.backward()
            optD.step()

            netG.zero_grad()
            label.fill_(REAL_LABEL)
            errG = criterion(netD(fake), label)
            errG.backward()
            optG.step()
        show(netG, f"epoch{epoch}.png", device)


def show(netG, path, device):
    netG.eval()
    images = netG(torch.randn(25, netG.nz, device=device)).cpu()
    torchvision.utils.save_image(images, path, nrow=5, normalize=True)
    netG.train()


def slerp(a, b, t):
    """Along the sphere, where noise of many dimensions lies."""
    angle = torch.acos(torch.dot(a / a.norm(), b / b.norm()).clamp(-1, 1))
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def make_row(netG, a, b):
    netG.eval()
    with torch.no_grad():
        return netG(torch.stack([slerp(a, b, t) for t in torch.linspace(0, 1, 9)]))


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    transform = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
    mnist = torchvision.datasets.MNIST("data", train=True, transform=transform, download=True)
    loader = torch.utils.data.DataLoader(mnist, batch_size=64, shuffle=True, drop_last=True)
    netG, netD = Generator().to(device), Discriminator().to(device)
    netG.apply(weights_init)
    netD.apply(weights_init)
    train(netG, netD, loader, 50, device)
    torch.manual_seed(17)  # a 3 and a 6, in the pictures of all seeds up to 20
    z = torch.randn(2, netG.nz, device=device)
    torchvision.utils.save_image(make_row(netG, *z), "row.png", nrow=9, normalize=True)


if __name__ == "__main__":
    main()
