import argparse

import torch
import torch.nn.functional as F
from dataset import PalindromeDataset
from lstm import LSTM
from torch import optim
from torch.utils.data import DataLoader, random_split


def run(model, loader, optimizer=None):
    right = total = 0
    for x, y in loader:
        x = x.transpose(0, 1)
        with torch.set_grad_enabled(optimizer is not None):
            logits = model(x)[-1]
            loss = F.cross_entropy(logits, y)
        if optimizer is not None:
            model.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
        right += int((logits.argmax(dim=1) == y).sum())
        total += len(y)
    return right / total


def main(config):
    dataset = PalindromeDataset(config.input_length, config.data_size, one_hot=True)
    parts = random_split(dataset, [0.8, 0.2])
    loaders = [DataLoader(part, batch_size=128, shuffle=True, num_workers=2) for part in parts]
    model = LSTM(10, 128, 10)
    optimizer = optim.RMSprop(model.parameters(), lr=1e-3)
    for _ in range(30):
        print(run(model, loaders[0], optimizer), run(model.eval(), loaders[1]))
        model.train()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--input_length", type=int, default=4)
    parser.add_argument("--data_size", type=int, default=900)
    main(parser.parse_args())
