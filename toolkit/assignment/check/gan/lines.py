"""Where in a student's files something is that shows in what their code did."""

import ast
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from toolkit.assignment.check.gan.trace import Event, Network
from toolkit.assignment.check.verdicts import Place, Placed

SCALING = ("Normalize", "ToTensor", "MNIST", "DataLoader")  # who decides the range of the data

_PIXELS = re.compile(r"\.(data|train_data)\.(float|view|reshape|to|type|unsqueeze)\(.*/")
_CUDA = re.compile(r"""=.*['"]cuda|device\(['"]cuda""")
_ELSE_GPU = re.compile(r"""else (torch\.device\()?['"](cuda|mps)""")
SHAPING = ("Linear", "LazyLinear", "Conv2d", "ConvTranspose2d")
_FOR_ALL = (".cuda(", "set_default", "accelerat", "fabric", "lightning")
LAYERS = {
    *SHAPING,
    *("Tanh", "Sigmoid", "ReLU", "LeakyReLU", "Hardtanh"),
    *("Softmax", "LogSoftmax", "softmax", "log_softmax"),
    *("tanh", "sigmoid", "relu", "leaky_relu", "Softplus", "softplus"),
}


class Lines:
    """Finds lines in the files of a submission.

    Args:
        texts: the file, relative to the submission, -> its text.
        file: the one with the GAN.
        reached: it, and what it imports.
    """

    def __init__(self, texts: Mapping[str, str], file: str, reached: Sequence[str] = ()) -> None:
        self.file = file
        self.reached = tuple(dict.fromkeys((file, *reached)))
        self.texts = {name: text.lower() for name, text in texts.items()}
        self.trees: dict[str, ast.Module] = {}
        order = {name: k for k, name in enumerate(self.reached)}
        for name in sorted(texts, key=lambda name: order.get(name, len(order))):
            try:
                self.trees[name] = ast.parse(texts[name])
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue

    def of_parameter(self, network: Network, name: str) -> Place:
        """The line that makes the layer, or the parameter, with this name in a network."""
        words = [word for word in name.split(".") if not word.isdigit()]
        wanted = {"bias", "weight"}
        attribute = next((word for word in reversed(words) if word not in wanted), None)
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and node.name in network.kinds:
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Assign | ast.AnnAssign):
                            targets = (
                                inner.targets if isinstance(inner, ast.Assign) else [inner.target]
                            )
                            if any(getattr(t, "attr", None) == attribute for t in targets):
                                return Place(file, inner.lineno)
        return Place(network.file, network.line)

    def of_scaling(self, normalised: bool = True) -> Place:
        """The line that decides the range of the data."""
        for number, text in enumerate(self.texts.get(self.file, "").splitlines(), 1):
            if _PIXELS.search(text):
                return Place(self.file, number)
        for word in SCALING if normalised else SCALING[1:]:
            if place := self.find(partial(_is_call, word)):
                return place
        return Place(self.file, None)

    def of_raw_data(self) -> Place:
        """The line that reads the pixels of a data set past its transform."""
        raw = ("data", "train_data")
        place = self.find(
            lambda node: (
                isinstance(node, ast.Attribute)
                and node.attr in raw
                and getattr(node.value, "id", "") not in ("utils", "torch")
            )
        )
        return place or self.of_scaling()

    def statement(self, event: Event) -> ast.stmt | None:
        """The smallest statement at the line of an event."""
        tree, line = self.trees.get(event.file or ""), event.line or 0
        around = [
            node
            for node in ast.walk(tree or ast.Module([], []))
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
        ]
        return max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)), default=None)

    def assigned(self, event: Placed, name: str) -> ast.Assign | ast.AnnAssign | None:
        """The last assignment to a name at or before the line of an event."""
        tree = self.trees.get(event.file or "")
        found = [
            node
            for node in (ast.walk(tree) if tree else ())
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.lineno <= (event.line or 0)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name) and target.id == name
        ]
        return max(found, key=lambda node: node.lineno, default=None)

    def of_root(self, backward: Event) -> Place | None:
        """The line that makes the loss from which a backward pass starts."""
        statement = self.statement(backward)
        for node in ast.walk(statement) if statement else ():
            if not isinstance(node, ast.Attribute) or node.attr != "backward":
                continue
            if isinstance(node.value, ast.Name):
                found = self.assigned(backward, node.value.id)
                return Place(backward.file, found.lineno) if found else None
        return None

    def of_last_layer(self, network: Network, shaping: bool = False) -> Place | None:
        """The line of the last layer or function of a network, where its class is theirs.

        Args:
            shaping: the shape of its images is wrong; if its layers suit, `forward` shapes them.
        """
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and node.name == network.kind:
                    layers = _layers(node)
                    returns = [n.lineno for n in ast.walk(node) if isinstance(n, ast.Return)]
                    if shaping and "784" in ast.unparse(node) and returns:
                        return Place(file, max(returns))
                    layers = _layers(_applied_last(node)) or layers
                    if shaping:
                        layers = _layers(node, SHAPING) or layers
                    return Place(file, max(layers, default=node.lineno))
        return None

    def of_sequence(self, call: Event) -> Place | None:
        """The line of the last layer, where a call is that of an `nn.Sequential` with a name."""
        statement = self.statement(call) or ast.Module([], [])
        names = {called(node) for node in ast.walk(statement)}
        for node in ast.walk(self.trees.get(call.file or "") or ast.Module([], [])):
            named = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in names
            if named and "Sequential(" in ast.unparse(node) and (layers := _layers(node)):
                return Place(call.file, max(layers))
        return None

    def of_word(self, place: Placed, pattern: re.Pattern[str]) -> Placed:
        """The line that fits in the function at, or around, a place: the last one before it."""
        tree, line = self.trees.get(place.file or ""), place.line or 0
        around: list[ast.AST] = [
            node
            for node in (ast.walk(tree) if tree else ())
            if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0)
        ]
        text = self.texts.get(place.file or "", "").splitlines()
        inner = around[-1] if around else None
        first = inner.lineno + 1 if isinstance(inner, ast.FunctionDef) else max(1, line - 15)
        last = (inner.end_lineno or line) if isinstance(inner, ast.FunctionDef) else line
        fitting = [
            number
            for number in range(first, min(last, len(text)) + 1)
            if pattern.search(text[number - 1])
        ]
        before = [number for number in fitting if number <= line]
        return Place(place.file, before[-1] if before else fitting[0]) if fitting else place

    def of_device(self, otherwise: Place) -> Place:
        """The first statement that names a GPU without asking whether there is one."""
        for file in self.reached:
            tree = self.trees.get(file, ast.Module([], []))
            asked = {
                inner
                for node in ast.walk(tree)
                if isinstance(node, ast.If) and "is_available()" in ast.unparse(node.test)
                for inner in ast.walk(node)
            }
            for node in ast.walk(tree):
                if not isinstance(node, ast.Assign | ast.Expr) or node in asked:
                    continue
                text = ast.unparse(node)
                if _CUDA.search(text) and ("is_available()" not in text or _ELSE_GPU.search(text)):
                    return Place(file, node.lineno)
        return otherwise

    def chooses_device(self) -> bool:
        """Whether some code asks for a GPU, and nothing else may move networks there."""
        text = "\n".join(self.texts.get(name, "") for name in self.reached)
        return "is_available()" in text and not any(word in text for word in _FOR_ALL)

    def of_making(self, network: Network) -> Place | None:
        """The line that makes a network of a class of theirs that does not ask for a device."""
        for tree in self.trees.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and node.name == network.kind:
                    return None if "device" in ast.unparse(node) else self.of_call(network.kind)
        return None

    def of_call(self, name: str) -> Place | None:
        """The first line that calls what has this name."""
        return self.find(partial(_is_call, name))

    def find(self, fits: Callable[[ast.AST], bool]) -> Place | None:
        """The first line whose node fits, in the GAN's file before all others."""
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                if fits(node) and isinstance(node, ast.expr | ast.stmt):
                    return Place(file, node.lineno)
        return None


def _is_call(name: str, node: ast.AST) -> bool:
    return called(node) == name


def _layers(node: ast.AST, kinds: Collection[str] = LAYERS) -> list[int]:
    """The lines at which something makes or calls a layer."""
    return [
        inner.lineno
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call) and called(inner) in kinds
    ]


def _applied_last(network: ast.ClassDef) -> ast.AST:
    """What makes the layer that `forward` applies last, or calls it if it is a function."""
    made = {
        target.attr: node
        for node in ast.walk(network)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
    }
    calls = [
        inner
        for node in network.body
        if isinstance(node, ast.FunctionDef) and node.name == "forward"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call) and (called(inner) in LAYERS or called(inner) in made)
    ]
    if not calls:
        return network
    last = max(calls, key=lambda node: (node.lineno, -node.col_offset))
    return (
        ast.Call(last.func, [], [], lineno=last.lineno)
        if called(last) in LAYERS
        else (made[called(last)])
    )


def called(node: ast.AST) -> str:
    """The name of the function that is called."""
    if not isinstance(node, ast.Call):
        return ""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
