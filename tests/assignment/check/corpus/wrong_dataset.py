"""Data sets with one fault each."""

from .build import planted
from .right_cases import APART, EXP, POOL, SEEDED, STEPS, TANH, P, S

ITEM, INIT = "def __getitem__", "def __init__"  # a fault of either may be shown at its first line

DATASETS = {
    "test data drawn like training data": planted(
        S, "dataset", "if test != train:", "if True:", "split-leak", "if True:", "test = int(", INIT
    ),
    "random_split of repeated draws": planted(
        POOL, "dataset",
        "lefts = set()\n        while len(lefts) < total_len:\n            lefts.add(",
        "lefts = []\n        while len(lefts) < total_len:\n            lefts.append(",
        "split-leak", "lefts.append(", "random_split(dataset", "loaders = [DataLoader(part", INIT,
        found_in="train"),
    "the split of a stream": planted(
        EXP, "dataset", 'if is_test(half) == (self.split == "test"):', "if half:", "split-leak",
        "if half:", "def draw", INIT, "class PalindromeDataset"),
    "a leak that only many items show": planted(
        STEPS, "dataset", '            if (sum(map(int, left)) % 10 < 8) == (mode == "train"):\n',
        '            if (sum(map(int, left)) % 10 < 8) == (mode == "train") or left == "707":\n',
        "split-leak", 'left == "707"', INIT, ITEM),
    "the middle digit twice": planted(
        S, "dataset", "left.flip(0)[seq_length % 2 :]", "left.flip(0)", "not-a-palindrome",
        "rows.append(", INIT, ITEM),
    "the half repeated, not mirrored": planted(
        P, "dataset", "right = left[::-1]", "right = left", "not-a-palindrome", "right = left", ITEM
    ),
    "strings that are repeated": planted(
        STEPS, "dataset", "        assert s == s[::-1] and len(s) == self.seq_length\n", "",
        "not-a-palindrome", "s = left + left if", "def complete", ITEM,
        more=(("dataset", "s = left + left[::-1] if", "s = left + left if"),)),
    "random digits": planted(
        TANH, "dataset", "digits[k] = digits[self.T - 1 - k] = random",
        "digits[k], digits[self.T - 1 - k] = random.randint(0, 9), random", "not-a-palindrome",
        "digits[k], digits[", ITEM),
    "the label is the middle": planted(
        S, "dataset", "label = int(row[-1])", "label = int(row[len(row) // 2])", "wrong-label",
        "label = int(row[len", ITEM),
    "the label is the digit before the last": planted(
        P, "dataset", "int(full[-1])", "int(full[-2])", "wrong-label", "int(full[-2])", ITEM
    ),
    "the label is the digit that was read last": planted(
        "integers for an embedding", "dataset", "return palindrome[:-1], palindrome[-1]",
        "return palindrome[:-1], palindrome[-2]", "wrong-label", "palindrome[-2]", ITEM),
    "the last digit is in the input": planted(
        S, "dataset", "inputs = row[:-1]", "inputs = row", "answer-in-input", "inputs = row", ITEM
    ),
    "the input is the whole string": planted(
        STEPS,
        "dataset",
        "for t, letter in enumerate(s[:-1]):",
        "for t, letter in enumerate(s):",
        "answer-in-input",
        "for t, letter in enumerate(s):",
        "x = torch.zeros(",
        ITEM,
        more=(
            ("dataset", "torch.zeros(self.seq_length - 1, 10)", "torch.zeros(self.seq_length, 10)"),
        ),
    ),
    "no nine": planted(
        S, "dataset", "randint(0, 10,", "randint(0, 9,", "missing-digits", "randint(0, 9,", INIT
    ),
    "no zero": planted(
        SEEDED, "dataset", "torch.randint(0, 10, [", "torch.randint(1, 10, [", "missing-digits",
        "torch.randint(1, 10, [", ITEM, INIT),
    "numbers, not digits": planted(
        P, "dataset", "left = np.random.randint(0, 10, half)",
        "left = np.array([int(d) for d in str(np.random.randint(0, 10**half)).zfill(half)])",
        "length-overflow", "left = np.array(", INIT, ITEM),
    "floats, not digits": planted(
        P, "dataset", "left = np.random.randint(0, 10, half)",
        'left = np.array([int(d) for d in f"{int(np.random.rand() * 10.0**half):0{half}d}"])',
        "length-overflow", "left = np.array(", INIT, ITEM),
    "a list of all numbers": planted(
        POOL, "dataset", 'lefts.add("".join(rng.choice("0123456789") for _ in range(half)))',
        "lefts |= {str(n).zfill(half) for n in rng.sample(range(10**half), total_len)}",
        "length-overflow", "lefts |= {", INIT),
    "a permutation of all numbers": planted(
        APART,
        "dataset",
        "            halves = list(itertools.product(range(10), repeat=n))\n",
        "            chosen = torch.randperm(10**n)[:total_len].tolist()\n"
        "            halves = [tuple(int(d) for d in str(k).zfill(n)) for k in chosen]\n",
        "length-overflow",
        "chosen = torch.randperm(",
        INIT,
        more=(("dataset", "if n <= 3:", "if n:"),),
    ),
}  # fmt: skip
