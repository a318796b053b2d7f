import random

import torch
from torch.utils.data import Dataset


class PalindromeDataset(Dataset):
    # the inputs are (T-1,): bare digits
    def __init__(self, seq_length):
        self.T = seq_length

    def __len__(self):
        return 100000

    def __getitem__(self, index):
        digits = [0] * self.T
        for k in range((self.T + 1) // 2):
            digits[k] = digits[self.T - 1 - k] = random.randint(0, 9)
        return torch.tensor(digits[:-1]).float(), digits[-1]
