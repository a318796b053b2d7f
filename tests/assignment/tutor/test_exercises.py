"""The exercises: what is right, what is wrong, and which hint it reaches."""

import ast
import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import pytest
import torch
import torch.nn.functional as F
from nbclient import NotebookClient
from torch import nn

from toolkit.assignment.findings.findings import IDS
from toolkit.assignment.handin.locate import find_parts, read_code
from toolkit.assignment.judging.parent import check
from toolkit.assignment.pack import collect, find_problems
from toolkit.assignment.running.parts import FILES
from toolkit.assignment.skeleton import copied_from_solution, write_skeleton, write_solution
from toolkit.assignment.tutor.answer import Answer, examine
from toolkit.assignment.tutor.exercises import exercises, find_exercise, say
from toolkit.assignment.tutor.journal import read_entries
from toolkit.assignment.tutor.session import check_exercise, list_progress, next_hint
from toolkit.common.errors import UsageError

from ...conftest import HANGS
from ..judging.corpus import cases
from ..judging.gan import styles

ROOT = Path(__file__).parents[3]
SOLUTION = ROOT / "assignments" / "solution"
NAMES = list(exercises())
RIGHT = cases.right_parts()
D = """def train_discriminator(g, d, o, real):
    {before}
    drawn = g(torch.{noise}(len(real), g.latent_dim)){cut}
    a, b = d(real), d(drawn)
    loss = F.binary_cross_entropy(a, {one}_like(a)) - {share} * torch.log(1 - b).mean()
    loss.backward()
    o.step()
    return loss.item()"""
G = """def train_generator(g, d, o, n):
    {before}
    a = d(g(torch.randn(n, g.latent_dim)){cut})
    loss = F.binary_cross_entropy(a, {one}_like(a))
    loss.backward()
    o.step()
    return loss.item()"""
FINE = {"before": "o.zero_grad()", "noise": "randn", "cut": "", "one": "torch.ones", "share": 1}
FINE_D = FINE | {"cut": ".detach()"}
STEP = """def train_step(m, o, x, y, n):
    {before}
    p = m(x)
    loss = F.cross_entropy(p, y)
    loss.backward()
    {clip}
    o.step()
    return loss.item(), (p.argmax(1) == y).float().mean().item()"""
CLIP = "nn.utils.clip_grad_norm_(m.parameters(), n)"
LOOP = """def loop(x, step, n):
    h = c = {start}(len(x), n)
    for t in range({count}):
        {reset}
        h, c = step(x[:, t], h, c)
    return {last}"""
LOOPS = {"start": "torch.zeros", "count": "x.size(1)", "reset": "pass", "last": "h"}
# Exercise, what a student writes, and the mistake that it is; "" if it has no question of its own.
WRONG = [
    ("dataset.palindromes", "def complete(a, T): return torch.cat([a, a.flip(1)], 1)", "middle"),
    ("dataset.palindromes", "def complete(a, T): return torch.cat([a, a], 1)[:, :T]", "copied"),
    ("dataset.inputs_and_label", "def inputs_and_label(p): return p, p[:, -1]", "answer"),
    ("dataset.inputs_and_label", "def inputs_and_label(p): return p[:, :-1], p[:, -2]", "label"),
    ("dataset.one_hot", "def one_hot(d): return F.one_hot(d, 10)", "type"),
    ("dataset.one_hot", "def one_hot(d): return F.one_hot(d).float()", ""),
    ("lstm.equation_1", "def equation_1(x, h, W, U, b): return (x @ W.T + h @ U.T + b).sigmoid()",
     "activation"),
    ("lstm.equation_1", "def equation_1(x, h, W, U, b): return x @ W.T + h @ U.T + b", "linear"),
    ("lstm.equation_1", "def equation_1(x, h, W, U, b): return torch.tanh(x @ W.T + h @ U + b)",
     "turned"),
    ("lstm.equation_1", "def equation_1(x, h, W, U, b): return torch.tanh(W @ x.T + U @ h.T"
     " + b[:, None])", "rows"),
    ("lstm.equations_2_to_4", "def equations_2_to_4(x, h, *w): return tuple(torch.sigmoid("
     "x @ w[k].T + h @ w[k + 1].T + w[k + 2]) for k in (3, 0, 6))", "order"),
    ("lstm.equation_5", "def equation_5(g, i, f, c): return g * i + c * (1 - f)", "inverted"),
    ("lstm.equation_5", "def equation_5(g, i, f, c): return g * f + c * i", "swapped"),
    ("lstm.equation_5", "def equation_5(g, i, f, c): return g * i + c", ""),
    ("lstm.equation_6", "def equation_6(c, o): return torch.tanh(c * o)", "around"),
    ("lstm.equation_6", "def equation_6(c, o): return c * o", "bare"),
    ("lstm.loop", LOOP.format(**LOOPS | {"reset": "h = c = torch.zeros_like(h)"}), "fresh"),
    ("lstm.loop", LOOP.format(**LOOPS | {"start": "torch.ones"}), "start"),
    ("lstm.loop", LOOP.format(**LOOPS | {"count": "x.size(1) - 1"}), "short"),
    ("lstm.loop", LOOP.format(**LOOPS | {"last": "c"}), "cell"),
    ("lstm.loop", LOOP.format(**LOOPS | {"reset": "h = h.detach()"}), "cut"),
    ("train.loss", "def sequence_loss(p, y): return F.cross_entropy(p[:, -1].softmax(1), y)",
     "twice"),
    ("train.loss", "def sequence_loss(p, y): return F.cross_entropy(p[:, 0], y)", "first"),
    ("train.step", STEP.format(before="pass", clip=CLIP), "clear"),
    ("train.step", STEP.format(before="o.zero_grad()", clip="pass"), "clip"),
    ("train.step", STEP.format(before="o.zero_grad()", clip="[nn.utils.clip_grad_norm_(p, n)"
     " for p in m.parameters()]"), "each"),
    ("train.accuracy", "def evaluate(m, l): return sum((m(x).argmax(1) == y).float().mean().item()"
     " for x, y in l) / len(l)", "batches"),
    ("gan.discriminator_step", D.format(**FINE), "detach"),
    ("gan.discriminator_step", D.format(**FINE_D | {"before": "pass"}), "clear"),
    ("gan.discriminator_step", D.format(**FINE_D | {"noise": "rand"}), "noise"),
    ("gan.discriminator_step", D.format(**FINE_D | {"one": "torch.zeros"}), "real"),
    ("gan.discriminator_step", D.format(**FINE_D | {"share": 0}), "drawn"),
    ("gan.generator_step", G.format(**FINE_D), "cut"),
    ("gan.generator_step", G.format(**FINE | {"before": "pass"}), "clear"),
    ("gan.generator_step", G.format(**FINE | {"one": "torch.zeros"}), "direction"),
    ("gan.sample", "def sample(g, count=25): return g(torch.randn(count, g.latent_dim))", "mode"),
    ("gan.interpolation", "def interpolate(g, a, b): return g(a + torch.linspace(0, 1, 8)[:, None]"
     " * (b - a))", "steps"),
    ("gan.interpolation", "def interpolate(g, a, b): return g(b + torch.linspace(0, 1, 9)[:, None]"
     " * (a - b))", "ends"),
]  # fmt: skip


def written(code: str) -> dict[str, Any]:
    """The namespace of a notebook after a cell."""
    namespace = {"__name__": "__main__", "torch": torch, "F": F, "nn": nn}
    exec(code, namespace)
    return namespace


def test_ids() -> None:
    """Each is one of the check's."""
    assert {id.split()[0] for e in exercises().values() for id in e.ids} <= {*IDS}
    named = [m["id"] for e in exercises().values() for m in e.mistakes.values() if "id" in m]
    assert {id.split()[0] for id in named} <= {*IDS}


@pytest.mark.rows(8)
@pytest.mark.parametrize(("name", "code", "mistake"), WRONG)
def test_a_mistake_is_seen_and_reaches_its_hint(
    name: str, code: str, mistake: str, tmp_path: Path
) -> None:
    answer, text = check_exercise(name, tmp_path, written(code))
    assert (answer.verdict, answer.numbers, answer.mistake) == ("wrong", True, mistake)
    assert [label for label, _ in answer.shown][-2:] == ["got", "wanted"]
    first = next_hint(name, tmp_path)
    exercise = exercises()[name]
    assert (exercise.mistakes[mistake]["en"] if mistake else exercise.hints["en"][0]) in first
    second = next_hint(name, tmp_path)
    elsewhere = exercise.mistakes.get(mistake, {}).get("then") == "page"
    assert (exercise.hints["en"][1] in second) == (not elsewhere)
    third = next_hint(name, tmp_path)
    assert (exercise.hints["en"][2] in third) == (not elsewhere)
    assert name in text


@pytest.mark.parametrize(
    "step", [D.format(**FINE_D), D.format(**FINE_D | {"one": "0.9 * torch.ones"})]
)
def test_a_step_may_be_written_in_other_ways(step: str) -> None:
    """Such as one loss for a batch of both kinds, or with smoothed targets."""
    exercise = exercises()["gan.discriminator_step"]
    together = """def train_discriminator(g, d, o, real):
        with torch.no_grad():
            drawn = g(torch.randn(len(real), g.latent_dim))
        said = d(torch.cat([drawn, real]))
        loss = ((said - torch.arange(len(said))[:, None].ge(len(real)).float()) ** 2).mean()
        d.zero_grad()
        loss.backward()
        o.step()
        return loss.detach()"""
    for code in (step, together):
        assert examine(exercise, written(code)[exercise.function]).verdict == "right"


IN_GENERATOR = """def train_generator(g, d, o, n):
    {before}
    said = d(g(torch.randn(n, g.latent_dim)))
    loss = F.binary_cross_entropy(said, torch.ones_like(said))
    loss.backward()
    o.step()
    {after}
    return loss.item()"""
IN_LOOP = "        opt_a.zero_grad()\n        loss_a.backward()\n        opt_a.step()\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("pass", "o.zero_grad()", "right"),
        ("pass", "g.zero_grad(set_to_none=False)", "right"),
        ("[p.detach_() for p in ()]", "d.zero_grad()", "wrong"),
    ],
)
def test_where_gradients_may_be_cleared(
    before: str, after: str, verdict: str, tmp_path: Path
) -> None:
    """After the step as well as before it: the tutor and the check say the same."""
    code = IN_GENERATOR.format(before=before, after=after)
    answer = examine(exercises()["gan.generator_step"], written(code)["train_generator"])
    assert answer.verdict == verdict
    cleared = after.replace("o.", "opt_a.").replace("g.", "A.").replace("d.", "C.")
    loop = IN_LOOP.replace("        opt_a.zero_grad()\n", "") + f"        {cleared}\n"
    (tmp_path / "my_gan.py").write_text(styles.gan((IN_LOOP, loop)))
    report = check(tmp_path, parts=["gan"])
    ids = [finding.id for finding in report.findings]
    assert ids == ([] if verdict == "right" else ["gradients-not-cleared"])


ITEMS = """
import random
import torch
import torch.nn.functional as F


class PalindromeDataset(torch.utils.data.Dataset):
    def __init__(self, seq_length, size=500, split="train"):
        rng = random.Random(SEED)
        halves = [[rng.randrange(10) for _ in range((seq_length + 1) // 2)] for _ in range(size)]
        self.rows = [h + h[: seq_length // 2][::-1] for h in halves]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        row = torch.tensor(self.rows[k])
        return F.one_hot(row[:-1], 10)KIND, row[-1]
"""


@pytest.mark.parametrize(("kind", "verdict"), [("", "not seen"), (".float()", "right")])
def test_the_kind_of_number_is_seen_or_not_said(kind: str, verdict: str, tmp_path: Path) -> None:
    """Integers are no float32, though a model may convert them."""
    (tmp_path / "dataset.py").write_text(ITEMS.replace("KIND", kind).replace("SEED", "split"))
    assert check_exercise("dataset.one_hot", tmp_path)[0].verdict == verdict


def test_a_fault_leaves_the_exercises_that_were_judged(tmp_path: Path) -> None:
    """The splits share palindromes; each of them is one all the same."""
    (tmp_path / "dataset.py").write_text(ITEMS.replace("KIND", ".float()").replace("SEED", "0"))
    for name in ("dataset.palindromes", "dataset.inputs_and_label", "dataset.one_hot"):
        assert check_exercise(name, tmp_path)[0].verdict == "right"


def test_hints_go_on_where_another_exercise_failed(tmp_path: Path) -> None:
    """The labels are others, so nobody has looked at long palindromes; the command is whole."""
    folder = tmp_path / "my folder"
    folder.mkdir()
    text = ITEMS.replace("KIND", ".float()").replace("SEED", "split")
    (folder / "dataset.py").write_text(text.replace("row[-1]\n", "(row[-1] + 1) % 10\n"))
    answer, _ = check_exercise("dataset.palindromes", folder)
    assert (answer.verdict, answer.numbers) == ("not seen", True)
    assert exercises()["dataset.palindromes"].hints["en"][0] in next_hint(
        "dataset.palindromes", folder
    )
    _, text = check_exercise("dataset.inputs_and_label", folder)
    assert f"toolkit tutor hint dataset.inputs_and_label '{folder}'" in text


@pytest.mark.slow
def test_files(tmp_path: Path) -> None:
    """The solution's are right, the skeleton's not written yet; so is a folder with nothing."""
    write_solution(tmp_path / "solution")
    write_skeleton(tmp_path / "skeleton")
    (tmp_path / "nothing").mkdir()
    for name in NAMES:
        answer, _ = check_exercise(name, tmp_path / "solution")
        assert answer.verdict == "right", (name, answer)
        for folder in ("skeleton", "nothing"):
            answer, _ = check_exercise(name, tmp_path / folder)
            assert (answer.verdict, answer.numbers) == ("not written", False)
    assert list_progress(tmp_path / "solution").startswith("16 of 16")
    assert list_progress(tmp_path / "skeleton").startswith("0 of 16")


@pytest.mark.slow
def test_a_file_that_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.assignment.asking import host

    monkeypatch.setitem(host.LIMITS, "train", 2)
    (tmp_path / "train.py").write_text("import lstm, dataset\ndef evaluate(model, loader):\n"
        "    while True:\n        pass\n    optimizer.step(loss.backward())\n")  # fmt: skip
    (tmp_path / "lstm.py").write_text("class LSTM: pass\n")
    (tmp_path / "dataset.py").write_text("class PalindromeDataset: pass\n")
    answer, _ = check_exercise("train.accuracy", tmp_path)
    assert (answer.verdict, answer.sentences) == ("not seen", [("too long", {})])


FIRST = {key.partition(" ")[0]: key for key in reversed(RIGHT)}.values()  # of each part


@pytest.mark.rows(1)
@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=[pytest.mark.nightly] * (key not in FIRST)) for key in RIGHT]
)
def test_no_style_is_wrong(key: str, tmp_path: Path) -> None:
    cases.write_right(RIGHT[key][0], tmp_path)
    for exercise in exercises().values():
        if exercise.part == key.partition(" ")[0]:
            answer, _ = check_exercise(exercise.name, tmp_path)
            # Some data sets leave the encoding to the network, so there is nothing to judge. And
            # palindromes that are drawn anew for each test have no split that could be proved.
            may_lack = exercise.name in ("dataset.one_hot", "train.accuracy")
            may_say = ("right", "not seen") if may_lack else ("right",)
            assert answer.verdict in may_say, (exercise.name, answer)


@pytest.mark.rows(2)
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("c(0) one", "h(0) and c(0)"),
        ("the same graph twice", ""),
        ("c forgets the input gate", ""),
        ("c is cut off", "does not pass the gradient back"),
        ("a softmax over the batch", "which axis"),
        ("overlapping subsets", "in both lists?"),
    ],
)
def test_a_planted_fault_is_caught_in_its_exercise(name: str, asked: str, tmp_path: Path) -> None:
    wrong = cases.WRONG[name]
    cases.write_planted(name, tmp_path)
    told = {f"{f.id} {f.equation}" for f in wrong.faults} | {f.id for f in wrong.faults}
    own = [e for e in exercises().values() if e.part in wrong.parts and told & {*e.ids}]
    answers: list[Answer] = [check_exercise(e.name, tmp_path)[0] for e in own]
    assert {(a.verdict, a.id) for a in answers} & {("wrong", f.id) for f in wrong.faults}
    hint = next_hint(own[0].name, tmp_path)
    assert hint.endswith("?")
    assert asked in hint


QUICK = ("no zero", "overlapping subsets", "c is cut off")
PLANTED = [name for name, wrong in cases.WRONG.items() if wrong.first]


@pytest.mark.rows(1)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.nightly] * (name not in QUICK)) for name in PLANTED],
)
def test_the_tutor_does_not_contradict_the_check(name: str, tmp_path: Path) -> None:
    """It calls nothing right that the check calls wrong, and nothing wrong where all is right."""
    wrong = cases.WRONG[name]
    cases.write_planted(name, tmp_path)
    report = check(tmp_path, parts=list(wrong.parts))
    for exercise in exercises().values():
        if exercise.part not in wrong.parts:
            continue
        answer, _ = check_exercise(exercise.name, tmp_path)
        findings = [finding for finding in report.findings if finding.part == exercise.part]
        own = [f for f in findings if {str(f.id), f"{f.id} {f.equation}"} & {*exercise.ids}]
        assert answer.verdict != "right" or own == []
        assert answer.verdict != "wrong" or findings


TOLD = [
    ("lstm.equations_2_to_4", "(x, h, *w): return [torch.sigmoid(x @ w[k].T + h @ w[k + 1].T"
     " + w[k + 2]) for k in (0, 3, 3)]", "In result 3, the value at position [1, 0] is 0.3775"),
    ("lstm.equations_2_to_4", "(x, *w): return {1: x}",
     say("results", "en", got=1, wanted=3)),
    ("lstm.equation_5", "(g, i, f, c): return c.mul_(f).add_(g * i)", "lstm.equation_5: right."),
    ("lstm.equation_5", "(g, i, f, c): print(g * i + c * f)", "Is a return statement missing?"),
    ("lstm.equation_5", "(g, i, f, c): return g * i + c.detach() * f", "No gradient reaches c:"),
    ("lstm.equation_1", "(x, h, W, U, b): return x[0] @ W.T + h[0] @ U.T + b",
     say("size", "en", got="(2,)", wanted="(2, 2)") + "\nFor a hint"),
    ("dataset.one_hot", "(d): return F.one_hot(d, 10).tolist()",
     say("kind", "en", got="list")),
    ("lstm.equation_1", "(x, h, W, U, b): return torch.tanh(x @ W + h @ U.T + b)",
     "The shapes of the tensors at this point: x (2, 3), h (2, 2), W (2, 3), U (2, 2), b (2,)\n"),
    ("gan.discriminator_step", "(g, d, o, real): return d(real.flatten(1) @ real.flatten(1))",
     "The shapes of the tensors at this point: real (64, 1, 28, 28)\n"),
]  # fmt: skip


def test_what_a_beginner_needs_to_be_told(tmp_path: Path) -> None:
    """What is not as it should be; which shapes there were; which line is no Python."""
    for name, code, told in TOLD:
        namespace = written(f"def {exercises()[name].function}{code}")
        assert told in check_exercise(name, tmp_path, namespace)[1]
    write_solution(tmp_path)
    train = tmp_path / "train.py"
    lines = train.read_text().split("\n")
    number = next(n for n, line in enumerate(lines) if line.startswith("def evaluate("))
    lines[number] = "def evaluate(model, loader)"
    train.write_text("\n".join(lines))
    _, text = check_exercise("train.accuracy", tmp_path)
    assert f"in line {number + 1}: def evaluate(model, loader)" in text


def test_an_error_in_another_file_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line 2 of the exercise's own file would be another line."""
    (tmp_path / "helper_of_mine.py").write_text("def half(x):\n    return x / 'two'\n")
    monkeypatch.syspath_prepend(tmp_path)
    code = "def equation_5(g, i, f, c):\n    {}return half(c)"
    texts = []
    for start in ("from helper_of_mine import half; ", "half = lambda c: c / 'two'; "):
        function = written(code.format(start))["equation_5"]
        answer = examine(find_exercise("lstm.equation_5"), function)
        fields = {"name": "lstm.equation_5"}
        texts.append([say(key, "en", **fields | more) for key, more in answer.sentences])
    assert "  in helper_of_mine.py, line 2: return x / 'two'" in texts[0]
    assert not any("helper_of_mine.py" in sentence for sentence in texts[1])


@pytest.mark.parametrize(
    "call",
    [
        lambda folder: check_exercise("lstm.equation_5", folder),
        lambda folder: next_hint("lstm.equation_5", folder),
        list_progress,
    ],
)
def test_a_folder_that_does_not_exist_is_refused(call: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nofolder is not a folder"):
        call(tmp_path / "nofolder")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call", [check_exercise, next_hint])
def test_swapped_arguments_are_recognised(call: Any) -> None:
    with pytest.raises(UsageError, match="The exercise comes first"):
        call(".", Path("lstm.equation_5"))


def test_no_hint_before_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "lstm.equation_6"
    for code in ("def equation_6(c, o): raise NotImplementedError", "def equation_6(c, o): pass",
                 "def equation_6(c, o): return tanh(c) * o"):  # fmt: skip
        check_exercise(name, tmp_path, written(code))
        assert next_hint(name, tmp_path) == say("no hint yet", "en", name=name)
    check_exercise(name, tmp_path, written("def equation_6(c, o): return 0 * c"))
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or "the sign")
    monkeypatch.setattr("toolkit.assignment.tutor.session.can_ask", lambda: True)
    for code, times in (("0 * c", 0), ("-c * o", 1), ("-c * o", 1), ("torch.tanh(c) * o", 2)):
        _, text = check_exercise(name, tmp_path, written(f"def equation_6(c, o): return {code}"))
        assert len(asked) == times
    assert "the sign" in text
    assert [e["expected"] for e in read_entries(tmp_path)[name]][-1] == "the sign"
    assert next_hint(name, tmp_path) == say("no more hints", "en", name=name, folder=f" {tmp_path}")
    (tmp_path / "tutor.toml").write_text("hints = false\n")
    assert next_hint(name, tmp_path) == say("hints are off", "en")
    (tmp_path / "tutor.toml").write_text("hint = false\n")
    with pytest.raises(UsageError, match=r"tutor.toml cannot be read"):
        next_hint(name, tmp_path)
    with pytest.raises(UsageError, match=r"nearest are lstm\.equation_6"):
        find_exercise("lstm.equation_7")


def test_no_hint_holds_a_line_of_a_solution() -> None:
    """Of the solution, or of any right one in its own style."""
    plain = re.compile(r"[\s`]+")
    files = [*SOLUTION.glob("*.py"), *(ROOT / "tests/assignment/judging/corpus/right").glob("*.py")]
    lines = {plain.sub("", line) for file in files for line in file.read_text("utf-8").split("\n")}
    texts = [h for e in exercises().values() for hints in e.hints.values() for h in hints]
    texts += [
        m[key] for e in exercises().values() for m in e.mistakes.values() for key in ("en", "zh")
    ]
    assert len(lines) > 1000
    for text in texts:
        assert [x for x in lines if len(x) > 7 and x in plain.sub("", text)] == []


def test_both_languages() -> None:
    """Nothing is missing in one of them; hints end in a question, the last is neither short nor
    long."""
    sentences = (ROOT / "toolkit/assignment/tutor/sentences.toml").read_text("utf-8")
    english, chinese = sentences.split("[zh]")
    fields = [re.findall(r'^("?[\w ]+"?) = .*', side, re.M) for side in (english, chinese)]
    assert fields[0] == fields[1]
    for exercise in exercises().values():
        for language, end in (("en", "?"), ("zh", "\uff1f")):
            hints = exercise.hints[language]
            asked = [mistake[language] for mistake in exercise.mistakes.values()]
            assert len(hints) == 3
            assert all(text.endswith(end) for text in (*hints, *asked))
            assert exercise.goal[language]
        assert 80 <= len(exercise.hints["en"][2].split()) <= 160
        assert 120 <= len(exercise.hints["zh"][2]) <= 320
        assert not re.search(r"[\u4e00-\u9fff][,;:.!?]", json.dumps(exercise.hints["zh"]))


def test_the_notebook_has_the_exercises() -> None:
    """In their order, each with its stub, which is Python, and its check."""
    cells = [c.source for c in nbformat.read(ROOT / "assignments/assignment3.ipynb", 4).cells]
    found = [source for source in cells if source.startswith("# Exercise ")][1:]
    assert len(found) == len(NAMES)
    for (name, exercise), source in zip(exercises().items(), found, strict=True):
        indent = " " * (8 if exercise.stub.startswith("class") else 4)
        assert source == f"# Exercise {name}\n{exercise.stub}\n{indent}raise NotImplementedError"
        ast.parse(source)
        assert cells[cells.index(source) + 1] == f'tutor.check("{name}")'


@pytest.mark.slow
@pytest.mark.parametrize("filled", [False, True])
def test_the_notebook_run(filled: bool, tmp_path: Path) -> None:
    """Its exercises, empty beside the skeleton; and filled in, which is no second solution."""
    write_skeleton(tmp_path)
    path = tmp_path / "assignment3.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells = [c for c in notebook.cells if re.match(r"# Exercise|tutor\.", c.source)]
    pieces = {}
    for file in SOLUTION.glob("*.py"):
        text = file.read_text("utf-8")
        for node in ast.parse(text).body:
            pieces[getattr(node, "name", "")] = ast.get_source_segment(text, node)
    before = "from __future__ import annotations\nimport itertools\n"
    for cell in notebook.cells if filled else []:
        name = cell.source.split()[2] if cell.source.startswith("# Exercise ") else ""
        if name in NAMES:
            wanted = [*("noise", "draw") * name.startswith("gan"), exercises()[name].function]
            code = "\n".join(str(pieces[word]) for word in wanted)
            cell.source = f"# Exercise {name}\n{before}{code}"
    NotebookClient(notebook, timeout=HANGS, resources={"metadata": {"path": tmp_path}}).execute()
    nbformat.write(notebook, path)
    said = [o for c in notebook.cells for o in c.get("outputs", ()) if o.output_type != "stream"]
    assert said == []
    text = "".join(o.text for c in notebook.cells for o in c.get("outputs", ()))
    assert "Traceback" not in text
    for name in NAMES:
        assert f"{name}: {'right' if filled else 'not written yet'}" in text
    assert find_parts(read_code(tmp_path)) == {p: PurePosixPath(f) for p, f in FILES.items()}
    about = [p for p in find_problems(collect(tmp_path)) if p.startswith(path.name)]
    assert about == [f"{path.name} has no code."]  # but the tutor's


def test_pack_refuses_the_solution(tmp_path: Path) -> None:
    """Also with other names and comments, and in a notebook; nobody's own style."""
    write_solution(tmp_path)
    renamed = re.sub(r"\b(noise|drawn|loss|weights|layers|generator)\b", r"my_\1",
                     (tmp_path / "my_gan.py").read_text("utf-8"))  # fmt: skip
    (tmp_path / "my_gan.py").write_text(renamed.replace("    return", "    # mine\n    return"))
    problems = find_problems(collect(tmp_path))
    assert [p for p in problems if "my_gan.py" in p and "equals the toolkit's solution" in p]
    assert sum("equals the toolkit's solution" in problem for problem in problems) == 4
    right = ROOT / "tests/assignment/judging/corpus/right"
    assert copied_from_solution(path.read_text("utf-8") for path in right.glob("*.py")) == []
    skeleton = (ROOT / "assignments" / "skeleton").glob("*.py")
    assert copied_from_solution(path.read_text("utf-8") for path in skeleton) == []
    (tmp_path / "tutor.jsonl").write_text("{}")
    assert PurePosixPath("tutor.jsonl") not in collect(tmp_path)
