import sys

import torch
from torch.utils.data import Dataset


def one_hot(digits, num_classes=10):
    return torch.eye(num_classes)[digits]


class PalindromeDataset(Dataset):
    """Endless, but the palindrome number i is always the same one."""

    def __init__(self, input_length, total_len=sys.maxsize, one_hot=False):
        self.length = input_length + 1
        self.total_len = total_len
        self.one_hot = one_hot

    def __len__(self):
        return self.total_len

    def __getitem__(self, idx):
        torch_rng = torch.Generator()
        torch_rng.manual_seed(int(idx) % 2**31)
        digits = torch.randint(0, 10, [self.length], generator=torch_rng)
        for left in range(self.length // 2):
            digits[self.length - left - 1] = digits[left]
        inputs, label = digits[:-1], digits[-1].item()
        return (one_hot(inputs) if self.one_hot else inputs.float().view(-1, 1)), label
