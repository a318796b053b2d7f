"""The checker against submissions with known faults, and against right ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
import torch
from torch import Tensor, nn

from toolkit.assignment.check.findings import IDS, Finding, Report
from toolkit.assignment.check.lstm import cells
from toolkit.assignment.check.parent import check
from toolkit.assignment.check.student.recorder import Recorder
from toolkit.common.errors import ToolkitError

from .corpus import cases

ROOT = Path(__file__).parents[3]


PROMISED = {
    *("forbidden-module", "wrong-equation", "nonzero-initial-state", "state-not-carried"),
    *("fixed-batch-size", "fixed-sequence-length", "parameter-not-learnable", "dead-parameter"),
    *("loss-not-last-step", "softmax-before-loss", "wrong-optimiser", "does-not-learn"),
    *("fixed-device", "not-a-palindrome", "wrong-label", "length-overflow", "split-leak"),
    *("wrong-noise", "missing-detach", "gradients-not-cleared", "batchnorm-mode", "output-range"),
    *("interpolation-repeats-ends", "same-class-ends", "missing-file", "does-not-import"),
}


def run_check(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "toolkit.assignment", "check", str(folder), *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_the_corpus_is_large_and_whole() -> None:
    assert len(cases.WRONG) >= 25
    assert len(cases.RIGHT) >= 8
    planted = {wrong.id for wrong in cases.WRONG.values()}
    assert planted | {"missing-file", "time-limit"} == set(IDS)  # those two have their own tests
    assert set(IDS) >= PROMISED
    assert {w.equation for w in cases.WRONG.values() if w.id == "wrong-equation"} == {*range(1, 8)}


def check_wrong(name: str, directory: Path) -> list[tuple[str, int | None]]:
    """(id, equation) of each finding, by the check of the part that should find the fault."""
    wrong = cases.WRONG[name]
    folder = directory / name
    folder.mkdir()
    cases.write_wrong(name, folder)
    report = check(folder, parts=[wrong.found_in or wrong.part])
    return [(finding.id, finding.equation) for finding in report.findings]


def shown(finding: tuple[str, int | None]) -> str:
    id, equation = finding
    return id if equation is None else f"{id} ({equation})"


@pytest.mark.slow
def test_planted_faults_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each by its id and, where it has one, its equation: at least 95%."""
    jobs = (joblib.delayed(check_wrong)(name, tmp_path) for name in cases.WRONG)
    results = joblib.Parallel(n_jobs=-1, prefer="threads")(jobs)
    named = 0
    with capsys.disabled():
        print()
        for (name, wrong), found in zip(cases.WRONG.items(), results, strict=True):
            hit = (wrong.id, wrong.equation) in found
            named += hit
            shown = ", ".join(id if eq is None else f"{id} ({eq})" for id, eq in found)
            print(
                f"{'named ' if hit else 'MISSED'} {name}: {wrong.id} ({wrong.equation}) -> {shown}"
            )
        print(f"{named} of {len(results)} planted faults named")
    assert named >= 0.95 * len(results)


def check_right(name: str, directory: Path) -> Report:
    folder = directory / name
    folder.mkdir()
    cases.write_right(name, folder)
    return check(folder)


@pytest.mark.slow
def test_no_false_alarm(tmp_path: Path) -> None:
    jobs = (joblib.delayed(check_right)(name, tmp_path) for name in cases.RIGHT)
    for report in joblib.Parallel(n_jobs=-1, prefer="threads")(jobs):
        assert report.findings == []
        assert report.unfinished == []
        assert len(report.right) >= 10


@pytest.mark.slow
def test_the_blank_skeleton(tmp_path: Path) -> None:
    """It says what is to be written, and calls nothing wrong."""
    done = run_check(ROOT / "assignments" / "skeleton")
    assert done.returncode == 1
    assert "WRONG" not in done.stdout
    assert "equations (1) to (7)" in done.stdout
    last = done.stdout.strip().splitlines()[-1]
    raises = sum(
        path.read_text().count("raise NotImplementedError")
        for path in (ROOT / "assignments" / "skeleton").glob("*.py")
    )
    assert last.startswith(f"{raises} pieces are still to be written")


def test_the_skeleton_stands_alone() -> None:
    for path in (ROOT / "assignments" / "skeleton").glob("*.py"):
        assert "toolkit" not in path.read_text()


def test_what_a_student_prints_is_no_finding(tmp_path: Path) -> None:
    """Nor what is written to all descriptors, nor the end of the check."""
    forged = json.dumps({"id": "wrong-label", "equation": 1, "file": "f", "line": 1, "message": ""})
    lines = f"{forged}\n{json.dumps({'finished': True})}\n"
    (tmp_path / "dataset.py").write_text(
        f"import os\nprint({lines!r})\nfor descriptor in range(1, 40):\n    try:\n"
        f"        os.write(descriptor, {lines.encode()!r})\n    except OSError:\n        pass\n"
    )
    (finding,) = check(tmp_path, parts=["dataset"]).findings
    assert finding.id == "does-not-run"
    assert "no class PalindromeDataset" in finding.message


def test_the_toolkit_is_not_handed_in(tmp_path: Path) -> None:
    """By whichever file beside theirs, and however it is imported."""
    (tmp_path / "dataset.py").write_text("from helpers import make\nraise ValueError\n")
    (tmp_path / "helpers.py").write_text(
        "import importlib\n\nmake = importlib.import_module('toolkit.lstm.data')\n"
    )
    found = check(tmp_path, parts=["dataset"]).findings
    assert ("forbidden-module", "helpers.py", 3) in [(f.id, f.file, f.line) for f in found]


def test_lower_limits_than_its_own_are_kept(tmp_path: Path) -> None:
    """As a sandbox sets them."""
    (tmp_path / "dataset.py").write_text("class PalindromeDataset:\n    raise KeyError('here')\n")
    limit = f"ulimit -d {3 << 20} -t 10; exec {sys.executable} -m toolkit.assignment check ."
    done = subprocess.run(
        ["bash", "-c", f"{limit} --json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    (finding,) = [f for f in json.loads(done.stdout)["findings"] if f["part"] == "dataset"]
    assert "KeyError: 'here'" in finding["message"]


def test_a_check_that_fails_is_no_verdict() -> None:
    busy = Finding(verdict="not seen", part="dataset", message="This machine was too busy.")
    report = Report.of([], [busy])
    assert not report.passed
    with pytest.raises(ToolkitError, match=r"too busy\. This is not a verdict") as caught:
        report.raise_unfinished()
    assert caught.value.exit_code == 2


def test_nothing_to_check(tmp_path: Path) -> None:
    for folder, words in ((tmp_path, "has none of"), (tmp_path / "nowhere", "is no folder")):
        done = run_check(folder)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stdout == ""


def test_json(tmp_path: Path) -> None:
    """The shape and the exit code; three files are missing and one has a syntax error."""
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "lstm.py").write_text("x = 1\ndef f(:\n")
    done = run_check(tmp_path, "--json")
    assert done.returncode == 1
    content = json.loads(done.stdout)
    assert content["passed"] is False
    assert [f["id"] for f in content["findings"]].count("missing-file") == 3
    (broken,) = [f for f in content["findings"] if f["id"] == "does-not-import"]
    assert broken.pop("message")
    assert broken == {
        "verdict": "wrong",
        "id": "does-not-import",
        "part": "lstm",
        "equation": None,
        "file": "deeper/lstm.py",
        "line": 2,
    }


@pytest.mark.parametrize(
    "code",
    ["import os\nos._exit(0)", "raise SystemExit(0)", "print('x' * 10**8)\nraise ValueError('no')"],
    ids=["_exit", "exit", "prints"],
)
def test_what_ends_the_process_costs_only_itself(code: str, tmp_path: Path) -> None:
    (tmp_path / "dataset.py").write_text(code)
    report = check(tmp_path, parts=["dataset"])
    assert [f.id for f in report.findings] in (["time-limit"], ["does-not-import"])


@pytest.mark.slow
def test_an_endless_loop_is_ended(tmp_path: Path) -> None:
    (tmp_path / "dataset.py").write_text("while True:\n    pass\n")
    (finding,) = check(tmp_path, parts=["dataset"]).findings
    assert finding.id == "time-limit"
    assert "importing dataset.py" in finding.message


def test_torch_lstm_is_followed_gate_by_gate(tmp_path: Path) -> None:
    """A cell that calls the activations by hand on nn.LSTMCell's own weights is explained."""
    torch.manual_seed(0)
    theirs = nn.LSTMCell(3, 4)
    readout = nn.Linear(4, 10)
    x = torch.randn(20, 5, 3)

    def run(x: Tensor) -> Tensor:
        h = c = torch.zeros(20, 4)
        for t in range(5):
            a = x[:, t] @ theirs.weight_ih.t() + h @ theirs.weight_hh.t()
            i, f, g, o = (a + theirs.bias_ih + theirs.bias_hh).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h

    recorder = Recorder(tmp_path, keep=True)
    with recorder, torch.no_grad():
        logits = readout(run(x))
    match = cells.explain(cells.chunks(recorder.steps, 5, 20, 4), logits, x)
    assert match is not None
    h = c = torch.zeros(20, 4)
    with torch.no_grad():
        for t in range(5):
            h, c = theirs(x[:, t], (h, c))
    torch.testing.assert_close(match.h[-1], h)
    torch.testing.assert_close(match.c[-1], c)
    fit = cells.affine(match.gates["f"].before[1:].flatten(0, 1), *_inputs(x, match.h))
    assert fit.residual < 1e-4
    torch.testing.assert_close(fit.weight_h.t().float(), theirs.weight_hh[4:8].detach())


def _inputs(x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    return x.transpose(0, 1)[1:].flatten(0, 1), h[:-1].flatten(0, 1)
