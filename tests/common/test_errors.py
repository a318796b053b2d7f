"""Out of memory, by what torch and numpy really raise; and messages that are shortened."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from toolkit.common.console import command_group, reports_errors
from toolkit.common.errors import ToolkitError, in_short, is_out_of_memory

MORE_THAN_ANY_MACHINE_HAS = 10**14  # numbers of four bytes


def raised_by(call: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011, of any kind
        call()
    return caught.value


@torch.jit.script
def scripted(size: int) -> torch.Tensor:
    if size < 0:
        raise ValueError("a size in memory is not negative")
    return torch.empty([size])


@pytest.mark.filterwarnings("ignore")
def test_what_is_raised_where_memory_runs_out() -> None:
    size = MORE_THAN_ANY_MACHINE_HAS
    calls: list[Callable[[], object]] = [
        lambda: torch.empty(size),
        lambda: scripted(size),
        lambda: np.empty(size),
        lambda: bytearray(4 * size),
    ]
    for call in calls:
        assert is_out_of_memory(raised_by(call))
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory"))


def test_another_error_may_have_the_word_in_it() -> None:
    view = torch.zeros(2).expand(3, 2)
    calls: list[Callable[[], object]] = [
        lambda: view.add_(1),  # "... more than one element ... refers to a single memory location"
        lambda: scripted(-1),
    ]
    for call in calls:
        error = raised_by(call)
        assert "memory" in str(error)
        assert not is_out_of_memory(error)


def test_a_command_says_it_only_if_it_is_so(capsys: pytest.CaptureFixture[str]) -> None:
    @reports_errors
    def too_large() -> None:
        torch.empty(MORE_THAN_ANY_MACHINE_HAS)

    @reports_errors
    def faulty() -> None:
        torch.zeros(2).expand(3, 2).add_(1)

    with pytest.raises(typer.Exit):
        too_large()
    assert capsys.readouterr().err == "Error: out of memory. Choose smaller sizes.\n"
    with pytest.raises(RuntimeError, match="single memory location"):
        faulty()


def test_a_file_that_vanishes_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Between the look and the reading, as when an editor saves it anew."""
    file = tmp_path / "lstm.py"
    file.touch()

    @reports_errors
    def read() -> None:
        assert file.exists()
        file.unlink()
        file.read_text(encoding="utf-8")

    with pytest.raises(typer.Exit):
        read()
    assert capsys.readouterr().err == f"Error: {file}: No such file or directory.\n"


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("one line.", 20, "one line"),
        ("the first\nthe second", 20, "the first"),
        ("A sentence. Another one, which is too long.", 20, "A sentence"),
        ("A sentence. And one. No room for this", 21, "A sentence. And one"),
        ("no sentence that ends before this", 20, "no sentence that ..."),
    ],
)
def test_no_sentence_is_cut_in_its_middle(text: str, length: int, short: str) -> None:
    assert in_short(text, length) == short


@pytest.mark.parametrize(
    ("message", "said"),
    [("No such thing", "No such thing."), ("Did you mean this?", "Did you mean this?")],
)
def test_a_mistake_ends_with_one_mark(message: str, said: str) -> None:
    """Some versions of click ask whether another option was meant."""
    group = command_group("Two commands.")

    @group.command()
    def train() -> None:
        raise typer.BadParameter(message)

    @group.command()
    def test() -> None: ...

    done = CliRunner().invoke(group, ["train"])
    assert done.exit_code == 2
    assert done.output.rstrip("\n").partition(" See `")[0].endswith(f": {said}")


def test_a_program_and_a_command_get_their_own_message() -> None:
    error = ToolkitError("The file exists.", "The file exists. Give another name: --out")
    assert (str(error), error.in_command) == (
        "The file exists.",
        "The file exists. Give another name: --out",
    )
