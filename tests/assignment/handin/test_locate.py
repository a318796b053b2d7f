"""The one rule where the parts of a submission are."""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import pytest

from toolkit.assignment.handin.locate import find_parts, locate
from toolkit.assignment.running.parts import FILES, PARTS, Part

from ..judging.corpus import cases
from ..layouts import LAYOUTS, Layout, Texts, in_folder, notebook, placed, skeleton


def in_bytes(files: Mapping[str, str]) -> dict[PurePosixPath, bytes]:
    return {PurePosixPath(name): text.encode() for name, text in files.items()}


def found_in(files: Mapping[str, str]) -> dict[Part, str]:
    """The file of each part; what a notebook writes counts as the notebook."""
    located = locate(in_bytes(files))
    places = {}
    for part, candidate in located.parts.items():
        path = candidate.path
        if path in located.code.notebooks:
            path = located.code.notebooks[path][0]
        places[part] = str(path)
    return places


def read_parts(folder: Path) -> Texts:
    return {part: (folder / name).read_text() for part, name in FILES.items()}


@pytest.fixture(params=[name for name, right in cases.RIGHT.items() if not right.paths])
def right(request: pytest.FixtureRequest, tmp_path: Path) -> Texts:
    """A right submission, flat."""
    cases.write_right(request.param, tmp_path)
    return read_parts(tmp_path)


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    cases.write_right("einsum, and networks without classes", tmp_path)
    return read_parts(tmp_path)


@pytest.mark.rows(60)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_each_part_in_each_layout(layout: Callable[[Texts], Layout], right: Texts) -> None:
    files, places = layout(right)
    assert found_in(files) == places


def test_the_class_that_makes_it_this_part(texts: Texts) -> None:
    """Not the cell that it loops over, nor a helper."""
    files, _ = placed(FILES, texts)
    located = locate(in_bytes(files))
    assert located.parts["lstm"].name == "LSTM"
    assert located.parts["dataset"].name == "PalindromeDataset"


def test_a_cell_in_another_file(texts: Texts) -> None:
    """The file that loops over time is the LSTM, whatever it is called."""
    cell, _, lstm = texts["lstm"].partition("class LSTM(")
    files = {
        "nets/cell.py": cell,
        "nets/recurrent.py": "from torch import nn\nimport torch\nfrom nets.cell import Cell\n"
        "class Reader(" + lstm,
        "nets/__init__.py": "",
    }
    assert found_in(files)["lstm"] == "nets/recurrent.py"


def test_all_in_one(texts: Texts) -> None:
    """One file, or one notebook, may be all of the parts."""
    whole = "\n".join(texts.values()).replace("from dataset", "# ").replace("from lstm", "# ")
    for name, text in (("solution.py", whole), ("all.ipynb", notebook(*texts.values()))):
        assert found_in({name: text}) == dict.fromkeys(PARTS, name)


def test_the_gan_in_several_files() -> None:
    """Networks, steps and the main part: the file that brings them together and runs."""
    network = (
        "from torch import nn\nclass {}(nn.Module):\n    def forward(self, x):\n        return x\n"
    )
    files = {
        "models/mlp/generator.py": network.format("Generator"),
        "models/mlp/discriminator.py": network.format("Discriminator"),
        "training.py": "def step(generator, discriminator, optimizer):\n    loss.backward()\n"
        "    optimizer.step()\n",
        "main.py": "from torchvision import datasets\n"
        "from models.mlp.generator import Generator\n"
        "from models.mlp.discriminator import Discriminator\nfrom training import step\n"
        'if __name__ == "__main__":\n    step(Generator(), Discriminator(), None)\n',
        "utils.py": "def plot(images):\n    pass\n",
    }
    assert found_in(files) == {"gan": "main.py"}


@pytest.mark.parametrize("part", PARTS)
def test_two_that_are_equal(part: Part, texts: Texts) -> None:
    """Neither is taken; the same code twice is one."""
    first, places = placed(in_folder("a"), texts)
    second, _ = placed(in_folder("b"), texts)
    twice = first | second
    taken = find_parts(in_bytes(twice))
    assert set(map(str, taken.values())) == set(places.values())
    name = FILES[part]
    twice[f"b/{name}"] += "\nprint(2)\n"
    located = locate(in_bytes(twice))
    equal = [str(candidate.path) for candidate in located.equal[part]]
    assert equal == [f"a/{name}", f"b/{name}"]
    assert part not in located.parts


def test_the_training_decides_between_two(texts: Texts) -> None:
    """The LSTM that it imports, and the data set."""
    files, places = placed(FILES, texts)
    files["lstm_bigger.py"] = files["lstm.py"] + "\nSIZE = 256\n"
    files["train.py"] = files["train.py"].replace("from lstm import", "from lstm_bigger import")
    assert found_in(files) == places | {"lstm": "lstm_bigger.py"}


RNN = """
class RNN(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.w = nn.Linear(10 + size, size)
        self.out = nn.Linear(size, 10)
        self.size = size

    def forward(self, x):
        h = torch.zeros(x.shape[0], self.size)
        for t in range(x.shape[1]):
            h = torch.tanh(self.w(torch.cat([x[:, t], h], 1)))
        return self.out(h)

NETWORKS = {"rnn": RNN}
"""


def test_an_rnn_is_not_the_lstm(texts: Texts) -> None:
    """Neither in a file that was named, nor where there is no LSTM."""
    files, places = placed(FILES, texts)
    files["train.py"] += RNN
    assert found_in(files) == places
    named = locate(in_bytes(files), PurePosixPath("train.py")).parts
    assert {part: str(candidate.path) for part, candidate in named.items()} == places
    del files["lstm.py"]
    assert "lstm" not in locate(in_bytes(files), PurePosixPath("train.py")).parts
    assert found_in({"lstm.py": texts["lstm"]}) == {"lstm": "lstm.py"}


def test_an_lstm_that_is_called_rnn(texts: Texts) -> None:
    """Its gates say what it is."""
    files, places = placed(FILES, texts)
    for name in ("lstm.py", "train.py"):
        files[name] = files[name].replace("LSTM", "RNN")
    assert found_in(files) == places


def test_the_skeleton() -> None:
    files, places = placed(FILES, skeleton())
    assert found_in(files) == places


@pytest.mark.parametrize("text", ["", "x = 1\ndef f(:\n", "print 'python 2'\n"])
def test_names_decide_where_the_content_does_not(text: str, texts: Texts) -> None:
    files, places = placed(in_folder("Part 1"), dict.fromkeys(PARTS, text))
    assert found_in(files) == places
    # but not for a file that is something else by its content
    files = {"train.py": texts["gan"], "my_lstm.py": text}
    assert found_in(files) == {"gan": "train.py", "lstm": "my_lstm.py"}


def test_other_code_is_no_part() -> None:
    """A classifier, a text model of torch's own, an autoencoder."""
    files = {
        "cnn.py": "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n"
        "        return x\n",
        "words.py": "from torch import nn\nclass Tagger(nn.Module):\n    def __init__(self):\n"
        "        self.rnn = nn.LSTM(3, 4)\n    def forward(self, x):\n        return self.rnn(x)\n",
        "sort.py": "def backwards(x):\n    return x[::-1]\n",
    }
    assert found_in(files) == {}
