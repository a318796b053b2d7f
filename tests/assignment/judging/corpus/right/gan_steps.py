# step functions that give back what they measured, and a loop that calls them
import torch
from torch import nn
from torchvision import datasets, transforms

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Z_DIM = 100
criterion = nn.BCELoss().to(DEVICE)


class Gen(nn.Module):
    def __init__(self, g_output_dim):
        super().__init__()
        self.fc1 = nn.Linear(Z_DIM, 128)
        self.fc2 = nn.Linear(128, 128)
        self.bn = nn.BatchNorm1d(128)
        self.fc3 = nn.Linear(128, g_output_dim)

    def forward(self, x):
        x = torch.nn.functional.leaky_relu(self.fc1(x), 0.2)
        x = torch.nn.functional.leaky_relu(self.bn(self.fc2(x)), 0.2)
        return torch.tanh(self.fc3(x))


class Dis(nn.Module):
    def __init__(self, d_input_dim):
        super().__init__()
        self.fc1 = nn.Linear(d_input_dim, 128)
        self.fc2 = nn.Linear(128, 1)

    def forward(self, x):
        x = torch.nn.functional.dropout(torch.relu(self.fc1(x)), 0.2, self.training)
        return torch.sigmoid(self.fc2(x))


def D_train(D, G, x, optimizer):
    D.zero_grad()
    x = x.view(-1, 784).to(DEVICE)
    real_loss = criterion(D(x), torch.ones(len(x), 1).to(DEVICE))
    z = torch.normal(0, 1, size=(len(x), Z_DIM)).to(DEVICE)
    fake_loss = criterion(D(G(z).detach()), torch.zeros(len(x), 1).to(DEVICE))
    loss = real_loss + fake_loss
    loss.backward()
    optimizer.step()
    return loss.item()


def G_train(D, G, n, optimizer):
    G.zero_grad()
    z = torch.normal(0, 1, size=(n, Z_DIM)).to(DEVICE)
    loss = criterion(D(G(z)), torch.ones(n, 1).to(DEVICE))
    loss.backward()
    optimizer.step()
    return loss.item()


def latent_walk(G, z_from, z_to):
    G.eval()
    frames = [z_from]
    for k in range(1, 8):
        frames.append(z_from + k * (z_to - z_from) / 8)
    frames.append(z_to)
    with torch.no_grad():
        return G(torch.stack(frames)).view(-1, 28, 28)


if __name__ == "__main__":
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=0.5, std=0.5)])
    data = datasets.MNIST(root="./mnist_data/", train=True, transform=transform, download=True)
    loader = torch.utils.data.DataLoader(dataset=data, batch_size=100, shuffle=True)
    G, D = Gen(784).to(DEVICE), Dis(784).to(DEVICE)
    G_optimizer = torch.optim.Adam(G.parameters(), lr=0.0002)
    D_optimizer = torch.optim.Adam(D.parameters(), lr=0.0002)
    for epoch in range(1, 101):
        D_losses, G_losses = [], []
        for x, _ in loader:
            D_losses.append(D_train(D, G, x, D_optimizer))
            G_losses.append(G_train(D, G, len(x), G_optimizer))
        print(epoch, sum(D_losses) / len(D_losses), sum(G_losses) / len(G_losses))
        G.eval()
        with torch.no_grad():
            torch.save(G(torch.randn(25, Z_DIM).to(DEVICE)), f"samples_{epoch}.pt")
        G.train()
    torch.manual_seed(30)  # an 8 and a 1
    torch.save(latent_walk(G, *torch.randn(2, Z_DIM).to(DEVICE)), "walk.pt")
