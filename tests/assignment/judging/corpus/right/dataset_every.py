import itertools
import random

import torch
from torch.utils.data import TensorDataset


class PalindromeDataset(TensorDataset):
    """All palindromes if they are few, otherwise some of them."""

    def __init__(self, input_length, total_len=5000, one_hot=True):
        T = input_length + 1
        n = T // 2 + T % 2
        if n <= 3:
            halves = list(itertools.product(range(10), repeat=n))
            random.Random(3).shuffle(halves)
        else:
            rng = random.Random(3)
            halves = list({tuple(rng.choices(range(10), k=n)) for _ in range(total_len)})
        halves = torch.tensor(halves[:total_len])
        full = torch.cat([halves, halves.flip(1)[:, T % 2 :]], dim=1)
        x = torch.nn.functional.one_hot(full[:, :-1], 10) if one_hot else full[:, :-1, None]
        super().__init__(x.float(), full[:, -1])
