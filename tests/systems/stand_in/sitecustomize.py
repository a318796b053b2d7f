"""Makes Linux look like Windows or macOS to the toolkit; Python imports this first of all.

What our own modules import is what the other system has: `sys.platform` says its name, modules that
it lacks cannot be imported, functions that it lacks are not there. Python itself, torch and Gradio
go on as they are, for they have their own ways on other systems. A file that is open cannot be
deleted, renamed or replaced, as on Windows.

Not covered: paths with drives and backslashes, how Windows starts programs and hands pipes to them,
its consoles, and what other packages do there.
"""

import builtins
import json
import os
import sys
import types
from pathlib import Path

OURS = {"toolkit", "serving", "latent_studio", "gate_microscope", "gan_demo", "digit_demo"}
SYSTEM = json.loads(Path(os.environ["STAND_IN"]).read_text(encoding="utf-8"))
real_import = builtins.__import__


class StandIn(types.ModuleType):
    """A module of Python as the other system has it."""

    def __init__(self, real, lacks, **instead):
        super().__init__(real.__name__)
        self.__dict__.update(_real=real, _lacks=frozenset(lacks), **instead)

    def __getattr__(self, name):
        if name in self._lacks:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} there")
        return getattr(self._real, name)

    def __setattr__(self, name, value):
        setattr(self._real, name, value)

    def __delattr__(self, name):
        delattr(self._real, name)


def stand_ins():
    for name, lacks in SYSTEM["lacks"].items():
        yield name, StandIn(real_import(name), lacks)
    yield "sys", StandIn(sys, [], platform=SYSTEM["platform"])
    if SYSTEM["platform"] == "win32":
        yield "os", StandIn(os, SYSTEM["lacks"]["os"], name="nt")


STAND_INS = dict(stand_ins())


def is_ours(module):
    """Whether code with these globals is the toolkit's, or a program of its own in one string."""
    spec = module.get("__spec__")
    name = spec.name if spec else module.get("__name__", "")
    if name == "__main__":
        name = Path(module["__file__"]).stem if "__file__" in module else "toolkit"
    return name.partition(".")[0] in OURS


def import_as_there(name, globals=None, locals=None, fromlist=(), level=0):
    if level or not globals or not is_ours(globals):
        return real_import(name, globals, locals, fromlist, level)
    if name.partition(".")[0] in SYSTEM["no_modules"]:
        raise ModuleNotFoundError(f"No module named {name!r} there", name=name)
    module = real_import(name, globals, locals, fromlist, level)
    return STAND_INS.get(module.__name__, module)


def in_use():
    """The files that this process has open."""
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue


def refuse_open_files(event, arguments):
    if event not in ("os.rename", "os.remove"):
        return
    paths = arguments[:2] if event == "os.rename" else arguments[:1]
    wanted = [os.path.realpath(os.fsdecode(path)) for path in paths]
    for file in in_use():
        if file in wanted or file.startswith(f"{wanted[0]}/"):
            raise PermissionError(13, f"{file} is in use there")


builtins.__import__ = import_as_there
if SYSTEM["platform"] == "win32":
    sys.addaudithook(refuse_open_files)
