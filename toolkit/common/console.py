"""Error handling that the toolkit's command lines share."""

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from toolkit.common.errors import ToolkitError

Command = TypeVar("Command", bound=Callable[..., None])


def reports_errors(command: Command) -> Command:
    """Decorate a command so that a user's mistake ends in one sentence instead of a traceback.

    The sentence goes to standard error. The exit code is the error's own (1 or 2), 1 when the
    memory or a file fails, and 130 after Ctrl-C. Any other exception is a bug and keeps its
    traceback.
    """

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except ToolkitError as error:
            print(f"Error: {error}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from error
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            print("Error: out of memory. Choose smaller sizes.", file=sys.stderr)
            raise typer.Exit(1) from error
        except OSError as error:
            print(f"Error: {error}.", file=sys.stderr)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            print(
                "Interrupted. Run the same command again, without --restart, to continue.",
                file=sys.stderr,
            )
            raise typer.Exit(130) from error

    return wrapper  # type: ignore[return-value]
