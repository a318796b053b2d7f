"""Nine images are right where both ends are known to be the two samples, and only there."""

from pathlib import Path

import pytest
import torch

from toolkit.assignment.findings.findings import Id, Report
from toolkit.assignment.running.record.origins import Sources

from ...conftest import Check
from .styles import LINE, gan

DRAW = "    z0, z1 = choose(A, lambda images: images.flatten(1)[:, 300:310])\n"
WEIGHTS = "    w = torch.linspace(0, 1, 9)[:, None]\n"
RANDOM = (DRAW, "    z0, z1 = torch.randn(2, Z)\n")
NINTHS = (WEIGHTS, "    w = torch.arange(9)[:, None] / 9\n")
FUNCTION = """
def interpolate(A, z_start, z_end):
    return A(torch.stack([z_start + k * (z_end - z_start) for k in WEIGHTS]))


A.eval()
with torch.no_grad():
    samples = A(torch.randn(25, Z))
"""
INLINE = gan()[gan().index("\nA.eval()\n") :]
QUESTION: set[Id] = {"missing-interpolation", "wrong-interpolation", "interpolation-repeats-ends"}


def function(weights: str) -> str:
    """The small GAN with a function that interpolates, and that nothing calls."""
    return gan((INLINE, FUNCTION.replace("WEIGHTS", weights)))


def judged(text: str, folder: Path, check: Check) -> tuple[Report, str]:
    """The report, and what it says about the interpolation: right, wrong, or not seen."""
    (folder / "my_gan.py").write_text(text)
    report = check(folder, parts=["gan"])
    said = [f.verdict for f in [*report.findings, *report.not_seen] if f.id in QUESTION]
    said += [f.verdict for f in report.right if QUESTION & {*f.answers}]
    assert len(said) == 1
    return report, said[0]


RIGHT = {
    "rounded": gan((LINE, "    images = A(z0 + w * (z1 - z0))\n")),
    "of numpy": gan((DRAW, "    import numpy as np\n    z0, z1 = torch.from_numpy("
                           "np.random.randn(2, Z)).float()\n")),
    "shortened": gan((DRAW, "    z0, z1 = 0.7 * torch.randn(2, Z)\n")),
    "two of many": gan((DRAW, "    z = torch.randn(500, Z)\n    z0, z1 = z[17], z[401]\n")),
    "given to a function": function("torch.linspace(0, 1, 9)"),
}  # fmt: skip
WRONG = {
    "the second end is never reached": gan(RANDOM, NINTHS),
    "the first end is never reached": gan(RANDOM, (WEIGHTS, NINTHS[1].replace("9)", "1, 10)"))),
    "given to a function that never reaches it": function("torch.arange(9) / 9"),
    "given to a function that draws eight": function("torch.arange(8) / 8"),
}
NOT_SEEN = {
    # Their caller may draw both ends beside them.
    "seven between two that are given": function("torch.arange(1, 8) / 8"),
    # Nobody has seen what was drawn.
    "of a generator that nobody watches": gan(
        (DRAW, "    import numpy as np\n    z0, z1 = torch.from_numpy("
               "np.random.default_rng(0).normal(size=(2, Z))).float()\n")),
}  # fmt: skip


@pytest.mark.rows(2)
@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        *(pytest.param(text, "right", id=name) for name, text in RIGHT.items()),
        *(pytest.param(text, "wrong", id=name) for name, text in WRONG.items()),
        *(pytest.param(text, "not seen", id=name) for name, text in NOT_SEEN.items()),
    ],
)
def test_both_ends(text: str, verdict: str, tmp_path: Path, warm_check: Check) -> None:
    assert judged(text, tmp_path, warm_check)[1] == verdict


def test_a_choice_that_nothing_calls(tmp_path: Path, warm_check: Check) -> None:
    """The ends that were joined were drawn at random: their classes are not known."""
    report, verdict = judged(gan(RANDOM), tmp_path, warm_check)
    assert verdict == "right"
    assert [finding.id for finding in report.not_seen] == ["same-class-ends"]


def test_ends_drawn_before_a_long_training_are_kept() -> None:
    """And the last batch is, whole, where it has as many numbers as may be kept."""
    sources = Sources(1000)
    ends, batches = torch.randn(2, 100), [torch.randn(10, 100) for _ in range(5)]
    for made in (ends, *batches):
        sources.add(made)
    kept = list(sources)
    assert len(kept) == 2
    assert torch.equal(kept[0], ends)
    assert torch.equal(kept[1], batches[-1])
