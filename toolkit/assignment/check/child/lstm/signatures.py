"""Calling a constructor or a forward whose parameters have names of the student's own choice."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.assignment.check.child.importing import UnknownParameter

# What a parameter is, by its name; the first that fits. The order matters: input_length is a
# length, num_hidden a hidden size.
NAMES = {
    "first": r"batch_?first",
    "device": r"dev(ice)?$",
    "directions": r"bidirect",
    "bias": r"^(use_?|with_?)?bias$",
    "dropout": r"drop",
    "layers": r"layer|depth",
    "vocabulary": r"vocab|num_?embeddings|n_?token",
    "embedding": r"emb",
    "hidden": r"hid|unit|rnn_?size|lstm_?(size|dim)|h_?(dim|size)|^n?_?h$|neuron|state|d_?model"
    r"|^dim$",
    "batch": r"batch|^bs$",
    "steps": r"seq|len|time|step|window|^t$",
    "classes": r"class|out|target|label|categor|^k$|^n_?y$",
    "input": r"in(put)?_|^in|input|feat|x_?(dim|size)|^d$|^n?_?x$|_in$|data_?dim",
}
POSITIONS = ("input", "hidden", "classes")
SETTINGS = r"config|args|cfg|^opts?$|options|h?params|^conf$|^hps?$|settings"
STATES = r"hid|stat|^h|^c|prev|init|mem|^prior"


class Settings(Mapping[str, Any]):
    """A config or args object that knows every size, by whatever name it is asked for."""

    def __init__(self, sizes: Mapping[str, Any]) -> None:
        self.__dict__["_sizes"] = sizes

    def __getattr__(self, name: str) -> Any:
        what = meaning(name)
        if what is None or self._sizes.get(what) is None:
            raise AttributeError(name)
        return self._sizes[what]

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)


def meaning(name: str) -> str | None:
    """Which size a parameter of this name is; None if the name does not say."""
    return next((what for what, words in NAMES.items() if re.search(words, name.lower())), None)


def construct(kind: type, sizes: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Build an instance, and tell which sizes were asked for and what their defaults are.

    Args:
        sizes: what a parameter is -> its value; None where its default is to be kept.

    Raises:
        UnknownParameter: a parameter without a default whose name says nothing.
    """
    positional: list[Any] = []
    named: dict[str, Any] = {}
    took: dict[str, Any] = {}
    parameters = list(inspect.signature(kind).parameters.values())
    by_name = {meaning(p.name) for p in parameters}
    left = [what for what in POSITIONS if what not in by_name]
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        has_default = p.default is not p.empty
        what = meaning(p.name)
        if re.search(SETTINGS, p.name.lower()) and not has_default:
            value: Any = Settings(sizes)
            took |= dict.fromkeys(sizes)
        elif what is not None and sizes.get(what) is not None and what not in took:
            value = sizes[what]
            took[what] = p.default if isinstance(p.default, int) else None
        elif has_default:
            continue
        elif what is not None and sizes.get(what) is not None:
            value = sizes[what]
        elif left:
            value = sizes[left[0]]
            took[left.pop(0)] = None
        else:
            raise UnknownParameter(p.name)
        if p.kind is p.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[p.name] = value
    return kind(*positional, **named), took


def more_arguments(
    function: Any, states: str | None, state: Any, others: Mapping[str, Any]
) -> dict[str, Any]:
    """What to pass to a forward after its input.

    Args:
        states: how initial states are passed: None (only where they have no default), "none" (as
            None), or "pair" (as zeros, in one tuple or one by one).
        state: one initial state.
        others: what else a parameter may ask for -> its value.

    Raises:
        UnknownParameter: a parameter without a default whose name says nothing.
    """
    parameters = [
        p
        for p in list(inspect.signature(function).parameters.values())[1:]
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    chosen: dict[str, Any] = {}
    of_state = [p for p in parameters if re.search(STATES, p.name.lower())]
    for p in parameters:
        what = meaning(p.name)
        if p in of_state:
            if p.default is not p.empty and states is None:
                continue
            alone = len(of_state) == 1
            chosen[p.name] = None if states == "none" else (state, state) if alone else state
        elif p.default is not p.empty:
            continue
        elif what is not None and what in others:
            chosen[p.name] = others[what]
        else:
            raise UnknownParameter(p.name)
    return chosen
