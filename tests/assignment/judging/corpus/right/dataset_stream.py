import sys

import numpy as np
import torch
import torch.utils.data as data


class PalindromeDataset(data.Dataset):
    def __init__(self, seq_length):
        self.seq_length = seq_length

    def __len__(self):
        return sys.maxsize

    def __getitem__(self, idx):
        half = int(np.ceil(self.seq_length / 2))
        left = np.random.randint(0, 10, half)
        right = left[::-1]
        if self.seq_length % 2:
            right = right[1:]
        full = np.concatenate([left, right])
        return torch.tensor(full[:-1], dtype=torch.float32)[:, None], int(full[-1])
