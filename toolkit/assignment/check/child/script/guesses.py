"""Arguments for a student's functions, guessed from the names of their parameters."""

import argparse
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any

import torch
from torch import nn

from toolkit.assignment.check.child.importing import UnknownParameter
from toolkit.assignment.check.child.stand_ins import Anything

NUMBERS: dict[str, Any] = {
    **dict.fromkeys(("seq_length", "seq_len", "sequence_length", "length", "t", "timesteps"), 5),
    "input_length": 4,
    **dict.fromkeys(("batch_size", "batchsize", "bs", "batch"), 64),
    **dict.fromkeys(("epochs", "num_epochs", "n_epochs", "epoch", "max_epochs", "num_epoch"), 3),
    **dict.fromkeys(("steps", "train_steps", "max_steps", "num_steps", "iterations", "n_iter"), 30),
    **dict.fromkeys(("lr", "learning_rate", "alpha", "eta"), 1e-3),
    **dict.fromkeys(("hidden_dim", "hidden_size", "num_hidden", "n_hidden", "hidden", "hdim"), 128),
    **dict.fromkeys(("output_dim", "num_classes", "output_size", "n_classes", "num_labels"), 10),
    **dict.fromkeys(("input_dim", "input_size", "n_inputs"), 10),
    **dict.fromkeys(("latent_dim", "z_dim", "nz", "noise_dim", "latent_size", "n_z", "zdim"), 100),
    **dict.fromkeys(("max_norm", "clip", "grad_clip", "clip_norm", "max_grad_norm"), 10.0),
    **dict.fromkeys(("seed", "step", "i", "iteration", "batch_idx"), 0),
    **dict.fromkeys(("verbose", "save", "plot", "debug"), False),
    **dict.fromkeys(("train", "training", "shuffle", "one_hot"), True),
    **dict.fromkeys(("sample_interval", "log_interval", "print_every", "save_every", "eval_freq",
                     "log_every", "eval_every", "save_interval"), 10),
    **dict.fromkeys(("name", "file_name", "filename", "model_name", "run_name", "exp_name", "tag",
                     "path", "save_path", "out_path", "output_path", "folder", "directory"), "out"),
    **dict.fromkeys(("save_dir", "out_dir", "output_dir", "log_dir", "logdir", "model_dir",
                     "checkpoint_dir", "sample_dir", "image_dir", "img_dir", "results_dir"), "."),
    "device": torch.device("cpu"),
}  # fmt: skip
NETWORKS = {
    "model": ("lstm", "model", "net", "rnn"),
    "lstm": ("lstm", "model"),
    "net": ("lstm", "net", "model"),
    "network": ("lstm", "net", "model"),
    "generator": ("generator", "gen", "g"),
    "discriminator": ("discriminator", "disc", "critic", "d"),
}
ALIASES = {
    **dict.fromkeys(("g", "netg", "gen", "g_model", "model_g", "g_net"), "generator"),
    **dict.fromkeys(("d", "netd", "disc", "d_model", "model_d", "critic", "dis"), "discriminator"),
}  # fmt: skip
CONTRACT = ("train_step", "train_discriminator", "train_generator")  # what they take is given
LOGS = ("writer", "logger", "log", "summary_writer", "pbar", "bar")


CONFIGS = ("config", "args", "opt", "cfg", "params", "hparams", "opts", "hyperparameters")


class Guesses:
    """Makes arguments, each once.

    Args:
        names: what the script defines; a parameter takes what has its own name there.
        more: makes values for parameters of other names, when they are needed.
    """

    def __init__(self, names: Mapping[str, Any], more: Mapping[str, Callable[[], Any]]) -> None:
        self._names = names
        self._more = more
        self._made: dict[str, Any] = {}
        self.guessed: list[str] = []  # parameters whose values are not theirs

    def mains(self, functions: Mapping[str, FunctionType]) -> Iterator[FunctionType]:
        """Functions that may train all by themselves, the likeliest first."""
        first = [name for name in ("main", "train", "run", "fit", "training") if name in functions]
        others = [
            name
            for name in functions
            if _has(name, "main", "train", "fit", "run_")
            and not _has(name, "step", "disc", "gen", "load", "data", "_d", "_g")
        ]
        for name in dict.fromkeys(first + others):
            yield functions[name]

    def steps(self, functions: Mapping[str, FunctionType]) -> Iterator[FunctionType]:
        """Functions that may make one step each."""
        for name, function in functions.items():
            likely = _has(name, "train", "step", "update", "optimi")
            if likely and not _has(name, "load", "data", "plot"):
                yield function

    def methods(self) -> Iterator[Callable[..., Any]]:
        """What trains in classes that are no networks, each bound to an object that is made."""
        for kind in list(self._names.values()):
            if isinstance(kind, type) and not issubclass(kind, nn.Module):
                for name in ("train", "fit", "run", "train_model"):
                    if inspect.isfunction(vars(kind).get(name)):
                        yield getattr(self._build(kind), name)
                        break

    def call(self, function: Callable[..., Any]) -> Any:
        """Call a function.

        Raises:
            UnknownParameter: nothing is known about one of its parameters.
            whatever it raises.
        """
        arguments: dict[str, Any] = {}
        positional: list[Any] = []
        begun = len(self.guessed)
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.default is not parameter.empty:
                continue
            value = self.value(name, function.__name__.lower())
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                arguments[name] = value
        if function.__name__ in CONTRACT:
            del self.guessed[begun:]
        return function(*positional, **arguments)

    def value(self, name: str, function: str) -> Any:
        """A value for a parameter of a function.

        Raises:
            UnknownParameter: nothing is known about it.
        """
        lower = name.lower()
        if name in self._names and not inspect.ismodule(self._names[name]):
            return self._names[name]
        self.guessed.append(name)
        if lower in ("optimizer", "optimiser", "opt", "optim"):
            return self._optimizer(self._trained_by(function))
        for word, owner in (("optimizer", ""), ("optimiser", ""), ("opt", ""), ("optim", "")):
            rest = lower.replace(word, "").strip("_") + owner
            if word in lower and rest in ALIASES | NETWORKS:
                return self._optimizer(ALIASES.get(rest, rest))
        lower = ALIASES.get(lower, lower)
        if lower in NETWORKS:
            return self._network(lower)
        if lower in self._more:
            if lower not in self._made:
                self._made[lower] = self._more[lower]()
            return self._made[lower]
        if lower in NUMBERS:
            return NUMBERS[lower]
        if lower in LOGS:
            return Anything()
        if lower in CONFIGS:
            return self._config(lower)
        raise UnknownParameter(name)

    def _trained_by(self, function: str) -> str:
        """Which network a function trains, by its name."""
        if "disc" in function or function.endswith(("_d", "_critic")) or "_d_" in function:
            return "discriminator"
        if "gen" in function or function.endswith("_g") or "_g_" in function:
            return "generator"
        return "model"

    def _network(self, name: str) -> nn.Module:
        if name not in self._made:
            kinds = {
                key.lower(): value
                for key, value in self._names.items()
                if isinstance(value, type)
                and issubclass(value, nn.Module)
                and value.__module__.partition(".")[0] != "torch"
            }
            kind = next((kinds[w] for w in NETWORKS[name] if w in kinds), None) or next(
                (k for w in NETWORKS[name] if len(w) > 1 for n, k in kinds.items() if w in n), None
            )
            if kind is None:
                raise UnknownParameter(name)
            self._made[name] = self._build(kind)
        network: nn.Module = self._made[name]
        return network

    def _build(self, kind: type[Any]) -> Any:
        arguments = {}
        for name, parameter in inspect.signature(kind).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.default is parameter.empty:
                arguments[name] = self.value(name, "")
        return kind(**arguments)

    def _config(self, name: str) -> Any:
        """Their own settings, from a class or from a module of this name; else the usual ones."""
        names = dict(self._names)
        if importlib.util.find_spec(name) is not None:
            names |= vars(importlib.import_module(name))
        for key, value in names.items():
            if isinstance(value, type) and _has(key.lower(), *CONFIGS):
                return self._build(value)
        return _Config(NUMBERS)

    def _optimizer(self, network: str) -> torch.optim.Optimizer:
        key = f"optimizer of {network}"
        if key not in self._made:
            parameters = self._network(network).parameters()
            kind = torch.optim.RMSprop if network == "model" else torch.optim.Adam
            self._made[key] = kind(parameters, lr=1e-3)
        optimizer: torch.optim.Optimizer = self._made[key]
        return optimizer


def _has(name: str, *words: str) -> bool:
    return any(word in name for word in words)


class _Config(argparse.Namespace):
    """Has the usual values under the usual names."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise UnknownParameter(name)
