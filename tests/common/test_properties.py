"""Whatever a run directory holds, it is read as it was written or refused by name."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import contents, damaged, deep, json_values, valid_or_named
from toolkit.common.files import append_entry, read_log, write_log
from toolkit.common.record import read_record, write_record
from toolkit.common.runs import Run

METRICS = {"loss": 1.0, "accuracy_by_length": {"5": 0.75}}
ENTRIES = [{"step": step, "loss": 1 / step, "text": "é"} for step in (1, 2, 3)]

entries = st.lists(
    st.fixed_dictionaries(
        {"step": st.integers(0, 10**6)},
        optional={"loss": st.floats(allow_nan=False), "text": st.text()},
    ),
    max_size=5,
)


@dataclass(frozen=True)
class Config:
    length: int = 5


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with a checkpoint of step 3, three entries in its log and a finished record."""
    run = Run(tmp_path_factory.mktemp("run") / "run", Config(), "lstm", "train lstm")
    run.load()
    for entry in ENTRIES:
        run.log(**entry)
    run.save(3, 1.25, words=["a", 1, 2.5])
    run.finish(run.record("all steps done", METRICS))
    return run


@given(entries=entries, more=entries)
def test_logs_go_round(run: Run, entries: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    path = run.directory / "log.jsonl"
    write_log(path, entries)
    for entry in more:
        append_entry(path, entry)
    assert read_log(path) == (entries + more, [])


logs = st.one_of(
    damaged("".join(f"{json.dumps(entry)}\n" for entry in ENTRIES).encode()),
    st.lists(json_values, max_size=4).map(lambda v: "".join(f"{json.dumps(x)}\n" for x in v)),
    st.binary(max_size=100),
    deep.map(lambda data: data + b"\n"),
).map(lambda log: log.encode() if isinstance(log, str) else log)


@given(data=st.data())
def test_a_run_goes_on_whatever_its_log_holds(run: Run, data: st.DataObject) -> None:
    for copy in run.directory.glob("metrics.jsonl.damaged-*"):
        copy.unlink()
    write_log(run.log_file, ENTRIES)
    sealed = damaged(run.log_file.read_bytes())
    run.log_file.write_bytes(data.draw(st.one_of(sealed, logs)))
    again = Run(run.directory, Config())
    state = again.load()
    assert state is not None
    assert state["words"] == ["a", 1, 2.5]
    assert again.latest == {"loss": 1 / 3, "text": "é"}
    assert all(isinstance(entry["step"], int) and entry["step"] <= 3 for entry in again.entries)


@given(data=st.data())
def test_records(run: Run, data: st.DataObject) -> None:
    write_record(run.directory, run.record("all steps done", METRICS))
    path = run.directory / "run.json"
    written, facts = read_record(run.directory), json.loads(path.read_bytes())
    older = {key: value for key, value in facts.items() if key != "crc32"}
    sealed = damaged(path.read_bytes())
    path.write_bytes(data.draw(st.one_of(sealed, contents(facts), contents(older))))
    with valid_or_named(run.directory):
        found = read_record(run.directory)
        if b'"crc32"' in path.read_bytes():
            assert found == written
        write_record(run.directory, found)
        assert read_record(run.directory) == found


@given(data=st.data())
def test_checkpoints(run: Run, data: st.DataObject) -> None:
    write_record(run.directory, run.record("all steps done", METRICS))
    whole = run.checkpoint.read_bytes()
    header = whole[: whole.index(b"\n") + 1]
    try:
        run.checkpoint.write_bytes(
            data.draw(
                st.one_of(
                    damaged(whole),
                    damaged(header).map(lambda new: new + whole[len(header) :]),
                    st.integers(0, len(whole) - 1).map(lambda length: whole[:length]),
                )
            )
        )
        intact = run.checkpoint.read_bytes() == whole
        with valid_or_named(run.checkpoint):
            again = Run(run.directory, Config()).load()
            assert intact
            assert again is not None
    finally:
        run.checkpoint.write_bytes(whole)
