"""The types of what may come back after a question."""

import inspect
from pkgutil import resolve_name
from types import NoneType
from typing import Annotated, Any, TypedDict, get_type_hints

import pytest
import torch
from torch import Tensor

from toolkit.assignment.running.answering import ANSWERS
from toolkit.assignment.running.parts import PARTS, Part
from toolkit.assignment.running.replies import REPLIES, Matrix, Natural, fits


def questions(part: Part) -> dict[str, Any]:
    """The methods that answer about a part, by name."""
    methods = inspect.getmembers(resolve_name(ANSWERS[part]), inspect.isfunction)
    return {name: method for name, method in methods if not name.startswith("_")}


@pytest.mark.parametrize("part", PARTS)
def test_every_question_has_the_type_of_its_reply(part: Part) -> None:
    """The judge knows each method that answers, and expects the type that it returns."""
    returned = {}
    for name, method in questions(part).items():
        returned[name] = get_type_hints(method, include_extras=True)["return"]
    expected = {name: reply.type or NoneType for name, reply in REPLIES[part].items()}
    assert expected == returned


@pytest.mark.parametrize("part", PARTS)
def test_arguments_have_names(part: Part) -> None:
    """The pipe carries no others, and mypy refuses what is given by its position."""
    for name, method in questions(part).items():
        _, *parameters = inspect.signature(method).parameters.values()
        kinds = {parameter.kind for parameter in parameters}
        assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, name


class Record(TypedDict):
    a: int


class Outer(TypedDict):
    inner: list[Record]
    none: None


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (int, 3, True), (int, 0, 2**60), (float, 3, "3"), (float, 0.5, True), (bool, True, 1),
        (None, None, 0), (str | None, None, 0), (list[int], [], [1, "2"]),
        (list[int], [1, 2], {"0": 1}), (tuple[str, int], ["a", 1], ["a"]),
        (tuple[str, int], ["a", 1], [1, "a"]), (tuple[str, int], ["a", 1], ["a", 1, 1]),
        (dict[str, int], {"a": 1}, {"a": "b"}), (dict[str, int], {}, []),
        (Record, {"a": 1, "b": 2}, {"b": 2}), (Record, {"a": 1}, [1]),
        (Record, {"a": 1}, {"a": ""}),
        (Record | None, None, {}), (Outer, {"inner": [{"a": 1}], "none": None}, {"inner": [{}]}),
        (Outer, {"inner": [], "none": None}, {"inner": [], "none": 0}),
        (Matrix, torch.ones(3, 4), torch.ones(3)), (Matrix, torch.ones(0, 4), torch.ones(3, 4) > 0),
        (Matrix, torch.ones(3, 4), [[1.0]]), (Tensor, torch.ones(()), 1.0),
        (Natural, 0, -1), (Natural, 7, True), (Natural, 7, 2.0),
        (Annotated[str, str.isupper], "A", "a"), (dict[str, Any], {"a": object()}, None),
        (dict[str, object], {"a": [None]}, []), (list[Natural | None], [1, None], [-1]),
    ],
)  # fmt: skip
def test_types(kind: Any, right: Any, wrong: Any) -> None:
    assert fits(right, kind)
    assert not fits(wrong, kind)
