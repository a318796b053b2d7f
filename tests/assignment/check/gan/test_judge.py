"""The judge of the GAN against one small GAN in many styles, right and with one fault each."""

from pathlib import Path

import pytest

from ..conftest import Check
from ..corpus import cases
from .styles import RIGHT, WRONG, gan

NOT_ALL_SEEN = {"labels beside the noise"}  # the classes of the ends
SEEDS = range(1, 6)


@pytest.mark.parametrize("name", RIGHT)
def test_right_is_not_called_wrong(name: str, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "my_gan.py").write_text(gan(*RIGHT[name]))
    report = warm_check(tmp_path, parts=["gan"])
    assert report.findings == []
    assert report.not_seen == [] or name in NOT_ALL_SEEN


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", RIGHT)
def test_right_by_no_luck(name: str, seed: int, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "my_gan.py").write_text(gan(*RIGHT[name], seed=seed))
    assert warm_check(tmp_path, parts=["gan"]).findings == []


@pytest.mark.parametrize("name", WRONG)
def test_fault_is_named_with_its_line(name: str, tmp_path: Path, warm_check: Check) -> None:
    id, changes = WRONG[name]
    (tmp_path / "my_gan.py").write_text(gan(*changes))
    report = warm_check(tmp_path, parts=["gan"])
    assert {finding.id for finding in report.findings} == {id}
    assert id == "missing-interpolation" or all(finding.line for finding in report.findings)


def test_a_pass_that_raises_leaves_open_only_what_follows_it(
    tmp_path: Path, warm_check: Check
) -> None:
    """The pass shows which way the loss pushes; whether its gradients are cleared, it does not."""
    cases.write_wrong("the same graph twice", tmp_path)
    report = warm_check(tmp_path, parts=["gan"])
    assert [finding.id for finding in report.findings] == ["missing-detach"]
    assert [finding.id for finding in report.not_seen] == ["gradients-not-cleared"]
