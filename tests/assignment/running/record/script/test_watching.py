"""Watching changes nothing that works, and sees what really happens."""

import inspect
import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from toolkit.assignment.running.record.script import tracer as tracer_module
from toolkit.assignment.running.record.script.running import Script
from toolkit.assignment.running.record.script.tracer import EnoughSteps, Tracer
from toolkit.assignment.running.record.script.watching import watching


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a script changes in its process is put back."""
    folder, path, finders = os.getcwd(), list(sys.path), list(sys.meta_path)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    modules = dict(sys.modules)
    yield
    os.chdir(folder)
    sys.path[:], sys.meta_path[:] = path, finders
    for name in sys.modules.keys() - modules.keys():
        del sys.modules[name]
    sys.modules.update(modules)


def run(text: str, folder: Path, max_steps: int = 4) -> dict[str, Any]:
    (folder / "script.py").write_text(text)
    return Script(folder, "script.py", max_steps, 20.0).run()


def kinds(answer: dict[str, Any]) -> list[str]:
    return [event["kind"] for event in answer["events"]]


NETWORK = """
from pathlib import Path
import torch
from torch import nn
model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
def step():
    optimizer.zero_grad()
    model(torch.randn(5, 3)).pow(2).mean().backward()
    optimizer.step()
"""


def test_the_numbers_are_those_without_it(tmp_path: Path) -> None:
    """Of weights after some steps, in-place outputs and buffers included."""

    def train() -> list[torch.Tensor]:
        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inside = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
                self.register_buffer("seen", torch.zeros(4))
                self.seen: torch.Tensor

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                y: torch.Tensor = self.inside(x)
                self.seen.add_(y.detach().sum(0))
                y.mul_(2).tanh_()
                return y

        torch.manual_seed(5)
        network = Network()
        optimizer = torch.optim.RMSprop(network.parameters())
        for _ in range(5):
            loss = (network.forward(torch.randn(6, 3)) - 1).square().mean()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.1)
            optimizer.step()
            optimizer.zero_grad()
        assert list(inspect.signature(network.forward).parameters) == ["x"]
        return [*network.state_dict().values(), torch.rand(1)]

    plain = train()
    with watching(Tracer(tmp_path, 100, 60)):
        watched = train()
    for a, b in zip(plain, watched, strict=True):
        assert torch.equal(a, b)
    assert pickle.loads(pickle.dumps(nn.Linear(2, 2))).in_features == 2


def test_a_loop_is_left_and_what_follows_runs(tmp_path: Path) -> None:
    """Also a loop around it, with its last number; and an endless one."""
    text = NETWORK + (
        "seen = []\n"
        "for epoch in range(100):\n    seen.append(epoch)\n"
        "    for k in range(1000):\n        step()\n"
        "for epoch in range(50):\n    count = 0\n    while True:\n        step()\n"
        "        count += 1\n        if count > 5000:\n            break\n    mean = 1 / count\n"
        "count = 0\nwhile True:\n    step()\n    count += 1\n    if count > 5000:\n        break\n"
        "Path('seen').write_text(f'{seen} {count}')\n"
    )
    answer = run(text, tmp_path)
    assert answer["ended"] == "finished"
    assert (tmp_path / "seen").read_text() == "[0, 99] 4"


def test_loops_that_do_not_train_are_left_alone(tmp_path: Path) -> None:
    """One that runs in each step, and one after the training."""
    text = NETWORK + (
        "total = 0\n"
        "def draw():\n    n = 0\n    while True:\n        n += 1\n        if n == 50:\n"
        "            return n\n"
        "for k in range(20):\n    total += draw()\n    step()\n"
        "for k in range(30):\n    total += 1000\n"
        "Path('total').write_text(str(total))\n"
    )
    run(text, tmp_path)
    assert (tmp_path / "total").read_text() == str(5 * 50 + 30_000)  # 4 steps, and the last number


def test_steps_without_a_loop_are_stopped(tmp_path: Path) -> None:
    text = NETWORK + "def again():\n    step()\n    again()\nagain()\n"
    answer = run(text, tmp_path, max_steps=2)
    assert answer["ended"] == "enough"
    assert kinds(answer).count("step") == 24
    assert issubclass(EnoughSteps, BaseException)
    assert not issubclass(EnoughSteps, Exception)


def test_what_a_backward_pass_reaches(tmp_path: Path) -> None:
    """The parameters, and the gradient of the output of the call; stale and by hand.

    Weights that are moved without a new gradient, as to keep them in bounds, are no step.
    """
    text = (
        "import torch\nfrom torch import nn\n"
        "class A(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.w = nn.Parameter(torch.ones(2, 1))\n"
        "    def forward(self, x):\n        return x @ self.w\n"
        "a = A()\nx = torch.tensor([[1.0, 2.0], [3.0, 4.0]])\n"
        "o = torch.optim.SGD(a.parameters(), lr=0.1)\n"
        "(a.forward(x) * torch.tensor([[5.0], [7.0]])).sum().backward()\no.step()\n"
        "a(x).sum().backward()\no.step()\n"
        "a.w.data.clamp_(-1, 1)\na(x).sum().backward()\n"
        "with torch.no_grad():\n    a.w -= a.w.grad\n"
    )
    events = run(text, tmp_path)["events"]
    calls = [k for k, e in enumerate(events) if e["kind"] == "call"]
    assert len(calls) == 3
    passes = [k for k, e in enumerate(events) if e["kind"] == "backward"]
    ((call, gradient),) = events[passes[0]]["gradients"]
    assert call == calls[0]
    assert gradient.tolist() == [5.0, 7.0]
    steps = [e for e in events if e["kind"] == "step"]
    assert [step["passes"] for step in steps] == [passes[:1], passes[:2], passes]
    assert [step["stale"] for step in steps] == [[], passes[:1], passes[:2]]
    assert (steps[2]["optimiser"], len(steps[2]["moved"])) == (None, 1)
    assert [step["line"] for step in steps[:2]] == [13, 15]


def test_where_a_value_comes_from(tmp_path: Path) -> None:
    """Whole, as rows of a larger batch, and not by chance for constant numbers."""
    text = (
        "import torch\nfrom torch import nn\n"
        "g, d = nn.Linear(2, 3), nn.Linear(3, 1)\n"
        "fake = g(torch.randn(4, 2))\n"
        "d(fake.view(4, 3))\nd(torch.cat([torch.randn(4, 3), fake.detach()]))\n"
        "d(torch.zeros(4, 3))\n"
    )
    answer = run(text, tmp_path)
    calls = [e for e in answer["events"] if e["kind"] == "call"]
    assert calls[1]["inputs"][0]["from"] == 0
    assert calls[1]["inputs"][0]["networks"] == [answer["networks"][0]["id"]]
    ((event, mark),) = calls[2]["inputs"][0]["rows_from"]
    assert (event, mark.tolist()) == (0, [False] * 4 + [True] * 4)
    assert calls[2]["inputs"][0]["networks"] == []
    assert calls[3]["inputs"][0]["from"] is None


def test_packages_that_plot_accept_everything(tmp_path: Path) -> None:
    """And what they show is noted, and the folder that they would have written to."""
    text = (
        "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\n"
        "from mpl_toolkits.axes_grid1 import ImageGrid\nimport torch\nfrom tqdm import trange\n"
        "plt.rcParams['a'] = 1\nfig, axes = plt.subplots(2, 3)\nassert axes.shape == (2, 3)\n"
        "axes[1, 2].imshow(torch.ones(2, 2), cmap=plt.cm.gray)\n"
        "with plt.style.context('x'):\n    fig.suptitle(f'{fig:>3}')\nfig.savefig('new/a.png')\n"
        "for axis in axes.flat:\n    axis.axis('off')\n"
        "bar = trange(3, desc='x')\nassert len(list(bar)) == 3\nbar.set_postfix(loss=0.5)\n"
        "class Mine(plt.Figure):\n    pass\nMine(1, b=2).anything.at.all()\n"
    )
    answer = run(text, tmp_path)
    assert answer["error"] is None
    assert {"save", "folder"} <= {*kinds(answer)}


def test_imports_as_students_write_them(tmp_path: Path) -> None:
    """From the root, from the same folder, relative ones, and by the name of the root."""
    (tmp_path / "part 1").mkdir()
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "tools.py").write_text("a = 1\n")
    (tmp_path / "part 1" / "near.py").write_text("from . import far\nb = far.c\n")
    (tmp_path / "part 1" / "far.py").write_text("c = 2\n")
    (tmp_path / "part 1" / "script.py").write_text(
        "from pathlib import Path\nfrom utils.tools import a\nfrom .near import b\n"
        "from assignment3.utils.tools import a\n"
        "from ..utils import tools\nimport far\nPath('x').write_text(f'{a}{b}')\n"
    )
    script = Script(tmp_path, "part 1/script.py", 4, 20.0)
    assert script.run()["error"] is None
    assert (tmp_path / "part 1" / "x").read_text() == "12"


def test_other_data_is_missing(tmp_path: Path) -> None:
    """What is not handed in is nothing to judge by."""
    assert run("open('faces.csv')\n", tmp_path)["ended"] == "network"


def test_a_record_that_is_full_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came after its last event was not seen, so the run does not count as finished."""
    text = NETWORK + "step()\nfor _ in range(30):\n    model(torch.randn(5, 3))\n"
    assert run(text, tmp_path)["ended"] == "finished"
    monkeypatch.setattr(tracer_module, "MAX_EVENTS", 20)
    assert run(text, tmp_path)["ended"] == "enough"
