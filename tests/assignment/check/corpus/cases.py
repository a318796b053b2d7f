"""Submissions that are right, and others with one planted fault each.

A right one is four files of `right/`. A wrong one is a right one in which a piece of one file is
replaced by what students write there.
"""

from pathlib import Path
from typing import NamedTuple

RIGHT_FILES = Path(__file__).parent / "right"
FILES = {"dataset": "dataset.py", "lstm": "lstm.py", "train": "train.py", "gan": "my_gan.py"}


class Right(NamedTuple):
    """Which of the files in `right/` stand together, and what is replaced to make them fit."""

    dataset: str
    lstm: str
    train: str
    gan: str
    changes: tuple[tuple[str, str, str], ...] = ()  # (part, old, new)


class Wrong(NamedTuple):
    """A misconception, and what the checker should call it."""

    base: str
    part: str
    old: str  # "" for the whole file
    new: str
    id: str
    equation: int | None = None
    found_in: str | None = None  # the part whose check finds it, if not `part`


RIGHT = {
    "separate gates": Right("digits", "separate", "split", "mlp_tanh"),
    "packed gates": Right("stream", "packed", "stream", "mlp_sigmoid"),
    "time-major": Right("pool", "time_major", "pool", "conv"),
    "bare digit": Right("digits", "digit", "digit", "mlp_sigmoid"),
    "columns, device, batch_size": Right("stream", "columns", "stream", "conv"),
    "nn.Linear, no seq_length": Right(
        "digits",
        "linear",
        "split",
        "conv",
        (("train", "LSTM(config.length, 10, config.hidden, 10)", "LSTM(10, config.hidden, 10)"),),
    ),
    "one-hot by hand, softmax and its log": Right(
        "digits",
        "separate",
        "split",
        "mlp_sigmoid",
        (
            ("lstm", "return p", "return torch.softmax(p, dim=1)"),
            ("train", "nn.CrossEntropyLoss()", "lambda p, y: nn.NLLLoss()(torch.log(p), y)"),
        ),
    ),
    "discriminator first, two backwards": Right(
        "pool",
        "linear",
        "pool",
        "mlp_tanh",
        (
            ("train", "x = x.transpose(0, 1)", "pass"),
            ("train", "model(x)[-1]", "model(x)"),
        ),
    ),
    "einsum, and networks without classes": Right(
        "digits",
        "einsum",
        "split",
        "sequential",
        (("train", "LSTM(config.length, 10, config.hidden, 10)", "LSTM(10, config.hidden, 10)"),),
    ),
    "sizes from the input": Right(
        "stream",
        "packed",
        "stream",
        "mlp_tanh",
        (("lstm", "batch = x.shape[0]", "batch, steps, _ = x.size()"),),
    ),
}

RNN = """
import torch
from torch import nn


class LSTM(nn.Module):
    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.hx = nn.Linear(input_dim, hidden_dim)
        self.hh = nn.Linear(hidden_dim, hidden_dim)
        self.ph = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        h = torch.zeros(x.size(0), self.hidden_dim)
        for t in range(x.size(1)):
            h = torch.tanh(self.hx(x[:, t]) + self.hh(h))
        return self.ph(h)
"""
GRU = """
import torch
from torch import nn


class LSTM(nn.Module):
    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.z = nn.Linear(input_dim + hidden_dim, hidden_dim)
        self.r = nn.Linear(input_dim + hidden_dim, hidden_dim)
        self.n = nn.Linear(input_dim + hidden_dim, hidden_dim)
        self.p = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        h = torch.zeros(x.size(0), self.hidden_dim)
        for t in range(x.size(1)):
            both = torch.cat([x[:, t], h], dim=1)
            z, r = torch.sigmoid(self.z(both)), torch.sigmoid(self.r(both))
            n = torch.tanh(self.n(torch.cat([x[:, t], r * h], dim=1)))
            h = (1 - z) * n + z * h
        return self.p(h)
"""

S, N = "separate gates", "nn.Linear, no seq_length"
P, C = "packed gates", "columns, device, batch_size"

WRONG = {
    # lstm.py
    "nn.LSTM under another name": Wrong(
        P,
        "lstm",
        "        self.out =",
        "        from torch.nn import LSTM as Layer\n\n"
        "        self.layer = Layer(input_dim, hidden_dim)\n        self.out =",
        "forbidden-module",
    ),
    "nn.LSTMCell by getattr": Wrong(
        N,
        "lstm",
        "self.sigmoid = nn.Sigmoid()",
        'self.sigmoid = nn.Sigmoid()\n        self.cell = getattr(nn, "LSTM" + "Cell")(2, 3)',
        "forbidden-module",
    ),
    "torch.nn.modules.rnn": Wrong(
        N,
        "lstm",
        "import torch\nimport torch.nn as nn",
        "import torch\nimport torch.nn as nn\nimport torch.nn.modules.rnn as recurrent\n\n"
        "Base = recurrent.GRU",
        "forbidden-module",
    ),
    "g with a sigmoid": Wrong(
        S, "lstm", "g = torch.tanh(", "g = torch.sigmoid(", "wrong-equation", 1
    ),
    "g without x": Wrong(S, "lstm", "x_t @ self.W_gx + h", "h", "wrong-equation", 1),
    "i with a tanh": Wrong(
        N, "lstm", "i_t = self.sigmoid(", "i_t = self.tanh(", "wrong-equation", 2
    ),
    "i without h": Wrong(S, "lstm", " + h @ self.W_ih", "", "wrong-equation", 2),
    "f reads the weights of i": Wrong(
        S, "lstm", "x_t @ self.W_fx", "x_t @ self.W_ix", "wrong-equation", 3
    ),
    "f without its bias": Wrong(S, "lstm", " + self.b_f)", ")", "wrong-equation", 3),
    "f peeps into c": Wrong(
        S, "lstm", "h @ self.W_fh + self.b_f", "h @ self.W_fh + c + self.b_f", "wrong-equation", 3
    ),
    "o without a sigmoid": Wrong(S, "lstm", "o = torch.sigmoid(", "o = (", "wrong-equation", 4),
    "o reads the new h only by half": Wrong(
        S, "lstm", "h @ self.W_oh", "(h * h) @ self.W_oh", "wrong-equation", 4
    ),
    "c forgets the input gate": Wrong(
        S, "lstm", "c = g * i + c * f", "c = g + c * f", "wrong-equation", 5
    ),
    "c without the forget gate": Wrong(
        S, "lstm", "c = g * i + c * f", "c = g * i + c", "wrong-equation", 5
    ),
    "c with i and f mixed up": Wrong(
        S, "lstm", "c = g * i + c * f", "c = g * f + c * i", "wrong-equation", 5
    ),
    "c adds f": Wrong(S, "lstm", "c = g * i + c * f", "c = g * i + f", "wrong-equation", 5),
    "c is a GRU's": Wrong(
        S, "lstm", "c = g * i + c * f", "c = g * i + c * (1 - i)", "wrong-equation", 5
    ),
    "h without tanh": Wrong(S, "lstm", "h = torch.tanh(c) * o", "h = c * o", "wrong-equation", 6),
    "h without o": Wrong(
        S, "lstm", "h = torch.tanh(c) * o", "h = torch.tanh(c)", "wrong-equation", 6
    ),
    "h with the brackets wrong": Wrong(
        S, "lstm", "h = torch.tanh(c) * o", "h = torch.tanh(c * o)", "wrong-equation", 6
    ),
    "p from c": Wrong(S, "lstm", "p = h @ self.W_ph", "p = c @ self.W_ph", "wrong-equation", 7),
    "p without a bias": Wrong(
        P,
        "lstm",
        "nn.Linear(hidden_dim, output_dim)",
        "nn.Linear(hidden_dim, output_dim, bias=False)",
        "wrong-equation",
        7,
    ),
    "an RNN": Wrong(S, "lstm", "", RNN, "wrong-equation", 5),
    "a GRU by hand": Wrong(S, "lstm", "", GRU, "wrong-equation", 5),
    "the toolkit's own cell": Wrong(
        P,
        "lstm",
        "import math\n",
        "import math\n\nfrom toolkit.lstm.model import LSTMCell\n",
        "forbidden-module",
    ),
    "a typing error": Wrong(S, "lstm", "x_t = x[:, t]", "x_t = x[:, i]", "does-not-run"),
    "h(0) random": Wrong(
        S,
        "lstm",
        "h = torch.zeros(x.size(0)",
        "h = torch.randn(x.size(0)",
        "nonzero-initial-state",
    ),
    "c(0) one": Wrong(
        S, "lstm", "c = torch.zeros(x.size(0)", "c = torch.ones(x.size(0)", "nonzero-initial-state"
    ),
    "h(0) one": Wrong(
        S, "lstm", "h = torch.zeros(x.size(0)", "h = torch.ones(x.size(0)", "nonzero-initial-state"
    ),
    "states set to zero in the loop": Wrong(
        P,
        "lstm",
        "            h, c = state\n",
        "            h, c = x.new_zeros(batch, self.n), x.new_zeros(batch, self.n)\n",
        "state-not-carried",
    ),
    "the new h is never read": Wrong(
        S,
        "lstm",
        "h = torch.tanh(c) * o\n        p = h",
        "h_new = torch.tanh(c) * o\n        p = h_new",
        "state-not-carried",
    ),
    "c set to zero in the loop": Wrong(
        S,
        "lstm",
        "x_t = x[:, t]",
        "x_t = x[:, t]\n            c = torch.zeros_like(h)",
        "state-not-carried",
        5,
    ),
    "the batch size of the constructor": Wrong(
        C,
        "lstm",
        "h = torch.zeros(self.num_hidden, x.size(0),",
        "h = torch.zeros(self.num_hidden, 128,",
        "fixed-batch-size",
    ),
    "h is hidden by hidden": Wrong(
        S,
        "lstm",
        "h = torch.zeros(x.size(0), self",
        "h = torch.zeros(self.hidden_dim, self",
        "fixed-batch-size",
    ),
    "the length of the constructor": Wrong(
        S,
        "lstm",
        "self.hidden_dim = hidden_dim\n",
        "self.hidden_dim = hidden_dim\n        self.seq_length = seq_length\n",
        "fixed-sequence-length",
    ),
    "four steps": Wrong(N, "lstm", "range(x.size(1))", "range(4)", "fixed-sequence-length"),
    "a bias that is a tensor": Wrong(
        S,
        "lstm",
        "self.b_i = nn.Parameter(torch.zeros(hidden_dim))",
        "self.b_i = torch.zeros(hidden_dim)",
        "parameter-not-learnable",
    ),
    "layers in a list": Wrong(
        N,
        "lstm",
        "self.ph = nn.Linear(hidden_dim, output_dim)",
        "self.last = [nn.Linear(hidden_dim, output_dim)]\n"
        "        self.ph = lambda h: self.last[0](h)",
        "parameter-not-learnable",
    ),
    "weights that want no gradient": Wrong(
        S,
        "lstm",
        "return nn.Parameter(torch.randn(rows, columns) / rows**0.5)",
        "return nn.Parameter(torch.randn(rows, columns) / rows**0.5, requires_grad=False)",
        "parameter-not-learnable",
    ),
    "a layer that is never used": Wrong(
        N,
        "lstm",
        "self.sigmoid = nn.Sigmoid()",
        "self.sigmoid = nn.Sigmoid()\n        self.extra = nn.Linear(hidden_dim, hidden_dim)",
        "dead-parameter",
    ),
    "h is cut off in the loop": Wrong(
        S,
        "lstm",
        "h = torch.tanh(c) * o\n",
        "h = torch.tanh(c) * o\n            c = c.detach()\n"
        "            h = h if t == x.size(1) - 1 else h.detach()\n",
        "broken-gradient",
    ),
    "the first step answers": Wrong(
        S,
        "lstm",
        "h = torch.tanh(c) * o\n        p = h",
        "h = torch.tanh(c) * o\n            first = h if t == 0 else first\n        p = first",
        "loss-not-last-step",
        9,
    ),
    "the mean of all steps answers": Wrong(
        S,
        "lstm",
        "h = torch.tanh(c) * o\n        p = h",
        "h = torch.tanh(c) * o\n            total = h if t == 0 else total + h\n"
        "        p = (total / x.size(1))",
        "loss-not-last-step",
        9,
    ),
    "weights that start at zero": Wrong(
        S,
        "lstm",
        "torch.randn(rows, columns) / rows**0.5",
        "torch.zeros(rows, columns)",
        "does-not-learn",
    ),
    "cuda in forward": Wrong(
        S,
        "lstm",
        "self.hidden_dim, device=x.device)\n        c",
        "self.hidden_dim).cuda()\n        c",
        "fixed-device",
    ),
    "a bracket too few": Wrong(S, "lstm", "+ self.b_g)", "+ self.b_g", "does-not-import"),
    # train.py
    "softmax in the model": Wrong(
        S,
        "lstm",
        "return p",
        "return torch.softmax(p, dim=1)",
        "softmax-before-loss",
        8,
        found_in="train",
    ),
    "softmax in the training": Wrong(
        S,
        "train",
        "out = model(inputs)",
        "out = model(inputs).softmax(dim=1)",
        "softmax-before-loss",
        8,
    ),
    "functions, and nothing that calls them": Wrong(
        S, "train", 'if __name__ == "__main__":', "def run():", "not-watched"
    ),
    "an argument without a default": Wrong(
        S,
        "train",
        '"--length", type=int, default=5',
        '"--length", type=int, required=True',
        "not-watched",
    ),
    "squared errors": Wrong(
        S,
        "train",
        "criterion(out, labels)",
        "nn.MSELoss()(out.softmax(1), nn.functional.one_hot(labels, 10).float())",
        "wrong-loss",
        9,
    ),
    "Adam": Wrong(S, "train", "torch.optim.RMSprop", "torch.optim.Adam", "wrong-optimiser"),
    "SGD under another name": Wrong(
        P,
        "train",
        "torch.optim.RMSprop",
        "(lambda p, r: torch.optim.SGD(p, lr=r))",
        "wrong-optimiser",
    ),
    "no zero_grad": Wrong(
        S, "train", "            optimizer.zero_grad()\n", "", "gradients-not-cleared"
    ),
    "zero_grad between backward and step": Wrong(
        S,
        "train",
        "loss.backward()",
        "loss.backward()\n            optimizer.zero_grad()",
        "does-not-learn",
    ),
    "no step": Wrong(S, "train", "            optimizer.step()\n", "", "does-not-learn"),
    "the loss over all steps": Wrong(
        "time-major",
        "train",
        "logits = model(x)[-1]\n            loss = F.cross_entropy(logits, y)",
        "every = model(x)\n            logits = every[-1]\n            loss = F.cross_entropy("
        "every.flatten(0, 1), y.repeat(len(every)))",
        "loss-not-last-step",
        9,
    ),
    "the loss over the first step": Wrong(
        "time-major", "train", "model(x)[-1]", "model(x)[0]", "loss-not-last-step", 9
    ),
    "model.cuda()": Wrong(P, "train", ".to(device)\nloader", ".cuda()\nloader", "fixed-device"),
    "test data drawn like training data": Wrong(
        S, "dataset", "if test != train:", "if True:", "split-leak"
    ),
    "random_split of repeated draws": Wrong(
        "time-major",
        "dataset",
        "lefts = set()\n        while len(lefts) < total_len:\n            lefts.add(",
        "lefts = []\n        while len(lefts) < total_len:\n            lefts.append(",
        "split-leak",
        found_in="train",
    ),
    # dataset.py
    "the middle digit twice": Wrong(
        S, "dataset", "left.flip(0)[seq_length % 2 :]", "left.flip(0)", "not-a-palindrome"
    ),
    "the half repeated, not mirrored": Wrong(
        P, "dataset", "right = left[::-1]", "right = left", "not-a-palindrome"
    ),
    "the label is the middle": Wrong(
        S, "dataset", "label = int(row[-1])", "label = int(row[len(row) // 2])", "wrong-label"
    ),
    "the label is the digit before the last": Wrong(
        P, "dataset", "int(full[-1])", "int(full[-2])", "wrong-label"
    ),
    "the last digit is in the input": Wrong(
        S, "dataset", "inputs = row[:-1]", "inputs = row", "answer-in-input"
    ),
    "no nine": Wrong(S, "dataset", "randint(0, 10,", "randint(0, 9,", "missing-digits"),
    "numbers, not digits": Wrong(
        P,
        "dataset",
        "left = np.random.randint(0, 10, half)",
        "left = np.array([int(d) for d in str(np.random.randint(0, 10**half)).zfill(half)])",
        "length-overflow",
    ),
    "floats, not digits": Wrong(
        P,
        "dataset",
        "left = np.random.randint(0, 10, half)",
        'left = np.array([int(d) for d in f"{int(np.random.rand() * 10.0**half):0{half}d}"])',
        "length-overflow",
    ),
    "a list of all numbers": Wrong(
        "time-major",
        "dataset",
        'lefts.add("".join(rng.choice("0123456789") for _ in range(half)))',
        "lefts |= {str(n).zfill(half) for n in rng.sample(range(10**half), total_len)}",
        "length-overflow",
    ),
    # my_gan.py
    "uniform noise": Wrong(
        S,
        "gan",
        "z = torch.randn(imgs.size(0), args.latent_dim)",
        "z = torch.rand(imgs.size(0), args.latent_dim)",
        "wrong-noise",
    ),
    "noise between -1 and 1": Wrong(
        S,
        "gan",
        "z = torch.randn(imgs.size(0), args.latent_dim)",
        "z = torch.rand(imgs.size(0), args.latent_dim) * 2 - 1",
        "wrong-noise",
    ),
    "no detach": Wrong(
        S,
        "gan",
        "z = torch.randn(imgs.size(0), args.latent_dim)\n            gen_imgs = generator(z)",
        "z = torch.randn(imgs.size(0), args.latent_dim)\n            gen_imgs = generator(z)\n"
        "            early = loss_fn(discriminator(gen_imgs), fake)\n"
        "            optimizer_D.zero_grad()\n            early.backward(retain_graph=True)\n"
        "            optimizer_D.step()\n            gen_imgs = generator(z)",
        "missing-detach",
        10,
    ),
    "the same graph twice": Wrong(S, "gan", "gen_imgs.detach()", "gen_imgs", "missing-detach"),
    "drawn anew and not cut off": Wrong(
        S, "gan", "gen_imgs.detach()", "generator(z)", "missing-detach", 10
    ),
    "cut off in the generator's step": Wrong(
        S,
        "gan",
        "g_loss = loss_fn(discriminator(gen_imgs), real)",
        "g_loss = loss_fn(discriminator(gen_imgs.detach()), real)",
        "dead-parameter",
    ),
    "the discriminator is never cleared": Wrong(
        S, "gan", "            optimizer_D.zero_grad()\n", "", "gradients-not-cleared"
    ),
    "both cleared at the top": Wrong(
        S,
        "gan",
        "            optimizer_G.zero_grad()\n"
        "            g_loss = loss_fn(discriminator(gen_imgs), real)\n"
        "            g_loss.backward()\n"
        "            optimizer_G.step()\n\n"
        "            optimizer_D.zero_grad()\n",
        "            optimizer_G.zero_grad()\n"
        "            optimizer_D.zero_grad()\n"
        "            g_loss = loss_fn(discriminator(gen_imgs), real)\n"
        "            g_loss.backward()\n"
        "            optimizer_G.step()\n\n",
        "gradients-not-cleared",
    ),
    "one optimiser for both": Wrong(
        S,
        "gan",
        "torch.optim.Adam(generator.parameters()",
        "torch.optim.Adam([*generator.parameters(), *discriminator.parameters()]",
        "wrong-optimiser",
        10,
    ),
    "sampling in training mode": Wrong(
        S,
        "gan",
        "    generator.eval()\n    with torch.no_grad():\n        images",
        "    with torch.no_grad():\n        images",
        "batchnorm-mode",
    ),
    "never back to training": Wrong(
        "packed gates", "gan", "    G.train()\n    return", "    return", "batchnorm-mode"
    ),
    "images of 14 x 14": Wrong(
        S,
        "gan",
        "return self.model(z).view(-1, 1, 28, 28)",
        "return self.model(z).view(-1, 1, 28, 28)[..., ::2, ::2]",
        "wrong-shape",
    ),
    "no last non-linearity": Wrong(
        S,
        "gan",
        "            nn.Linear(256, 784),\n            nn.Tanh(),\n",
        "            nn.Linear(256, 784),\n",
        "output-range",
    ),
    "tanh against images in 0..1": Wrong(
        S,
        "gan",
        "transforms.Compose([transforms.ToTensor(), to_range])",
        "transforms.ToTensor()",
        "output-range",
    ),
    "two sigmoids": Wrong(S, "gan", "nn.BCELoss()", "nn.BCEWithLogitsLoss()", "sigmoid-twice", 10),
    "linspace to 7 and both ends": Wrong(
        S,
        "gan",
        "weights = torch.linspace(0, 1, 9).unsqueeze(1)",
        "weights = torch.cat([torch.zeros(1), torch.linspace(0, 1, 7), torch.ones(1)])[:, None]",
        "interpolation-repeats-ends",
    ),
    "no interpolation": Wrong(S, "gan", "def interpolate(", "def draw(", "missing-interpolation"),
    "7 images": Wrong(S, "gan", "linspace(0, 1, 9)", "linspace(0, 1, 7)", "wrong-interpolation"),
    "any two ends": Wrong(
        S, "gan", "if digits[0] != digits[1]:", "if len(digits) == 2:", "same-class-ends"
    ),
    "a path on one machine": Wrong(
        S, "gan", "import argparse\n", "import argparse\nimport my_helpers\n", "does-not-import"
    ),
    "still to do": Wrong(
        S,
        "gan",
        "def sample(generator, n=25):\n",
        'def sample(generator, n=25):\n    raise NotImplementedError("25 samples")\n',
        "not-written",
    ),
}


def write_right(name: str, folder: Path) -> None:
    """Put the four files of a right submission into `folder`."""
    right = RIGHT[name]
    for part, file in FILES.items():
        text = (RIGHT_FILES / f"{part}_{getattr(right, part)}.py").read_text()
        for _, old, new in (change for change in right.changes if change[0] == part):
            text = _replace(text, old, new)
        (folder / file).write_text(text)


def write_wrong(name: str, folder: Path) -> None:
    """Put a submission with one fault into `folder`."""
    wrong = WRONG[name]
    write_right(wrong.base, folder)
    file = folder / FILES[wrong.part]
    text = _replace(file.read_text(), wrong.old, wrong.new) if wrong.old else wrong.new
    if name == "the length of the constructor":
        text = _replace(text, "range(x.size(1))", "range(self.seq_length - 1)")
    if name == "the batch size of the constructor":
        text = _replace(
            text,
            "c = torch.zeros(self.num_hidden, x.size(0),",
            "c = torch.zeros(self.num_hidden, 128,",
        )
    file.write_text(text)


def _replace(text: str, old: str, new: str) -> str:
    assert old in text, f"{old!r} is not in the base"
    return text.replace(old, new, 1)
