"""Answers about the training of a student's LSTM."""

import time
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from traceback import walk_tb
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from toolkit.assignment.check.child.answering import described
from toolkit.assignment.check.child.importing import compiled, forget_imports, prepare_imports
from toolkit.assignment.check.child.places import within
from toolkit.assignment.check.child.plain import clear, run_as_main
from toolkit.assignment.check.child.process.walls import noticed
from toolkit.assignment.check.child.process.weights import Weights
from toolkit.assignment.check.child.script.devices import Recorder
from toolkit.assignment.check.child.script.digits import few_digits, replace_mnist
from toolkit.assignment.check.child.script.lines import Lines
from toolkit.assignment.check.child.script.running import Runs

GPU = ("CUDA", "cuda", "NVIDIA")  # words of an error where there is none


class Answers(Runs):
    """One script that trains."""

    def plainly(self, file: str, there: list[str]) -> dict[str, Any] | None:
        """Run a file as `python FILE` does, until it ends, as it will where it stops with an error.

        Nothing is cut short or guessed, and only walls are watched for. What this machine lacks is
        not as it is for them: MNIST, which is not downloaded, packages that plot or log and are not
        installed, and a GPU. Weights that were not handed in have a stand-in.

        Args:
            there: all that its folder is to have; what else an earlier run has made is deleted.

        Returns:
            what it raised, as in `answering.described`; None if it came to its end, or if what it
            raised may come from weights that are not its own, or from a GPU that is none.
        """
        path = self.root / file
        weights = Weights()
        gpu: AbstractContextManager[Any] = nullcontext()
        replace_mnist(few_digits(self.back, whole=True))
        while True:
            clear(self.root, there)
            forget_imports(self.root)
            prepare_imports(self.root, path.parent, lacking=True)
            try:
                with noticed(), weights.standing_in(), gpu:
                    run_as_main(ModuleType("__main__"), path, self.root, compiled(path))
            except SystemExit:
                return None
            except Exception as error:  # whatever a student's code raises
                if weights.provide(getattr(error, "filename", None)):
                    continue
                if isinstance(gpu, nullcontext) and _asks_for_gpu(error):
                    gpu = Recorder(lambda what, name: None)
                    continue
                is_doubtful = weights.used or (isinstance(gpu, Recorder) and self._is_raised(error))
                return None if is_doubtful else described(error, self.root)
            return None

    def _is_raised(self, error: Exception) -> bool:
        """True if a line of theirs raises it, and no library that was called there."""
        last = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)][-1]
        return within(last, str(self.root)) is not None

    def watch(self, file: str, there: list[str], max_seconds: float, **how: Any) -> dict[str, Any]:
        """Follow a script, in a folder that has only what was `there`: see `Lines`."""
        clear(self.root, there)
        forget_imports(self.root)
        return Lines(self.root, file, max_seconds=max_seconds, **how).watch()

    def items(self, load: int, count: int, seconds: float) -> dict[str, Any]:
        """The inputs of a data set's items, without their labels.

        Args:
            load: id of the DataLoader.
            count: how many at most.
            seconds: of CPU time that it may take.

        Returns:
            `rows` (n, numbers of one item), float32; `total`, how many items it has (None: it has
            no end); and `redrawn`, whether an item is another one when it is read again.
        """
        loader = self.script.trace.loads[load]
        deadline = time.process_time() + seconds
        dataset = loader.dataset
        if isinstance(dataset, IterableDataset):
            keys: Any = None
            items = (item for item in dataset)
        else:
            keys = getattr(loader.sampler, "indices", None)
            keys = range(len(dataset)) if keys is None else list(keys)
            items = (dataset[k] for k in keys)
        rows = []
        for item in islice(items, count):
            rows.append(_input(item))
            if time.process_time() > deadline:
                break
        redrawn = keys is None or any(
            not torch.equal(rows[k], _input(dataset[keys[k]])) for k in range(min(20, len(rows)))
        )
        shapes = {row.shape for row in rows}
        return {
            "rows": torch.stack(rows) if len(shapes) == 1 else torch.zeros(0, 1),
            "total": None if keys is None else len(keys),
            "redrawn": redrawn,
        }


def _asks_for_gpu(error: Exception) -> bool:
    return any(word in str(error) for word in GPU)


def _input(item: Any) -> Tensor:
    """What a network reads of an item: the first thing in it."""
    if isinstance(item, dict):
        item = next(iter(item.values()))
    first = item[0] if isinstance(item, tuple | list) else item
    return torch.as_tensor(first).float().reshape(-1)
