"""The two kinds of mistake that the command line reports in one sentence, without a traceback."""


class ToolkitError(Exception):
    """Something failed that a person can mend: exit code 1."""

    exit_code = 1


class UsageError(ToolkitError, ValueError):
    """Something impossible was asked for: exit code 2."""

    exit_code = 2
