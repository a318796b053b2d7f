"""What every command line of the toolkit shares."""

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from toolkit.common.errors import ToolkitError

Command = TypeVar("Command", bound=Callable[..., None])


def reports_errors(command: Command) -> Command:
    """A command whose user's mistakes end in one sentence and an exit code, not in a traceback."""

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
            print("Interrupted. The same command, less --restart, goes on.", file=sys.stderr)
            raise typer.Exit(130) from error

    return wrapper  # type: ignore[return-value]
