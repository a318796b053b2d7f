"""Answers about the training of a student's LSTM."""

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from toolkit.assignment.running.answering import described
from toolkit.assignment.running.importing.files import compiled, forget_imports, prepare_imports
from toolkit.assignment.running.importing.plain import clear, run_as_main
from toolkit.assignment.running.places import within
from toolkit.assignment.running.process.walls import noticed
from toolkit.assignment.running.process.weights import Weights
from toolkit.assignment.running.record.script.devices import Recorder
from toolkit.assignment.running.record.script.digits import few_digits, replace_mnist
from toolkit.assignment.running.record.script.lines import Lines
from toolkit.assignment.running.record.script.running import Runs
from toolkit.assignment.running.replies import ErrorDescription, LinesRun, LoaderItems

GPU = ("CUDA", "cuda", "NVIDIA")  # words of an error where there is none
AGAIN = 20  # items that are read twice


class TrainAnswers(Runs):
    """One script that trains."""

    def plainly(self, *, file: str, existing: Sequence[str]) -> ErrorDescription | None:
        """Run a file as `python FILE` does, until it ends, as it will where it stops with an error.

        Nothing is cut short or guessed, and only walls are watched for. What this machine lacks is
        not as it is for them: MNIST, which is not downloaded, packages that plot or log and are not
        installed, and a GPU. Weights that were not handed in have a stand-in.

        Args:
            existing: all that its folder is to have; what else an earlier run has made is deleted.

        Returns:
            what it raised, as in `answering.described`; None if it came to its end, or if what it
            raised may come from weights that are not its own, or from a GPU that is none.
        """
        weights = Weights()
        has_gpu = False
        replace_mnist(few_digits(self.back, whole=True))
        while True:
            error = None  # its frames hold all that the last run has made
            error = self._raised(self.root / file, existing, weights, has_gpu)
            if error is None:
                return None
            if weights.provide(getattr(error, "filename", None)):
                continue
            if has_gpu or not _asks_for_gpu(error):
                break
            has_gpu = True
        if weights.used or (has_gpu and self._is_raised(error)):
            return None
        return described(error, self.root)

    def _raised(
        self, path: Path, existing: Sequence[str], weights: Weights, has_gpu: bool
    ) -> Exception | None:
        """Run a file once in its folder as it was handed in.

        Args:
            existing: as of `plainly`.
            weights: those that have a stand-in by now.
            has_gpu: what asks for a GPU is computed on the CPU.

        Returns:
            what it raised; None if it came to its end.
        """
        clear(self.root, existing)
        forget_imports(self.root)
        prepare_imports(self.root, path.parent, lacking=True)
        gpu: AbstractContextManager[Any] = nullcontext()
        if has_gpu:
            gpu = Recorder(lambda kind, name: None)
        try:
            with noticed(), weights.standing_in(), gpu:
                run_as_main(ModuleType("__main__"), path, self.root, compiled(path))
        except SystemExit:
            return None
        except Exception as error:  # whatever a student's code raises
            return error
        return None

    def _is_raised(self, error: Exception) -> bool:
        """True if a line of theirs raises it, and no library that was called there."""
        last = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)][-1]
        return within(last, str(self.root)) is not None

    def watch(
        self,
        *,
        file: str,
        existing: Sequence[str],
        max_seconds: float,
        seed: int,
        game: bool,
        batch: int | None,
        edit: dict[str, str] | None = None,
        passes: int = 0,
    ) -> LinesRun:
        """Follow a script, in a folder that has only what is `existing`: see `Lines`."""
        clear(self.root, existing)
        forget_imports(self.root)
        lines = Lines(self.root, file, seed, max_seconds, game, batch, edit or {}, passes)
        return cast(LinesRun, lines.watch())

    def items(self, *, load: int, count: int, seconds: float) -> LoaderItems:
        """The inputs of a data set's items, without their labels.

        Args:
            load: id of the DataLoader.
            count: how many at most.
            seconds: of CPU time that it may take.

        Returns:
            `rows` (n, numbers of one item), float32; `total`, how many items it has (None: it has
            no end); and `redrawn`, whether an item is another one when it is read again.
        """
        loader = self.script.tracer.loads[load]
        deadline = time.process_time() + seconds
        dataset = loader.dataset
        if isinstance(dataset, IterableDataset):
            rows = _rows(islice(dataset, count), deadline)
            return {"rows": _together(rows), "total": None, "redrawn": True}
        keys = _keys(loader)
        rows = _rows((dataset[key] for key in keys[:count]), deadline)
        pairs = zip(keys[:AGAIN], rows, strict=False)
        redrawn = any(not torch.equal(row, _input(dataset[key])) for key, row in pairs)
        return {"rows": _together(rows), "total": len(keys), "redrawn": redrawn}


def _asks_for_gpu(error: Exception) -> bool:
    return any(word in str(error) for word in GPU)


def _keys(loader: Any) -> Sequence[Any]:
    """The keys of the items that a loader reads, in the order of its sampler."""
    keys = getattr(loader.sampler, "indices", None)
    if keys is None:
        return range(len(loader.dataset))
    return list(keys)


def _rows(items: Iterable[Any], deadline: float) -> list[Tensor]:
    """The inputs of items, until this process has used so much CPU time."""
    rows = []
    for item in items:
        rows.append(_input(item))
        if time.process_time() > deadline:
            break
    return rows


def _input(item: Any) -> Tensor:
    """The input that a network reads of an item: the first value in it."""
    if isinstance(item, dict):
        item = next(iter(item.values()))
    if isinstance(item, tuple | list):
        item = item[0]
    return torch.as_tensor(item).float().reshape(-1)


def _together(rows: list[Tensor]) -> Tensor:
    """One tensor of all rows; an empty one if there are none, or if their sizes differ."""
    shapes = {row.shape for row in rows}
    if len(shapes) != 1:
        return torch.zeros(0, 1)
    return torch.stack(rows)
