import argparse

import torch
import torch.nn as nn
from dataset import PalindromeDataset
from lstm import LSTM
from torch.utils.data import DataLoader


def train(config):
    model = LSTM(config.length, 10, config.hidden, 10)
    train_set = PalindromeDataset(config.length, 2000, train=True)
    test_set = PalindromeDataset(config.length, 500, train=False)
    loader = DataLoader(train_set, batch_size=128, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=128)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=config.lr)
    for epoch in range(config.epochs):
        model.train()
        for inputs, labels in loader:
            out = model(inputs)
            loss = criterion(out, labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=10)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        print(epoch, loss.item(), right / len(test_set))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=20)
    train(parser.parse_args())
