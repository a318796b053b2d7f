"""Whose a line of code is, and in which line things came into being."""

from pathlib import Path
from typing import Any

import pytest

from toolkit.assignment.running.places import place, place_of, within
from toolkit.assignment.running.record.origins import Origins

NETWORK = """import numpy as np
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.loose = [torch.zeros(3) + 1]
        self.register_buffer("kept", torch.ones(3))

net = Net()
z = torch.randn(4, 2)
y = 2 * z.to("cpu")
first, second = y.chunk(2)
n = torch.Tensor(np.random.normal(size=(4, 2))).view(2, 4)
"""


def test_a_line_of_theirs_on_windows() -> None:
    """As it runs, and as it raises."""
    root = "C:\\me\\mine"
    names: dict[str, Any] = {"place": place, "root": root}
    text = "def f():\n    return place(root)\ndef g():\n    raise KeyError\n"
    exec(compile(text, root + "\\part1\\lstm.py", "exec"), names)
    assert names["f"]() == ("part1/lstm.py", 2)
    with pytest.raises(KeyError) as caught:
        names["g"]()
    assert place_of(caught.value, root) == ("part1/lstm.py", 4)
    caught.value.__dict__["place"] = "Amsterdam"  # as an exception of theirs may have it
    assert place_of(caught.value, root) == ("part1/lstm.py", 4)
    assert within("C:\\me\\mine_too\\lstm.py", root) is None


def test_where_things_came_into_being(tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "net"}
    with Origins(str(tmp_path)) as origins:
        exec(compile(NETWORK, str(tmp_path / "net.py"), "exec"), names)
    lines = [("net.py", number) for number in range(len(NETWORK.splitlines()) + 1)]
    net = names["net"]
    assert origins.of(net, "layer.weight", net.layer.weight) == lines[8]
    assert origins.of(net, "layer") == lines[8]
    assert origins.of(net, "loose[0]", net.loose[0]) == lines[9]
    assert origins.of(net, "kept", net.kept) == lines[10]
    assert origins.of_module(net) == lines[12]
    assert origins.of_module(net.layer) == lines[8]
    assert origins.of_tensor(names["z"]).drawn == lines[13]
    assert origins.of_tensor(names["y"]) == (lines[14], lines[13])
    assert origins.of_tensor(names["second"]) == (lines[15], lines[13])
    assert origins.of_tensor(names["n"]) == (lines[16], lines[16])
