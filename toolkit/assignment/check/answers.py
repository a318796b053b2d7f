"""What an answer looks like, for each question about each part. Anything else is no answer.

A kind is a type, or None; a number: a floating tensor of so many axes; a tuple of kinds, of which
it has one; `[kind]`, a list of any length; `[kind, kind]`, a list of just these; `{str: kind}`, by
any names; or a dictionary of what has to be there.
"""

from typing import Any

from torch import Tensor

from toolkit.assignment.parts import Part

MOST = 2**53  # of an integer, which is exact as a float, too
LINE = (int, None)
TEXT = (str, None)
PLACE = [TEXT, LINE]
NAMED = [str, TEXT, LINE]
NEW = [[PLACE, [int], bool]]
ERROR = {"types": [str], "text": str, "module": TEXT, "file": TEXT, "line": LINE}
ANSWERS: dict[Part, dict[str, Any]] = {
    "dataset": {
        "load": ({"name": str, "split": ([str, (str, bool), (str, bool)], None), "one_hot": TEXT,
                  "item": (PLACE, None), "init": (PLACE, None)},
                 {"name": None, "functions": [str]}),
        "lines": {str: PLACE},
        "items": ({"inputs": Tensor, "labels": 2, "empty": bool},
                  {"inputs": None, "labels": None, "empty": bool}),
    },
    "lstm": {
        "load": {"classes": [{"name": str, "line": LINE, "forward": LINE}]},
        "source": str,
        "build": {"took": {str: object}, "recurrent": [PLACE], "tensors": [
            {"name": str, "kind": str, "shape": [int], "grad": bool, "zero": bool,
             "unfilled": bool, "made": PLACE}]},
        "run": [[Tensor]],
        "record": {
            "values": 3, "seen": [[int, int, int, *NAMED, PLACE]], "outputs": [[Tensor]],
            "written": {str: PLACE}, "remade": [str], "kept": [str], "uses": {str: int},
            "twice": [NAMED], "new": NEW, "cut": [PLACE], "random": [[str, [int], TEXT, LINE]],
            "softmax": [NAMED], "last": [NAMED], "made": [NAMED]},
        "makes": NEW,
        "slopes": {str: [(float, None), (float, None)]},
        "elsewhere": {"left": ([TEXT, LINE, TEXT], None)},
        "calls": {"gpu": [NAMED], "recurrent": [NAMED], "device": [NAMED]},
    },
    "train": {
        "plainly": (ERROR, None),
        "items": {"rows": 2, "total": (int, None), "redrawn": bool},
    },
    "gan": {
        "texts": {str: str},
        "outputs": (Tensor, None),
        "try_function": {"returned": [Tensor], "error": (ERROR, None), "unknown": TEXT},
    },
}  # fmt: skip


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind."""
    if isinstance(kind, tuple):
        return any(fits(value, one) for one in kind)
    if isinstance(kind, dict) and isinstance(value, dict):
        if str in kind:
            return all(fits(one, kind[str]) for one in value.values())
        return all(name in value and fits(value[name], one) for name, one in kind.items())
    if isinstance(kind, list) and isinstance(value, list):
        kinds = kind * len(value) if len(kind) == 1 else kind
        return len(kinds) == len(value) and all(map(fits, value, kinds))
    if isinstance(kind, int):
        return isinstance(value, Tensor) and value.is_floating_point() and value.dim() == kind
    if kind in (int, float) and isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < MOST
    return value is kind if kind is None else isinstance(kind, type) and isinstance(value, kind)
