import torch
from torch.nn import NLLLoss
from torch.optim import RMSprop
from torch.utils.data import DataLoader, Subset

from dataset import PalindromeDataset
from lstm import LSTM

T, HIDDEN, BATCH = 5, 128, 50


def batches(part):
    for x, y in part:
        yield x.transpose(0, 1), y  # time first


def main():
    everything = PalindromeDataset(T - 1)
    edge = int(0.8 * len(everything))
    train_part = DataLoader(Subset(everything, range(edge)), BATCH, shuffle=True)
    test_part = DataLoader(Subset(everything, range(edge, len(everything))), BATCH)
    network = LSTM(10, HIDDEN, 10)
    optimiser, nll = RMSprop(network.parameters(), 1e-3), NLLLoss()
    score = epoch = 0
    while score < 0.99 and epoch < 100:
        for x, y in batches(train_part):
            cost = nll(network(x), y)
            optimiser.zero_grad()
            cost.backward()
            optimiser.step()
        with torch.no_grad():
            score = sum((network(x).argmax(1) == y).sum() for x, y in batches(test_part))
            score = score.item() / len(test_part.dataset)
        epoch += 1
        print(epoch, cost.item(), score)


main()
