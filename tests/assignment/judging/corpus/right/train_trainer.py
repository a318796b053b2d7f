from dataclasses import dataclass

import torch
from dataset import PalindromeDataset
from lstm import LSTM
from torch.utils.data import DataLoader


@dataclass
class Config:
    input_length: int = 4
    input_dim: int = 10
    num_hidden: int = 128
    num_classes: int = 10
    batch_size: int = 128
    learning_rate: float = 1e-3
    train_steps: int = 1500
    device: str = "cpu"


class Trainer:
    def __init__(self, config):
        self.config = config
        self.model = LSTM(config).to(config.device)
        self.criterion = torch.nn.CrossEntropyLoss()
        self.optimizer = torch.optim.RMSprop(self.model.parameters(), lr=config.learning_rate)
        dataset = PalindromeDataset(config.input_length, one_hot=True)
        self.loader = DataLoader(dataset, config.batch_size)

    def step(self, x, y):
        self.optimizer.zero_grad()
        out = self.model(x)
        loss = self.criterion(out, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10)
        self.optimizer.step()
        return loss.item(), self.accuracy(out, y)

    @staticmethod
    def accuracy(out, y):
        return (out.argmax(dim=1) == y).float().mean().item()

    def fit(self):
        for number, (x, y) in enumerate(self.loader):
            loss, accuracy = self.step(x.to(self.config.device), y.to(self.config.device))
            if number % 50 == 0:
                print(f"{number:05d} {loss:.4f} {accuracy:.3f}")
            if number == self.config.train_steps:
                break


if __name__ == "__main__":
    Trainer(Config()).fit()
