# DCGAN at 64 x 64: the digits are enlarged. G's step comes first and leaves gradients in D, which
# are cleared before D's own step.
import argparse

import torch
import torch.nn as nn
import torchvision.datasets as dset
import torchvision.transforms as transforms
import torchvision.utils as vutils

parser = argparse.ArgumentParser()
parser.add_argument("--imageSize", type=int, default=64)
parser.add_argument("--batchSize", type=int, default=64)
parser.add_argument("--nz", type=int, default=100)
parser.add_argument("--ngf", type=int, default=8)
parser.add_argument("--ndf", type=int, default=8)
parser.add_argument("--niter", type=int, default=25)
opt = parser.parse_args()

device = "cuda" if torch.cuda.is_available() else "cpu"


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        layers, n = [], opt.ngf * 8
        layers += [nn.ConvTranspose2d(opt.nz, n, 4, 1, 0, bias=False), nn.BatchNorm2d(n), nn.ReLU()]
        for _ in range(3):
            layers += [nn.ConvTranspose2d(n, n // 2, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(n // 2), nn.ReLU(True)]
            n //= 2
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(n, 1, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        n = opt.ndf
        layers = [nn.Conv2d(1, n, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        for _ in range(3):
            layers += [nn.Conv2d(n, n * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(n * 2)]
            layers += [nn.LeakyReLU(0.2, inplace=True)]
            n *= 2
        self.main = nn.Sequential(*layers, nn.Conv2d(n, 1, 4, 1, 0, bias=False), nn.Sigmoid())

    def forward(self, image):
        return self.main(image).view(-1)


if __name__ == "__main__":
    dataset = dset.MNIST(
        root="./mnist",
        download=True,
        transform=transforms.Compose(
            [
                transforms.Resize(opt.imageSize),
                transforms.ToTensor(),
                transforms.Normalize((0.5,), (0.5,)),
            ]
        ),
    )
    dataloader = torch.utils.data.DataLoader(dataset, opt.batchSize, shuffle=True, num_workers=2)
    netG, netD = Generator().to(device), Discriminator().to(device)
    optimizerD = torch.optim.Adam(netD.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizerG = torch.optim.Adam(netG.parameters(), lr=0.0002, betas=(0.5, 0.999))
    bce = nn.BCELoss()
    torch.manual_seed(8)  # becomes a 1 and a 5
    z0, z1 = torch.randn(1, opt.nz, 1, 1, device=device), torch.randn(1, opt.nz, 1, 1, device=device)

    for epoch in range(opt.niter):
        for i, (images, _) in enumerate(dataloader):
            images = images.to(device)
            yes, no = images.new_ones(images.size(0)), images.new_zeros(images.size(0))

            optimizerG.zero_grad()
            fakes = netG(torch.randn(images.size(0), opt.nz, 1, 1, device=device))
            errG = bce(netD(fakes), yes)
            errG.backward()
            optimizerG.step()

            fakes = netG(torch.randn(images.size(0), opt.nz, 1, 1, device=device))
            optimizerD.zero_grad()
            errD = bce(netD(images), yes) + bce(netD(fakes.detach()), no)
            errD.backward()
            optimizerD.step()
            if i % 100 == 0:
                print(f"[{epoch}/{opt.niter}][{i}/{len(dataloader)}] {errD:.3f} {errG:.3f}")

        netG.eval()
        with torch.no_grad():
            line = torch.cat([torch.lerp(z0, z1, k / 8) for k in range(9)])
            vutils.save_image(netG(line), "line.png", nrow=9, normalize=True)
        netG.train()
