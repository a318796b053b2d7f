"""The notebook, as a student runs it, and the report of the runs that it makes."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import nbformat
import pytest
import torch
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "assignments" / "assignment3.ipynb"
pytestmark = pytest.mark.xdist_group("smoke")  # so that the notebook is run once


def execute(notebook: NotebookNode, directory: Path) -> NotebookNode:
    client = NotebookClient(
        notebook, timeout=None, resources={"metadata": {"path": str(directory)}}
    )
    return client.execute()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, smoke_project: Path) -> Path:
    """A folder in which all but the RNN has been trained, and then the notebook was run."""
    project = tmp_path_factory.mktemp("project")
    (project / "assignments").mkdir()
    shutil.copytree(smoke_project / "runs", project / "runs")
    shutil.rmtree(project / "runs" / "smoke" / "rnn-curriculum")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        executed = execute(nbformat.read(NOTEBOOK, as_version=4), project / "assignments")
    nbformat.write(executed, project / "executed.ipynb")
    return project


def images(notebook: NotebookNode) -> dict[str, str]:
    """Cell -> the PNG that it shows, in base 64."""
    return {
        cell.id: output.data["image/png"].replace("\n", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }


def test_it_holds_no_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.slow
def test_it_shows_the_results(project: Path) -> None:
    notebook = nbformat.read(project / "executed.ipynb", as_version=4)
    smoke = project / "runs" / "smoke"
    shown = images(notebook)
    assert set(shown) == {"accuracy", "gradients", "samples", "losses", "interpolation"}
    for cell, file in (
        ("accuracy", "horizon/horizon.png"),
        ("samples", "gan/figures/samples.png"),
        ("interpolation", "gan/figures/interpolation.png"),
    ):
        assert base64.b64decode(shown[cell]) == (smoke / file).read_bytes()
    said = {
        cell.id: "".join(output.get("text", "") for output in cell.get("outputs", []))
        for cell in notebook.cells
    }
    assert "\x1b" not in "".join(said.values())  # lines, not the bar of a terminal
    assert "rnn: step 150/150" in said["train"]
    first, last = digits_at_the_ends(smoke / "gan" / "figures" / "interpolation.png")
    assert said["ends"] == f"from a {first} to a {last}\n".replace("a 8", "an 8")
    assert not (project / "assignments" / "runs").exists()


@pytest.mark.slow
def test_it_trains_only_what_is_missing(project: Path, smoke_project: Path) -> None:
    """What was there stays as it was, to the last byte; the RNN comes out the same."""
    said = "".join(
        output.get("text", "")
        for cell in nbformat.read(project / "executed.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
    )
    assert said.count("finished earlier") == 4  # all but the RNN with the curriculum
    assert "lstm: step" not in said
    assert "gan: step" not in said
    assert "5/5" not in said  # cells of the study
    for file in (
        *("lstm-curriculum/run.json", "gan/run.json", "gan/metrics.jsonl", "horizon/horizon.csv"),
        *(f"exports/{name}.pt" for name in ("lstm", "rnn", "generator", "discriminator")),
    ):
        ours, before = (root / "runs" / "smoke" / file for root in (project, smoke_project))
        assert ours.read_bytes() == before.read_bytes(), file
    records = [
        json.loads((root / "runs/smoke/rnn-curriculum/run.json").read_text()) | {"seconds": 0}
        for root in (project, smoke_project)
    ]
    assert records[0] == records[1]


@pytest.mark.slow
def test_it_runs_from_the_project_folder_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id not in ("train", "horizon")]
    before = images(nbformat.read(project / "executed.ipynb", as_version=4))
    assert images(execute(notebook, project)) == before


def digits_at_the_ends(strip: Path) -> list[int]:
    """What the classifier sees in the first and the last of 9 images, framed and enlarged."""
    classifier = torch.jit.load(ROOT / "exports" / "classifier.pt")
    tiles = torch.from_numpy(iio.imread(strip)).float() / 255  # (90, 810)
    ends = [tiles[3:87:3, left + 3 : left + 87 : 3] for left in (0, 720)]
    return [int(classifier(end[None, None]).argmax()) for end in ends]


@pytest.mark.slow
def test_the_report_of_the_runs(
    smoke_project: Path,
    tmp_path: Path,
    latex_to_text: Callable[[Path], str],
    word_to_text: Callable[[Path], str],
) -> None:
    """Through the real entry point; logs, manifest and pictures are read here by other code."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "toolkit.assignment", "report", "--preset", "smoke"),
            *("--student-number", "12345678", "--out", tmp_path / "report"),
        ],
        cwd=smoke_project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Missing" not in done.stdout
    smoke = smoke_project / "runs" / "smoke"
    exported = json.loads((smoke / "exports" / "manifest.json").read_text())
    numbers = ["12345678"]
    for model in ("lstm", "rnn"):
        log = (smoke / f"{model}-curriculum" / "metrics.jsonl").read_text()
        numbers.append(str(round(json.loads(log.splitlines()[-1])["loss"], 4)))
        shares = exported[f"{model}.pt"]["metrics"]["accuracy_by_length"].values()
        numbers += [f"{100 * share:.2f}%" for share in shares]
    lines = [json.loads(x) for x in (smoke / "gan" / "metrics.jsonl").read_text().splitlines()]
    drawn = exported["generator.pt"]["metrics"]
    numbers += [f"{drawn['frechet_distance']:.2f} ± {drawn['frechet_distance_sd']:.2f}"]
    numbers += [str(round(lines[-2]["loss_d"], 3)), f"{100 * drawn['share_unsure']:.2f}%"]
    shares = drawn["class_shares"]
    numbers += [f"{100 * share:.2f}%" for share in (min(shares), max(shares))]
    cells = [json.loads(x) for x in (smoke / "horizon" / "results.jsonl").read_text().splitlines()]
    numbers += [
        f"{100 * value:.2f}%"
        for cell in cells
        for key, value in cell.items()
        if key.startswith("accuracy_")
    ]
    first, last = digits_at_the_ends(smoke / "gan" / "figures" / "interpolation.png")
    assert first != last
    ends = f"9 images from a {first} to a {last}".replace("a 8", "an 8")
    report = tmp_path / "report"
    for text in (latex_to_text(report / "report.tex"), word_to_text(report / "report.docx")):
        for number in numbers:
            assert number in text, number
        assert ends in " ".join(text.split())
