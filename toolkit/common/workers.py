"""Running many jobs in parallel, on the cores of this machine or on a Dask cluster."""

import contextlib
from collections.abc import Iterator

import joblib

from toolkit.common.errors import ToolkitError, UsageError

CONNECT_SECONDS = 10.0  # how long to wait for a Dask scheduler


@contextlib.contextmanager
def workers(cluster: str | None, num_workers: int) -> Iterator[None]:
    """Choose where `joblib.Parallel` runs its jobs inside the block.

    Args:
        cluster: address of a Dask scheduler; None for this machine.
        num_workers: processes on this machine; -1 for one per core.

    Raises:
        UsageError: there is no scheduler at that address.
        ToolkitError: Dask is not installed.
    """
    if cluster is None:
        with joblib.parallel_config(backend="loky", n_jobs=num_workers):
            yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ToolkitError(
            "--cluster needs Dask. Install it: python -m pip install -e '.[cluster]'"
        ) from error
    try:
        client = Client(cluster, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, TypeError, ValueError) as error:
        raise UsageError(f"There is no Dask scheduler at {cluster}: {error}.") from error
    with client, joblib.parallel_config(backend="dask"):
        yield
