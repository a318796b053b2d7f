"""Questions about somebody's own lines: facts beside values by hand, changes run plainly."""

import contextlib
import itertools
import re
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.asking.host import Host
from toolkit.assignment.grade.folder import _files
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import ungraded
from toolkit.assignment.handin.submission import Located, Submission
from toolkit.assignment.skeleton import write_skeleton
from toolkit.assignment.viva.edits import KINDS, edits
from toolkit.assignment.viva.facts import Runs
from toolkit.assignment.viva.questions import Question, ScriptFacts, _tables, draw_questions
from toolkit.assignment.viva.session import ask, find_questions
from toolkit.common.errors import ToolkitError
from toolkit.common.texts.language import LANGUAGES, Language

SCRIPT = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 2))
        self.bias = nn.Parameter(torch.ones(2))

    def forward(self, x):
        z = x - float("02")
        y = x @ self.weight
        z = z.long()
        y = y + self.bias
        z = z + z
        y = y.sigmoid()
        z = z.double()
        return y * y


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for step in range(100):
    x = torch.ones(4, 3)
    noise = torch.randn(4, 3)
    optimizer.zero_grad()
    loss = (net(x) ** 2).mean()
    loss.backward()
    optimizer.step()
"""
OWN, OTHER = (13, 15, 17, 19), (12, 14, 16, 18)  # lines of forward: y, and z
BY_HAND = {
    "shape": {8: (3, 2), 9: (2,), **dict.fromkeys(OWN, (4, 2)), **dict.fromkeys(OTHER, (4, 3)),
              25: (4, 3), 26: (4, 3), 28: ()},
    "size": {8: 6, 9: 2, 22: 8},
    "made_by": {13: "MmBackward0", 15: "AddBackward0", 17: "SigmoidBackward0", 19: "MulBackward0",
                28: "MeanBackward0", **dict.fromkeys((8, 9, *OTHER, 25, 26), "None")},
    "again": {**dict.fromkeys((8, 9, *OWN, *OTHER, 25), True), 26: False},
    "nonnegative": dict.fromkeys((8, 9, *OWN, 25, 28), True) | dict.fromkeys((*OTHER, 26), False),
}  # fmt: skip
ONLY = ("nonnegative", "negative", "tracked", "untracked", "whole", "fractions", "again", "other")
ONE = Question(kind="k", asks="<T>?", choices=["1", "2", "3", "4"], right=2, because="it was 3")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Submission, ScriptFacts]:
    root = tmp_path_factory.mktemp("small").resolve()
    (root / "train.py").write_text(SCRIPT, encoding="utf-8")
    submission = Submission(root, {"train": Located("train.py")}, existing=("train.py",))
    with Host() as host:
        (facts,) = Runs(submission, host, str(root), 0).facts()
    return submission, facts


@pytest.mark.slow
def test_facts_are_those_by_hand(small: tuple[Submission, ScriptFacts]) -> None:
    known = {k: {at[1]: value for at, value in small[1].known[k].items()} for k in BY_HAND}
    assert known == BY_HAND
    assert small[1].losses == [1, 2]


def test_a_change_does_what_the_changed_program_does(small: tuple[Submission, ScriptFacts]) -> None:
    states = {("train.py", line): 0 for line in range(1, 31)}
    texts = {(one.kind, one.at): one.text for one in edits("train.py", SCRIPT, states)}
    tried = {(kind, at): what for kind in KINDS for at, what in small[1].known[kind].items()}
    own = _losses(SCRIPT)
    for change, what in tried.items():
        got = _losses(texts[change])
        same = [a == pytest.approx(b, rel=1e-6) for a, b in zip(own, got, strict=False)]
        assert what == {(): "stops", (True,): "stops", (True, True): "neither",
                        (True, False): "second"}.get(tuple(same), "first"), change  # fmt: skip
    assert set(tried.values()) == {"stops", "first", "second", "neither"}


def _losses(program: str) -> list[float]:
    """The first two values on which a program calls backward(); fewer if it raises before."""
    values: list[float] = []
    step = "loss.backward(); values.append(loss.item()); 1 / (len(values) < 2)"
    with contextlib.suppress(Exception):
        exec(program.replace("loss.backward()", step), {"__name__": "__main__", "values": values})
    return values


def test_each_choice_is_right_as_often(small: tuple[Submission, ScriptFacts]) -> None:
    drawn = [draw_questions([small[1]], small[0], "en", seed, 1)[0] for seed in range(600)]
    for lowest in "012":
        letters = Counter(question.right for question in drawn if question.choices[0] == lowest)
        assert max(letters.values()) < 0.25 * letters.total() + 2 * letters.total() ** 0.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_is_what_was_seen(
    small: tuple[Submission, ScriptFacts], language: Language
) -> None:
    words = _tables()["words"][language]
    in_question = {words["shown"][key]: text for key, text in words.get("asked", {}).items()}
    drawn = [draw_questions([small[1]], small[0], language, seed) for seed in range(20)]
    for question in itertools.chain(*drawn):
        assert not re.search(r"[{}]", question.asks)
        seen = [one.partition(": ")[2] for one in question.because.split("; ")]
        asked = "yes是" if question.kind in ONLY else question.asks
        assert int(question.choices[question.right]) == sum(
            in_question.get(value, value) in asked for value in seen
        )


def test_without_a_terminal_the_seed_is_named() -> None:
    assert "--seed 3" in list(ask([ONE], "en", False, seed=3))[-1]


def test_asked_in_a_terminal() -> None:
    with patch("builtins.input", side_effect=["x", "C", ""]):
        said = "\n".join(ask([ONE, ONE], "en", True, seed=3))
    assert "Right answers: 1 of 2." in said
    assert "2. The right answer is c. Results of the run: it was 3." in said


def test_grade_writes_a_sheet_with_the_answers_on_another_page(tmp_path: Path) -> None:
    rubric = read_rubric()
    result = ungraded("1234_assignment3.zip", "?", rubric)
    assert tmp_path / "viva.html" not in _files(result, rubric, tmp_path, "en")
    result.extra_data.viva = [ONE]
    kept = Result.model_validate_json(result.model_dump_json())
    page = _files(kept, rubric, tmp_path, "en")[tmp_path / "viva.html"].decode()
    questions, answers = page.split('<section class="answers">')
    assert "&lt;T&gt;?" in questions
    assert ["it was 3" in half for half in (questions, answers)] == [False, True]


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    run = CliRunner().invoke(app, ["viva", str(tmp_path), "--seed", "1"])
    assert (run.exit_code, run.output.count("   d) ")) == (0, 5), run.output
    (tmp_path / "train.py").write_text(SCRIPT.replace("(3, 2)", "(2, 2)"), encoding="utf-8")
    run = CliRunner().invoke(app, ["viva", str(tmp_path)])
    assert (run.exit_code, run.output.count("Only 0 of 5 questions")) == (1, 1)


def test_an_unfinished_skeleton_is_told_what_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_skeleton(tmp_path)
    monkeypatch.setattr("toolkit.assignment.viva.session.questions_of", lambda *arguments: [])
    with Host() as host, pytest.raises(ToolkitError, match=r"still to be written: .*LSTM.forward"):
        find_questions(tmp_path, "en", 0, host)


def test_a_folder_that_does_not_exist_is_refused_at_once(tmp_path: Path) -> None:
    """Before the note about the minute that the questions take."""
    done = CliRunner().invoke(app, ["viva", str(tmp_path / "nofolder")])
    assert done.exit_code == 2
    assert done.output.startswith(f"Error: {tmp_path}/nofolder is not a folder.")
