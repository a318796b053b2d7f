"""The judge of the LSTM on cells of other styles, and on faults in them."""

from pathlib import Path

import pytest

from ...conftest import Check
from ..corpus.build import HERE

CELL = (HERE / "right" / "lstm_chunk.py").read_text()
LAYERS = (HERE / "right" / "lstm_layers.py").read_text()  # any number of them
# A module is called by a script, which stops where the module does.
USE = """
import torch
from lstm import LSTM

LSTM(10, 32, 10)(torch.randn(8, 4, 10)).sum().backward()
"""
ZEROS = "x.new_zeros(len(x), self.n)"
CLIPPED = """h = c.tanh() * o
            if h.requires_grad:
                h.register_hook(lambda gradient: gradient.clamp(-1, 1))
"""
RIGHT = {
    "packed": ("", ""),
    "as the weights are": (ZEROS, "self.p.weight.data.new_zeros(len(x), self.n)"),
    "gradients clipped at each step": ("h = c.tanh() * o\n", CLIPPED),
}
LOOSE = """nn.Linear(hidden_dim, output_dim, bias=False)
        self.b = torch.zeros(output_dim)
        self.p.register_forward_hook(lambda module, given, y: y + self.b)"""
NEXT = "g * i + c * f"  # c of the next step
WRONG = {
    "a loose bias": ("nn.Linear(hidden_dim, output_dim)", LOOSE, "parameter-not-learnable", None),
    "a tanh in a packed cell": ("f.sigmoid()", "f.tanh()", "wrong-equation", 3),
    "x beside h": ("self.p(h)", "self.p(h + x[:, -1].mean(1, True))", "wrong-equation", 7),
    "states of at most 20": (NEXT, f"({NEXT}).clamp(-20, 20)", "wrong-equation", 5),
    "states of at most 1": (NEXT, f"({NEXT}).clamp(-1, 1)", "wrong-equation", 5),
    "tanh twice": ("c = g * i", "c = g.tanh() * i", "wrong-equation", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_cell_of_another_style(name: str, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "lstm.py").write_text(CELL.replace(*RIGHT[name]))
    report = warm_check(tmp_path, parts=["lstm"])
    assert [*report.findings, *report.not_seen] == []


def test_a_constant_factor_is_no_weight(tmp_path: Path, warm_check: Check) -> None:
    """One sigmoid for all gates, with factors in a buffer: tanh(a) = 2 sigmoid(2a) - 1."""
    layer = "self.w = nn.Linear(input_dim + hidden_dim, 4 * hidden_dim)\n"
    factors = "torch.tensor([1.0, 1.0, 2.0, 1.0]).repeat_interleave(hidden_dim)"
    buffer = f"{layer}        self.register_buffer('factors', {factors})\n"
    gates = "self.w(torch.cat([x[:, t], h], 1))"
    activations = "i.sigmoid(), f.sigmoid(), o.sigmoid(), g.tanh()"
    text = CELL.replace(layer, buffer).replace(gates, f"({gates} * self.factors).sigmoid()")
    (tmp_path / "lstm.py").write_text(text.replace(activations, "i, f, o, 2 * g - 1"))
    report = warm_check(tmp_path, parts=["lstm"])
    assert [*report.findings, *report.not_seen] == []


def test_a_loose_bias_is_no_factor_of_a_parameter_without_effect(
    tmp_path: Path, warm_check: Check
) -> None:
    idle = "self.idle = nn.Parameter(torch.ones(1))\n"
    text = CELL.replace(*WRONG["a loose bias"][:2])
    text = text.replace("        self.p = ", f"        {idle}        self.p = ")
    text = text.replace("c.tanh() * o", "c.tanh() * o + 0 * self.idle")
    (tmp_path / "lstm.py").write_text(text)
    report = warm_check(tmp_path, parts=["lstm"])
    assert "parameter-not-learnable" in [finding.id for finding in report.findings]


@pytest.mark.parametrize("softmax", [".softmax(1)", ".log_softmax(1)"])
def test_what_ends_in_a_softmax_has_no_logits(
    softmax: str, tmp_path: Path, warm_check: Check
) -> None:
    (tmp_path / "lstm.py").write_text(
        CELL.replace("return self.p(h)", f"return self.p(h){softmax}")
    )
    report = warm_check(tmp_path, parts=["lstm"])
    (sentence,) = (f.message for f in report.right if f.rule == "right.equations")
    assert "the same logits, once the softmax is undone, to within" in sentence


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_is_named_with_its_line(name: str, tmp_path: Path, warm_check: Check) -> None:
    old, new, kind, equation = WRONG[name]
    text = CELL.replace(old, new)
    (tmp_path / "lstm.py").write_text(text)
    report = warm_check(tmp_path, parts=["lstm"])
    assert [(f.id, f.equation) for f in report.findings] == [(kind, equation)]
    assert report.findings[0].line is not None


FAULTY_LAYERS = {
    "right": ("", "", None),
    "states passed on": ("  h = x", "  h = h if k else x", "nonzero-initial-state"),
    "no tanh": ("h = c.tanh()", "h = c", "wrong-equation"),
}


@pytest.mark.rows(2)
@pytest.mark.parametrize("name", FAULTY_LAYERS)
def test_each_layer_is_judged(name: str, tmp_path: Path, warm_check: Check) -> None:
    old, new, expected = FAULTY_LAYERS[name]
    (tmp_path / "lstm.py").write_text(LAYERS.replace(old, new))
    report = warm_check(tmp_path, parts=["lstm"])
    assert [finding.id for finding in report.findings] == [id for id in [expected] if id]
    assert expected or report.not_seen == []


@pytest.mark.slow
def test_a_part_is_not_tried_in_place_of_the_network(tmp_path: Path, warm_check: Check) -> None:
    norm = "\n\nclass Norm(nn.LayerNorm):\n    def __init__(self, n=10):\n"
    norm += "        super().__init__(n)\n"
    text = CELL.replace("self.p(h)", "self.p(self.norm(h).no_such_thing)")
    text = text.replace("self.n = ", "self.norm = Norm(hidden_dim)\n        self.n = ")
    (tmp_path / "lstm.py").write_text(text + norm)
    (tmp_path / "use.py").write_text(USE)
    report = warm_check(tmp_path, parts=["lstm"])
    assert [finding.id for finding in report.findings] == ["does-not-run"]


LAST = "return self.p(h)"
DIFFERENT = {
    "the output": (
        LAST,
        "y = self.p(h)\n        if self.training:\n            y = y + 3 * torch.sin(7 * y)\n"
        "        return y",
    ),
    "a state": ("h = c.tanh() * o", "h = (c if self.p.training else c.tanh()) * o"),
    "long inputs only": (LAST, "return self.p(h + (self.training and x.size(1) > 9))"),
    "a flag of their own": (
        LAST,
        "return self.p(h + self.on)\n\n    on = False\n\n    def train(self, mode=True):\n"
        "        self.on = mode\n        return super().train(mode)",
    ),
    "no number": (LAST, "return self.p(h) / (not self.training)"),
}  # fmt: skip
ALIKE = {
    "dropout": (
        "nn.Linear(hidden_dim, output_dim)",
        "nn.Sequential(nn.Dropout(0.5), nn.Linear(hidden_dim, output_dim))",
    ),
    "in both modes": (LAST, "return self.p(nn.Dropout(0.5)(h))"),
    "functional": (LAST, "return self.p(nn.functional.dropout(h, 0.5, self.training))"),
    "torch's": (LAST, "return self.p(torch.dropout(h, 0.5, self.training))"),
}


@pytest.mark.rows(2)
@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_computed_only_in_training(name: str, tmp_path: Path, warm_check: Check) -> None:
    """The equations are not seen, and both numbers are said."""
    text = CELL.replace(*DIFFERENT[name])
    assert text != CELL
    (tmp_path / "lstm.py").write_text(text)
    report = warm_check(tmp_path, parts=["lstm"])
    said = [one for one in report.not_seen if one.id == "wrong-equation"]
    assert [
        one.message for one in said if "In training mode, with dropout switched off" in one.message
    ]
    assert not any("equations" in one.message for one in report.right)


@pytest.mark.parametrize("name", ALIKE)
def test_dropout_is_no_other_equation(name: str, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "lstm.py").write_text(CELL.replace(*ALIKE[name]))
    report = warm_check(tmp_path, parts=["lstm"])
    assert not any("training mode" in one.message for one in report.not_seen)


EMBEDDING = (HERE / "right" / "lstm_embedding.py").read_text()


@pytest.mark.rows(2)
@pytest.mark.parametrize(("limit", "is_sure"), [(1, False), (2, True), (3, True), (20, False)])
def test_digits_take_a_cell_to_its_limits(
    limit: int, is_sure: bool, tmp_path: Path, warm_check: Check
) -> None:
    """No input is large here: the weights are. Where that shows too little, it is not right."""
    limited = EMBEDDING.replace("g * i + c * f", f"(g * i + c * f).clamp({-limit}, {limit})")
    assert limited != EMBEDDING
    (tmp_path / "lstm.py").write_text(limited)
    report = warm_check(tmp_path, parts=["lstm"])
    assert [f.id for f in report.findings] == ["wrong-equation"] * is_sure
    assert [f.id for f in report.not_seen] == ["wrong-equation"] * (not is_sure)
