"""The types of the replies that a process with a student's code sends to the judge. The judge is
the process that checks the submission. In both processes, mypy checks the toolkit's code against
these types.

The judge asks a question by calling a method of a class in `answers/`. The method runs in the
process with the student's code. The return type of the method is the type of the reply. The judge
does not import the classes in `answers/`, so `REPLIES` lists the return types again, and a test
checks that they match the methods. The judge checks the type of each reply with the function
`fits`, and rejects a reply of the wrong type.
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

LARGEST = 2**53  # integers below this number are exact as floats


def is_natural(number: int) -> bool:
    """Return True for the numbers 0, 1, 2, ..."""
    return number >= 0


def has_axes(count: int) -> Callable[[Tensor], bool]:
    """Return a predicate that is True for floating-point tensors with `count` axes."""

    def is_such(tensor: Tensor) -> bool:
        return tensor.is_floating_point() and tensor.dim() == count

    return is_such


Natural = Annotated[int, is_natural]
Shape = list[Natural]
Matrix = Annotated[Tensor, has_axes(2)]
FileLine = tuple[str | None, int | None]  # a place, relative to the root
Named = tuple[str, str | None, int | None]  # a called name, and the file and line of the call
Made = tuple[FileLine, Shape, bool]  # place and shape of a new tensor; True if it is zero
Drawn = tuple[str, Shape, str | None, int | None]  # operation, shape and place of random numbers
StateDict = dict[str, Tensor]  # a state_dict
ScriptRun = dict[str, Any]  # as `record.script` describes it; `judging.train.trace` reads it


class ErrorDescription(TypedDict):
    """An exception raised by a student's code, as `answering.described` returns it."""

    types: list[str]  # names of the exception's class and its base classes
    text: str
    module: str | None  # the module that was not found
    file: str | None  # relative to the root, or None
    line: int | None
    walls: list[str]  # names of the limits that the exception indicates
    missing: str | None  # the path of a missing file


class DatasetClass(TypedDict):
    """A description of a file's data set class, as returned by `DatasetAnswers.load`."""

    name: str
    split: tuple[str, str | bool, str | bool] | None
    one_hot: str | None
    item: FileLine | None
    init: FileLine | None


class NoDatasetClass(TypedDict):
    """The reply for a file that has no data set class."""

    name: None
    functions: list[str]


class DatasetItems(TypedDict):
    """Some items of a data set, as `DatasetAnswers.items` returns them."""

    inputs: Tensor
    labels: Matrix
    dtype: str


class NoDatasetItems(TypedDict):
    """The reply of `DatasetAnswers.items` if the items that were read cannot be used. One possible
    reason is that an item is not a pair of an input and a label that can be converted to tensors.
    Another is that the shapes differ between items, or that there are no items.
    """

    inputs: None
    labels: None


class SeenCall(TypedDict):
    """A description of how a training script calls a network, as `Seen.said` returns it."""

    axes: str
    dim: Natural
    batch: Natural
    steps: Natural
    extra: int


class NetworkClass(TypedDict):
    """A description of a network class, as listed by `LSTMAnswers.load`."""

    name: str
    line: int | None
    forward: int | None
    seen: SeenCall | None


class NetworkClasses(TypedDict):
    """The network classes in a file."""

    classes: list[NetworkClass]


class NetworkTensor(TypedDict):
    """A tensor of a network, as `LSTMAnswers.build` returns it."""

    name: str
    kind: str
    shape: Shape
    grad: bool
    zero: bool
    unfilled: bool
    made: FileLine


class Built(TypedDict):
    """The facts about a new network, as `LSTMAnswers.build` returns them."""

    took: dict[str, object]
    recurrent: list[FileLine]
    tensors: list[NetworkTensor]


class Recorded(TypedDict):
    """The operations of a forward pass, as `LSTMAnswers.record` returns them."""

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
    """Selected intermediate values and the outputs of a forward pass in double precision, as
    `LSTMAnswers.look_up` returns them.
    """

    pieces: Tensor
    outputs: list[Tensor]


# For a tensor: autograd's slope, or None without a gradient, and two measured slopes.
Slopes = tuple[float | None, float, float]


class LeftBehind(TypedDict):
    """A tensor that would still be on the CPU if the network were moved to a GPU, as
    `LSTMAnswers.elsewhere` returns it.
    """

    left: tuple[str | None, int | None, str | None] | None


class CallsHeard(TypedDict):
    """The calls that involve a GPU or a recurrent layer, as `LSTMAnswers.calls` returns them."""

    gpu: list[Named]
    recurrent: list[Named]
    device: list[Named]


class LoaderItems(TypedDict):
    """The inputs from a DataLoader's data set, without their labels, as `TrainAnswers.items`
    returns them.
    """

    rows: Matrix
    total: int | None
    redrawn: bool


class BackwardPass(TypedDict):
    """A backward pass in a script that is watched line by line."""

    at: FileLine
    value: float | None
    random: int


class LineRun(TypedDict):
    """The record of one statement of a script, made when the statement first runs.

    The record also contains fields that are not listed here; they are read only by the code that
    writes the questions for an oral examination.
    """

    at: FileLine
    random: int


class LinesRun(TypedDict):
    """The record of a script that was watched line by line, as `TrainAnswers.watch` returns it."""

    ended: str
    whole: bool
    cpu: float
    passes: list[BackwardPass]
    lines: list[LineRun]


class Golden(TypedDict):
    """The golden values of an exported network: reference inputs and outputs for checking a loaded
    copy, and the tolerance within which its outputs must agree.
    """

    tolerance: float
    cases: list[object]


class FilesMade(TypedDict):
    """The facts about a network's exported files, as `GANAnswers.export` returns them."""

    problems: list[str]
    golden: Golden


class FunctionTried(TypedDict):
    """A call to a student's function, as made by `GANAnswers.try_function`."""

    returned: list[Tensor]
    noise: list[Tensor]
    lines: list[FileLine]
    error: ErrorDescription | None
    unknown: str | None


FEW = 4 << 20  # bytes of a reply
MANY = 64 << 20  # ten times the need of a correct submission


class Reply(NamedTuple):
    """The type and the maximum size of the reply to a question."""

    type: Any  # the return annotation of the method
    max_bytes: int = FEW


# The replies by the name of the method. The judge can ask no other questions.
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
    """Return True if a value received from the other process has the type `kind`.

    Args:
        kind: the type, as in an annotation: None, Any or object, a class, a `TypedDict`, a `list`,
            a `tuple`, a `dict` with strings as keys, a union, or an `Annotated` type with
            functions. The value for a `TypedDict` may have further keys. The functions of an
            `Annotated` type must return True for the value. A tuple arrives as a list, because JSON
            has no tuples.
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
    """Return a mapping from the names of a `TypedDict`'s fields to their types."""
    return get_type_hints(kind, include_extras=True)


def _fits_parts(value: Any, origin: Any, kinds: tuple[Any, ...]) -> bool:
    """Return True if a value has a given composite type, such as a union or a list."""
    if origin in (Union, UnionType):
        return any(fits(value, kind) for kind in kinds)
    if origin is Annotated:
        kind, *conditions = kinds
        return fits(value, kind) and all(is_met(value) for is_met in conditions)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, kinds[1]) for item in value.values())
    return isinstance(value, list) and _fits_items(value, origin, kinds)


def _fits_items(items: list[Any], origin: Any, kinds: tuple[Any, ...]) -> bool:
    """Return True if the items of a list or a tuple have the types in its annotation."""
    if origin is list:
        return all(fits(item, kinds[0]) for item in items)
    return len(items) == len(kinds) and all(map(fits, items, kinds))
