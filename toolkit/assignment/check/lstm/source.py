"""Where in a student's file something is: the likely lines of findings."""

import ast
import re
from collections.abc import Callable, Iterator


class Source:
    """The text of a student's file, and the class in it that is judged.

    Args:
        text: of the file.
        kind: the name of the class.
        file: where it is, relative to the submission.
        read: the text of any of their files.
    """

    def __init__(self, text: str, kind: str, file: str, read: Callable[[str], str]) -> None:
        self.file, self.read = file, read
        self.lines = text.splitlines()
        try:
            self.tree = ast.parse(text)
        except (SyntaxError, ValueError):
            self.tree = ast.Module([], [])
        self.names = assigned_at(self.tree)
        classes = [n for n in ast.walk(self.tree) if isinstance(n, ast.ClassDef)]
        self.kind = next((c for c in classes if c.name == kind), None)
        self.classes = classes

    def name_at(self, line: int | None) -> str:
        """The name that a line assigns, without self.; "" if none."""
        return self.names.get(line or 0, "")

    def line_of_attribute(self, name: str) -> int | None:
        """The first line that assigns `self.<name>`."""
        for stem in reversed(name.split("[")[0].split(".")):
            target = rf"(self\.\w+, *)*self\.{re.escape(stem)} *(,[^=]*)?(:[^=]*)?=(?!=)"
            for number, text in enumerate(self.lines, start=1):
                if re.match(target, text.strip()):
                    return number
            for number, text in enumerate(self.lines, start=1):
                if f"self.{stem}" in text.split("=")[0] and "=" in text:
                    return number
                if re.search(rf"register_(parameter|buffer)\(\s*['\"]{re.escape(stem)}['\"]", text):
                    return number
                if _sets(text, stem):
                    return number
        return None

    def line_of_name(self, *names: str) -> int | None:
        """The first line that assigns one of these names, with or without a last _t or _0."""
        known = sorted(self.names.items())
        return next((line for line, name in known if bare_name(name) in names), None)

    def line_of_update(self, *names: str) -> int | None:
        """The last line in a loop of a forward that assigns one of these names."""
        lines = [line for _, line, name in self._in_loops() if bare_name(name) in names]
        return max(lines, default=None)

    def line_of_assignment(self, name: str) -> int | None:
        """The first line of a forward that assigns `self.<name>`."""
        lines = [
            node.lineno
            for function in self._forwards()
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and any(ast.unparse(target) == f"self.{name}" for target in node.targets)
        ]
        return min(lines, default=None)

    def line_of_append(self, name: str) -> int | None:
        """Where a loop of a forward appends what has this name to a list."""
        calls = [n for loop in self.loops() for n in ast.walk(loop) if isinstance(n, ast.Call)]
        appends = [call for call in calls if called(call) == "append"]
        lines = [call.lineno for call in appends if name in map(ast.unparse, call.args)]
        return min(lines, default=None)

    def line_of_first_step(self, name: str) -> int | None:
        """Where a loop of a forward assigns this name at t = 0 only."""
        for loop in self.loops():
            for node in ast.walk(loop):
                if isinstance(node, ast.If) and re.search(r"== 0|^not ", ast.unparse(node.test)):
                    for line in (n for n in node.body if isinstance(n, ast.Assign)):
                        if name in [bare_name(n) for t in line.targets for n in names_in(t)]:
                            return line.lineno
        return None

    def line_of_passing(self) -> int | None:
        """Where a loop over layers gives each what the one before has returned."""
        for loop in self.loops():
            for node in (n for n in ast.walk(loop) if isinstance(n, ast.Assign)):
                if isinstance(loop, ast.For) and isinstance(node.value, ast.Call):
                    called = ast.unparse(node.value.func)
                    given = {ast.unparse(argument) for argument in node.value.args}
                    taken = {name for target in node.targets for name in names_in(target)}
                    if called in names_in(loop.target) and len(given & taken) > 1:
                        return node.lineno
        return None

    def line_of_start(self, what: str) -> int | None:
        """Where the judged class sets h or c before its loop over time."""
        loops = self.loops()
        for function in self._forwards(alone=True):
            for node in ast.walk(function):
                if not isinstance(node, ast.Assign) or any(_around(n, node) for n in loops):
                    continue
                names = [n for target in node.targets for n in names_in(target)]
                if what in map(bare_name, names):
                    return node.lineno
        return self.line_of_name(what)

    def loop_line(self, line: int | None = None) -> int | None:
        """The loop over time: the outermost one around a line, else the first in a forward."""
        loops = self.loops()
        for loop in loops:
            if line is not None and loop.lineno <= line <= (loop.end_lineno or loop.lineno):
                return loop.lineno
        return loops[0].lineno if loops else self._first_step()

    def line_of_length(self, line: int | None) -> int | None:
        """Where a fixed length would be mended.

        That is the loop around the line that failed, unless it counts the steps of its input: then
        it is that line.
        """
        loop = self.loop_line(line)
        header = self.lines[loop - 1] if loop else ""
        counted = [
            ast.unparse(node.targets[0])
            for function in self._forwards()
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and re.search(r"\.size\(|\.shape|len\(", ast.unparse(node.value))
        ]
        names = set(re.findall(r"\w+", " ".join(counted)))
        reads = bool(re.search(r"\.size\(|\.shape|len\(", header))
        reads |= bool(names & set(re.findall(r"\w+", header.partition(" in ")[2])))
        return line if reads and line else loop or line

    def loops(self) -> list[ast.For | ast.While]:
        """The loops of the methods that run in a forward pass."""
        loops = [
            n for f in self._forwards() for n in ast.walk(f) if isinstance(n, ast.For | ast.While)
        ]
        return sorted(loops, key=lambda n: n.lineno)

    def _in_loops(self) -> Iterator[tuple[ast.Assign, int, str]]:
        for loop in self.loops():
            for node in ast.walk(loop):
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        yield from ((node, node.lineno, name) for name in names_in(target))

    def _first_step(self) -> int | None:
        """Where steps are written out: the first line that takes a numbered item of something."""
        lines = [
            node.lineno
            for function in self._forwards()
            for node in ast.walk(function)
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, int)
        ]  # fmt: skip
        return min(lines, default=None)

    def line_without_bias(self, line: int | None) -> int | None:
        """Where a layer that is called in this line is made without a bias, if it is."""
        text = "".join(self.lines[line - 1 : line]) if line else ""
        for name in re.findall(r"self\.(\w+)", text):
            made = self.line_of_attribute(name)
            if made and re.search(r"bias\s*=\s*False", self.lines[made - 1]):
                return made
        return None

    def line_of_word(self, word: str, line: int | None) -> int | None:
        """Where a function that is called in this line under another name is chosen.

        That is the only line of the file with its name; None if the line says it or others do too.
        """
        with_it = [n for n, text in enumerate(self.lines, 1) if word.lower() in text.lower()]
        return with_it[0] if len(with_it) == 1 and line not in with_it else None

    def return_of(self, line: int | None) -> int | None:
        """The return that ends the function around a line."""
        for function in (n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)):
            if line and function.lineno <= line <= (function.end_lineno or line):
                returns = [n.lineno for n in ast.walk(function) if isinstance(n, ast.Return)]
                return max(returns, default=None)
        return None

    def of(self, file: str | None) -> "Source":
        """Another file of theirs, or this one."""
        if file is None or file == self.file:
            return self
        return Source(self.read(file), "", file, self.read)

    def line_of_access(self, *names: str) -> int | None:
        """The first line in a method other than the constructor that reads such an attribute."""
        found = [
            node.lineno
            for function in self._forwards()
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute) and node.attr in names
        ]
        return min(found, default=None)

    def chooses_gpu(self) -> int | None:
        """The line of a method that asks whether there is a GPU, other than the constructor."""
        return self.line_of_access("is_available")

    def _forwards(self, alone: bool = False) -> Iterator[ast.FunctionDef]:
        """The methods that run in a forward pass: those of the judged class, then all others."""
        ordered = [self.kind] if self.kind else []
        if not alone:
            ordered += [c for c in self.classes if c is not self.kind]
        for one in ordered:
            for node in one.body:
                if isinstance(node, ast.FunctionDef) and node.name != "__init__":
                    yield node

    def line_of_size(self, word: str, near: int | None = None) -> int | None:
        """Where a forward makes a state whose rows do not come from the input.

        That is a call of zeros or the like, whose size is a number, an attribute with such a word
        in its name, or the same twice; else the first line with such an attribute.
        """
        calls = [
            node
            for function in self._forwards()
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and node.args and _makes_state(node)
        ]
        for call in sorted(calls, key=lambda node: node.lineno):
            text = ast.unparse(call)
            sizes = (
                call.args[0].elts if isinstance(call.args[0], ast.Tuple | ast.List) else call.args
            )
            same = len(sizes) > 1 and ast.unparse(sizes[0]) == ast.unparse(sizes[1])
            fixed = any(isinstance(size, ast.Constant) and size.value != 1 for size in sizes)
            if same or fixed or (f"self.{word}" in text) or "self.bs" in text:
                return call.lineno
        return None


def called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _makes_state(call: ast.Call) -> bool:
    name = called(call)
    return any(word in name for word in ("zeros", "ones", "rand", "empty", "full", "Tensor"))


def names_in(target: ast.expr) -> list[str]:
    """The names that an assignment writes to, without self."""
    if isinstance(target, ast.Tuple | ast.List):
        return [name for one in target.elts for name in names_in(one)]
    name = getattr(target, "attr", getattr(target, "id", None))
    return [name] if isinstance(name, str) else []


def _around(loop: ast.For | ast.While, node: ast.stmt) -> bool:
    return loop.lineno < node.lineno <= (loop.end_lineno or loop.lineno)


def _sets(text: str, name: str) -> bool:
    """Whether a line is a setattr of this name, written out or as an f-string."""
    found = re.search(r"setattr\(self, (f?)['\"]([^'\"]+)['\"]", text)
    if not found:
        return False
    pieces = re.split(r"\{[^}]*\}", found[2]) if found[1] else [found[2]]
    return re.fullmatch(".+".join(map(re.escape, pieces)), name) is not None


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


def bare_name(name: str) -> str:
    """`c_t` as "c"."""
    return name.lower().removesuffix("_t").removesuffix("_0")
