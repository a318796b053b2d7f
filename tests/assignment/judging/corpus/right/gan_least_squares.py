# LSGAN, no batch norm, no main: everything happens when the file is run
import os

import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.utils import save_image

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
os.makedirs("samples", exist_ok=True)


class Generator(nn.Module):
    def __init__(self, z_dim=50):
        super().__init__()
        self.z_dim = z_dim
        self.fc1 = nn.Linear(z_dim, 128)
        self.fc2 = nn.Linear(128, 256)
        self.fc3 = nn.Linear(256, 784)

    def forward(self, z):
        z = nn.functional.leaky_relu(self.fc1(z), 0.2)
        z = nn.functional.leaky_relu(self.fc2(z), 0.2)
        return torch.tanh(self.fc3(z))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 1)

    def forward(self, x):
        return self.fc2(nn.functional.leaky_relu(self.fc1(x), 0.2))


transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.5])])
loader = DataLoader(datasets.MNIST("mnist", True, transform, download=True), 100, shuffle=True)
G, D = Generator().to(device), Discriminator().to(device)
opt_G = optim.Adam(G.parameters(), lr=0.0002)
opt_D = optim.Adam(D.parameters(), lr=0.0002)
mse = nn.MSELoss()
torch.manual_seed(3)
fixed = torch.randn(25, G.z_dim, device=device)

for epoch in range(100):
    for images, _ in loader:
        images = images.view(-1, 784).to(device)
        n = images.shape[0]
        ones, zeros = torch.ones(n, 1, device=device), torch.zeros(n, 1, device=device)

        fake = G(torch.randn(n, G.z_dim, device=device))
        D_loss = mse(D(images), ones) + mse(D(fake.detach()), zeros)
        opt_D.zero_grad()
        D_loss.backward()
        opt_D.step()

        G_loss = mse(D(fake), ones)
        opt_G.zero_grad()
        G_loss.backward()
        opt_G.step()
    save_image(G(fixed).view(-1, 1, 28, 28).detach(), f"samples/{epoch}.png", nrow=5, normalize=True)

# from one digit to another: chosen by eye, from the grid of a run with the same seed
start, end = fixed[3], fixed[17]
row = [G(start * (1 - k / 8) + end * (k / 8)).view(1, 28, 28).detach() for k in range(9)]
save_image(torch.stack(row), "samples/interpolation.png", nrow=9, normalize=True)
