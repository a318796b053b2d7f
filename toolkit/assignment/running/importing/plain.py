"""Functions that delete files left by earlier runs, and that run a file as `python FILE` does."""

import os
import sys
from collections.abc import Container
from pathlib import Path
from types import CodeType, ModuleType

from toolkit.assignment.running.importing.files import package_of


def clear(root: Path, handed_in: Container[str]) -> None:
    """Delete all files and folders that were not handed in, such as those that an earlier run
    created.
    """
    for path in sorted(root.rglob("*"), reverse=True):
        if path.relative_to(root).as_posix() in handed_in:
            continue
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()


def run_as_main(
    module: ModuleType, path: Path, root: Path, code: CodeType, *arguments: str
) -> None:
    """Run a file's code as the main module, with the file's folder as the working directory."""
    sys.argv = [path.name, *arguments]
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # torch before 2.6 loads networks
    os.chdir(path.parent)
    module.__file__ = str(path)
    module.__dict__["__builtins__"] = __builtins__
    module.__package__ = package_of(path, root)
    sys.modules["__main__"] = module
    exec(code, vars(module))
