"""Functions that run many jobs in parallel, on this machine's cores or on a Dask cluster."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import joblib

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.package_data import how_to_install

Answer = TypeVar("Answer")
CONNECT_SECONDS = 10.0  # how long to wait for a Dask scheduler


@contextlib.contextmanager
def workers(cluster: str | None, num_workers: int) -> Iterator[None]:
    """Choose where `joblib.Parallel` runs jobs in the `with` block: on local cores or on a cluster.

    Args:
        cluster: the address of a Dask scheduler; None for this machine.
        num_workers: the number of worker processes to use on this machine; -1 for one per core.

    Raises:
        UsageError: there is no scheduler at the address `cluster`.
        ToolkitError: Dask is not installed.
    """
    if cluster is None:
        with joblib.parallel_config(
            backend="loky", n_jobs=num_workers, initializer=_end_with, initargs=(os.getpid(),)
        ):
            yield
        return
    with _connected(cluster), joblib.parallel_config(backend="dask"):
        yield


def ask_workers(cluster: str, function: Callable[..., Answer], *given: Any) -> list[Answer]:
    """Run a function on each worker of a cluster, and return the results.

    `ask_workers` waits until the cluster has a worker, because a cluster that grows on demand
    starts without workers.

    Raises:
        UsageError: there is no scheduler at the address `cluster`.
        ToolkitError: Dask is not installed.
    """
    with _connected(cluster) as client:
        client.submit(function, *given, pure=False).result()
        return list(client.run(function, *given).values())


def _connected(cluster: str) -> Any:
    """Connect to a Dask scheduler, and return the client, which is a context manager."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ToolkitError(
            f"--cluster needs Dask. Install it: {how_to_install('cluster')}"
        ) from error
    try:
        return Client(cluster, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, TypeError, ValueError) as error:
        raise UsageError(f"There is no Dask scheduler at {cluster}: {error}.") from error


def _end_with(parent: int) -> None:
    """End this worker when its parent process ends.

    A parent process that was killed cannot stop its workers. Without this function, a worker would
    finish its job, and then wait five minutes for another job.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
