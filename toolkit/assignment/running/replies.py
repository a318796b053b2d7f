"""The replies to the judge's questions: their types, which mypy sees on both sides of the pipe.

A question is a method of a class in `answers/`, and its reply is of the type that the method
returns. The judge does not import these classes, so `REPLIES` names the types once more; a test
compares them. The judge believes no reply of another type: see `fits`.
"""

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import (
    Annotated,
    Any,
    NamedTuple,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from torch import Tensor

from toolkit.assignment.running.parts import Part

LARGEST = 2**53  # of an integer, which is exact as a float, too


def is_natural(number: int) -> bool:
    """True for 0, 1, 2, ..."""
    return number >= 0


def has_axes(count: int) -> Callable[[Tensor], bool]:
    """Return a test for a floating tensor of so many axes."""

    def is_such(tensor: Tensor) -> bool:
        return tensor.is_floating_point() and tensor.dim() == count

    return is_such


Natural = Annotated[int, is_natural]
Shape = list[Natural]
Matrix = Annotated[Tensor, has_axes(2)]
FileLine = tuple[str | None, int | None]  # a place, relative to the root
Named = tuple[str, str | None, int | None]  # the name of what was called, its file and its line
Made = tuple[FileLine, Shape, bool]  # a tensor that was made of nothing: is it zero?
Drawn = tuple[str, Shape, str | None, int | None]  # an operation, what it draws, and its place
StateDict = dict[str, Tensor]  # a state_dict
ScriptRun = dict[str, Any]  # as `record.script` describes it; `judging.train.trace` reads it


class ErrorDescription(TypedDict):
    """An exception of a student's code, as of `answering.described`."""

    types: list[str]  # names of its class and of those that it derives from
    text: str
    module: str | None  # that an import did not find
    file: str | None  # relative to the root; None: not in their code
    line: int | None
    walls: list[str]  # names of those that it shows
    missing: str | None  # the path of a file that it did not find


class DatasetClass(TypedDict):
    """The class of a data set, as of `DatasetAnswers.load`."""

    name: str
    split: tuple[str, str | bool, str | bool] | None
    one_hot: str | None
    item: FileLine | None
    init: FileLine | None


class NoDatasetClass(TypedDict):
    """A file without a class of a data set."""

    name: None
    functions: list[str]


class DatasetItems(TypedDict):
    """Some items of a data set, as of `DatasetAnswers.items`."""

    inputs: Tensor
    labels: Matrix
    dtype: str


class NoDatasetItems(TypedDict):
    """Items that are no pairs of tensors."""

    inputs: None
    labels: None


class SeenCall(TypedDict):
    """How a training calls a network, as of `Seen.said`."""

    axes: str
    dim: Natural
    batch: Natural
    steps: Natural
    extra: int


class NetworkClass(TypedDict):
    """The class of a network, as of `LSTMAnswers.load`."""

    name: str
    line: int | None
    forward: int | None
    seen: SeenCall | None


class NetworkClasses(TypedDict):
    """The classes of networks in a file."""

    classes: list[NetworkClass]


class NetworkTensor(TypedDict):
    """A tensor of a network, as of `LSTMAnswers.build`."""

    name: str
    kind: str
    shape: Shape
    grad: bool
    zero: bool
    unfilled: bool
    made: FileLine


class Built(TypedDict):
    """A network that was built, as of `LSTMAnswers.build`."""

    took: dict[str, object]
    recurrent: list[FileLine]
    tensors: list[NetworkTensor]


class Recorded(TypedDict):
    """The operations of a forward pass, as of `LSTMAnswers.record`."""

    values: Annotated[Tensor, has_axes(3)]
    seen: list[tuple[int, int, int, str, str | None, int | None, FileLine]]
    outputs: list[list[Tensor]]
    written: dict[str, FileLine]
    remade: list[str]
    kept: list[str]
    uses: dict[str, int]
    twice: list[Named]
    new: list[Made]
    cut: list[FileLine]
    random: list[Drawn]
    softmax: list[Named]
    last: list[Named]
    made: list[Named]


class LookedUp(TypedDict):
    """Pieces of a forward pass in double precision, as of `LSTMAnswers.look_up`."""

    pieces: Tensor
    outputs: list[Tensor]


# Of a tensor: autograd's slope, if it has a gradient, and two that were measured.
Slopes = tuple[float | None, float, float]


class LeftBehind(TypedDict):
    """What a network has left on another device, as of `LSTMAnswers.elsewhere`."""

    left: tuple[str | None, int | None, str | None] | None


class CallsHeard(TypedDict):
    """Calls that should not have been, as of `LSTMAnswers.calls`."""

    gpu: list[Named]
    recurrent: list[Named]
    device: list[Named]


class LoaderItems(TypedDict):
    """The inputs of items that a DataLoader reads, as of `TrainAnswers.items`."""

    rows: Matrix
    total: int | None
    redrawn: bool


class BackwardPass(TypedDict):
    """A backward pass in a script that is watched line by line."""

    at: FileLine
    value: float | None
    random: int


class LineRun(TypedDict):
    """A statement in such a script, and further facts that only the oral examination reads."""

    at: FileLine
    random: int


class LinesRun(TypedDict):
    """A script that was watched line by line, as of `TrainAnswers.watch`."""

    ended: str
    whole: bool
    cpu: float
    passes: list[BackwardPass]
    lines: list[LineRun]


class Golden(TypedDict):
    """Golden values of an export."""

    tolerance: float
    cases: list[object]


class FilesMade(TypedDict):
    """A network that was written to files, as of `GANAnswers.export`."""

    problems: list[str]
    golden: Golden


class FunctionTried(TypedDict):
    """A call of a student's function, as of `GANAnswers.try_function`."""

    returned: list[Tensor]
    noise: list[Tensor]
    lines: list[FileLine]
    error: ErrorDescription | None
    unknown: str | None


FEW = 4 << 20  # bytes of a reply
MANY = 64 << 20  # ten times what a right submission needs, where that can be read


class Reply(NamedTuple):
    """What may come back after a question."""

    type: Any  # as the method that answers is annotated
    max_bytes: int = FEW


# By the name of the method that answers. Nothing else can be asked.
REPLIES: dict[Part, dict[str, Reply]] = {
    "dataset": {
        "load": Reply(DatasetClass | NoDatasetClass),
        "items": Reply(DatasetItems | NoDatasetItems, MANY),
    },
    "lstm": {
        "watch": Reply(None),
        "load": Reply(NetworkClasses),
        "source": Reply(str),
        "build": Reply(Built),
        "put": Reply(None),
        "run": Reply(list[list[Tensor]], MANY),
        "run_without_dropout": Reply(list[Tensor]),
        "record": Reply(Recorded, MANY),
        "makes": Reply(list[Made]),
        "look_up": Reply(LookedUp, MANY),
        "unpickle": Reply(list[StateDict], MANY),
        "slopes": Reply(dict[str, Slopes]),
        "learn": Reply(list[float]),
        "elsewhere": Reply(LeftBehind),
        "calls": Reply(CallsHeard),
    },
    "train": {
        "run": Reply(ScriptRun, MANY),
        "plainly": Reply(ErrorDescription | None),
        "watch": Reply(LinesRun),
        "items": Reply(LoaderItems, MANY),
    },
    "gan": {
        "run": Reply(ScriptRun, MANY),
        "run_drawing": Reply(ScriptRun | None, MANY),
        "run_also": Reply(ScriptRun, MANY),
        "texts": Reply(dict[str, str]),
        "outputs": Reply(Tensor | None),
        "unpickle": Reply(list[StateDict], MANY),
        "shapes": Reply(dict[str, Shape]),
        "export": Reply(FilesMade),
        "try_function": Reply(FunctionTried),
    },
}


def fits(value: Any, kind: Any) -> bool:
    """True if a value that came through the pipe is of a type.

    Args:
        kind: as in an annotation: None, Any or object, a class, a `TypedDict` (further keys may be
            there, too), or `list`, `tuple`, `dict` with names as keys, a union and `Annotated` of
            such, the last with functions that have to be true. A tuple has become a list on its
            way, since JSON has no tuples.
    """
    if kind is Any:
        return True
    if kind is None:
        return value is None
    if isinstance(kind, type):
        return _fits_class(value, kind)
    return _fits_parts(value, get_origin(kind), get_args(kind))


def _fits_class(value: Any, kind: type) -> bool:
    if kind in (int, float) and isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < LARGEST
    if not is_typeddict(kind):
        return isinstance(value, kind)
    if not isinstance(value, dict):
        return False
    for name, field_kind in _fields(kind).items():
        if name not in value or not fits(value[name], field_kind):
            return False
    return True


@cache
def _fields(kind: type) -> dict[str, Any]:
    """The fields of a `TypedDict`, by name."""
    return get_type_hints(kind, include_extras=True)


def _fits_parts(value: Any, origin: Any, kinds: tuple[Any, ...]) -> bool:
    """True if a value is of a type that has types in it."""
    if origin in (Union, UnionType):
        return any(fits(value, kind) for kind in kinds)
    if origin is Annotated:
        kind, *conditions = kinds
        return fits(value, kind) and all(is_met(value) for is_met in conditions)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, kinds[1]) for item in value.values())
    return isinstance(value, list) and _fits_items(value, origin, kinds)


def _fits_items(items: list[Any], origin: Any, kinds: tuple[Any, ...]) -> bool:
    """True if items are of the type of a list's, or one by one of the types of a tuple's."""
    if origin is list:
        return all(fits(item, kinds[0]) for item in items)
    return len(items) == len(kinds) and all(map(fits, items, kinds))
