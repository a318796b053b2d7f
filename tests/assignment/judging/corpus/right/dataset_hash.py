import hashlib

import numpy as np
from torch.utils import data


def is_test(half):
    """One of five, and always the same ones, whoever draws them."""
    return hashlib.md5(bytes(half)).digest()[0] % 5 == 0


class PalindromeDataset(data.Dataset):
    def __init__(self, seq_length, split="train", length=1000):
        self.seq_length = seq_length
        self.split = split
        self.length = length

    def __len__(self):
        return self.length

    def draw(self, rng):
        while True:
            half = rng.integers(0, 10, size=(self.seq_length + 1) // 2).tolist()
            if is_test(half) == (self.split == "test"):
                return half

    def __getitem__(self, idx):
        if idx >= len(self):
            raise IndexError(idx)
        half = self.draw(np.random.default_rng([idx, self.split == "test"]))
        full = half + half[: self.seq_length // 2][::-1]
        one_hot = np.zeros((self.seq_length - 1, 10), dtype=np.float32)
        one_hot[np.arange(self.seq_length - 1), full[:-1]] = 1
        return one_hot, full[-1]
