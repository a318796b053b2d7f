"""The records of a student's trainings: how they are read, and what of them cannot be true."""

import argparse
import csv
import io
import json
import math
import runpy
from pathlib import Path, PurePosixPath

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from toolkit.assignment.findings.findings import Finding
from toolkit.assignment.handin.records import Records, gaps, read_folder, read_records
from toolkit.assignment.judging.doubts import doubtful, judge_records
from toolkit.common.figures import save_curves, save_png, sheet
from toolkit.common.package_data import package_data

Row = tuple[float, float, float]
GOOD: list[Row] = [(10, 2.3, 0.1), (20, 1.1, 0.6), (30, 0.02, 0.995)]
LEARNS = 0.98  # what the check's own training of a right LSTM reaches


def log(rows: list[Row] = GOOD, header: str = "step,loss,accuracy") -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return f"{header}\r\n{buffer.getvalue()}".encode()


def training(rows: list[Row] = GOOD, network: str = "lstm", length: int = 5) -> Records:
    """The records of one training."""
    name = f"records/{network}-T{length}-rate0.001"
    settings = json.dumps({"network": network, "length": length}).encode()
    return read({f"{name}.csv": log(rows), f"{name}.json": settings})


def read(files: dict[str, bytes]) -> Records:
    return read_records({PurePosixPath(name): data for name, data in files.items()})


def picture(value: int = 0) -> bytes:
    data: bytes = iio.imwrite("<bytes>", np.full((8, 8), value, np.uint8), extension=".png")
    return data


def doubts(records: Records, *findings: Finding, reached: float | None = LEARNS) -> list[Finding]:
    verdicts = judge_records(records, findings, reached)
    return [finding for finding in verdicts if finding.verdict == "wrong"]


def fault(id: str, part: str = "lstm") -> Finding:
    return Finding.model_validate({"verdict": "wrong", "part": part, "id": id, "message": "x"})


def test_a_good_one_is_listed() -> None:
    records = training()
    (run,) = records.trainings
    assert (run.network, run.length, run.accuracy) == ("LSTM", 5, 0.995)
    (finding,) = judge_records(records, (), LEARNS)
    assert finding.verdict == "right"
    assert "lstm-T5-rate0.001 (99.5% after 30 steps)" in finding.message
    assert "reaches an accuracy of 98% at T = 5" in finding.message


def test_keep_record_takes_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a loss is that somebody forgot to turn into a number."""
    monkeypatch.chdir(tmp_path)
    config = argparse.Namespace(network="lstm", length=5, learning_rate=0.001)
    rows = [(torch.tensor(10 * n), torch.tensor(1.5), torch.tensor([0.25])) for n in (1, 2)]
    for file in ("train.py", "my_gan.py"):
        runpy.run_path(str(package_data("skeleton") / file))["keep_record"](rows, config)
    records = read_folder(tmp_path)
    assert records.gan is not None
    assert records.problems == []
    for run in (records.gan, *records.trainings):
        assert run.rows == ((10, 1.5, 0.25), (20, 1.5, 0.25))


def test_nothing_is_said_where_there_is_none() -> None:
    assert judge_records(Records(), [fault("does-not-learn")], 0.1) == []


IMPOSSIBLE: list[tuple[list[Row], int, str]] = [
    ([(1, 2.3, 0.1), (2, 1.0, 1.01)], 3, "An accuracy of 1.01 is impossible"),
    ([(1, 2.3, -0.2)], 2, "An accuracy of -0.2 is impossible"),
    ([(1, 2.3, math.nan)], 2, "An accuracy of nan is impossible"),
    ([(1, 2.3, 9.0), (2, 0.1, 101.0)], 3, "An accuracy of 101 is impossible"),
    ([(10, 2.3, 0.1), (10, 1.0, 0.5)], 3, "Step 10 comes after step 10"),
    ([(10, 2.3, 0.1), (20, 1.0, 0.5), (5, 0.1, 0.9)], 4, "Step 5 comes after step 20"),
    ([(1, 2.3, 0.1), (2, -0.4, 0.9)], 3, "A loss of -0.4 is impossible"),
    ([(k, 2.304, 0.1 * k) for k in range(1, 11)], 11, "2.304 do not go together"),
]


@pytest.mark.parametrize(("rows", "line", "message"), IMPOSSIBLE)
def test_what_cannot_be_true(rows: list[Row], line: int, message: str) -> None:
    """The line is that of the CSV, whose first line names the columns."""
    (finding,) = doubts(training(rows))
    assert (finding.id, finding.part, finding.line) == ("doubtful-record", "train", line)
    assert finding.file == "records/lstm-T5-rate0.001.csv"
    assert message in finding.message


POSSIBLE: dict[str, list[Row]] = {
    "percent": [(100, 2.3, 11.5), (200, 0.1, 99.5)],
    "diverged": [(1, 2.3, 0.1), (2, math.nan, 0.1), (3, math.nan, 0.1)],
    "overfitted": [(100, 1.0, 0.3), (200, 1e-5, 0.4)],
    "the softmax twice": [(100, 2.3, 0.1), (200, 1.6, 0.98), (300, 1.48, 1.0)],
    "a loss that is summed over the batch": [(1, 295.0, 0.1), (2, 150.0, 0.6), (3, 20.0, 1.0)],
    "a loss that is summed over the steps": [(1, 2.3, 0.1), (2, 3.9, 0.9), (3, 4.2, 1.0)],
    "rounded": [(1, 2.3, 0.1), (2, -1e-9, 1.0000001)],
    "not learnt": [(k, 2.3, 0.1) for k in range(1, 9)],
    "one line": [(1000, 2.5, 1.0)],
}


@pytest.mark.parametrize("name", POSSIBLE)
def test_no_false_alarm(name: str) -> None:
    assert doubts(training(POSSIBLE[name])) == []


@pytest.mark.parametrize(("last", "share"), [(2.0, 2.0), (2.5, 0.025)])
def test_what_is_in_percent(last: float, share: float) -> None:
    """A column that goes past 2, since chance alone reaches 10%."""
    (run,) = training([(1, 2.3, 0.1), (2, 2.2, last)]).trainings
    assert run.accuracy == pytest.approx(share)


def test_a_cross_entropy_of_right_answers_is_below_ln_10() -> None:
    """The bound that a doubt rests on, by torch: all ten logits nearly equal, the right one first.

    A right answer has the largest of ten probabilities.
    """
    logits = torch.zeros(1, 10)
    logits[0, 3] = 1e-4
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([3]))
    assert float(loss) < math.log(10)


@pytest.mark.parametrize(
    ("finding", "reached", "doubted"),
    [
        (fault("does-not-learn"), 0.11, True),
        (fault("does-not-learn", "train"), LEARNS, True),
        (fault("not-written"), None, True),
        (fault("not-written", "gan"), LEARNS, False),
        (fault("state-not-carried"), 0.09, True),
        (fault("state-not-carried"), 0.7, False),  # the other state carries the digit
        (fault("wrong-equation"), 0.6, False),  # slow, because the check stops early
        (fault("does-not-import"), None, False),  # a package that this machine lacks
    ],
)
def test_code_that_cannot_have_given_it(
    finding: Finding, reached: float | None, doubted: bool
) -> None:
    assert bool(doubts(training(), finding, reached=reached)) == doubted
    modest = training([(10, 2.3, 0.1), (20, 2.2, 0.4)])
    assert doubts(modest, finding, reached=reached) == []
    assert doubts(training(network="rnn"), finding, reached=reached) == []


def test_the_same_samples_twice() -> None:
    samples = {
        "records/samples-start.png": picture(1),
        "records/samples-halfway.png": picture(0),
        "records/samples-end.png": picture(0),
    }
    (finding,) = doubts(read(samples))
    assert (finding.part, finding.file) == ("gan", "records/samples-end.png")
    assert "the same picture as samples-halfway.png" in finding.message
    samples["records/samples-end.png"] = picture(2)
    assert doubts(read(samples)) == []


def test_what_the_toolkit_made_is_recognised(tmp_path: Path) -> None:
    """Its pictures of digits and its plots say so; a student's own do not, and their size is kept.

    A record of a run is known by its name.
    """
    save_png(tmp_path / "digits.png", sheet(torch.rand(9, 1, 28, 28), columns=9))
    save_curves(tmp_path / "plot.png", {"a": ([1, 2], [3, 4])}, title="", x_label="", y_label="")
    assert iio.imread(tmp_path / "digits.png").shape == (90, 810)
    records = read(
        {
            "work/records/interpolation.png": (tmp_path / "digits.png").read_bytes(),
            "work/records/samples-end.png": (tmp_path / "plot.png").read_bytes(),
            "work/records/samples-start.png": picture(),
            "work/records/gan/run.json": b"{}",
            "runs/default/gan/run.json": b"{}",  # not handed in as a record
        }
    )
    names = ["interpolation.png", "samples-end.png", "run.json"]
    assert [path.name for path in records.foreign] == names
    assert set(records.pictures) == {"samples-start.png"}
    assert [finding.part for finding in doubts(records)] == ["gan", "gan", "train"]


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (b"\xff\xfe", b"{}", "is not a CSV file"),
        (b"", b"{}", "does not begin with the line step,loss,accuracy"),
        (log(header="step;loss;accuracy"), b"{}", "does not begin with the line"),
        (log([]), b"{}", "has no line but its first"),
        (log() + b"40,0.1\n", b"{}", "does not have three numbers in line 5"),
        (log() + b"40,0.1,good\n", b"{}", "does not have three numbers in line 5"),
        (log(), None, "has no settings beside it: a.json is missing"),
        (log(), b"[" * 50_000, "settings beside it that are not a JSON object"),
        (log(), b"[1]", "settings beside it that are not a JSON object"),
        (log() + b" " * (4 << 20), b"{}", "is larger than 4 MiB"),
    ],
    ids=["bytes", "empty", "semicolons", "no line", "two numbers", "a word", "no settings", "deep",
         "a list", "large"],
)  # fmt: skip
def test_what_cannot_be_read(data: bytes, settings: bytes | None, message: str) -> None:
    files = {"records/a.csv": data}
    if settings is not None:
        files["records/a.json"] = settings
    ((part, problem),) = read(files).problems
    assert part == "train"
    assert message in problem
    assert problem.startswith("records/a.csv ")


def test_excel_and_strange_settings() -> None:
    """A mark at the beginning, numbers as words, lists, and names that are too long."""
    settings = {"length": "7", "layers": [1, 2], "x" * 500: "y" * 500, "hidden_dim": 64.0}
    data = {
        "records/a.csv": b"\xef\xbb\xbf" + log(),
        "records/a.json": json.dumps(settings).encode(),
    }
    (run,) = read(data).trainings
    assert (run.length, run.network) == (7, "LSTM")
    assert run.settings == {"length": "7", "x" * 80: "y" * 80, "hidden_dim": "64.0"}
    assert list(doubtful(run)) == []


def test_gaps_name_the_command() -> None:
    """With the file as it is called, and a hint where it keeps nothing."""
    code = {
        PurePosixPath("src/train.py"): b"import torch\noptimizer.step()\nLSTM\nPalindromeDataset\n"
        b"if __name__ == '__main__': loss.backward()\n"
    }
    commands: dict[str, list[str]] = {"train": [], "gan": []}
    hints = []
    for part, hint, command in gaps(Records(), code):
        commands[part].append(command)
        hints.append(hint)
    assert commands["train"] == [
        "python src/train.py --length 5",
        "python src/train.py --length 20",
        "python src/train.py --network rnn --length 20",
    ]
    assert "src/train.py keeps no records yet: take keep_record from the skeleton" in hints[0]
    assert commands["gan"] == ["python my_gan.py"] * 5
