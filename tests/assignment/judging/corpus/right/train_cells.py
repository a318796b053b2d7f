# %%
%matplotlib inline
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, random_split

from dataset import PalindromeDataset
from lstm import LSTM

# %%
data = PalindromeDataset(4, one_hot=True)
train_set, test_set = random_split(data, [800, len(data) - 800])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = DataLoader(test_set, batch_size=64)

# %%
def evaluate(model, loader):
    with torch.no_grad():
        return sum(int((model(x).argmax(1) == y).sum()) for x, y in loader) / len(loader.dataset)

# %%
model = LSTM(10, 128, 10)
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001)
losses, accuracies = [], []
for epoch in range(30):
    for x, y in train_loader:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    accuracies.append(evaluate(model, test_loader))
accuracies[-1]

# %%
plt.plot(losses)
plt.xlabel("step")
plt.show()
