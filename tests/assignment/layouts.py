"""The folders in which students hand in the four files, made from the flat one."""

import json
from collections.abc import Callable
from pathlib import Path

from toolkit.assignment.parts import FILES, PARTS, Part

ROOT = Path(__file__).parents[2]  # of the repository
Texts = dict[Part, str]
Files = dict[str, str]
Layout = tuple[Files, dict[Part, str]]  # the files, and where each part is

RNN = """
import torch
from torch import nn


class VanillaRNN(nn.Module):
    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.h = nn.Linear(input_dim + hidden_dim, hidden_dim)
        self.p = nn.Linear(hidden_dim, output_dim)
        self.size = hidden_dim

    def forward(self, x):
        h = torch.zeros(x.size(0), self.size)
        for t in range(x.size(1)):
            h = torch.tanh(self.h(torch.cat([x[:, t], h], 1)))
        return self.p(h)
"""
CLASSIFIER = """
import torch
from torch import nn
from torchvision import datasets, transforms


class MNISTData(torch.utils.data.Dataset):
    def __init__(self):
        self.data = datasets.MNIST("data", download=True, transform=transforms.ToTensor())

    def __getitem__(self, k):
        return self.data[k]

    def __len__(self):
        return len(self.data)


def train(model, loader):
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x.flatten(1)), y).backward()
        optimizer.step()


if __name__ == "__main__":
    train(nn.Linear(784, 10), torch.utils.data.DataLoader(MNISTData(), 64))
"""
COMPARISON = """
import torch
from lstm import LSTM
from torch import nn

theirs = nn.LSTM(10, 128)
print(sum(p.numel() for p in theirs.parameters()))
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    """Put files into a folder, which is made."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def skeleton() -> Texts:
    """What the course hands out."""
    folder = ROOT / "assignments" / "skeleton"
    return {part: (folder / name).read_text() for part, name in FILES.items()}


def notebook(*cells: str, outputs: str = "") -> str:
    """A notebook with these code cells, a heading before each, and something printed."""
    content: list[dict[str, object]] = []
    for number, cell in enumerate(cells, start=1):
        content.append({"cell_type": "markdown", "metadata": {}, "source": f"# Step {number}"})
        printed = {"output_type": "stream", "name": "stdout", "text": outputs or "class LSTM:"}
        content.append(
            {
                "cell_type": "code",
                "metadata": {},
                "execution_count": number,
                "outputs": [printed],
                "source": cell.splitlines(keepends=True),
            }
        )
    return json.dumps({"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def placed(where: Callable[[Part], str], texts: Texts, more: Files | None = None) -> Layout:
    """Each file where `where` says."""
    places: dict[Part, str] = {part: where(part) for part in PARTS}
    return {places[part]: texts[part] for part in PARTS} | (more or {}), places


def _with_imports(texts: Texts, **modules: str) -> Texts:
    """With other names for the modules that the training imports: dataset="src.dataset"."""
    train = texts["train"]
    for name, other in modules.items():
        train = train.replace(f"from {name} import", f"from {other} import")
    return texts | {"train": train}


def _in_two(texts: Texts, first: str, second: str) -> Layout:
    return placed(lambda p: f"{second if p == 'gan' else first}/{FILES[p]}", texts)


def _other_names(texts: Texts) -> Layout:
    names: dict[Part, str] = {
        "dataset": "palindromes.py",
        "lstm": "model.py",
        "train": "run.py",
        "gan": "main.py",
    }
    return placed(names.__getitem__, _with_imports(texts, dataset="palindromes", lstm="model"))


def _package(texts: Texts) -> Layout:
    changed = _with_imports(texts, dataset="src.dataset", lstm="src.lstm")
    return placed(lambda p: f"src/{FILES[p]}" if p != "train" else "main.py", changed)


def _relative(texts: Texts) -> Layout:
    changed = _with_imports(texts, dataset=".dataset", lstm=".lstm")
    return placed(
        lambda p: f"part1/{FILES[p]}" if p != "gan" else "part2/DCGAN.py",
        changed,
        {"part1/__init__.py": "", "part2/__init__.py": ""},
    )


def _with_others(texts: Texts) -> Layout:
    """An RNN, a classifier with a data set of its own, a comparison, a test."""
    more = {
        "Part 1/vanilla_rnn.py": RNN,
        "Part 1/train_rnn.py": texts["train"]
        .replace("from lstm import LSTM", "import vanilla_rnn")
        .replace("LSTM(", "vanilla_rnn.VanillaRNN("),
        "Part 1/compare.py": COMPARISON,
        "Part 1/test_lstm.py": "import pytest\n" + COMPARISON,
        "Part 2/dataset.py": CLASSIFIER,
        "Part 2/README.md": "class LSTM",
    }
    where = {"gan": "Part 2/gan.py"}
    return placed(lambda p: where.get(p, f"Part 1/{FILES[p]}"), texts, more)


def _with_starter(texts: Texts) -> Layout:
    more = {f"assignment/{FILES[part]}": text for part, text in skeleton().items()}
    return placed(lambda p: f"solution/{FILES[p]}", texts, more)


def _with_old(texts: Texts) -> Layout:
    """Older ones with something else in them, and the same ones once more."""
    more = {f"backup/{FILES[part]}": text + "\nOLD = 1\n" for part, text in texts.items()}
    more |= {f"{FILES[part][:-3]}_old.py": text + "\nOLD = 2\n" for part, text in texts.items()}
    more |= {f"code/code/{FILES[part]}": "# again\n" + text for part, text in texts.items()}
    return placed(lambda p: FILES[p], texts, more)


def _tools(texts: Texts) -> Layout:
    """What is made by tools, and an environment."""
    folders = ("__MACOSX", ".git", "venv", "env/lib", "__pycache__", "node_modules")
    more = {
        f"{folder}/{name}": "decoy = 1\n" + texts[part]
        for part, name in FILES.items()
        for folder in folders
    }
    return placed(lambda p: f"12345678/{FILES[p]}", texts, more | {"env/pyvenv.cfg": ""})


def _without_local_imports(text: str) -> str:
    own = ("from dataset import", "from lstm import", "from __future__")
    return "".join(line for line in text.splitlines(True) if not line.startswith(own))


def _notebooks(texts: Texts) -> Layout:
    """A notebook for each half."""
    first = notebook(
        "%matplotlib inline\n!pip install torch",
        texts["dataset"],
        "%%time\n" + texts["lstm"],
        _without_local_imports(texts["train"]),
    )
    second = notebook(texts["gan"])
    files = {"Part 1/LSTM.ipynb": first, "Part 2/GAN.ipynb": second}
    places: dict[Part, str] = dict.fromkeys(PARTS, "Part 1/LSTM.ipynb")
    return files, places | {"gan": "Part 2/GAN.ipynb"}


def _notebook_beside(texts: Texts) -> Layout:
    """The files, with a notebook of results."""
    results = notebook(
        "import my_gan\nfrom train import *",
        "%run train.py --length 5\nimport matplotlib.pyplot as plt",
        "from IPython.display import Image, display\ndisplay(Image('samples.png'))",
    )
    return placed(lambda p: FILES[p], texts, {"results.ipynb": results})


def _written_by_a_notebook(texts: Texts) -> Layout:
    cells = [f"%%writefile {FILES[part]}\n{text}" for part, text in texts.items()]
    everything = notebook(*cells, "!python train.py", "!python my_gan.py")
    return {"everything.ipynb": everything}, dict.fromkeys(PARTS, "everything.ipynb")


def _handed_out(texts: Texts) -> Layout:
    """The toolkit's own notebook beside the files."""
    folder = ROOT / "assignments"
    own = (folder / "assignment3.ipynb").read_text()
    return placed(lambda p: FILES[p], texts, {"assignment3.ipynb": own})


LAYOUTS: dict[str, Callable[[Texts], Layout]] = {
    "flat": lambda texts: placed(lambda p: FILES[p], texts),
    "Part 1, Part 2": lambda texts: _in_two(texts, "Part 1", "Part 2"),
    "Part_1, part2": lambda texts: _in_two(texts, "Part_1/code", "part2"),
    "src": lambda texts: placed(lambda p: f"src/{FILES[p]}", texts),
    "nested twice": lambda texts: placed(lambda p: f"12345678/12345678/{FILES[p]}", texts),
    "upper case": lambda texts: placed(
        lambda p: FILES[p] if p != "lstm" else "LSTM.py", _with_imports(texts, lstm="LSTM")
    ),
    "other names": _other_names,
    "a package": _package,
    "relative imports": _relative,
    "with others": _with_others,
    "with the starter's files": _with_starter,
    "with old copies": _with_old,
    "with what tools leave": _tools,
    "two notebooks": _notebooks,
    "a notebook of results": _notebook_beside,
    "written by a notebook": _written_by_a_notebook,
    "with the toolkit's notebook": _handed_out,
}
