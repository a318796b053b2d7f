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


def first_call(tree: ast.Module, *words: str) -> int | None:
    """The line of the first call of a function whose name has one of the words in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "attr", getattr(function, "id", ""))
            if any(word in name.lower() for word in words):
                return node.lineno
    return None


def assigned_at(tree: ast.Module) -> dict[int, str]:
    """Line -> the name (without self.) that is assigned there, on every line of the statement."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            name = getattr(target, "attr", getattr(target, "id", None))
            if isinstance(name, str):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    names[line] = name
    return names


def _is_torch(name: str) -> bool:
    return name == "torch" or name.startswith("torch.")


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """`nn.modules.rnn` as "torch.nn.modules.rnn", by what the names stand for."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, names)}.{node.attr}"
    return "?"
