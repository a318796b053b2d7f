"""The report of runs that the toolkit really made, through the real entry point."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import pytest
import torch

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.xdist_group("smoke")  # so that the runs are made once


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
    """Logs, manifest and pictures are read here by other code."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "toolkit.assignment", "report", "--reference"),
            *("--preset", "smoke", "--student-number", "12345678", "--out", tmp_path / "report"),
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
        numbers.append(f"{100 * exported[f'{model}.pt']['metrics']['test_accuracy']:.2f}%")
    drawn = exported["generator.pt"]["metrics"]
    numbers += [f"{drawn['frechet_distance']:.1f} ± {drawn['frechet_distance_sd']:.1f}"]
    numbers += [f"{share:.3f}" for share in (drawn["share_unsure"], *drawn["class_shares"])]
    first, last = digits_at_the_ends(smoke / "gan" / "figures" / "interpolation.png")
    assert first != last
    ends = f"9 images from a {first} to a {last}".replace("a 8", "an 8")
    report = tmp_path / "report"
    for text in (latex_to_text(report / "report.tex"), word_to_text(report / "report.docx")):
        for number in numbers:
            assert number in text, number
        assert ends in " ".join(text.split())
