# no main: it trains when it is run
import torch
from dataset import PalindromeDataset
from lstm import LSTM
from torch.utils.data import DataLoader

T, batch_size = 5, 128
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = LSTM(T, 1, 128, 10, batch_size, device).to(device)
loader = DataLoader(PalindromeDataset(T), batch_size, num_workers=1)
loss_fn = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.RMSprop(model.parameters(), 1e-3)
for step, (x, y) in enumerate(loader):
    x, y = x.to(device), y.to(device)
    optimizer.zero_grad(set_to_none=False)
    p = model(x)
    loss = loss_fn(p, y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 10)
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item(), (p.argmax(1) == y).float().mean().item())
    if step == 3000:
        break
