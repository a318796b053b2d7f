import torch
from torch.utils.data import Dataset


class PalindromeDataset(Dataset):
    """Integers, for an embedding."""

    def __init__(self, seq_length, size=2000, seed=0):
        self.seq_length = seq_length
        rng = torch.Generator().manual_seed(seed)
        self.halves = torch.randint(10, (size, seq_length - seq_length // 2), generator=rng)

    def __len__(self):
        return self.halves.size(0)

    def __getitem__(self, i):
        half = self.halves[i]
        mirrored = torch.flip(half[: self.seq_length // 2], dims=(0,))
        palindrome = torch.cat((half, mirrored))
        return palindrome[:-1], palindrome[-1]
