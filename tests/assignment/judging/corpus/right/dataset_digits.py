import torch
from torch.utils.data import Dataset


class PalindromeDataset(Dataset):
    def __init__(self, seq_length, num_samples=2000, one_hot=True, train=True):
        half = (seq_length + 1) // 2
        generator = torch.Generator().manual_seed(0 if train else 1)
        rows = []
        while len(rows) < num_samples:
            left = torch.randint(0, 10, (half,), generator=generator)
            test = int((left * torch.arange(1, half + 1)).sum()) % 5 == 0
            if test != train:
                rows.append(torch.cat([left, left.flip(0)[seq_length % 2 :]]))
        self.rows = torch.stack(rows)
        self.one_hot = one_hot

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        inputs = row[:-1]
        label = int(row[-1])
        if self.one_hot:
            return torch.nn.functional.one_hot(inputs, 10).float(), label
        return inputs.float().unsqueeze(-1), label
