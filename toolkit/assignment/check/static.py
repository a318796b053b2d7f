"""What can be read from a file without running it."""

import ast
from collections.abc import Iterator

FORBIDDEN = {"LSTM", "LSTMCell", "GRU", "GRUCell"}


def forbidden_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and name of each recurrent module of torch that the file takes, however named.

    Found: imports, also under another name and with a star; attributes of torch.nn under any
    alias; `getattr(nn, "LSTM")`.
    """
    names: dict[str, str] = {}  # a name in the file -> what it stands for
    starred = False
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known = alias.name if alias.asname else alias.name.split(".")[0]
                names[alias.asname or known] = known
        elif isinstance(node, ast.ImportFrom) and node.module and _is_torch(node.module):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                starred |= alias.name == "*" and "nn" in node.module.split(".")
                if alias.name in FORBIDDEN:
                    yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute | ast.Name):
            whole = _dotted(node.value, names)
            for target in node.targets:
                if isinstance(target, ast.Name) and _is_torch(whole):
                    names[target.id] = whole
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN:
            whole = _dotted(node, names)
            if _is_torch(whole):
                yield node.lineno, whole
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "getattr" and len(node.args) > 1:
                word = node.args[1]
                if isinstance(word, ast.Constant) and word.value in FORBIDDEN:
                    yield node.lineno, str(word.value)
            elif starred and node.func.id in FORBIDDEN - own:
                yield node.lineno, f"torch.nn.{node.func.id}"


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and name of each module that a file imports, also by `import_module("name")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                yield node.lineno, node.module
            else:  # from . import a, b
                yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def unwritten(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and text of each `raise NotImplementedError`, and the function where it stands."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in function.body:
            if isinstance(node, ast.Raise) and "NotImplementedError" in ast.dump(node):
                text = ""
                if isinstance(node.exc, ast.Call) and node.exc.args:
                    text = str(getattr(node.exc.args[0], "value", ""))
                yield node.lineno, text or function.name


def _is_torch(name: str) -> bool:
    return name == "torch" or name.startswith("torch.")


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """`nn.modules.rnn` as "torch.nn.modules.rnn", by what the names stand for."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, names)}.{node.attr}"
    return "?"
