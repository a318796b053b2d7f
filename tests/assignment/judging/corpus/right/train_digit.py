import torch
from dataset import PalindromeDataset
from lstm import LSTM
from torch.utils.data import DataLoader


def train(epochs=30):
    model = LSTM(hidden_size=128)
    data = DataLoader(PalindromeDataset(5, one_hot=False), 100, shuffle=True)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001)
    criterion = torch.nn.NLLLoss()
    for epoch in range(epochs):
        for x, y in data:
            for p in model.parameters():
                p.grad = None
            log_p, _ = model(x)
            loss = criterion(log_p, y)
            loss.backward()
            optimizer.step()
        print(epoch, float(loss))


if __name__ == "__main__":
    train()
