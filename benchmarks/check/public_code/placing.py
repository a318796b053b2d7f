"""Builds a submission in which the file of each part is given, so the check need not find it."""

import ast
from pathlib import Path, PurePosixPath
from typing import Any


def files_of_modules(tree: ast.AST, path: PurePosixPath, listed: set[str]) -> list[str]:
    """Return the files of a folder that one of its files imports.

    Args:
        tree: the syntax tree of the importing file.
        path: the path of the importing file.
        listed: the paths of all files.
    """
    files = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                files += _files_of(0, alias.name, path, listed)
        elif isinstance(node, ast.ImportFrom):
            stem = node.module or ""
            files += _files_of(node.level, stem, path, listed)
            for alias in node.names:
                files += _files_of(node.level, f"{stem}.{alias.name}".strip("."), path, listed)
    return files


def _files_of(level: int, name: str, path: PurePosixPath, listed: set[str]) -> list[str]:
    """Return the file of a module and the `__init__.py` files of its packages.

    An absolute import is looked up in the importing file's folder and then in the folders above.

    Args:
        level: the number of leading dots of a relative import; 0 for an absolute import.
        path: the path of the importing file.
    """
    bases = list(path.parents)
    if level > 0:
        bases = [path.parents[level - 1]]
    for base in bases:
        stem = base / name.replace(".", "/")
        candidates = [f"{stem}.py", f"{stem}/__init__.py"]
        if listed.isdisjoint(candidates):
            continue
        for parent in stem.parents:
            if base in parent.parents:
                candidates.append(f"{parent}/__init__.py")
        return [file for file in candidates if file in listed]
    return []


def submission(root: Path, parts: dict[Any, tuple[str, str | None]]) -> Any:
    """Return the submission in a folder.

    Args:
        root: the folder, in which files may be changed.
        parts: for each part, its file and, if known, the name of its class.
    """
    from toolkit.assignment.handin.submission import Located, Submission

    listed = set()
    for path in root.rglob("*.py"):
        listed.add(path.relative_to(root).as_posix())
    imports = {file: _imports_of(root, file, listed) for file in listed}
    located = {}
    for part, (file, name) in parts.items():
        users = sorted(user for user in listed if file in imports[user])
        files = tuple(_reachable(file, imports))
        located[part] = Located(file, name, files=files, users=tuple(users))
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
    return Submission(root, located, files=tuple(sorted(listed)), existing=tuple(paths))


def _imports_of(root: Path, file: str, listed: set[str]) -> list[str]:
    """Return the files that a file imports, and change the file as the check does.

    The change makes functions that are not written yet raise an error.
    """
    from toolkit.assignment.handin.syntax import marked

    text = (root / file).read_bytes().decode(errors="replace")
    marked_text = marked(text)
    if marked_text != text:
        (root / file).write_text(marked_text)
    try:
        return files_of_modules(ast.parse(text), PurePosixPath(file), listed)
    except (SyntaxError, ValueError):
        return []


def _reachable(file: str, imports: dict[str, list[str]]) -> list[str]:
    """Return a file and all files that it imports, directly or indirectly, each once."""
    reached = {file: None}
    waiting = [file]
    while waiting:
        new = [imported for imported in imports[waiting.pop()] if imported not in reached]
        reached |= dict.fromkeys(new)
        waiting += new
    return list(reached)
