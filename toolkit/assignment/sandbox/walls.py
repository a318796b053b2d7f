"""Sentences about the limits that apply in a sandbox but not on an ordinary machine."""

from toolkit.assignment.sandbox.isolation import OPEN_FILES, Limits


def walls_of(limits: Limits) -> dict[str, str]:
    """Return a sentence about each limit, keyed by the limit's name in `running.process.walls`."""
    return {
        "EFBIG": f"a file may have {limits.file_size / 2**20:,.4g} MiB",
        "ENOSPC": f"all files together may have {limits.disk / 2**30:,.4g} GiB",
        "EAGAIN": f"{limits.processes} processes and threads may run at the same time",
        "EMFILE": f"a process may have {OPEN_FILES:,} files open",
        "ENOMEM": f"it may take {limits.memory / 2**30:,.4g} GiB of memory",
        "EPERM": "it may not change what the system gives it, and has no sockets of a network",
        "EACCES": "it may write only to its own folder, to its home and to TMPDIR",
        "ENOTTY": "there is no terminal",
        "ENETUNREACH": "there is no network",
        "locale": "it has only the locales of the grader's machine",
        "user": "its user has a number and no name",
    }
