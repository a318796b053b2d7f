"""Imports a student's files."""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.assignment.running.importing.stand_ins import StandIns, is_replaced
from toolkit.assignment.running.places import within

NOTEBOOK, ENDING = ".ipynb", "_notebook"  # of a notebook, and of its code if the name is taken
PACKAGE = "submission"  # the name of the root in relative imports

# Changes the syntax tree of a student's file before it is compiled; the str is the file's path.
Change = Callable[[ast.Module, str], ast.Module]


def unchanged(tree: ast.Module, file: str) -> ast.Module:
    """Return the syntax tree of a file unchanged; wherever an argument `change` is optional, this
    function is its default.
    """
    return tree


class StudentFinder(MetaPathFinder):
    """An import finder for the modules in a student's folder.

    Args:
        root: the folder of the submission.
        change: the function that changes each file's syntax tree before the file is compiled.
    """

    def __init__(self, root: Path, change: Change) -> None:
        self.root = root
        self.change = change

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module by its name, if the module is one of the student's files."""
        spec = PathFinder.find_spec(name, path)
        if spec is None or not spec.origin or not Path(spec.origin).is_relative_to(self.root):
            return None
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = StudentLoader(name, spec.origin, self.change)
        return spec


class StudentLoader(SourceFileLoader):
    """An import loader that compiles a student's file without writing the compiled code to disk."""

    def __init__(self, name: str, path: str, change: Change) -> None:
        super().__init__(name, path)
        self.change = change

    def get_code(self, fullname: str) -> CodeType:
        """Apply the function `change` to the file's syntax tree, and return the compiled code."""
        return compiled(Path(self.path), self.change)


class FolderFinder(MetaPathFinder):
    """An import finder for `import name.module` where `name` is one of the student's folders, at
    any depth, or the submission's folder itself.

    The submission's folder may have had any name on the student's machine. So if no other folder
    called `name` contains Python files, `name` is taken to mean the submission's folder, provided
    that this folder contains `module`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a package spec if the top-level name `name` stands for one of the student's
        folders or for the submission's folder; otherwise, return None.
        """
        if path is not None:
            return None
        folder = self._folder(name)
        if folder is None:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        return spec

    def _folder(self, name: str) -> Path | None:
        """Return the folder that a package name seems to refer to, or None. The first choice is a
        folder with this name that contains Python files. The second choice is the submission's
        folder, if it is imported by this name.
        """
        for path in sorted(self.root.rglob(name)):
            if path.is_dir() and any(path.glob("*.py")):
                return path
        return self.root if self._is_root(name) else None

    def _is_root(self, name: str) -> bool:
        """Return True if `name` seems to be a package name for the submission's folder: a file in
        this folder mentions `name.module`, and the folder contains that module.
        """
        for file in self.root.rglob("*.py"):
            text = file.read_text(encoding="utf-8-sig", errors="replace")
            for word in text.split():
                first, _, module = word.partition(".")
                if first == name and module and self._has_module(module):
                    return True
        return False

    def _has_module(self, module: str) -> bool:
        below = self.root / module.split(".")[0].strip(",;")
        return below.is_dir() or below.with_suffix(".py").exists()


def prepare_imports(
    root: Path,
    folder: Path,
    change: Change = unchanged,
    lacking: bool = False,
) -> None:
    """Put a student's folder and its parent folders on the import path, and add stand-ins for
    packages that the check does not need.

    The import path contains the student's folder. It also contains those of the folder's parents
    that are inside `root` or are `root` itself. The student may start a script in any of these
    folders, and Python then adds the script's folder to the path.

    Args:
        lacking: True to use stand-ins only for packages that this machine lacks.
    """
    for path in reversed(folder.parents):
        if path.is_relative_to(root):
            _put_first(path)
    _put_first(folder)
    if not any(isinstance(finder, StudentFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StudentFinder(root, change))
        if lacking:
            sys.meta_path.append(StandIns(root))
        else:
            sys.meta_path.insert(0, StandIns(root))
            _forget_replaced()
        sys.meta_path.append(FolderFinder(root))
    importlib.invalidate_caches()


def _put_first(folder: Path) -> None:
    """Move a folder to the beginning of the import path."""
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))


def _forget_replaced() -> None:
    """Remove from `sys.modules` the imported modules that a stand-in now replaces.

    Code that imported an original module before this call continues to use the original.
    """
    for name in list(sys.modules):
        if is_replaced(name):
            del sys.modules[name]


def forget_imports(root: Path) -> None:
    """Forget a student's imported modules, so that the next import runs the files again."""
    kinds = StudentFinder | StandIns | FolderFinder
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, kinds)]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != "__main__" and isinstance(file, str) and within(file, str(root)):
            del sys.modules[name]


def compiled(file: Path, change: Change = unchanged) -> CodeType:
    """Return the compiled code of a student's file."""
    tree = ast.parse(file.read_bytes(), str(file))
    return compile(change(tree, str(file)), str(file), "exec", dont_inherit=True)


def package_of(file: Path, root: Path) -> str | None:
    """Return the package name of a file that has relative imports, and create this package and its
    parents.

    Returns:
        the name of the package, or None if the file has no relative imports.
    """
    if not _has_relative_imports(ast.parse(file.read_bytes())):
        return None
    name, folder = PACKAGE, root
    _make_package(name, folder)
    for part in file.parent.relative_to(root).parts:
        name, folder = f"{name}.{part}", folder / part
        _make_package(name, folder)
    return name


def _has_relative_imports(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


def _make_package(name: str, folder: Path) -> None:
    """Create a package that has no code of its own and finds its modules in `folder`, unless a
    module of the same name has already been imported.
    """
    if name not in sys.modules:
        sys.modules[name] = package = ModuleType(name)
        package.__path__ = [str(folder)]


def is_of_notebook(path: Path) -> bool:
    """Return True if a Python file contains the code of a notebook in the same folder; see
    `submission.prepare`.
    """
    stem = path.stem.removesuffix(ENDING)
    beside = {file.name.lower() for file in path.parent.iterdir()}
    if f"{stem}{NOTEBOOK}".lower() not in beside:
        return False
    return stem != path.stem or f"{stem}{ENDING}.py".lower() not in beside


def import_file(path: Path, root: Path, change: Change, name: str | None = None) -> ModuleType:
    """Import a student's file under its own name, after putting its folder and the submission's
    folder on the import path.

    If a cell of a notebook raises an exception, the later cells do not run, but the module keeps
    the names from the earlier cells.

    Args:
        root: the folder of the submission.
        change: the function that changes each file's syntax tree before the file is compiled.
        name: the name that the file should define.

    Raises:
        any exception that the file raises, unless the file is a notebook that has already defined
        `name`.
    """
    prepare_imports(root, path.parent, change)
    package = package_of(path, root)
    full_name = f"{package}.{path.stem}" if package else path.stem
    loader = StudentLoader(full_name, str(path), change)
    spec = importlib.util.spec_from_file_location(full_name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = sys.modules[path.stem] = module
    try:
        loader.exec_module(module)
    except Exception:
        if name is None or not hasattr(module, name) or not is_of_notebook(path):
            raise
    return module


def classes(module: ModuleType, base: type) -> dict[str, type]:
    """Return the classes in a module that are derived from `base`, as a dictionary keyed by name.

    The dictionary does not include classes defined in torch or torchvision.
    """
    derived = {}
    for name, value in vars(module).items():
        if isinstance(value, type) and issubclass(value, base):
            package = value.__module__.partition(".")[0]
            if package not in ("torch", "torchvision"):
                derived[name] = value
    return derived


def unpickled(path: Path, names: Mapping[str, Any]) -> list[dict[str, Tensor]]:
    """Load a file in which `torch.save` has stored whole networks instead of their weights, and
    return each network's weights.

    Args:
        names: names from the student's code and their values; they must include the networks'
            classes, because the file cannot be loaded without them.
    """
    vars(sys.modules["__main__"]).update(names)
    loaded = torch.load(path, map_location="cpu", weights_only=False)
    values = loaded.values() if isinstance(loaded, Mapping) else [loaded]
    return [dict(value.state_dict()) for value in values if isinstance(value, nn.Module)]
