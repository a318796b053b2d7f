# D is frozen while G learns; sampling in eval mode without no_grad; labels with some noise
import random

import torch
import torch.nn as nn
from torchvision import datasets, transforms, utils

args = {"latent": 32, "epochs": 60, "batch": 128, "lr": 1e-4, "every": 400}


class G(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.latent = latent
        self.body = nn.Sequential(
            nn.Linear(latent, 98), nn.BatchNorm1d(98), nn.ReLU(), nn.Unflatten(1, (2, 7, 7))
        )
        self.head = nn.Sequential(
            nn.ConvTranspose2d(2, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Sigmoid(),
        )

    def forward(self, z):
        return self.head(self.body(z))


class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 5, stride=2)
        self.conv2 = nn.Conv2d(8, 16, 5, stride=2)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(16 * 4 * 4, 1)

    def forward(self, x):
        x = nn.functional.leaky_relu(self.conv1(x), 0.2)
        x = self.drop(nn.functional.leaky_relu(self.conv2(x), 0.2))
        return torch.sigmoid(self.fc(x.flatten(1)))


def set_trainable(net, value):
    for p in net.parameters():
        p.requires_grad = value


def log(p):
    return torch.log(p.clamp(min=1e-6))


def train():
    gen, dis = G(args["latent"]), D()
    adam_g = torch.optim.Adam(gen.parameters(), args["lr"], betas=(0.5, 0.999))
    adam_d = torch.optim.Adam(dis.parameters(), args["lr"], betas=(0.5, 0.999))
    data = datasets.MNIST("data", transform=transforms.ToTensor(), download=True)
    loader = torch.utils.data.DataLoader(data, args["batch"], shuffle=True)
    for epoch in range(args["epochs"]):
        for i, (x, _) in enumerate(loader):
            for _ in range(2):
                set_trainable(dis, True)
                fake = gen(torch.randn(x.size(0), args["latent"])).detach()
                value = (0.9 + 0.1 * random.random()) * log(dis(x)).mean() + log(1 - dis(fake)).mean()
                adam_d.zero_grad()
                (-value).backward()  # D goes up on V
                adam_d.step()

            set_trainable(dis, False)
            adam_g.zero_grad()
            loss = -log(dis(gen(torch.randn(x.size(0), args["latent"])))).mean()
            loss.backward()
            adam_g.step()
            if i % args["every"] == 0:
                gen.eval()
                utils.save_image(gen(torch.randn(25, args["latent"])), f"s{epoch}_{i}.png", nrow=5)
                gen.train()
    gen.eval()
    torch.manual_seed(1)  # not the same digit, as one can see
    z = torch.randn(2, args["latent"])
    weights = torch.linspace(0, 1, 9).reshape(9, 1)
    utils.save_image(gen(z[0] * (1 - weights) + z[1] * weights), "line.png", nrow=9)


if __name__ == "__main__":
    train()
