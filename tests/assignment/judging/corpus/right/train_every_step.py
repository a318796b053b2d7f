# the model gives all steps; only the last one is asked for
import argparse

import torch
import torch.nn as nn
from dataset import PalindromeDataset
from lstm import LSTM
from torch.utils.data import DataLoader

torch.manual_seed(0)


def train(opt):
    model = LSTM(opt.T, 10, opt.hidden, 10)
    optim = torch.optim.RMSprop(model.parameters(), opt.lr)
    train_data = DataLoader(PalindromeDataset(opt.T, mode="train"), 32, shuffle=True)
    test_data = DataLoader(PalindromeDataset(opt.T, mode="test"), 200)
    best = 0
    for epoch in range(opt.epochs):
        for x, y in train_data:
            optim.zero_grad()
            p = model(x)[:, -1, :]
            target = nn.functional.one_hot(y, 10).float()
            loss = -(target * nn.functional.log_softmax(p, dim=1)).sum(dim=1).mean()
            loss.backward()
            total = sum(q.grad.norm() ** 2 for q in model.parameters()) ** 0.5
            if total > 10:  # clipped by hand
                for q in model.parameters():
                    q.grad *= 10 / total
            optim.step()
        best = max(best, evaluate(model, test_data))
        print(f"epoch {epoch}: best accuracy {best:.3f}")


def evaluate(model, batches):
    model.eval()
    scores = []
    with torch.inference_mode():
        for x, y in batches:
            scores.append((model(x)[:, -1].argmax(1) == y).float().mean().item())
    model.train()
    return sum(scores) / len(scores)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-T", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--epochs", type=int, default=40)
    train(parser.parse_args())
