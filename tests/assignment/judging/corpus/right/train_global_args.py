import argparse

import torch
from dataset import PalindromeDataset
from lstm import LSTM
from torch.utils.data import DataLoader


def test(model):
    model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in test_loader:
            hits += (model(x.to(device)).argmax(1).cpu() == y).sum().item()
    return 100.0 * hits / len(test_loader.dataset)


def train(model, epoch):
    model.train()
    for x, y in train_loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        p = model(x)
        # (9) by hand: the logarithm of what the softmax gives to the right digit
        loss = -torch.log(p[torch.arange(len(y)), y] + 1e-12).mean()
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), args.clip)
        optimizer.step()
    print(epoch, loss.item(), test(model))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--T", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--clip", type=float, default=1.0)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train_loader = DataLoader(PalindromeDataset(args.T, "train"), batch_size=64, shuffle=True)
    test_loader = DataLoader(PalindromeDataset(args.T, "test", 200), batch_size=64)
    model = LSTM(args.T, 10, 128, 10, 64, device).to(device)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for epoch in range(args.epochs):
        train(model, epoch)
