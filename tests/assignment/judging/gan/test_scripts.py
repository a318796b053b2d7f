"""What other files of a submission do with the generator, and what a run lacks."""

from pathlib import Path

import pytest

from ...conftest import Check
from .styles import HEAD, LOOP, NETWORKS, SETUP, gan

PLAIN = "".join((HEAD, NETWORKS, SETUP, LOOP))  # it trains and draws nothing afterwards
SAVES = f'{PLAIN}torch.save(A.state_dict(), "a.pt")\n'
LOADS = 'A.load_state_dict(torch.load("a.pt"))\n'
DRAWS = f"""
import torch
from my_gan import Artist, Z

A = Artist()
{LOADS}A.eval()
first, last = torch.randn(1, Z), torch.randn(1, Z)
weights = POINTS[:, None]
with torch.no_grad():
    images = A((1 - weights) * first + weights * last)
"""
NINE = "torch.linspace(0, 1, 9)"
TWICE = "(torch.tensor([0, 0, 1, 2, 3, 4, 5, 6, 6]) / 6)"
FUNCTION = """
def show():
    A = Artist()
    A.load_state_dict(torch.load("nowhere/a.pt"))
    A(torch.randn(16, Z))
"""
IN_A_MODE = """
def show(A, mode="samples"):
    if mode == "samples":
        return A(torch.randn(16, Z))
    first, last = torch.randn(1, Z), torch.randn(1, Z)
    return torch.cat([A(first + k / 8 * (last - first)) for k in range(9)])
"""


def said(folder: Path, check: Check) -> tuple[set[str | None], set[str | None]]:
    """The names of what is wrong, and of what was not seen."""
    report = check(folder, parts=["gan"])
    return {f.id for f in report.findings}, {f.id for f in report.not_seen}


@pytest.mark.parametrize(
    ("training", "points", "wrong"),
    [
        (SAVES, NINE, set()),
        (SAVES, TWICE, {"interpolation-repeats-ends"}),
        (PLAIN, TWICE, {"interpolation-repeats-ends"}),  # without the weights
    ],
)
def test_another_script_draws(
    training: str, points: str, wrong: set[str], tmp_path: Path, warm_check: Check
) -> None:
    (tmp_path / "my_gan.py").write_text(training)
    (tmp_path / "draw.py").write_text(DRAWS.replace("POINTS", points))
    found, unseen = said(tmp_path, warm_check)
    assert found == wrong
    assert unseen == {"same-class-ends"}


IN_MODES = ("weights =", "import sys\n\nif sys.argv[1:] != ['line']:\n    sys.exit()\nweights =")


def test_what_a_script_does_by_default_is_not_all(tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "my_gan.py").write_text(SAVES)
    draws = DRAWS.replace("POINTS", NINE).replace(*IN_MODES)
    (tmp_path / "draw.py").write_text(draws)
    found, unseen = said(tmp_path, warm_check)
    assert found == set()
    assert "missing-interpolation" in unseen


def test_a_script_that_stops_is_nobodys_fault(tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "my_gan.py").write_text(SAVES)
    (tmp_path / "draw.py").write_text(DRAWS.replace("POINTS", "[0, 1]"))
    found, unseen = said(tmp_path, warm_check)
    assert found == set()
    assert "missing-interpolation" in unseen


def test_a_function_draws_no_line(tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "my_gan.py").write_text(PLAIN + FUNCTION)
    assert said(tmp_path, warm_check)[0] == {"missing-interpolation"}


def test_what_a_function_does_by_default_is_not_all(tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "my_gan.py").write_text(PLAIN + IN_A_MODE)
    found, unseen = said(tmp_path, warm_check)
    assert found == set()
    assert "missing-interpolation" in unseen


def test_nothing_calls_the_training(tmp_path: Path, warm_check: Check) -> None:
    body = (SETUP + LOOP + 'torch.save(A.state_dict(), "a.pt")\n').replace("\n", "\n    ")
    (tmp_path / "my_gan.py").write_text(f"{HEAD}{NETWORKS}\ndef main():{body}\n")
    (tmp_path / "draw.py").write_text(DRAWS.replace("POINTS", NINE))
    report = warm_check(tmp_path, parts=["gan"])
    assert report.findings == []
    assert any("no line of the file calls" in finding.message for finding in report.not_seen)
    assert any("9 different images" in finding.message for finding in report.right)


LOADED_FIRST = ("opt_a = torch", f"{LOADS}opt_a = torch")
OF_COLOURS = ("Normalize(0.5, 0.5)", "Normalize((0.5,) * 3, (0.5,) * 3)")
HANDLED = (
    LOADED_FIRST[0],
    f"try:\n    {LOADS}except FileNotFoundError:\n    print('from the start')\n{LOADED_FIRST[0]}",
)
GUARD = ("A.eval()\n", "A.eval()\nassert A(torch.zeros(2, Z)).max() > 0.99, 'train for longer'\n")


@pytest.mark.rows(2)
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ((LOADED_FIRST,), set()),
        ((HANDLED,), set()),
        ((LOADED_FIRST, OF_COLOURS), {"does-not-run"}),
        ((LOADED_FIRST, GUARD), set()),  # other weights may pass it
    ],
    ids=["loaded", "handled", "then a fault", "then a guard"],
)
def test_weights_have_a_stand_in(
    changes: tuple[tuple[str, str], ...], wrong: set[str], tmp_path: Path, warm_check: Check
) -> None:
    (tmp_path / "my_gan.py").write_text(gan(*changes))
    assert said(tmp_path, warm_check)[0] == wrong


def test_a_checkpoint_that_is_read_is_not_handed_in(tmp_path: Path, warm_check: Check) -> None:
    reads = 'epoch = torch.load("a.pt")["epoch"] + 1\n'
    (tmp_path / "my_gan.py").write_text(gan(("opt_a = torch", f"{reads}opt_a = torch")))
    report = warm_check(tmp_path, parts=["gan"])
    assert report.findings == []
    assert any("was not handed in" in finding.message for finding in report.not_seen)


def test_no_line_of_theirs_is_judged_by_a_gpu_that_is_none(
    tmp_path: Path, warm_check: Check
) -> None:
    asks = "A.cuda()\nassert A.last.weight.is_cuda\n"
    (tmp_path / "my_gan.py").write_text(gan(("opt_a = torch", f"{asks}opt_a = torch")))
    assert said(tmp_path, warm_check)[0] == {"fixed-device"}


@pytest.mark.slow
def test_a_folder_is_missing_where_there_is_no_gpu(tmp_path: Path, warm_check: Check) -> None:
    saves = 'A.cuda()\ntorch.save(A.state_dict(), "made/by/nobody/a.pt")\n'
    (tmp_path / "my_gan.py").write_text(gan(("opt_a = torch", f"{saves}opt_a = torch")))
    assert said(tmp_path, warm_check)[0] == {"fixed-device", "missing-folder"}


@pytest.mark.rows(1)
@pytest.mark.parametrize("readme", ["Run `b.py`.", ""])
def test_of_two_files_one_is_taken(readme: str, tmp_path: Path, warm_check: Check) -> None:
    """The one that the README names, else the one about which more is known."""
    (tmp_path / "a.py").write_text(gan(("torch.randn(len(real), Z)", "torch.rand(len(real), Z)")))
    (tmp_path / "b.py").write_text(
        gan(("step()\n", "step()\n        break\n")) if readme else PLAIN
    )
    (tmp_path / "README.md").write_text(readme)
    report = warm_check(tmp_path, parts=["gan"])
    taken = "b.py" if readme else "a.py"
    assert report.files["gan"] == taken
    assert {finding.file for finding in report.findings} <= {taken}
    (chosen,) = (f.message for f in report.not_seen if "could each be" in f.message)
    assert f"Only {taken} counts" in chosen
    assert not readme or "a.py: wrong-noise" in chosen
