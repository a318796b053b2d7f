"""Runs a student's file as `python FILE` does: nothing is watched, cut short or guessed.

Only what this machine lacks is not as it is for them: MNIST, which is not downloaded, and packages
that plot or log and are not installed.
"""

import os
import sys
from collections.abc import Container
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from toolkit.assignment.check.child.answering import Back, described
from toolkit.assignment.check.child.importing import compiled, package_of, prepare_imports
from toolkit.assignment.check.child.script.digits import few_digits, replace_mnist


def run_plainly(root: Path, file: str, there: Container[str], back: Back) -> dict[str, Any] | None:
    """Run a file until it ends, as it will where it stops with an error.

    Args:
        root: of the submission.
        file: relative to it.
        there: what is in it; what else an earlier run has made is deleted.
        back: asks the judge for "digits".

    Returns:
        what it raised, as in `answering.described`; None if it came to its end.
    """
    clear(root, there)
    path = root / file
    replace_mnist(few_digits(back, whole=True))
    prepare_imports(root, path.parent, lacking=True)
    try:
        run_as_main(ModuleType("__main__"), path, root, compiled(path))
    except SystemExit:
        return None
    except Exception as error:  # whatever a student's code raises
        return described(error, root)
    return None


def clear(root: Path, there: Container[str]) -> None:
    """Delete what an earlier run has made."""
    for made in sorted(root.rglob("*"), reverse=True):
        if made.relative_to(root).as_posix() not in there:
            made.rmdir() if made.is_dir() and not made.is_symlink() else made.unlink()


def run_as_main(
    module: ModuleType, path: Path, root: Path, code: CodeType, *arguments: str
) -> None:
    """Run a file's code as the main module, in the folder of the file."""
    sys.argv = [path.name, *arguments]
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # torch before 2.6 loads networks
    os.chdir(path.parent)
    module.__file__ = str(path)
    module.__dict__["__builtins__"] = __builtins__
    module.__package__ = package_of(path, root)
    sys.modules["__main__"] = module
    exec(code, vars(module))
