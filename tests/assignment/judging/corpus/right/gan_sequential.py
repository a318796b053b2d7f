# both networks are plain nn.Sequential; the data are read into memory
import torch
import torch.nn as nn
from torchvision import datasets, transforms

Z = 32
G = nn.Sequential(
    nn.Linear(Z, 128),
    nn.LeakyReLU(0.2),
    nn.Linear(128, 256),
    nn.BatchNorm1d(256),
    nn.LeakyReLU(0.2),
    nn.Linear(256, 784),
    nn.Tanh(),
)
D = nn.Sequential(nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))
bce = nn.BCEWithLogitsLoss()


def lerp(z_a, z_b):
    G.eval()
    with torch.no_grad():
        return [G(torch.lerp(z_a, z_b, k / 8).view(1, Z)).view(28, 28) for k in range(9)]


def train(epochs=100, batch=64):
    mnist = datasets.MNIST("data", train=True, download=True, transform=transforms.ToTensor())
    images = mnist.data.float().view(-1, 784) / 127.5 - 1
    opt_G = torch.optim.Adam(G.parameters(), 2e-4)
    opt_D = torch.optim.Adam(D.parameters(), 2e-4)
    for epoch in range(epochs):
        G.train()
        for rows in torch.randperm(len(images)).split(batch):
            real = images[rows]
            fake = G(torch.normal(0.0, 1.0, (len(rows), Z)))
            opt_D.zero_grad()
            yes, no = D(real), D(fake.detach())
            (bce(yes, torch.ones_like(yes)) + bce(no, torch.zeros_like(no))).backward()
            opt_D.step()
            opt_G.zero_grad()
            verdict = D(fake)
            bce(verdict, torch.ones_like(verdict)).backward()
            opt_G.step()


if __name__ == "__main__":
    train()
