"""The study: the same table on this machine and on a Dask cluster, interrupted or not."""

import json
from pathlib import Path

import pytest
import torch

from toolkit.common.errors import UsageError
from toolkit.lstm.config import Config
from toolkit.lstm.horizon import Cell, Row, run_cell, run_grid

QUICK = Config(hidden_size=16, batch_size=32, num_steps=30, eval_every=10)
CELLS = [
    Cell("LSTM", QUICK, (5, 12), num_test=200),
    Cell("RNN", Config(model="rnn", hidden_size=16, batch_size=32, num_steps=30), (7,), 200),
]


def measured(rows: list[Row]) -> list[Row]:
    """Rows without the times, which differ."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return run_grid(CELLS, tmp_path_factory.mktemp("study"), num_workers=2)


def test_rows(rows: list[Row]) -> None:
    assert [row["family"] for row in rows] == ["LSTM", "RNN"]
    assert all("error" not in row for row in rows)
    assert rows[0]["steps"] == rows[1]["steps"] == 30
    assert rows[0]["longest"] == 30
    assert {"accuracy_5", "accuracy_12"} <= rows[0].keys()
    assert 0 <= rows[1]["accuracy_7"] <= 1


def test_in_this_process_the_same(rows: list[Row]) -> None:
    threads = torch.get_num_threads()
    assert measured([run_cell(cell) for cell in CELLS]) == measured(rows)
    assert torch.get_num_threads() == threads


def test_finished_cells_are_not_run_again(rows: list[Row], tmp_path: Path) -> None:
    run_grid(CELLS, tmp_path, num_workers=2)
    results = tmp_path / "results.jsonl"
    first, second = results.read_text().splitlines()
    forged = json.loads(first) | {"steps": 12_345}
    results.write_text(json.dumps(forged) + "\n" + second[:40])  # one done, one cut short by a kill
    reported = []
    again = run_grid(CELLS, tmp_path, num_workers=1, report=lambda n, row: reported.append(n))
    assert reported == [2]
    assert 12_345 in [row["steps"] for row in again]
    assert len(results.read_text().splitlines()) == 2


def test_a_failed_cell_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    cells = [Cell("impossible", QUICK, (1,)), CELLS[1]]
    failed, fine = run_grid(cells, tmp_path, num_workers=2)
    assert failed["error"].startswith("UsageError: A palindrome needs a length of at least 2")
    assert "accuracy_7" in fine
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 1  # it is tried again


def test_no_cells(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="The grid has no cells"):
        run_grid([], tmp_path)


def test_results_of_another_grid_are_kept(tmp_path: Path) -> None:
    run_grid(CELLS[1:], tmp_path, num_workers=1)
    before = (tmp_path / "results.jsonl").read_bytes()
    with pytest.raises(UsageError, match="has the results of another grid"):
        run_grid(CELLS, tmp_path)
    assert (tmp_path / "results.jsonl").read_bytes() == before


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_dask_cluster_gives_the_same_table(scheduler: str, rows: list[Row], tmp_path: Path) -> None:
    assert measured(run_grid(CELLS, tmp_path, cluster=scheduler)) == measured(rows)


@pytest.mark.slow
def test_unreachable_cluster(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no Dask scheduler at tcp://127\.0\.0\.1:9"):
        run_grid(CELLS, tmp_path, cluster="tcp://127.0.0.1:9")
