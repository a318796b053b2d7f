"""The folders in which students hand in the four files, made from the flat one."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from toolkit.assignment.running.parts import FILES, PARTS, Part

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
    """The files that the course hands out."""
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


def in_folder(folder: str) -> dict[Part, str]:
    """The places of the four files where all of them are in one folder."""
    return {part: f"{folder}/{name}" for part, name in FILES.items()}


def placed(places: Mapping[Part, str], texts: Texts, extra: Files | None = None) -> Layout:
    """Each file in its place, and extra ones beside them."""
    files = {places[part]: texts[part] for part in PARTS}
    return files | (extra or {}), dict(places)


def _with_imports(texts: Texts, **modules: str) -> Texts:
    """With other names for the modules that the training imports: dataset="src.dataset"."""
    train = texts["train"]
    for name, new_name in modules.items():
        train = train.replace(f"from {name} import", f"from {new_name} import")
    return texts | {"train": train}


def _flat(texts: Texts) -> Layout:
    return placed(FILES, texts)


def _in_two(texts: Texts, first: str, second: str) -> Layout:
    return placed(in_folder(first) | {"gan": f"{second}/{FILES['gan']}"}, texts)


def _in_two_parts(texts: Texts) -> Layout:
    return _in_two(texts, "Part 1", "Part 2")


def _in_two_parts_with_code(texts: Texts) -> Layout:
    return _in_two(texts, "Part_1/code", "part2")


def _src(texts: Texts) -> Layout:
    return placed(in_folder("src"), texts)


def _nested_twice(texts: Texts) -> Layout:
    return placed(in_folder("12345678/12345678"), texts)


def _upper_case(texts: Texts) -> Layout:
    return placed(FILES | {"lstm": "LSTM.py"}, _with_imports(texts, lstm="LSTM"))


def _other_names(texts: Texts) -> Layout:
    places: dict[Part, str] = {
        "dataset": "palindromes.py",
        "lstm": "model.py",
        "train": "run.py",
        "gan": "main.py",
    }
    return placed(places, _with_imports(texts, dataset="palindromes", lstm="model"))


def _package(texts: Texts) -> Layout:
    changed = _with_imports(texts, dataset="src.dataset", lstm="src.lstm")
    return placed(in_folder("src") | {"train": "main.py"}, changed)


def _relative(texts: Texts) -> Layout:
    changed = _with_imports(texts, dataset=".dataset", lstm=".lstm")
    places = in_folder("part1") | {"gan": "part2/DCGAN.py"}
    return placed(places, changed, {"part1/__init__.py": "", "part2/__init__.py": ""})


def _with_others(texts: Texts) -> Layout:
    """An RNN, a classifier with a data set of its own, a comparison, a test."""
    train_rnn = texts["train"].replace("from lstm import LSTM", "import vanilla_rnn")
    train_rnn = train_rnn.replace("LSTM(", "vanilla_rnn.VanillaRNN(")
    extra = {
        "Part 1/vanilla_rnn.py": RNN,
        "Part 1/train_rnn.py": train_rnn,
        "Part 1/compare.py": COMPARISON,
        "Part 1/test_lstm.py": "import pytest\n" + COMPARISON,
        "Part 2/dataset.py": CLASSIFIER,
        "Part 2/README.md": "class LSTM",
    }
    return placed(in_folder("Part 1") | {"gan": "Part 2/gan.py"}, texts, extra)


def _with_starter(texts: Texts) -> Layout:
    extra, _ = placed(in_folder("assignment"), skeleton())
    return placed(in_folder("solution"), texts, extra)


def _with_old(texts: Texts) -> Layout:
    """Older ones with something else in them, and the same ones once more."""
    extra: Files = {}
    for part, text in texts.items():
        name = FILES[part]
        old_name = name.removesuffix(".py") + "_old.py"
        extra[f"backup/{name}"] = text + "\nOLD = 1\n"
        extra[old_name] = text + "\nOLD = 2\n"
        extra[f"code/code/{name}"] = "# again\n" + text
    return placed(FILES, texts, extra)


def _tools(texts: Texts) -> Layout:
    """Folders made by tools, and an environment."""
    extra = {"env/pyvenv.cfg": ""}
    for folder in ("__MACOSX", ".git", "venv", "env/lib", "__pycache__", "node_modules"):
        for part, name in FILES.items():
            extra[f"{folder}/{name}"] = "decoy = 1\n" + texts[part]
    return placed(in_folder("12345678"), texts, extra)


def _without_local_imports(text: str) -> str:
    local = ("from dataset import", "from lstm import", "from __future__")
    return "".join(line for line in text.splitlines(True) if not line.startswith(local))


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
    return placed(FILES, texts, {"results.ipynb": results})


def _written_by_a_notebook(texts: Texts) -> Layout:
    cells = [f"%%writefile {FILES[part]}\n{text}" for part, text in texts.items()]
    everything = notebook(*cells, "!python train.py", "!python my_gan.py")
    return {"everything.ipynb": everything}, dict.fromkeys(PARTS, "everything.ipynb")


def _handed_out(texts: Texts) -> Layout:
    """The toolkit's own notebook beside the files."""
    handed_out = (ROOT / "assignments" / "assignment3.ipynb").read_text()
    return placed(FILES, texts, {"assignment3.ipynb": handed_out})


LAYOUTS: dict[str, Callable[[Texts], Layout]] = {
    "flat": _flat,
    "Part 1, Part 2": _in_two_parts,
    "Part_1, part2": _in_two_parts_with_code,
    "src": _src,
    "nested twice": _nested_twice,
    "upper case": _upper_case,
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
