# %% imports
import numpy as np
import torch
import torch.nn.functional as F
import matplotlib.pyplot as plt
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.utils import save_image


# %% data
class PalindromeDataset(torch.utils.data.Dataset):
    def __init__(self, length, size=20000, seed=0):
        rng = np.random.default_rng(seed)
        half = (length + 1) // 2
        left = rng.integers(0, 10, (size, half))
        self.rows = np.concatenate([left, left[:, ::-1][:, length % 2:]], 1)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = torch.tensor(self.rows[i])
        return row[:-1].float(), row[-1]


# %% lstm
class LSTM(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.input_dim = input_dim
        D, H = input_dim, hidden_dim

        def w(*size):
            return nn.Parameter(torch.randn(size) / H**0.5)

        self.Wgx, self.Wgh, self.bg = w(D, H), w(H, H), w(H)
        self.Wix, self.Wih, self.bi = w(D, H), w(H, H), w(H)
        self.Wfx, self.Wfh, self.bf = w(D, H), w(H, H), w(H)
        self.Wox, self.Woh, self.bo = w(D, H), w(H, H), w(H)
        self.Wph, self.bp = w(H, output_dim), w(output_dim)

    def forward(self, x):
        x = F.one_hot(x.long(), self.input_dim).float()
        h = torch.zeros(x.size(0), self.hidden_dim, device=x.device)
        c = torch.zeros_like(h)
        for t in range(x.size(1)):
            xt = x[:, t]
            g = torch.tanh(xt @ self.Wgx + h @ self.Wgh + self.bg)
            i = torch.sigmoid(xt @ self.Wix + h @ self.Wih + self.bi)
            f = torch.sigmoid(xt @ self.Wfx + h @ self.Wfh + self.bf)
            o = torch.sigmoid(xt @ self.Wox + h @ self.Woh + self.bo)
            c = g * i + c * f
            h = torch.tanh(c) * o
        return h @ self.Wph + self.bp


# %% train
T, batch_size, steps = 11, 128, 1000
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
loader = DataLoader(PalindromeDataset(T), batch_size, shuffle=True)
model = LSTM(10, 128, 10).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
accuracies, losses = [], []
step = 0
while step < steps:
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        out = model(x)
        loss = criterion(out, y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        losses.append(loss.item())
        accuracies.append((out.argmax(1) == y).float().mean().item())
        if step % 100 == 0:
            print(step, losses[-1], accuracies[-1])
        step += 1
        if step == steps:
            break


# %% networks
latent = 100


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Linear(latent, 128), nn.LeakyReLU(0.2)]
        for a, b in [(128, 256), (256, 512), (512, 1024)]:
            layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers, nn.Linear(1024, 784), nn.Tanh())

    def forward(self, z):
        return self.net(z).view(-1, 1, 28, 28)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 512), nn.LeakyReLU(0.2),
            nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1), nn.Sigmoid(),
        )

    def forward(self, x):
        return self.net(x)


# %% images
scale = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
images = DataLoader(datasets.MNIST("data", download=True, transform=scale), 64, shuffle=True)


# %% gan
G, D = Generator().to(device), Discriminator().to(device)
opt_G = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_D = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
bce = nn.BCELoss()
history = []
for epoch in range(20):
    for imgs, _ in images:
        imgs = imgs.to(device)
        real = torch.ones(len(imgs), 1, device=device)
        fake = torch.zeros(len(imgs), 1, device=device)
        z = torch.randn(len(imgs), latent, device=device)
        gen = G(z)
        opt_D.zero_grad()
        d_loss = bce(D(imgs), real) + bce(D(gen.detach()), fake)
        d_loss.backward()
        opt_D.step()
        opt_G.zero_grad()
        g_loss = bce(D(gen), real)
        g_loss.backward()
        opt_G.step()
        history.append((d_loss.item(), g_loss.item()))
    print(epoch, history[-1])
    if epoch in (0, 10, 19):
        G.eval()
        with torch.no_grad():
            save_image(G(torch.randn(25, latent, device=device)), f"{epoch}.png", normalize=True)
        G.train()


# %% walk
G.eval()
with torch.no_grad():
    z0, z1 = torch.randn(2, latent, device=device)
    a = torch.linspace(0, 1, 9, device=device).unsqueeze(1)
    pictures = G((1 - a) * z0 + a * z1)
    save_image(pictures, "interpolation.png", nrow=9, normalize=True)


# %% reader
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader

from model import LSTM
from palindromes import PalindromeDataset


class Reader(pl.LightningModule):
    def __init__(self, length=11):
        super().__init__()
        self.model = LSTM(10, 128, 10)
        self.loss = nn.CrossEntropyLoss()

    def forward(self, x):
        return self.model(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x)
        self.log("accuracy", (logits.argmax(1) == y).float().mean(), prog_bar=True)
        return self.loss(logits, y)

    def configure_optimizers(self):
        return torch.optim.RMSprop(self.parameters(), lr=1e-3)


if __name__ == "__main__":
    trainer = pl.Trainer(max_epochs=10, gradient_clip_val=10.0)
    trainer.fit(Reader(), DataLoader(PalindromeDataset(11), 128, shuffle=True))


# %% lightning
import pytorch_lightning as pl


# %% game
class Game(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.G, self.D = Generator(), Discriminator()
        self.bce = nn.BCELoss()

    def training_step(self, batch, batch_idx):
        images, _ = batch
        opt_G, opt_D = self.optimizers()
        real, fake = torch.ones(len(images), 1), torch.zeros(len(images), 1)
        drawn = self.G(torch.randn(len(images), 100))
        d_loss = self.bce(self.D(images), real) + self.bce(self.D(drawn.detach()), fake)
        opt_D.zero_grad()
        self.manual_backward(d_loss)
        opt_D.step()
        g_loss = self.bce(self.D(drawn), real)
        opt_G.zero_grad()
        self.manual_backward(g_loss)
        opt_G.step()

    def on_train_epoch_end(self):
        self.G.eval()
        with torch.no_grad():
            save_image(self.G(torch.randn(25, 100)), "samples.png", nrow=5, normalize=True)
        self.G.train()

    def configure_optimizers(self):
        return [torch.optim.Adam(n.parameters(), 2e-4, (0.5, 0.999)) for n in (self.G, self.D)]


game = Game()
pl.Trainer(max_epochs=200).fit(game, images)
G, device = game.G, "cpu"
