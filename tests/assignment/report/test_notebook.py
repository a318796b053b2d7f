"""The notebooks: the one that a student hands in, and the one for Colab, which runs it."""

import ast
import base64
import re
from pathlib import Path

import colab
import httpx
import imageio.v3 as iio
import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from toolkit.assignment.handin.locate import find_parts, read_code
from toolkit.assignment.handin.notebooks import read_notebook
from toolkit.assignment.judging.static import imported
from toolkit.assignment.pack import collect, find_problems
from toolkit.assignment.skeleton import write_solution

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "assignments" / "assignment3.ipynb"


@pytest.mark.parametrize("path", [NOTEBOOK, colab.NOTEBOOK])
def test_it_holds_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all((cell.outputs, cell.execution_count) == ([], None) for cell in cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_it_needs_no_toolkit() -> None:
    """What is handed in must work without it."""
    tree = ast.parse(read_notebook(NOTEBOOK.read_bytes()).source)
    modules = {name.partition(".")[0] for _, name in imported(tree)}
    modules.remove("unittest")  # which stands for IPython's `display` where a notebook is read
    assert modules == {"csv", "subprocess", "sys", "pathlib", "matplotlib", "IPython"}


def test_it_is_no_part_of_a_submission(tmp_path: Path) -> None:
    """Though it runs the files that are."""
    write_solution(tmp_path)
    before = find_parts(read_code(tmp_path))
    (tmp_path / NOTEBOOK.name).write_bytes(NOTEBOOK.read_bytes())
    assert find_parts(read_code(tmp_path)) == before
    assert len(before) == 4


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NotebookNode, dict[str, str]]:
    """A folder with some records; a quick train.py; a my_gan.py that fails; its notebook, run from
    the one for Colab; and what the cells of that one said.
    """
    folder = tmp_path_factory.mktemp("colab") / "my_folder"
    (folder / "records").mkdir(parents=True)
    write_solution(folder)
    train = (folder / "train.py").read_text().replace("default=1000", "default=20")
    (folder / "train.py").write_text(train)
    (folder / "my_gan.py").write_text("print('no luck')\nraise SystemExit(3)\n")
    (folder / "records" / "lstm-T5-rate0.001.csv").write_text("step,loss,accuracy\n1,2.3,0.1\n")
    for n, name in enumerate(("start", "halfway", "end")):
        iio.imwrite(folder / "records" / f"samples-{name}.png", np.full((9, 9), n, np.uint8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("MPLBACKEND", raising=False)  # set by a command that ran in this process
        # Everything is found, and nothing installed; pip reads "no isolation: 0" as "isolation: 0".
        for option, value in {"DRY_RUN": "1", "NO_INDEX": "1", "NO_BUILD_ISOLATION": "0"}.items():
            patch.setenv(f"PIP_{option}", value)
        said = {}
        for cell, _ in colab.cells(folder.parent, str(ROOT)):
            said[cell.id] = colab.printed(cell)
            if cell.id == "demo":  # while its kernel is there
                (url,) = re.findall('src="(http.+?)"', said["demo"])
                said["page"] = httpx.get(url).text
    return folder, nbformat.read(folder / NOTEBOOK.name, as_version=4), said


@pytest.mark.slow
@pytest.mark.xdist_group("notebook")  # run once
def test_colab(executed: tuple[Path, NotebookNode, dict[str, str]]) -> None:
    _, _, said = executed
    assert "Would install assignment3-toolkit-" in said["install"]
    assert "Written: my_folder/data/MNIST/raw/t10k-labels-idx1-ubyte" in said["skeleton"]
    assert "right: The model follows equations (1) to (7)" in said["check"]
    assert "my_folder/report/: report.tex, report.docx" in said["report"]
    assert "The notebook" not in said["pack"]  # is missing, or was never run
    assert "Your code equals the toolkit's solution for train.py" in said["pack"]
    assert "Latent studio" in said["page"]


@pytest.mark.slow
@pytest.mark.xdist_group("notebook")
def test_colab_without_an_address(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match=r"SystemExit\S*:\S* First set REPOSITORY"):
        list(colab.cells(tmp_path, None))


@pytest.mark.slow
@pytest.mark.xdist_group("notebook")
def test_it_runs_what_is_missing(executed: tuple[Path, NotebookNode, dict[str, str]]) -> None:
    folder, notebook, _ = executed
    said = {cell.id: colab.printed(cell) for cell in notebook.cells if cell.cell_type == "code"}
    assert said["train-5"] == ""  # there already
    assert re.findall("python .*", said["train-longer"]) == [
        "python train.py --length 20",
        "python train.py --length 20 --network rnn",
    ]
    for name in ("lstm-T20-rate0.001", "rnn-T20-rate0.001"):
        assert (folder / "records" / f"{name}.csv").read_text().count("\n") == 2
    assert "no luck" in said["train-gan"]
    assert "Missing: records/interpolation.png" in said["train-gan"]
    how = "python my_gan.py --epochs 200   makes it; it was run, and ended with exit code 3"
    assert how in said["train-gan"]


@pytest.mark.slow
@pytest.mark.xdist_group("notebook")
def test_it_shows_the_records(executed: tuple[Path, NotebookNode, dict[str, str]]) -> None:
    folder, notebook, _ = executed
    shown = {
        cell.id: base64.b64decode(output.data["image/png"])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }
    samples = {f"samples-{name}" for name in ("start", "halfway", "end")}
    assert set(shown) == {"accuracy-5", "loss-5", "accuracy-longer", *samples}
    for name in samples:
        assert shown[name] == (folder / "records" / f"{name}.png").read_bytes()
    problems = find_problems(collect(folder))
    assert not [problem for problem in problems if NOTEBOOK.name in problem]
