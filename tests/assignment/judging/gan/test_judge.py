"""The judge of the GAN against one small GAN in many styles, right and with one fault each."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from toolkit.assignment.judging.gan import checks

from ...conftest import Check
from .styles import RIGHT, WRONG, gan

NOT_ALL_SEEN = {"labels beside the noise"}  # the classes of the ends
SEEDS = range(1, 6)
PLAIN = next(iter(RIGHT))


@pytest.mark.rows(1)
@pytest.mark.parametrize("name", RIGHT)
def test_right_is_not_called_wrong(name: str, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "my_gan.py").write_text(gan(*RIGHT[name]))
    report = warm_check(tmp_path, parts=["gan"])
    assert report.findings == []
    assert report.not_seen == [] or name in NOT_ALL_SEEN


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "name",
    [PLAIN, *(pytest.param(name, marks=pytest.mark.nightly) for name in RIGHT if name != PLAIN)],
)
def test_right_by_no_luck(name: str, seed: int, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "my_gan.py").write_text(gan(*RIGHT[name], seed=seed))
    assert warm_check(tmp_path, parts=["gan"]).findings == []


def _planted() -> Iterator[ParameterSet]:
    """All faults; beyond the third with the same id, they are tried at night.

    Quick is the first of each.
    """
    seen: Counter[str] = Counter()
    for name, (id, _) in WRONG.items():
        seen[id] += 1
        later = pytest.mark.nightly if seen[id] > 3 else pytest.mark.slow
        yield pytest.param(name, marks=[later] if seen[id] > 1 else [])


@pytest.mark.rows(3)
@pytest.mark.parametrize("name", list(_planted()))
def test_fault_is_named_with_its_line(name: str, tmp_path: Path, warm_check: Check) -> None:
    id, changes = WRONG[name]
    (tmp_path / "my_gan.py").write_text(gan(*changes))
    report = warm_check(tmp_path, parts=["gan"])
    assert {finding.id for finding in report.findings} == {id}
    assert id == "missing-interpolation" or all(finding.line for finding in report.findings)


@pytest.mark.slow
def test_noise_is_found_where_it_is_drawn(tmp_path: Path, warm_check: Check) -> None:
    """Not where it is moved, nor where it is used."""
    drawn = "z = torch.rand(len(real), Z)\n        z = z.to('cpu')\n"
    text = gan(("z = torch.randn(len(real), Z)\n", drawn))
    (tmp_path / "my_gan.py").write_text(text)
    (finding,) = warm_check(tmp_path, parts=["gan"]).findings
    assert finding.line is not None
    assert "torch.rand(" in text.splitlines()[finding.line - 1]


def test_memory_that_runs_out_is_nobodys_fault(tmp_path: Path, warm_check: Check) -> None:
    text = gan(("        fake = A(z)\n", "        fake = A(z) + torch.empty(1 << 36)\n"))
    (tmp_path / "my_gan.py").write_text(text)
    report = warm_check(tmp_path, parts=["gan"])
    assert report.findings == []
    assert any("GiB" in finding.message for finding in report.not_seen)


def test_a_slow_script(tmp_path: Path, warm_check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell whether it would end."""
    monkeypatch.setattr(checks, "MAX_SECONDS", 1.0)
    (tmp_path / "my_gan.py").write_text(
        gan(("Z = 20\n", "Z = 20\nfor k in range(10**9):\n    pass\n"))
    )
    report = warm_check(tmp_path, parts=["gan"])
    assert report.findings == []
    assert len(report.not_seen) == 1
