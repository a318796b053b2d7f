# %% [markdown]
# Part II: a GAN that draws digits. All results are below.
# %%
%matplotlib inline
import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torchvision
from google.colab import drive
from torchvision import transforms

drive.mount("/content/drive")
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

# %%
class Generator(nn.Module):
    def __init__(self, latent_dim=100):
        super().__init__()
        self.latent_dim = latent_dim
        self.net = nn.Sequential(
            nn.Linear(latent_dim, 128), nn.LeakyReLU(0.2),
            nn.Linear(128, 256), nn.BatchNorm1d(256), nn.LeakyReLU(0.2),
            nn.Linear(256, 784), nn.Tanh(),
        )

    def forward(self, z):
        return self.net(z).view(-1, 1, 28, 28)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1), nn.Sigmoid()
        )

    def forward(self, x):
        return self.net(x)

# %%
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
dataset = torchvision.datasets.MNIST("data", train=True, download=True, transform=transform)
loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)
G, D = Generator().to(device), Discriminator().to(device)
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4)
opt_d = torch.optim.Adam(D.parameters(), lr=2e-4)
bce = nn.BCELoss()

# %%
def show(images, columns):
    grid = torchvision.utils.make_grid(images.cpu(), columns, normalize=True)
    plt.imshow(grid.permute(1, 2, 0))
    plt.axis("off")
    plt.show()


def sample(n=25):
    G.eval()
    with torch.no_grad():
        images = G(torch.randn(n, G.latent_dim, device=device))
    G.train()
    return images

show(sample(), 5)  # before training

# %%
for epoch in range(40):
    for real, _ in loader:
        real = real.to(device)
        n = real.size(0)
        z = torch.randn(n, G.latent_dim, device=device)
        fake = G(z)
        loss_d = bce(D(real), torch.ones(n, 1, device=device))
        loss_d = loss_d + bce(D(fake.detach()), torch.zeros(n, 1, device=device))
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()
        loss_g = bce(D(fake), torch.ones(n, 1, device=device))
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
    if epoch in (0, 20, 39):
        show(sample(), 5)

# %%
# a 4 and a 9, found by trying seeds
G.eval()
torch.manual_seed(11)
z_start = torch.randn(G.latent_dim, device=device)
torch.manual_seed(5)
z_end = torch.randn(G.latent_dim, device=device)
alphas = torch.linspace(0, 1, 9, device=device).view(-1, 1)
with torch.no_grad():
    show(G(z_start + alphas * (z_end - z_start)), 9)
