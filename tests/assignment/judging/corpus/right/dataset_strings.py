import numpy as np
import torch
import torch.utils.data as data


class PalindromeDataset(data.Dataset):
    """A palindrome is a string until it is read."""

    def __init__(self, seq_length, mode="train", num_examples=4000):
        super().__init__()
        self.seq_length = seq_length
        self.strings = []
        rng = np.random.RandomState(42)
        chosen = set()
        while len(self.strings) < num_examples and len(chosen) < 10 ** min(self.half, 9):
            left = "".join(str(d) for d in rng.randint(10, size=self.half))
            if left in chosen and self.half < 10:
                continue
            chosen.add(left)
            if (sum(map(int, left)) % 10 < 8) == (mode == "train"):
                self.strings.append(self.complete(left))

    @property
    def half(self):
        return -(-self.seq_length // 2)

    def complete(self, left):
        s = left + left[::-1] if self.seq_length % 2 == 0 else left + left[-2::-1]
        assert s == s[::-1] and len(s) == self.seq_length
        return s

    def __len__(self):
        return len(self.strings)

    def __getitem__(self, item):
        s = self.strings[item]
        x = torch.zeros(self.seq_length - 1, 10)
        for t, letter in enumerate(s[:-1]):
            x[t, int(letter)] = 1.0
        return x, int(s[-1])
