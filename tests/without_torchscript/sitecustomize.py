"""With this folder on PYTHONPATH, torch has no TorchScript, as a later one may have none."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn


def refuse(*_: Any, **__: Any) -> NoReturn:
    raise DeprecationWarning("TorchScript was removed")  # as a warning that became an error


class Remover:
    """Takes the four functions out of torch.jit as soon as torch has been imported."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("torch")
        assert spec is not None
        assert spec.loader is not None
        run = spec.loader.exec_module

        def run_and_remove(module: ModuleType) -> None:
            run(module)
            for function in ("script", "trace", "load", "save"):
                setattr(module.jit, function, refuse)

        spec.loader.exec_module = run_and_remove  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Remover())
