"""A check whose child is started once for all tests: it forks a process for each part anyway."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from toolkit.assignment.asking.host import Host
from toolkit.assignment.findings.findings import Report
from toolkit.assignment.findings.verify import is_proved
from toolkit.assignment.judging import parent
from toolkit.assignment.judging.lstm import learning

Check = Callable[..., Report]


@pytest.fixture(scope="session")
def warm_host() -> Iterator[Host]:
    """A child that has imported torch and every kind of answer."""
    with Host() as host:
        yield host


@pytest.fixture
def warm_check(warm_host: Host, monkeypatch: pytest.MonkeyPatch) -> Check:
    """`parent.check`, which does not start a child of its own; all that it says has its proof."""
    monkeypatch.setattr(parent, "Host", lambda: contextlib.nullcontext(warm_host))
    monkeypatch.setattr(learning, "MAX_STEPS_FAULTY", 0)  # no finding depends on it
    monkeypatch.setattr(learning, "MAX_STEPS", 400)  # the slowest of the right ones takes 375

    def check(*arguments: Any, **options: Any) -> Report:
        report = parent.check(*arguments, **options)
        read = Report.model_validate_json(report.as_json())
        claimed = [finding for finding in read.right if finding.proof or finding.answers]
        for finding in [*read.findings, *claimed]:
            assert is_proved(finding), finding
        return report

    return check
