import argparse

import torch
from dataset import PalindromeDataset
from lstm import LSTM
from torch.utils.data import DataLoader

parser = argparse.ArgumentParser()
parser.add_argument("--seq_length", type=int, default=5)
parser.add_argument("--hidden", type=int, default=100)
parser.add_argument("--batch_size", type=int, default=100)
parser.add_argument("--learning_rate", type=float, default=0.002)
parser.add_argument("--steps", type=int, default=3000)
FLAGS = parser.parse_args()


def accuracy(predictions, targets):
    return (predictions.argmax(dim=-1) == targets).float().mean()


def main():
    torch.manual_seed(42)
    model = LSTM(FLAGS.seq_length, 1, FLAGS.hidden, 10)
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=FLAGS.learning_rate)
    loader = DataLoader(PalindromeDataset(FLAGS.seq_length), batch_size=FLAGS.batch_size)
    batches = iter(loader)
    for step in range(FLAGS.steps):
        try:
            x, y = next(batches)
        except StopIteration:
            batches = iter(loader)
            x, y = next(batches)
        optimizer.zero_grad()
        predictions = model.forward(x)
        loss = loss_function.forward(predictions, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=10.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step} loss {loss:.3f} accuracy {accuracy(predictions, y):.2f}")


if __name__ == "__main__":
    main()
