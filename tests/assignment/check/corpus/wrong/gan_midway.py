# a student midway: the steps are there, the loop is still to come
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
    fake_loss = criterion(D(G(z)), torch.zeros(len(x), 1).to(DEVICE))
    loss = real_loss + fake_loss
    loss.backward()  # reaches G too; G_train clears that before its own
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
