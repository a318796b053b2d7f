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

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "assignments" / "assignment3.ipynb"


def execute(notebook: NotebookNode, directory: Path) -> NotebookNode:
    client = NotebookClient(
        notebook, timeout=None, resources={"metadata": {"path": str(directory)}}
    )
    return client.execute()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the exports and an executed notebook, but without runs of before."""
    project = tmp_path_factory.mktemp("project")
    (project / "assignments").mkdir()
    shutil.copytree(ROOT / "exports", project / "exports", ignore=shutil.ignore_patterns("cpp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # two that wait for one core take many times as long
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
    said = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "\x1b" not in said  # lines, not the bar of a terminal
    steps = json.loads((smoke / "gan" / "config.json").read_text())["num_steps"]
    assert f"gan: step {steps}/{steps}" in said
    assert not (project / "assignments" / "runs").exists()


@pytest.mark.slow
def test_it_runs_from_the_project_folder_too(project: Path) -> None:
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
def test_the_report_of_its_runs(
    project: Path,
    latex_to_text: Callable[[Path], str],
    word_to_text: Callable[[Path], str],
) -> None:
    """Through the real entry point; the numbers come from the logs, read here by other code."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "toolkit.assignment", "report"),
            *("--student-number", "12345678", "--preset", "smoke"),
        ],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Missing" not in done.stdout
    smoke = project / "runs" / "smoke"
    numbers = ["12345678"]
    for name in ("lstm-curriculum", "rnn-curriculum"):
        last = json.loads((smoke / name / "metrics.jsonl").read_text().splitlines()[-1])
        numbers += [f"{100 * last['accuracy']:.2f}%", str(round(last["loss"], 4))]
    lines = [json.loads(x) for x in (smoke / "gan" / "metrics.jsonl").read_text().splitlines()]
    numbers += [str(round(lines[-1]["distance"], 2)), str(round(lines[-2]["loss_d"], 3))]
    cells = [json.loads(x) for x in (smoke / "horizon" / "results.jsonl").read_text().splitlines()]
    numbers += [
        f"{100 * value:.2f}%"
        for cell in cells
        for key, value in cell.items()
        if key.startswith("accuracy_")
    ]
    first, last = digits_at_the_ends(smoke / "gan" / "figures" / "interpolation.png")
    assert first != last
    report = project / "report"
    for text in (latex_to_text(report / "report.tex"), word_to_text(report / "report.docx")):
        for number in numbers:
            assert number in text, number
        assert f"9 images from a {first} to a {last}" in " ".join(text.split())
