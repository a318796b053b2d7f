"""The judge of the training, on scripts in many styles: right ones, and one fault each."""

from pathlib import Path

import pytest

from toolkit.assignment.judging.train import checks

from ...conftest import Check
from . import scripts


@pytest.mark.rows(7)
@pytest.mark.parametrize("name", scripts.CASES)
def test_script(name: str, tmp_path: Path, warm_check: Check) -> None:
    """Exactly what should be found, each at its line."""
    case = scripts.CASES[name]
    scripts.write(name, tmp_path)
    report = warm_check(tmp_path, parts=["train"])
    assert [f.id for f in report.findings] == [id for id, _ in case.wrong]
    for finding, (_, piece) in zip(report.findings, case.wrong, strict=True):
        assert finding.file is not None
        assert finding.line is not None
        assert piece in (tmp_path / finding.file).read_text().splitlines()[finding.line - 1]
    assert len(report.not_seen) == case.not_seen
    assert case.wrong or case.not_seen or len(report.right) >= 3


def test_a_limit_for_each_norm_is_no_limit_for_the_total_norm(
    tmp_path: Path, warm_check: Check
) -> None:
    """The sentence about the clipping says which norms are limited; the others stay the same."""
    said = {}
    for name in ("plain", "each norm clipped"):
        folder = tmp_path / name
        folder.mkdir()
        scripts.write(name, folder)
        said[name] = {f.message for f in warm_check(folder, parts=["train"]).right}
    assert [message for message in said["each norm clipped"] if "total norm" in message]
    assert len(said["plain"] ^ said["each norm clipped"]) == 2


@pytest.mark.slow
def test_a_slow_script(tmp_path: Path, warm_check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell whether it would end."""
    monkeypatch.setattr(checks, "MAX_SECONDS", 1.0)
    scripts.write("plain", tmp_path)
    (tmp_path / "train.py").write_text(scripts.SLOW)
    report = warm_check(tmp_path, parts=["train"])
    assert report.findings == []
    assert len(report.not_seen) == 1
