"""Archives that are aimed at the judge: a result each, and no other archive's is touched.

The programs are small, bounded, and made up here; none leaves the machine.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.ao.nn.quantizable

from toolkit.assignment.asking.host import Child, Gone, Host
from toolkit.assignment.findings.findings import Report
from toolkit.assignment.findings.rules import rules
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.grade.folder import grade_folder
from toolkit.assignment.grade.points import count
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import TOO_LONG, Check, grade_archive
from toolkit.assignment.handin.locate import locate
from toolkit.assignment.handin.notebooks import read_notebook
from toolkit.assignment.handin.records import MAX_FILE, read_records
from toolkit.assignment.judging.parent import check
from toolkit.assignment.judging.train.trace import Trace
from toolkit.assignment.running import wire
from toolkit.assignment.running.places import Place, place
from toolkit.assignment.running.record.script.devices import RECURRENT, Recorder
from toolkit.assignment.sandbox import supervise
from toolkit.assignment.sandbox.apart import Bounds, Exceeded, Failed, apart
from toolkit.assignment.sandbox.isolation import Limits
from toolkit.assignment.sandbox.supervise import (
    Measurement,
    descendants,
    is_largest,
    kill_all,
    starved,
)

from .. import stand_in, ways
from ..judging.corpus import cases
from ..submissions import CHECK, FINE, STAND_IN, pack

RUBRIC = read_rubric()
SMALL = Bounds(seconds=300, cpu=1, memory=64 * 2**20, answer=2**20)
NETWORK = "class LSTM{}(nn.Module):\n    def forward(self, x):\n        return x.sigmoid().tanh()\n"


def notebook(*cells: str) -> bytes:
    code = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": code, "metadata": {}}).encode()


def grade(
    files: dict[str, str | bytes], check: Check = CHECK, limits: Limits | None = None
) -> Result:
    return grade_archive("1_assignment3.zip", pack(files), RUBRIC, limits or Limits(seconds=20),
                         check, ways.best())  # fmt: skip


def endless() -> bytes:
    while True:
        pass


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (endless, "more than 1 s of processor time"),
        (lambda: bytes(2**31), "more than 64 MiB of memory"),  # no hole in this heap is as large
        (lambda: bytes(2 * 2**20), "its result has more than 1 MiB"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL) or b"", "more than 64 MiB of memory"),
    ],
    ids=["time", "memory", "answer", "killed"],
)
def test_a_bound_has_a_name(work: Callable[[], bytes], why: str) -> None:
    with pytest.raises(Exceeded, match=why):
        apart(work, SMALL)


def test_what_work_apart_returns_and_raises() -> None:
    """This process keeps its limits and its memory."""
    before = resource.getrlimit(resource.RLIMIT_DATA), os.getpid()
    assert apart(lambda: b"x" * 2**20, SMALL) == b"x" * 2**20
    with pytest.raises(Failed, match="ZeroDivisionError: "):
        apart(lambda: bytes([1 // 0]), SMALL)
    assert (resource.getrlimit(resource.RLIMIT_DATA), os.getpid()) == before
    with pytest.raises(Exceeded, match="not finished after"):
        apart(lambda: bytes(time.sleep(60) or 0), Bounds(seconds=0.5))


HEAVY: dict[str, dict[str, str | bytes]] = {
    "equal classes": {"lstm.py": "\n".join(NETWORK.format(k) for k in range(400))},
    "the same class": {"lstm.py": NETWORK.format("") * 400},
    "a chain of classes": {
        "lstm.py": "".join(f"class A{k}(Module):\n A{k + 1}\n" for k in range(6000))
    },
    "equal files": {
        f"lstm{k}.py": "".join(f"import lstm{j}\n" for j in range(40)) + NETWORK.format("")
        for k in range(200)
    },
    "imports": {"a.py": "from b import " + ",".join(f"a{k}" for k in range(40_000))}
    | {"a/" * k + "x.py": "import b" for k in range(1, 11)},
    "attributes": {"lstm.py": f"class LSTM(a{'.b' * 900}):\n  pass\n"},
    "a sum": {"lstm.py": f"class LSTM({'+'.join('a' * 900)}):\n  pass\n"},
    "spaces": {"a.ipynb": notebook(" " * 90_000 + "x y\n!" + " " * 90_000, ". , " * 30_000)},
    "a name with NUL": {"a.ipynb": notebook("%%writefile a\0.py\nx", "%%writefile " + "b" * 999)},
    "no text": {"lstm.py": b"# coding: rot13\nclass LSTM: pass\n"},
    "idna": {"lstm.py": b"# coding: idna\nclass LSTM: pass\n\xff"},
    "surrogates": {"a.ipynb": notebook("x = '\ud800'\nclass LSTM: pass")},
}


@pytest.mark.rows(6)
@pytest.mark.parametrize("files", HEAVY.values(), ids=HEAVY)
def test_finding_the_parts_is_soon_done(files: dict[str, str | bytes]) -> None:
    """Within seconds, where each took more than half a minute or raised; the texts can be saved."""
    data = {PurePosixPath(n): t.encode() if isinstance(t, str) else t for n, t in files.items()}

    def work() -> bytes:
        return "".join(locate(data).code.text.values()).encode()[:9]

    apart(work, Bounds(seconds=60, cpu=8, memory=128 * 2**20))
    for name, content in data.items():
        if name.suffix == ".ipynb":
            assert all(path.isprintable() for path in read_notebook(content).files)


def test_records_that_fill_the_memory() -> None:
    files = {PurePosixPath(f"records/{k}.csv"): b"a\n" * (MAX_FILE // 2) for k in range(12)}
    files[PurePosixPath("records/b.csv")] = b"step,loss,accuracy\n" + b"1,1,1\n" * 30_000
    files[PurePosixPath("records/c.csv")] = b"step,loss,accuracy\n1,1,1\n"
    files[PurePosixPath("records/c.json")] = b"[" + b"[]," * 10**6

    def work() -> bytes:
        return "\n".join(what for _, what in read_records(files).problems).encode()

    said = apart(work, Bounds(memory=96 * 2**20)).decode().splitlines()
    assert len(said) == 14
    assert "records/b.csv has more than 20,000 lines" in said
    assert "records/c.csv has settings beside it of more than 64 KiB" in said


def value(source: int | None, rows: int | None = None) -> dict[str, Any]:
    marks = [] if rows is None else [[rows, torch.ones(2) > 0]]
    moments = {"min": 0.0, "max": 1.0, "mean": 0.5, "std": 0.5, "values": None, "networks": []}
    places = {"made": (None, None), "drawn": (None, None)}
    return {"id": 1, "shape": [2, 2], "from": source, "rows_from": marks, **moments, **places}


def trace_of(*values: dict[str, Any]) -> Trace:
    """Of batches with these values, one after the other, and a picture of the last."""
    names = "called callers discarded moves unfinished normalised ran functions networks"
    events = [{"kind": "batch", "load": 1, "values": [one]} for one in values[:-1]]
    events += [{"kind": "save", "value": values[-1]}]
    events = [{"file": None, "line": None, **event} for event in events]
    rest: dict[str, Any] = {name: [] for name in names.split()}
    ended = dict.fromkeys(("error", "lacking", "unloaded", "passed")) | {"ended": "enough"}
    return Trace.of({**ended, "events": events, **rest})


@pytest.mark.parametrize("values", [
    [value(0)], [value(None), value(7)], [value(None), value(1, 0)], [value(None, -1)],
    [value(None), value(0) | {"shape": [3, 2]} | {"rows_from": value(None, 0)["rows_from"]}],
    [value(None), value(None) | {"values": torch.ones(4)}],
], ids=["itself", "later", "in part", "before all", "other rows", "another shape"])  # fmt: skip
def test_a_trace_leads_back(values: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        trace_of(*values)
    assert len(trace_of(value(None), *(value(k, k) for k in range(700))).events) == 701


def test_a_frame_is_measured_before_it_is_read() -> None:
    """By its length; then, before it is parsed, by how many things are in it."""
    read, write = os.pipe()
    os.write(write, b"a" * 32 + b"00000400")
    with pytest.raises(wire.Disturbed):
        wire.receive(read, max_bytes=1023)  # nothing more is there, and it does not wait
    payload = b"[" + b"{}," * wire.MAX_ITEMS + b"0]"
    frame = memoryview(b"a" * 32 + f"{len(payload):08x}".encode() + payload)
    if os.fork() == 0:
        while frame:
            frame = frame[os.write(write, frame) :]
        os._exit(0)
    with pytest.raises(wire.Disturbed):
        wire.receive(read)
    os.wait()


FORGED_END = """
import json, sys
frame, nonces = sys._getframe(), set()
while frame is not None:
    nonces |= {v for v in frame.f_locals.values() if isinstance(v, str) and len(v) == 32}
    frame = frame.f_back
wire = sys.modules["toolkit.assignment.running.wire"]
true = wire.os.write
def write(descriptor, data):
    for nonce in nonces:
        payload = json.dumps(ANSWER)
        true(descriptor, f"{nonce}{len(payload):08x}{payload}".encode())
    return true(descriptor, data)
wire.os.write = write
"""
ERROR = {"types": ["E"], "text": "x", "module": None, "file": None, "line": None, "walls": [],
         "missing": None}  # fmt: skip
FORGED: list[dict[str, Any]] = [
    {"ended": {"status": 0, "cpu": "long", "late": False}},
    {"ended": "never"},
    {"error": ERROR | {"types": []}},
    {"error": ERROR | {"text": 7}},
    {"error": ERROR | {"line": "3"}},
    {"value": 1, "call": "no such help", "arguments": {}},
]


# Without torch, and without having to find the nonces.
FORGER = """
import json, sys
from stand_in import receive, send
nonces = receive()[0], receive()[0]
for nonce in nonces:
    send(nonce, json.loads(sys.argv[1]))
receive()
"""


class Forger(Host):
    """Its child gives one answer to whatever it is asked."""

    answer: dict[str, Any]

    def start(self) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-c", FORGER, json.dumps(self.answer)]
        return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                cwd=STAND_IN.parent)  # fmt: skip


def load(host: Host, folder: Path) -> Gone:
    with host, pytest.raises(Gone) as caught, host.child("dataset", str(folder)) as child:
        child.ask.load(file="dataset.py", name="x")
    return caught.value


@pytest.mark.parametrize("answer", FORGED, ids=lambda answer: str(answer)[:40])
def test_a_forged_answer_is_none(answer: dict[str, Any], tmp_path: Path) -> None:
    forger = Forger()
    forger.answer = answer
    assert load(forger, tmp_path).disturbed


def test_who_has_found_the_nonces_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "dataset.py").write_text(f"ANSWER = {FORGED[0]!r}\n{FORGED_END}")
    assert load(Host(), tmp_path).disturbed


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as host:
        yield host


# It trains nothing, and says what one would see of a training: the loss of random numbers.
FORGED_RUN = """
import sys, torch
answering = sys.modules["toolkit.assignment.running.answering"]
place = {"file": "train.py", "line": 1}
def value(x, networks=(1,)):
    x = torch.as_tensor(x).float() if networks else x
    return dict(id=id(x), shape=list(x.shape), made=place, drawn=place, min=float(x.min()),
                max=float(x.max()), mean=float(x.float().mean()), std=1.0, values=x, rows_from=[],
                networks=list(networks), **{"from": None})
events = []
def add(kind, **fields):
    events.append({"kind": kind, **place, **fields})
    return len(events) - 1
for step in range(8):
    logits, labels = torch.randn(64, 10), torch.randint(10, (64,))
    add("call", network=1, how="__call__", training=True, grad=True, inputs=[], outputs=[])
    loss = add("loss", name="cross_entropy", input=value(logits), target=value(labels, ()),
               reduction="mean", made=None, outer=None)
    root = torch.nn.functional.cross_entropy(logits, labels) if EXACT else 2.3 - step / 10
    made = add("backward", value=value(root), parameters=[7], changed=[7], gradients=[],
               losses=[loss], whole=True, error=None)
    add("step", optimiser=3, classes=["RMSprop"], lr=0.001, maximize=False, parameters=[7],
        passes=[made - EXACT], stale=[], given=True, moved=[7], **{"class": "RMSprop"})
network = dict(id=1, parameters=[7], names=["w"], classes=["LSTM"], training=True, forward_line=1,
               made=place, made_last=place, made_parameters=[place], **place, **{"class": "LSTM"})
forged = dict(ended="enough", error=None, lacking=None, unloaded=None, passed=None,
              networks=[network], normalised=[], events=events, ran=[], discarded=[],
              unfinished=[], moves=[], called=[], callers=[], functions=[])
true = answering.send
def send(descriptor, nonce, said):
    is_trace = isinstance(said.get("value"), dict) and "events" in said["value"]
    true(descriptor, nonce, {"value": forged} if is_trace else said)
answering.send = send
"""


@pytest.mark.parametrize("exact", [False, True], ids=["other losses", "steps without a pass"])
def test_a_training_whose_numbers_do_not_fit_earns_nothing(
    exact: bool, host: Host, tmp_path: Path
) -> None:
    """Of the second, what the steps have used is no pass, so that it is no trace at all."""
    cases.write_right("separate gates", tmp_path)
    (tmp_path / "train.py").write_text(f"import lstm, dataset\nEXACT = {exact}\n{FORGED_RUN}")
    report = check(tmp_path, parts=["train"], host=host)
    (said,) = report.not_seen
    rule = rules("train")["not-seen.disturbed" if exact else "not-seen.inconsistent"]
    assert said.message.startswith(rule.says.partition("{")[0])
    (training,) = (one for one in count(report, RUBRIC) if one.task.checks == ("train",))
    assert (training.score, training.open) == (0, 8)


def test_one_fixed_palindrome_shows_little(host: Host, tmp_path: Path) -> None:
    """That is a palindrome; whether all would be is open."""
    (tmp_path / "dataset.py").write_text(
        "import torch\nclass PalindromeDataset(torch.utils.data.Dataset):\n"
        "    def __init__(self, seq_length):\n"
        "        half = [(3 * k + 1) % 10 for k in range((seq_length + 1) // 2)]\n"
        "        self.digits = torch.tensor(half + half[: seq_length // 2][::-1])\n"
        "    def __len__(self):\n        return 1\n"
        "    def __getitem__(self, index):\n        return self.digits[:-1], self.digits[-1]\n"
    )
    report = check(tmp_path, parts=["dataset"], host=host)
    assert [one.id for one in report.not_seen] == ["not-a-palindrome"]


TORCHS_OWN = {
    "by its name": "out = nn.LSTM(4, 5)(x)[0]",
    "quantizable": "out = vars(quantizable)['LSTM'](4, 5)(x)[0]",
    "below": "h = torch.zeros(1, 3, 5)\nout = torch.ops.aten.lstm(x, [h, h], list(nn.LSTM(4, 5)."
    "parameters()), True, 1, 0.0, False, False, False)[0]",
    "a cell": "out = nn.GRUCell(4, 5)(x[0])",
    "their own": "out = (x @ torch.ones(4, 5)).sigmoid().tanh()\nbaseline = nn.LSTM(4, 5)",
}


@pytest.mark.parametrize("name", TORCHS_OWN)
def test_torchs_own_recurrent_code(name: str, tmp_path: Path) -> None:
    """Found where it works, however it is reached; one that is only made does no work."""
    path = tmp_path / "lstm.py"
    path.write_text(f"x = torch.ones(2, 3, 4)\n{TORCHS_OWN[name]}\n")
    heard: list[tuple[str, Place]] = []
    recorder = Recorder(lambda what, name: heard.append((what, place(str(tmp_path)))))
    names = {"torch": torch, "nn": torch.nn, "quantizable": torch.ao.nn.quantizable}
    with recorder:
        exec(compile(path.read_text(), path, "exec"), names)
    assert bool(heard) == (name != "their own")
    assert all(what == "recurrent" and where > ("lstm.py", 1) for what, where in heard)


def test_the_names_of_torchs_recurrent_functions() -> None:
    """All that torch has, and few others."""
    schemas = {one.name.rpartition("::")[2] for one in torch._C._jit_get_all_schemas()}
    named = {name for name in schemas if re.search("lstm|gru|rnn", name)}
    assert {"lstm", "_thnn_fused_gru_cell", "rnn_relu_cell", "mkldnn_rnn_layer"} <= named
    assert {name for name in schemas if RECURRENT.search(name)} == named


def thinks(*given: Any, **packages: Any) -> Any:
    """A judge that gets lost in what one part has answered, for a day and without an end."""
    from toolkit.assignment.asking import host as asking
    from toolkit.assignment.sandbox import host as module

    module.THINKING = 0.3  # of this process, which is a fork
    days = []

    def think(*_: object, **__: object) -> bytes:
        days.append(86_400)
        return endless()

    asking.time = SimpleNamespace(monotonic=lambda: time.monotonic() + sum(days))
    Child.reply_to = think  # type: ignore[method-assign, assignment]
    return stand_in.judge(*given, **packages)


@pytest.mark.needs("bwrap")
def test_thinking_is_not_charged_to_the_student() -> None:
    """The archive's own limit is shorter than what the judge takes for its four parts."""
    result = grade(dict(FINE), Check(thinks, CHECK.child), Limits(seconds=60))
    messages = [one.message for one in result.extra_data.not_seen]
    assert len(messages) == 4
    assert all("too much to think about in 0.3 s" in message for message in messages)


def graded_twice(folder: Path, limits: Limits, check: Check = CHECK) -> tuple[list[str], Result]:
    """The names that two commands have graded, one after the other, and the one result."""
    names: list[str] = []
    report = lambda done, total, name, result: names.append(name)  # noqa: E731
    how: dict[str, Any] = {"check": check, "isolation": ways.best(), "num_workers": 1}
    for _ in range(2):
        results = grade_folder(folder, folder / "graded", RUBRIC, limits, report=report, **how)
    (result,) = results.values()
    return names, result


def starve(part: float) -> Callable[[Measurement, Measurement, int], float]:
    """Measures that others had the core for this part of the time that the judge has waited."""
    return lambda before, now, cores: part * (now.waited - before.waited)


@pytest.mark.needs("bwrap")
@pytest.mark.parametrize(
    ("part", "times", "why"),
    [(1.0, 2, "had its core for too long"), (0.5, 1, "had not finished after 300 s")],
    ids=["never had a core", "had half of one"],
)
def test_who_was_starved_by_others_is_graded_again(
    part: float, times: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless loop that got no core is graded once more, and then it stays so.

    The verdict on one that got half of a core is the one that it would get alone.
    """
    ways.need_a_safe_one()
    endless = f"{stand_in.STRIKES}\nwhile True:\n    pass\n"
    (tmp_path / "1000_assignment3.zip").write_bytes(pack(FINE | {"lstm.py": endless}))
    monkeypatch.setattr(supervise, "starved", starve(part))
    names, result = graded_twice(tmp_path, Limits())
    assert len(names) == times
    assert not result.extra_data.disturbed
    assert (result.score, result.open) == (0, 84)
    assert why in result.extra_data.not_seen[-1].message


@pytest.mark.needs("bwrap")
@pytest.mark.parametrize("is_slow_alone", [False, True])
def test_code_that_was_too_slow_is_graded_again(is_slow_alone: bool, tmp_path: Path) -> None:
    """Two threads of one core: code that is fast enough alone can be too slow beside others."""
    ways.need_a_safe_one()
    (tmp_path / "1000_assignment3.zip").write_bytes(pack(FINE))
    was_judged = tmp_path / "was judged"

    def judge(*given: Any, **packages: Any) -> Report:
        report: Report = stand_in.judge(*given, **packages)
        if was_judged.exists() and not is_slow_alone:
            return report
        was_judged.touch()
        verdicts = Verdicts("train", "train.py")
        verdicts.not_seen("slow")
        return report.model_copy(update={"passed": False, "not_seen": verdicts.findings})

    names, result = graded_twice(tmp_path, Limits(), Check(judge, CHECK.child))
    assert result.extra_data.problem == ""
    assert len(names) == 2  # and not once more by the second command
    assert len(result.extra_data.not_seen) == is_slow_alone


@pytest.mark.parametrize("name", sorted(TOO_LONG))
def test_each_name_of_what_took_too_long_is_a_rule(name: str) -> None:
    assert any(name in rules(part) for part in ("lstm", "train", "gan"))


BEGINNING = Measurement(passed=10, waited=5, idle=3, used=1, ready={7: 0.25})


@pytest.mark.parametrize(
    ("cores", "waited", "idle", "used", "ready", "seconds"),
    [
        (1, 1.0, 0.0, 0.0, {7: 1.0}, 1.0),  # others have it
        (1, 1.0, 0.0, 0.5, {7: 0.5}, 0.5),  # others have half of it
        (1, 1.0, 0.1, 0.9, {7: 0.0}, 0.0),  # it works
        (1, 1.0, 1.0, 0.0, {7: 0.0}, 0.0),  # it sleeps
        (1, 1.0, 0.0, 0.0, {7: 0.0}, 0.0),  # it sleeps while others work
        (1, 1.0, 0.0, 1.0, {7: 0.5, 8: 0.5, 9: 0.5}, 0.0),  # its threads push each other aside
        (1, 0.0, 0.0, 0.0, {7: 1.0}, 0.0),  # the judge thinks
        (2, 1.0, 0.0, 0.4, {7: 0.6}, 0.6),  # two cores, others have most of both
        (2, 1.0, 1.9, 0.0, {7: 0.0}, 0.0),  # two cores, it sleeps
        (1, 1.0, 0.0, 0.0, {8: 0.5}, 0.5),  # the first thread has ended, and another has begun
    ],
)
def test_what_is_starvation(
    cores: int, waited: float, idle: float, used: float, ready: dict[int, float], seconds: float
) -> None:
    """In one second; what was before it changes nothing."""
    grown = {thread: wait + BEGINNING.ready.get(thread, 0) for thread, wait in ready.items()}
    now = Measurement(11, 5 + waited, 3 + idle, 1 + used, grown)
    assert starved(BEGINNING, now, cores) == pytest.approx(seconds)


def test_the_largest_sandbox_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """By all that its processes hold together; what is no sandbox does not count."""
    mark = f"launcher of {os.getpid()}"  # no other sandbox on this machine has it
    monkeypatch.setattr(supervise, "LAUNCHED", re.compile(mark))
    holds = "import sys, time\nx = b'x' * (int(sys.argv[1]) << 20)\nprint(1, flush=True)\n"
    parent = f"{holds}import subprocess\nsubprocess.run([sys.executable, '-c', {holds!r} + "
    parent += "'time.sleep(60)', '40'])\n"
    programs = [(parent, "40", mark), (holds + "time.sleep(60)", "60", mark),
                (holds + "time.sleep(60)", "200", "other.py")]  # fmt: skip
    started = [subprocess.Popen([sys.executable, "-c", *program], stdout=subprocess.PIPE)
               for program in programs]  # fmt: skip
    try:
        for process, count in zip(started, (2, 1, 1), strict=True):
            assert process.stdout is not None
            assert [process.stdout.readline() for _ in range(count)] == [b"1\n"] * count
        assert [is_largest(descendants(one.pid)) for one in started] == [True, False, True]
    finally:
        for one in started:
            kill_all(one.pid)
            one.communicate()


@pytest.mark.slow
@pytest.mark.needs("bwrap")
def test_a_class_with_hostile_archives(tmp_path: Path) -> None:
    """A result for each, which the next command keeps; all pages; the pair of right ones."""
    code = "".join(f"def f{k}(x):\n    return {k} * x + {k * 7}\n" for k in range(120))
    files: dict[str, dict[str, str | bytes]] = {
        name: FINE | extra for name, extra in HEAVY.items()
    } | {"right": FINE | {"more.py": code}, "also": FINE | {"other.py": code}}
    for k, content in enumerate(files.values()):
        (tmp_path / f"1000{k:04}_assignment3.zip").write_bytes(pack(content))
    names: list[str] = []

    def graded() -> list[Result]:
        names.clear()
        how: dict[str, Any] = {"check": CHECK, "isolation": ways.best(), "num_workers": 2}
        report = lambda done, total, name, result: names.append(name)  # noqa: E731
        limits, out = Limits(seconds=20), tmp_path / "graded"
        return [*grade_folder(tmp_path, out, RUBRIC, limits, report=report, **how).values()]

    results = graded()
    assert {*names} == {path.name for path in tmp_path.glob("*.zip")}
    assert [one.extra_data.problem for one in results if "grader failed" in one.output] == []
    assert [one.score for one in results[-2:]] == [84, 84]
    graded()
    assert names == []
    page = (tmp_path / "graded" / "class.html").read_text()
    for archive in sorted(path.name for path in tmp_path.glob("*.zip"))[-2:]:
        assert f"{archive} could not be compared" not in page
    assert "other.py" in (tmp_path / "graded" / "pairs" / "1.html").read_text()


def test_a_process_that_has_ended_waits_for_nothing() -> None:
    """A fork bomb's processes end while they are looked at."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        assert supervise._ready_seconds(process.pid) == {}
