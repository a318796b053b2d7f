"""Scripts that train, in the styles of many hands: what should be found in each.

All of them use the data set and the LSTM below, which are right. A script is a piece of `HEAD`,
the loop, and what follows it.
"""

from pathlib import Path
from typing import NamedTuple

DATASET = """
import torch
from torch.utils.data import Dataset


class PalindromeDataset(Dataset):
    def __init__(self, seq_length, train=True):
        half = (seq_length + 1) // 2
        generator = torch.Generator().manual_seed(3)
        left = torch.randint(0, 10, (4000, half), generator=generator)
        left = left[((left * torch.arange(1, half + 1)).sum(1) % 5 == 0) != train]
        self.rows = torch.cat([left, left.flip(1)[:, seq_length % 2:]], 1)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        return torch.eye(10)[self.rows[k, :-1]], int(self.rows[k, -1])
"""
LSTM = """
import torch
from torch import nn


class LSTM(nn.Module):
    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.W = nn.Parameter(torch.randn(input_dim + hidden_dim, 4 * hidden_dim) * 0.2)
        self.b = nn.Parameter(torch.zeros(4 * hidden_dim))
        self.V = nn.Parameter(torch.randn(hidden_dim, output_dim) * 0.2)
        self.a = nn.Parameter(torch.zeros(output_dim))
        self.hidden_dim = hidden_dim

    def forward(self, x):
        h = c = torch.zeros(x.size(0), self.hidden_dim)
        for t in range(x.size(1)):
            g, i, f, o = (torch.cat([x[:, t], h], 1) @ self.W + self.b).chunk(4, 1)
            c = torch.tanh(g) * torch.sigmoid(i) + c * torch.sigmoid(f)
            h = torch.tanh(c) * torch.sigmoid(o)
        return h @ self.V + self.a
"""
HEAD = """
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from dataset import PalindromeDataset
from lstm import LSTM

train_set, test_set = PalindromeDataset(5), PalindromeDataset(5, train=False)
loader = DataLoader(train_set, 64, shuffle=True)
test_loader = DataLoader(test_set, 64)
model = LSTM(5, 10, 32, 10)
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
"""
LOOP = """
for epoch in range(5):
    for x, y in loader:
        out = model(x)
        loss = criterion(out, y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimizer.step()
"""
TEST = """
with torch.no_grad():
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
print(right / len(test_set))
"""
WHOLE = HEAD + LOOP + TEST


class Case(NamedTuple):
    """A script and what should be found."""

    script: str
    wrong: tuple[tuple[str, str], ...] = ()  # ids, and a piece of the line where each is
    not_seen: int = 0  # how many things
    lstm: str = LSTM


def changed(*pairs: tuple[str, str], script: str = WHOLE) -> str:
    """The script with some pieces replaced."""
    for old, new in pairs:
        assert old in script, old
        script = script.replace(old, new, 1)
    return script


def function(body: str, call: str, head: str = HEAD) -> str:
    """The script in a function."""
    inside = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{head}\n\ndef train():\n{inside}\n\n{call}\n"


CLEAR = "        optimizer.zero_grad()\n"
CLIP = "        torch.nn.utils.clip_grad_norm_(model.parameters(), 10)\n"
STEP = "        optimizer.step()\n"
BACK = "        loss.backward()\n"
LOSS = "criterion(out, y)"
BY_HAND = """
for step in range(3000):
    k = torch.randint(0, len(X), (64,))
    loss = F.cross_entropy(model(X[k]), Y[k])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print((model(Z).argmax(1) == W).float().mean())
"""
TENSORS = """
X, Y = (torch.stack([torch.as_tensor(i[k]) for i in train_set]) for k in (0, 1))
Z, W = (torch.stack([torch.as_tensor(i[k]) for i in test_set]) for k in (0, 1))
"""
# Of 20 digits, so many palindromes exist that independent sets rarely share one.
LENGTH = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--digits", type=int, default=20)
length = parser.parse_args().digits
"""
LONG = ("train_set, test_set = PalindromeDataset(5), PalindromeDataset(5, train=False)",
        LENGTH + "train_set = PalindromeDataset(length)\n"
        "test_set = PalindromeDataset(length, train=False)")  # fmt: skip
DRAWN = """
class PalindromeDataset(PalindromeDataset):
    def __init__(self, seq_length, train=True):
        left = torch.randint(0, 10, (4000, (seq_length + 1) // 2))
        self.rows = torch.cat([left, left.flip(1)[:, seq_length % 2:]], 1)
"""

CASES = {
    "plain": Case(WHOLE),
    "long palindromes that never meet": Case(changed(LONG)),
    "long palindromes, drawn independently": Case(
        changed(LONG, ("from lstm import LSTM\n", "from lstm import LSTM\n" + DRAWN)),
        (("split-leak", "test_loader = DataLoader"),)),
    "long palindromes, drawn independently, of a fixed length": Case(
        changed(LONG, ("from lstm import LSTM\n", "from lstm import LSTM\n" + DRAWN),
                ("parser.parse_args().digits", "20"))),
    "endless loop over a loader": Case(changed(("for epoch in range(5):", "while True:"))),
    "log_softmax and NLLLoss": Case(changed((LOSS, "nn.NLLLoss()(F.log_softmax(out, dim=1), y)"))),
    "softmax over the batch": Case(changed((LOSS, "criterion(\n            out.softmax(0), y)")),
        (("softmax-before-loss", "out.softmax(0)"),)),
    "log_softmax of probabilities": Case(
        changed((LOSS, "F.nll_loss(\n            F.log_softmax(out.softmax(1), dim=1), y)")),
        (("softmax-before-loss", "F.log_softmax(out.softmax"),)),
    "log_softmax over the batch": Case(
        changed((LOSS, "F.nll_loss(\n            F.log_softmax(out, dim=0), y)")),
        (("wrong-loss", "F.log_softmax(out, dim=0)"),)),
    "a loss of another kind, by hand": Case(
        changed((LOSS, "((out - torch.eye(10)[y]) ** 2).sum()")), not_seen=1),
    "the negative of the loss": Case(changed((BACK, "        (-loss).backward()\n")),
        (("does-not-learn", "(-loss).backward()"),)),
    "labels of another digit": Case(changed((LOSS, "criterion(out, (y + 1) % 10)")),
        (("wrong-loss", "(y + 1) % 10"),)),
    "one-hot labels of another digit, for a lambda": Case(changed(("nn.CrossEntropyLoss()",
        "lambda p, y: F.cross_entropy(p, torch.eye(10)[y])"), (LOSS, "criterion(out, y.flip(0))")),
        (("wrong-loss", "lambda p, y"),)),
    "labels of another digit, without a loader": Case(
        HEAD + TENSORS + BY_HAND.replace("Y[k])", "X[k, 1].argmax(1))", 1),
        (("wrong-loss", "X[k, 1]"),)),
    "read from the end, in another order, with labels from the input": Case(
        changed(("out = model(x)",
        "k = torch.randperm(len(x))\n        out = model(x[k].flip(1))"), (LOSS,
        "criterion(out, x[k, 0].argmax(1))"))),
    "a margin, made far away": Case(changed(("nn.CrossEntropyLoss()", "nn.MultiMarginLoss()")),
        (("wrong-loss", "criterion = nn.MultiMarginLoss()"),)),
    "the sum over all steps": Case(
        changed((LOSS, "sum(criterion(\n            model(x[:, :t]), y) for t in (1, 2, 3, 4))")),
        (("loss-not-last-step", "sum(criterion("),)),
    "an optimiser of the last layer only": Case(
        changed(("(model.parameters(), lr", "([model.V, model.a], lr")),
        (("does-not-learn", "torch.optim.RMSprop([model.V"),)),
    "RMSProp by hand": Case(changed((CLEAR, ""), ("for epoch",
        "squares = [torch.zeros_like(p) for p in model.parameters()]\nfor epoch"), (STEP,
        "        for p, s in zip(model.parameters(), squares):\n"
        "            s.mul_(0.99).add_(0.01 * p.grad ** 2)\n"
        "            p.data -= 1e-3 * p.grad / (s.sqrt() + 1e-8)\n"
        "            p.grad = None\n")), not_seen=1),
    "gradients by hand": Case(changed((BACK,
        "        for p, g in zip(model.parameters(), torch.autograd.grad(loss, list("
        "model.parameters()))):\n            p.grad = g\n"))),
    "gradients that torch.autograd.grad returns of the negative loss": Case(changed((BACK,
        "        for p, g in zip(model.parameters(), torch.autograd.grad(-loss, list("
        "model.parameters()))):\n            p.grad = g\n")),
        (("does-not-learn", "torch.autograd.grad(-loss"),)),
    "gradients that only the first step has": Case(changed((CLEAR, ""), (BACK,
        "        if model.a.grad is None:\n            for p, g in zip(model.parameters(), "
        "torch.autograd.grad(loss, list(model.parameters()))):\n                p.grad = g\n")),
        (("gradients-not-cleared", STEP.strip()),)),
    "a step by hand with the gradients that torch.autograd.grad returns": Case(changed((CLEAR, ""),
        (BACK, "        every = list(model.parameters())\n        with torch.no_grad():\n"
        "            for p, g in zip(every, torch.autograd.grad(loss, every)):\n"
        "                p -= 0.1 * g\n"), (CLIP, ""), (STEP, "")), not_seen=1),
    "clipped with a generator that is used up": Case(changed((CLIP,
        "        torch.nn.utils.clip_grad_norm_(every, 10)\n"), ("for epoch",
        "every = model.parameters()\n_ = list(every)\nfor epoch")),
        (("clipping-without-effect", "clip_grad_norm_(every"),)),
    "clipped values, and the result thrown away": Case(changed((CLIP,
        "        for p in model.parameters():\n            p.grad.clamp(-1e-4, 1e-4)\n")),
        (("clipping-without-effect", "p.grad.clamp"),)),
    "a softmax over the batch, by hand": Case(
        changed((LOSS, "-(\n            F.log_softmax(out, dim=0))"
            "[torch.arange(len(y)), y].mean()")),
        (("wrong-loss", "F.log_softmax(out, dim=0)"),)),
    "a new optimiser for each step": Case(changed((STEP,
        "        torch.optim.RMSprop(model.parameters(), lr=1e-3).step()\n")),
        (("wrong-optimiser", "torch.optim.RMSprop(model.parameters(), lr=1e-3).step()"),)),
    "each norm clipped": Case(changed((CLIP, "        for p in model.parameters():\n"
        "            torch.nn.utils.clip_grad_norm_(p, 10)\n"))),
    "clipped values in place": Case(changed((CLIP,
        "        for p in model.parameters():\n            p.grad.clamp_(-0.01, 0.01)\n"))),
    "clipped values, kept": Case(changed((CLIP, "        for p in model.parameters():\n"
        "            p.grad = torch.clamp(p.grad, -0.001, 0.001)\n"))),
    "predictions after the training, of what was trained on and more": Case(
        HEAD + LOOP + "model.eval()\nprint(model(torch.eye(10)[torch.randint(10, (99, 4))]))\n"),
    "one data set that is switched": Case(
        changed(("test_loader = DataLoader(test_set, 64)\n", ""), (LOOP, LOOP +
        "train_set.rows = test_set.rows\ntest_loader = DataLoader(train_set, 64)\n")),
        not_seen=1),
    "a loss with weights, and validation with gradients": Case(changed(("nn.CrossEntropyLoss()",
        "nn.CrossEntropyLoss(torch.ones(10) * 2)"), (LOOP, LOOP +
        "    for x, y in test_loader:\n        print(criterion(model(x), y))\n"))),
    "both accuracies": Case(
        WHOLE + TEST.replace("test_loader", "loader").replace("test_set", "train_set")),
    "a rare leak": Case(changed(("loader = Data",
        "test_set.rows = torch.cat([test_set.rows, train_set.rows[-1:]])\nloader = Data")),
        (("split-leak", "test_loader = DataLoader"),)),
    "samplers that share one data set": Case(
        changed(("loader = DataLoader(train_set, 64, shuffle=True)\n",
        "from torch.utils.data import SubsetRandomSampler\n"
        "seen = sorted({tuple(r) for r in train_set.rows.tolist()})\n"
        "train_set.rows = torch.tensor(seen)\n"
        "loader = DataLoader(train_set, 64, sampler=SubsetRandomSampler(range(400)))\n"),
        ("DataLoader(test_set, 64)",
        "DataLoader(train_set, 64, sampler=SubsetRandomSampler(range(400, 500)))"))),
    "batches by hand": Case(HEAD + TENSORS + BY_HAND),
    "a folder that is not there": Case(
        WHOLE + "\ntorch.save(model.state_dict(), 'saved/model.pt')\n",
        (("missing-folder", "torch.save"),)),
    "logs in folders that it makes": Case(WHOLE +
        "\nimport os, pathlib\nos.makedirs('saved/a', exist_ok=True)\n"
        "open('saved/a/log.txt', 'w').write('x')\n"
        "pathlib.Path('logs/b').mkdir(parents=True)\n"),
    "lists for data sets, and a loop that returns": Case(
        function(LOOP.replace("for epoch in range(5)", "while True")
        + "        if loss < 0.01:\n            return model.eval()\n",
        "print(train().training)",
        changed(("DataLoader(train_set,", "DataLoader(list(train_set),"), script=HEAD))),
    "data that was not handed in": Case("rows = open('data/palindromes.csv').read()\n" + WHOLE,
        not_seen=1),
    "the name of a GPU that is not there, and a compiled model": Case(changed(("optimizer =",
        "print(\n    torch.cuda.get_device_name(0))\n"
        "model = torch.compile(model)\noptimizer =")),
        (("fixed-device", "torch.cuda.get_device_name(0)"),)),
    "settings of wandb": Case(function(LOOP.replace("range(5)",
        "range(wandb.config['epochs'])") + TEST,
        "train()", HEAD +
        "import wandb\nrun = wandb.init('p', config={'epochs': 5, 'lr': 1e-3})\n"
            "assert run.config.lr == wandb.config.lr\n")),
    "the shapes of another step after the training": Case(
        WHOLE + "\ncriterion(model(x)[None], y)\n", (("does-not-run", "[None], y)"),)),
    "numbers of a short training": Case(changed(("for epoch", "every = []\nfor epoch"), (STEP,
        STEP + "        every.append(1)\n"))
        + "\nprint(every[200])\n", not_seen=1),
    "a network that trains itself": Case(changed(("for epoch", "model.train(3, 4)\nfor epoch")),
        lstm=LSTM + "\n    def train(self, inputs=True, targets=None):\n        return self\n"),
}  # fmt: skip


def write(name: str, folder: Path) -> None:
    """Put the three files of a case into a folder."""
    case = CASES[name]
    for file, text in (("train", case.script), ("lstm", case.lstm), ("dataset", DATASET)):
        (folder / f"{file}.py").write_text(text)


SLOW = changed(("model =", "x = 0\nfor k in range(10**9):\n    x += k\nmodel ="))  # before a step
