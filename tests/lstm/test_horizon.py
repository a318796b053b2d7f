"""The study gives the same rows in this process, in others, and after a kill."""

from pathlib import Path

import pytest
import torch

from toolkit.common.errors import UsageError
from toolkit.common.files import read_log, write_log
from toolkit.lstm.config import Config
from toolkit.lstm.horizon import Row, Trial, run_grid, run_trial

pytestmark = pytest.mark.xdist_group("horizon")  # `rows` is dear to make

QUICK = Config(length=30, hidden_size=16, batch_size=32, num_steps=30, eval_every=10)
TRIALS = [
    Trial("LSTM", QUICK, (5, 12), num_test=200),
    Trial("RNN", Config(model="rnn", hidden_size=16, batch_size=32, num_steps=30), (7,), 200),
]


def measured(rows: list[Row]) -> list[Row]:
    """The rows without their times, which differ."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The grid in two processes."""
    return run_grid(TRIALS, tmp_path_factory.mktemp("study"), num_workers=2)


@pytest.mark.slow
def test_rows(rows: list[Row]) -> None:
    assert [row["family"] for row in rows] == ["LSTM", "RNN"]
    assert all("error" not in row for row in rows)
    assert rows[0]["steps"] == rows[1]["steps"] == 30
    assert rows[0]["longest"] == 30
    assert {"accuracy_5", "accuracy_12"} <= rows[0].keys()
    assert 0 <= rows[1]["accuracy_7"] <= 1


@pytest.mark.slow
def test_same_rows_in_this_process(rows: list[Row]) -> None:
    threads = torch.get_num_threads()
    assert measured([run_trial(trial) for trial in TRIALS]) == measured(rows)
    assert torch.get_num_threads() == threads


def test_finished_trials_are_not_run_again(tmp_path: Path) -> None:
    run_grid(TRIALS, tmp_path, num_workers=1)
    results = tmp_path / "metrics.jsonl"
    first, second = read_log(results).entries
    write_log(results, [first | {"steps": 12_345}, second])
    results.write_bytes(results.read_bytes()[:-40])  # one done, one damaged
    reported = []
    again = run_grid(TRIALS, tmp_path, num_workers=1, report=lambda n, row: reported.append(n))
    assert reported == [2]
    assert 12_345 in [row["steps"] for row in again]
    assert len(results.read_text().splitlines()) == 2


def test_a_failed_trial_is_reported_and_the_others_run(tmp_path: Path) -> None:
    trials = [Trial("impossible", QUICK, (1,)), TRIALS[1]]
    failed, fine = run_grid(trials, tmp_path, num_workers=1)
    assert failed["error"].startswith("UsageError: A palindrome needs a length of at least 2")
    assert "accuracy_7" in fine
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1  # it is tried again


def test_no_trials(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="The grid is empty"):
        run_grid([], tmp_path)


def test_results_of_another_grid_are_kept(tmp_path: Path) -> None:
    run_grid(TRIALS[1:], tmp_path, num_workers=1)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    with pytest.raises(UsageError, match="holds a run with other settings"):
        run_grid(TRIALS, tmp_path)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before
