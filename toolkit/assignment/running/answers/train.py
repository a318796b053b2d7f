"""Replies to questions about the training of a student's LSTM."""

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
    """The replies to questions about one training script."""

    def plainly(self, *, file: str, existing: Sequence[str]) -> ErrorDescription | None:
        """Run a script as `python FILE` does, until it ends or stops with an error.

        No loop is shortened, and no command-line argument is guessed. The run only records each
        limit that the script reaches, such as the limit on disk space. These limits are set by the
        sandbox or by the check. Unlike a run on the student's machine, this run does not download
        MNIST. If there is no GPU, code that asks for one runs on the CPU; packages for plotting or
        logging that are not installed are replaced with dummy modules. If the script loads a weight
        file that was not handed in, its networks keep their current weights.

        Args:
            existing: the paths to keep in the folder; all others are deleted before each run.

        Returns:
            the exception, in the format of `answering.described`. The result is None if the script
            reached its end, or if the exception may have occurred only because weights or a GPU
            were missing.
        """
        weights = Weights()
        has_gpu = False
        replace_mnist(few_digits(self.back, whole=True))
        while True:
            error = None  # the error's frames keep the objects of the last run
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
        """Run a file once, after restoring the submission's folder to the state in which it was
        handed in.

        Args:
            existing: as for `plainly`.
            weights: keeps track of the weight files that were not handed in. If an earlier run
                failed because such a file was missing, `torch.load` now returns a stand-in for this
                file instead of raising an error.
            has_gpu: True to pretend that there is a GPU: code that asks for one then runs on the
                CPU.

        Returns:
            the exception; None if the script reached its end.
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
        """Return True if the student's code itself, and not a library, raised the exception."""
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
        """Run a script for a few training steps, and record the results of its statements; see
        `Lines`.

        Before the run, all files whose paths are not in `existing` are deleted.
        """
        clear(self.root, existing)
        forget_imports(self.root)
        lines = Lines(self.root, file, seed, max_seconds, game, batch, edit or {}, passes)
        return cast(LinesRun, lines.watch())

    def items(self, *, load: int, count: int, seconds: float) -> LoaderItems:
        """Return the inputs of a data set's items, without their labels.

        Args:
            load: the id of the DataLoader.
            count: the maximum number of items.
            seconds: the CPU time, in seconds, after which no further items are read.

        Returns:
            `rows` (n, numbers per item), float32, the flattened input of each item; `total`, the
            number of items; and `redrawn`, which is True if an item differed when it was read
            again. For an `IterableDataset`, `total` is None, and `redrawn` is True because a
            difference is assumed.
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
    """Return the indices of the items that a loader reads: the sampler's attribute `indices` if
    there is one, or else every index of the data set.
    """
    keys = getattr(loader.sampler, "indices", None)
    if keys is None:
        return range(len(loader.dataset))
    return list(keys)


def _rows(items: Iterable[Any], deadline: float) -> list[Tensor]:
    """Return the input of each data-set item; stop early if this process has used more CPU time
    than `deadline`.
    """
    rows = []
    for item in items:
        rows.append(_input(item))
        if time.process_time() > deadline:
            break
    return rows


def _input(item: Any) -> Tensor:
    """Return the input from an item of a data set, flattened. If the item is a dictionary, a tuple
    or a list, its first value is the input. Any other item is itself the input.
    """
    if isinstance(item, dict):
        item = next(iter(item.values()))
    if isinstance(item, tuple | list):
        item = item[0]
    return torch.as_tensor(item).float().reshape(-1)


def _together(rows: list[Tensor]) -> Tensor:
    """Stack rows into one tensor, which is empty if there are no rows or if their sizes differ."""
    shapes = {row.shape for row in rows}
    if len(shapes) != 1:
        return torch.zeros(0, 1)
    return torch.stack(rows)
