import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

from dataset import PalindromeDataset
from lstm import LSTM

device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
config = {"input_length": 4, "hidden": 128, "batch": 128, "lr": 1e-3, "max_norm": 10, "steps": 1500}


def run_epoch(model, loader, criterion, optimizer):
    seen = right = 0
    for step, (inputs, labels) in enumerate(loader):
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        outputs, _ = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config["max_norm"])
        optimizer.step()
        seen += len(labels)
        right += (outputs.argmax(1) == labels).sum().item()
        if step % 100 == 99:
            sys.stdout.write(f"\r{step + 1} {loss.item():.4f} {right / seen:.3f}\n")
            seen = right = 0


def main():
    model = LSTM(10, config["hidden"], 10).to(device)
    dataset = PalindromeDataset(config["input_length"], config["steps"] * config["batch"], one_hot=True)
    loader = DataLoader(dataset, batch_size=config["batch"], shuffle=False, num_workers=0)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=config["lr"])
    run_epoch(model, loader, nn.CrossEntropyLoss(), optimizer)


if __name__ == "__main__":
    main()
