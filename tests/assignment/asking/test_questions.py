"""Questions to the child: mypy knows each, and nothing else can be asked."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.assignment.asking.host import Child, Clock

ROOT = Path(__file__).parents[3]
# A line with a mistake names the error code that mypy should give.
PLANTED = """
from torch import Tensor

from toolkit.assignment.asking.host import GANChild, Host, LSTMChild, ScriptChild

def ask(child: LSTMChild, inputs: list[Tensor]) -> None:
    right = child.ask.record(inputs=inputs, batch=2, hidden=3)
    name, file, line = right["softmax"][0]
    name + right["softness"]  # [typeddict-item]
    line + 1  # [operator]
    child.ask.recrod(inputs=inputs, batch=2, hidden=3)  # [attr-defined]
    child.ask.record(inputs=inputs, batch=2)  # [call-arg]
    child.ask.record(inputs=inputs, batch=2, hiden=3)  # [call-arg]
    child.ask.record(inputs=inputs, batch="2", hidden=3)  # [arg-type]
    child.ask.record(inputs, batch=2, hidden=3)  # [call-arg]
    child.ask.texts()  # [attr-defined]

def ask_each(gan: GANChild, script: ScriptChild, host: Host) -> None:
    gan.ask.texts()["my_gan.py"] + 1  # [operator]
    script.ask.run(file="train.py", max_steps=1, max_seconds=1.0)
    script.ask.texts()  # [attr-defined]
    with host.child("train", "") as child:
        child.ask.plainly(file="train.py", existing=[])
        child.ask.load(file="train.py", name=None)  # [attr-defined]
"""


@pytest.mark.slow
def test_mypy_sees_both_sides(tmp_path: Path) -> None:
    """A question that no method answers, its arguments, and the fields of its reply."""
    (tmp_path / "planted.py").write_text(PLANTED)
    command = [sys.executable, "-m", "mypy", "--cache-dir", ROOT / ".mypy_cache" / "questions"]
    done = subprocess.run(
        [*command, tmp_path / "planted.py"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    errors = re.findall(r"planted\.py:(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    planted = []
    for number, line in enumerate(PLANTED.splitlines(), 1):
        if "# [" in line:
            planted.append((str(number), line.partition("# [")[2].rstrip("]")))
    assert set(errors) == set(planted), done.stdout + done.stderr


@pytest.mark.parametrize("name", ["root", "_split", "run", "nonsense"])
def test_nothing_else_can_be_asked(name: str) -> None:
    """Neither what answers has besides, nor a question about another part; nothing is sent."""
    child = Child("dataset", -1, -1, "", None, {}, Clock(), 0.0)
    with pytest.raises(AttributeError, match=f"no question {name} about dataset"):
        getattr(child.ask, name)


def test_the_judge_imports_none_of_what_answers() -> None:
    """Their types are for mypy: what runs a student's code takes torchvision, and stays apart."""
    program = """
import sys
from toolkit.assignment.judging.parent import import_judges
import_judges()
ours = [name for name in sys.modules if name.startswith("toolkit.assignment.running")]
assert "toolkit.assignment.running.replies" in ours
assert not [name for name in ours if ".answers" in name or ".record" in name], ours
assert "torchvision" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)
