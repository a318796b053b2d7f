import torch
from dataset import PalindromeDataset
from lstm import LSTM
from torch import nn, optim
from torch.utils.data import DataLoader

SEQ_LENGTH = 5
HIDDEN = 96
EPOCHS = 25

if __name__ == "__main__":
    net = LSTM(vocab_size=10, embed_dim=16, hidden_dim=HIDDEN, output_dim=10)
    criterion = nn.NLLLoss()
    optimizer = optim.RMSprop(net.parameters(), lr=2e-3, alpha=0.95)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    loader = DataLoader(PalindromeDataset(SEQ_LENGTH), batch_size=50, shuffle=True, drop_last=True)
    for epoch in range(EPOCHS):
        running, correct = 0.0, 0
        for digits, target in loader:
            net.zero_grad()
            log_probs = net.forward(digits)
            loss = criterion(log_probs, target)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5)
            optimizer.step()
            running += loss.item()
            correct += (log_probs.argmax(1) == target).sum().item()
        scheduler.step()
        print(f"[{epoch + 1}/{EPOCHS}] {running / len(loader):.4f} {correct / len(loader) / 50:.3f}")
    torch.save(net.state_dict(), "lstm.pt")
