"""A submission whose parts are named, so that finding them is not what is measured."""

import ast
from pathlib import Path, PurePosixPath
from typing import Any


def files_of_modules(tree: ast.AST, path: PurePosixPath, listed: set[str]) -> list[str]:
    """The files of a folder that one of its files imports.

    Args:
        tree: the importing file; `path` is where it is, `listed` which files there are.
    """
    found = []
    for node in ast.walk(tree):
        names: list[tuple[int, str]] = []
        if isinstance(node, ast.Import):
            names = [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = node.module or ""
            names = [(node.level, stem)]
            names += [(node.level, f"{stem}.{a.name}".strip(".")) for a in node.names]
        for level, name in names:
            found += _files_of(level, name, path, listed)
    return found


def _files_of(level: int, name: str, path: PurePosixPath, listed: set[str]) -> list[str]:
    """The files of one module: from the importing file's folder upwards, or relative to it."""
    bases = [*path.parents] if level == 0 else [path.parents[level - 1]]
    for base in bases:
        stem = base / name.replace(".", "/")
        files = [f"{stem}.py", f"{stem}/__init__.py"]
        files += [f"{p}/__init__.py" for p in stem.parents if base in p.parents]
        if listed & set(files[:2]):
            return [file for file in files if file in listed]
    return []


def submission(root: Path, parts: dict[Any, tuple[str, str | None]]) -> Any:
    """The submission in a folder.

    Args:
        root: the folder, which may be written to.
        parts: the file of each part, and the class in it that makes it this part, if it is known.
    """
    from toolkit.assignment.check.submission import Located, Submission
    from toolkit.assignment.syntax import marked

    listed = {p.relative_to(root).as_posix() for p in root.rglob("*.py")}
    imports: dict[str, list[str]] = {}
    for file in listed:
        text = (root / file).read_bytes().decode(errors="replace")
        try:
            imports[file] = files_of_modules(ast.parse(text), PurePosixPath(file), listed)
        except (SyntaxError, ValueError):
            imports[file] = []
        if (changed := marked(text)) != text:
            (root / file).write_text(changed)
    located = {}
    for part, (file, name) in parts.items():
        reached, waiting = [file], [file]
        while waiting:
            more = [f for f in imports[waiting.pop()] if f not in reached]
            reached += more
            waiting += more
        users = tuple(sorted(f for f in listed if file in imports[f]))
        files = tuple(dict.fromkeys(reached))
        located[part] = Located(file, name, files=files, users=users)
    there = tuple(sorted(p.relative_to(root).as_posix() for p in root.rglob("*")))
    return Submission(root, located, files=tuple(sorted(listed)), there=there)
